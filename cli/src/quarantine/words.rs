//! What `tidegate quarantine` prints.

use intake::dead_letter::{Dropped, Payload};
use model::text::excerpt;
use model::time::Timestamp;
use serde_json::{Value, json};

use super::post::{Letter, Taken};
use crate::clock::time_of_day;
use crate::replay::{in_json, in_text};

pub(super) const NOTHING: &str = "Nothing waits for a person.";
/// Longer lines are cut.
const LINE_CHARS_MAX: usize = 10_000;
/// Enough of an id to tell messages apart.
const ID_SHOWN: usize = 8;

/// A heading for each last stop, and under it a line for each letter.
pub(super) fn list(taken: &Taken) -> String {
    let mut text = String::new();
    let mut heading = "";
    for letter in &taken.letters {
        if heading != letter.stop.name {
            heading = &letter.stop.name;
            text += &format!("{heading}\n");
        }
        text += &printable(&format!("  {}", line(letter)));
        text.push('\n');
    }
    text += &unseen(taken);
    if text.is_empty() { format!("{NOTHING}\n") } else { text }
}

/// What could not be taken, so that nobody takes the list for everything.
pub(super) fn unseen(taken: &Taken) -> String {
    let line = |(stop, unseen): (&String, &usize)| {
        format!("{stop}: about {unseen} more, behind these or held by somebody else just now\n")
    };
    taken.unseen.iter().map(line).collect()
}

fn line(letter: &Letter) -> String {
    let id: String = letter.id().chars().take(ID_SHOWN).collect();
    let function = letter.letter.function.map_or("nobody", |function| function.as_str());
    let times = match letter.copies() {
        1 => String::new(),
        times => format!(" ({times} times)"),
    };
    let why = letter.letter.why();
    let why = why.lines().next().unwrap_or_default();
    format!("{id}  {}  {function:<8}  {}{times}: {why}", time_of_day(letter.came()), letter.letter.about())
}

pub(super) fn line_json(letter: &Letter) -> Value {
    let dead = &letter.letter;
    let today = match &dead.payload {
        Payload::Whole(text) => in_json(text.as_bytes()),
        Payload::Damaged { .. } | Payload::Withheld => Value::Null,
    };
    json!({
        "id": letter.id(),
        "queue": letter.stop.name,
        "function": dead.function.map(|function| function.as_str()),
        "about": dead.about(),
        "source": dead.source(),
        "happened": dead.happened(),
        "came": letter.came().0,
        "keptUntil": letter.kept_until().0,
        "times": letter.copies(),
        "attempts": letter.attempts(),
        "why": dead.why(),
        "reading": today,
        "redrivable": dead.redrive().is_ok(),
        "whatToDo": dead.what_to_do(),
    })
}

pub(super) fn whole_json(letter: &Letter) -> Value {
    let mut shown = line_json(letter);
    shown["payload"] = letter.letter.shown().into();
    shown
}

/// Everything about one letter. `flag` is what the commands that it suggests need.
pub(super) fn whole(letter: &Letter, flag: &str) -> String {
    let dead = &letter.letter;
    let unknown = || "the message does not say".to_owned();
    let mut text = format!("{} in {}\n", letter.id(), letter.stop.name);
    let mut row = |name: &str, value: &str| {
        let mut lines = value.lines();
        text += &printable(&format!("  {name:<10} {}", lines.next().unwrap_or_default()));
        text.push('\n');
        for line in lines {
            text += &printable(&format!("  {:<10} {line}", ""));
            text.push('\n');
        }
    };
    row("what", &dead.about());
    if let Some(source) = dead.source().filter(|source| *source != dead.about()) {
        row("source", &source);
    }
    row("happened", &dead.happened().unwrap_or_else(unknown));
    row("came here", &came(letter));
    row("function", dead.function.map_or("nobody", |function| function.as_str()));
    row("why", &dead.why());
    row("tried", &letter.attempts().map_or_else(unknown, times));
    if let Payload::Whole(payload) = &dead.payload {
        row("today", &in_text(payload.as_bytes()));
    }
    row("to do", &to_do(letter, flag));
    match dead.shown() {
        Some(payload) => row("message", &pretty(payload)),
        None => row("message", "not shown: an answer of a person holds a token"),
    }
    text
}

fn came(letter: &Letter) -> String {
    let gone = format!("SQS deletes it on {}", time_of_day(letter.kept_until()));
    match letter.copies() {
        1 => format!("{}; {gone}", time_of_day(letter.came())),
        n => format!(
            "{}, the last of {n} with the same words; {gone}, the oldest first",
            time_of_day(letter.came())
        ),
    }
}

fn to_do(letter: &Letter, flag: &str) -> String {
    let id: String = letter.id().chars().take(ID_SHOWN).collect();
    let mut said = letter.letter.what_to_do();
    if letter.letter.redrive().is_ok() {
        said += &format!("\ntidegate quarantine redrive {id}{flag}");
    }
    said + &format!("\ntidegate quarantine drop {id} --reason WHY{flag}")
}

fn times(n: u64) -> String {
    if n == 1 { "once".to_owned() } else { format!("{n} times") }
}

/// JSON in lines, or the text as it is.
fn pretty(payload: &str) -> String {
    let value = serde_json::from_str::<Value>(payload);
    value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| payload.to_owned())
}

pub(super) fn dropped(dropped: &[Dropped]) -> String {
    if dropped.is_empty() {
        return "Nothing was ever dropped.\n".to_owned();
    }
    let line = |dropped: &Dropped| {
        let Dropped { id, queue, about, failure, by, reason, at } = dropped;
        let failure = failure.lines().next().unwrap_or_default();
        let at = time_of_day(Timestamp(*at));
        printable(&format!("{at}  {by} dropped {id} of {queue} ({about}: {failure}): {reason}")) + "\n"
    };
    dropped.iter().map(line).collect()
}

/// A line of others' words, fit to be shown.
pub(super) fn printable(line: &str) -> String {
    excerpt(line, LINE_CHARS_MAX)
}
