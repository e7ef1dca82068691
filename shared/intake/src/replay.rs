//! What `tidegate replay` shows: what a payload means, without AWS.

use serde_json::{Value, json};

use crate::{Meaning, Reading, Subject, read};

/// `{"outcome","function","why","signal","track"}` of the message that matters most: the first signal, else the
/// first quarantined, else the first ignored. Where there are more, `records` has all in their order.
pub fn json(payload: &[u8]) -> Value {
    json_with(payload, |_| None)
}

/// The same for people: a paragraph for each message.
pub fn text(payload: &[u8]) -> String {
    text_with(payload, |_| None)
}

/// [`json`], with an object `told` in each signal of which more is known.
pub fn json_with(payload: &[u8], told: impl Fn(&Subject) -> Option<Value>) -> Value {
    let readings = read(payload);
    let object = |reading: &Reading| {
        let mut object = object(reading);
        if let Some(told) = signal(reading).and_then(&told) {
            object["told"] = told;
        }
        object
    };
    let mut shown = principal(&readings).map_or(Value::Null, object);
    if readings.len() > 1 {
        shown["records"] = readings.iter().map(object).collect();
    }
    shown
}

/// [`text`], with more lines for such a signal.
pub fn text_with(payload: &[u8], told: impl Fn(&Subject) -> Option<String>) -> String {
    let paragraphs: Vec<String> = read(payload)
        .iter()
        .map(|reading| paragraph(reading) + &signal(reading).and_then(&told).unwrap_or_default())
        .collect();
    paragraphs.join("\n")
}

fn signal(reading: &Reading) -> Option<&Subject> {
    match &reading.meaning {
        Meaning::Signal(subject) => Some(subject),
        Meaning::Ignored(_) | Meaning::Quarantine(_) => None,
    }
}

fn principal(readings: &[Reading]) -> Option<&Reading> {
    let rank = |reading: &&Reading| match reading.meaning {
        Meaning::Signal(_) => 0,
        Meaning::Quarantine(_) => 1,
        Meaning::Ignored(_) => 2,
    };
    readings.iter().min_by_key(rank)
}

fn object(reading: &Reading) -> Value {
    // Serializing plain structs of texts cannot fail; if it did, the rest would still be true.
    let signal = signal(reading).and_then(|subject| serde_json::to_value(subject).ok());
    json!({
        "outcome": outcome(&reading.meaning),
        "function": reading.owner.map(|owner| owner.as_str()),
        "why": why(&reading.meaning),
        "signal": signal,
        "track": reading.track.as_ref().map(ToString::to_string),
    })
}

fn outcome(meaning: &Meaning) -> &'static str {
    match meaning {
        Meaning::Signal(_) => "signal",
        Meaning::Ignored(_) => "ignored",
        Meaning::Quarantine(_) => "quarantine",
    }
}

fn why(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Signal(subject) => subject.to_string(),
        Meaning::Ignored(why) => why.to_string(),
        Meaning::Quarantine(unreadable) => unreadable.to_string(),
    }
}

fn paragraph(reading: &Reading) -> String {
    let owner = reading.owner.map_or("nobody", |owner| owner.as_str());
    let mut lines = format!("{}: {}\n  for {owner}", outcome(&reading.meaning), why(&reading.meaning));
    if let Some(track) = &reading.track {
        lines.push_str(&format!(", track {track}"));
    }
    lines.push('\n');
    lines
}
