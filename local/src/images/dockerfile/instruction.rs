//! Instructions and their arguments.

use super::{
    lines::{Document, Logical},
    words,
};

pub(super) enum Parsed {
    From { base: String, name: Option<String>, platform: Option<String> },
    Step(Instruction),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Instruction {
    /// Logged and noted in the history; not executed.
    Run,
    Copy(Copy),
    Arg(Vec<(String, Option<String>)>),
    Image(Image),
}

/// `COPY` and `ADD`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Copy {
    /// A stage's name or number, or an image.
    pub(crate) from: Option<String>,
    pub(crate) mode: Option<u32>,
    pub(crate) sources: Vec<String>,
    pub(crate) documents: Vec<Document>,
    pub(crate) target: String,
}

/// What changes the image's configuration alone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Image {
    Cmd(Shape),
    Entrypoint(Shape),
    Shell(Vec<String>),
    Env(Vec<(String, String)>),
    Label(Vec<(String, String)>),
    Expose(Vec<String>),
    Volume(Vec<String>),
    User(String),
    WorkDir(String),
    StopSignal(String),
    Author(String),
    /// `HEALTHCHECK` and `ONBUILD`: kept in the history only.
    Noted,
}

/// `["a", "b"]`, or a line for the shell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Exec(Vec<String>),
    Line(String),
}

const KNOWN: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

pub(super) fn parse(logical: &Logical) -> Result<Parsed, String> {
    let (keyword, rest) = logical.text.split_once(char::is_whitespace).unwrap_or((&logical.text, ""));
    let (name, rest) = (keyword.to_ascii_uppercase(), rest.trim());
    if !KNOWN.contains(&name.as_str()) {
        return Err(unknown(&name, keyword));
    }
    if rest.is_empty() {
        return Err(match name.as_str() {
            "FROM" => "FROM requires either one or three arguments".to_owned(),
            "COPY" | "ADD" => format!("{name} requires at least two arguments, but only one was provided"),
            "WORKDIR" | "USER" | "STOPSIGNAL" | "MAINTAINER" => {
                format!("{name} requires exactly one argument")
            }
            _ => format!("{name} requires at least one argument"),
        });
    }
    let image = |image| Ok(Parsed::Step(Instruction::Image(image)));
    match name.as_str() {
        "FROM" => from(rest),
        "RUN" => Ok(Parsed::Step(Instruction::Run)),
        "COPY" | "ADD" => {
            copy(&name, rest, &logical.documents).map(|copy| Parsed::Step(Instruction::Copy(copy)))
        }
        "ARG" => {
            Ok(Parsed::Step(Instruction::Arg(words::split(rest).iter().map(|word| argument(word)).collect())))
        }
        "CMD" => image(Image::Cmd(shape(rest))),
        "ENTRYPOINT" => image(Image::Entrypoint(shape(rest))),
        "SHELL" => match shape(rest) {
            Shape::Exec(words) => image(Image::Shell(words)),
            Shape::Line(_) => Err("SHELL requires the arguments to be in JSON form".to_owned()),
        },
        "ENV" => image(Image::Env(pairs("ENV", rest)?)),
        "LABEL" => image(Image::Label(pairs("LABEL", rest)?)),
        "EXPOSE" => image(Image::Expose(words::split(rest))),
        "VOLUME" => image(Image::Volume(match shape(rest) {
            Shape::Exec(words) => words,
            Shape::Line(line) => words::split(&line),
        })),
        "USER" => image(Image::User(rest.to_owned())),
        "WORKDIR" => image(Image::WorkDir(rest.to_owned())),
        "STOPSIGNAL" => image(Image::StopSignal(rest.to_owned())),
        "MAINTAINER" => image(Image::Author(rest.to_owned())),
        _ => image(Image::Noted),
    }
}

fn unknown(name: &str, written: &str) -> String {
    let near = KNOWN.iter().find(|known| distance_is_small(known, name));
    match near {
        Some(near) => format!("unknown instruction: {written} (did you mean {near}?)"),
        None => format!("unknown instruction: {written}"),
    }
}

/// One letter changed, left out, added or swapped.
fn distance_is_small(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let begin = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[begin..], &b[begin..]);
    match a.len() as isize - b.len() as isize {
        0 => a.get(1..) == b.get(1..) || (a.len() > 1 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..]),
        1 => &a[1..] == b,
        -1 => a == &b[1..],
        _ => false,
    }
}

fn from(rest: &str) -> Result<Parsed, String> {
    let (flags, words) = flags(rest);
    let mut platform = None;
    for (flag, value) in flags {
        match flag.as_str() {
            "platform" => platform = value,
            _ => return Err(format!("unknown flag: --{flag}")),
        }
    }
    match words.as_slice() {
        [base] => Ok(Parsed::From { base: base.clone(), name: None, platform }),
        [base, keyword, name] if keyword.eq_ignore_ascii_case("as") => {
            Ok(Parsed::From { base: base.clone(), name: Some(name.to_ascii_lowercase()), platform })
        }
        _ => Err("FROM requires either one or three arguments".to_owned()),
    }
}

fn copy(name: &str, rest: &str, documents: &[Document]) -> Result<Copy, String> {
    let (flags, words) = flags(rest);
    let (mut from, mut mode) = (None, None);
    for (flag, value) in flags {
        match flag.as_str() {
            "from" if name == "COPY" => from = value,
            "chmod" => {
                let text = value.unwrap_or_default();
                let read = u32::from_str_radix(&text, 8).ok().filter(|mode| *mode <= 0o7777);
                mode = Some(read.ok_or_else(|| format!("invalid chmod parameter: '{text}'"))?);
            }
            // They change owners, caching or what a fetched source must be; not which files there are.
            "chown" | "link" | "parents" | "exclude" | "checksum" | "keep-git-dir" | "unpack" => {}
            _ => return Err(format!("unknown flag: --{flag}")),
        }
    }
    let words = match serde_json::from_str::<Vec<String>>(&words.join(" ")) {
        Ok(exec) => exec,
        Err(_) => words,
    };
    let Some((target, sources)) = words.split_last().filter(|(_, sources)| !sources.is_empty()) else {
        return Err(format!("{name} requires at least two arguments, but only one was provided"));
    };
    let sources: Vec<String> =
        sources.iter().filter(|word| words::document_name(word).is_none()).cloned().collect();
    Ok(Copy { from, mode, sources, documents: documents.to_vec(), target: target.clone() })
}

/// Leading `--name=value` words, and the others.
fn flags(rest: &str) -> (Vec<(String, Option<String>)>, Vec<String>) {
    let mut words = words::split(rest);
    let first = words.iter().position(|word| !word.starts_with("--")).unwrap_or(words.len());
    let flags = words.drain(..first).map(|word| {
        let flag = word.trim_start_matches("--");
        match flag.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (flag.to_owned(), None),
        }
    });
    (flags.collect(), words)
}

fn argument(word: &str) -> (String, Option<String>) {
    match word.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (word.to_owned(), None),
    }
}

/// `A=b C=d`, or the old form `A b c`.
fn pairs(name: &str, rest: &str) -> Result<Vec<(String, String)>, String> {
    let words = words::split(rest);
    if !words.first().is_some_and(|word| word.contains('=')) {
        let (key, value) =
            rest.split_once(char::is_whitespace).ok_or_else(|| format!("{name} must have two arguments"))?;
        return Ok(vec![(key.to_owned(), value.trim().to_owned())]);
    }
    let pair = |word: &String| {
        word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| {
            format!("Syntax error - can't find = in \"{word}\". Must be of the form: name=value")
        })
    };
    words.iter().map(pair).collect()
}

fn shape(rest: &str) -> Shape {
    match serde_json::from_str::<Vec<String>>(rest) {
        Ok(words) => Shape::Exec(words),
        Err(_) => Shape::Line(rest.to_owned()),
    }
}
