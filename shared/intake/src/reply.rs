//! Replies of people on the approval topic: `approve <release> <token>`, `reject <release> <token> <reason>`, or the
//! same as JSON. What is malformed is answered with what a reply looks like, and nothing of it is quoted: any word of
//! it may be the token (I9).

use model::text::is_unseen;
use serde::Deserialize;

use crate::{Meaning, Reply, ReplyAnswer, Subject, Token, Why};

/// Longer reasons are cut. CodePipeline takes 512 characters in its summary.
const REASON_CHARS_MAX: usize = 500;

const TOKEN_BYTES_MAX: usize = 128;
/// Of the tokens that requests show.
const TOKEN_DIGITS: usize = 32;

#[derive(Clone, Copy)]
enum Verb {
    Approve,
    Reject,
}

impl Verb {
    fn of(word: &str) -> Option<Self> {
        if word.eq_ignore_ascii_case("approve") {
            Some(Self::Approve)
        } else if word.eq_ignore_ascii_case("reject") {
            Some(Self::Reject)
        } else {
            None
        }
    }
}

/// Whether a text sets out to be a reply.
pub(crate) fn is_attempt(text: &str) -> bool {
    text.split_whitespace().next().and_then(Verb::of).is_some()
}

pub(crate) fn malformed(problem: &str) -> Meaning {
    Meaning::Ignored(Why::MalformedReply { problem: problem.to_owned() })
}

fn meaning(reply: Result<Subject, &'static str>) -> Meaning {
    match reply {
        Ok(subject) => Meaning::Signal(subject),
        Err(problem) => malformed(problem),
    }
}

pub(crate) fn from_text(text: &str) -> Meaning {
    meaning(parse_text(text))
}

/// Reads the first paragraph: what follows a blank line or "--" is a signature. A mail program may have broken
/// the line.
fn parse_text(text: &str) -> Result<Subject, &'static str> {
    let mut lines = text
        .lines()
        .map(str::trim)
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty() && !line.starts_with("--"));
    let mut words: Vec<&str> = Vec::new();
    while words.len() < 3 {
        let Some(line) = lines.next() else { break };
        words.extend(line.split_whitespace());
    }
    let verb = words
        .first()
        .copied()
        .and_then(Verb::of)
        .ok_or("the reply starts with neither approve nor reject")?;
    let release = words.get(1).ok_or("the reply names no release")?;
    let token = words.get(2).ok_or("the reply has no token after the release")?.trim_end_matches('.');
    let answer = match verb {
        // "approve … but not before Monday" is no approval.
        Verb::Approve if words.len() > 3 => return Err("something follows the token of an approval"),
        Verb::Approve => ReplyAnswer::Approve,
        Verb::Reject => {
            let rest = words.iter().skip(3).copied().chain(lines.flat_map(str::split_whitespace));
            ReplyAnswer::Reject { reason: reason(&rest.collect::<Vec<_>>().join(" "))? }
        }
    };
    reply(release, token, answer)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    answer: String,
    release: String,
    token: String,
    #[serde(default)]
    reason: Option<String>,
}

/// Reads the text itself, so that a field that stands twice is refused and not overruled.
pub(crate) fn from_json(text: &str) -> Meaning {
    meaning(parse_json(text))
}

fn parse_json(text: &str) -> Result<Subject, &'static str> {
    let written: Written = serde_json::from_str(text)
        .map_err(|_| "the reply lacks a field, has another one, has one twice, or has one that is no text")?;
    let answer = match Verb::of(&written.answer).ok_or("the answer is neither approve nor reject")? {
        Verb::Approve => ReplyAnswer::Approve,
        Verb::Reject => ReplyAnswer::Reject { reason: reason(&written.reason.unwrap_or_default())? },
    };
    reply(&written.release, &written.token, answer)
}

fn reply(named: &str, token: &str, answer: ReplyAnswer) -> Result<Subject, &'static str> {
    let is_token = (1..=TOKEN_BYTES_MAX).contains(&token.len())
        && token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !is_token {
        return Err("the token is not of the form that the request shows");
    }
    let token = Token::new(token);
    if let Ok(to) = named.parse() {
        return Ok(Subject::PipelineReply(Reply { to, token, answer }));
    }
    let to = named.parse().map_err(|_| "the release is not of the form <service>-<environment>-<n>")?;
    Ok(Subject::Reply(Reply { to, token, answer }))
}

/// A reason is shown; a token that was pasted into it is not (I9).
fn reason(text: &str) -> Result<String, &'static str> {
    let seen: String = text.chars().filter(|c| !is_unseen(*c)).collect();
    let reason: String = without_tokens(&seen).chars().take(REASON_CHARS_MAX).collect();
    let reason = reason.trim();
    if reason.is_empty() {
        return Err("a rejection says why; the token is still good");
    }
    Ok(reason.to_owned())
}

/// So many hexadecimal digits in a row may be a token, whatever was written close to it.
fn without_tokens(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, run) = rest.split_at(start);
        let end = run.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(run.len());
        shown.push_str(before);
        shown.push_str(if end < TOKEN_DIGITS { &run[..end] } else { "(token)" });
        rest = &run[end..];
    }
    shown + rest
}
