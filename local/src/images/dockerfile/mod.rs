//! A Dockerfile, read as BuildKit reads it: parser directives, comments, continuation lines, here-documents, stages.
//!
//! Source: Docker's "Dockerfile reference".

mod instruction;
mod lines;
mod words;

pub(crate) use instruction::{Copy, Image, Instruction, Shape};
pub(crate) use words::expand;

/// A stage: `FROM` and what follows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stage {
    pub(crate) base: String,
    pub(crate) name: Option<String>,
    pub(crate) platform: Option<String>,
    pub(crate) line: usize,
    pub(crate) steps: Vec<Step>,
}

/// One instruction, with its text as written for the log and the image's history.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) instruction: Instruction,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dockerfile {
    /// `ARG` before the first `FROM`: what `FROM` may use.
    pub(crate) arguments: Vec<(String, Option<String>)>,
    pub(crate) stages: Vec<Stage>,
}

/// Why a text is no Dockerfile, in docker's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("dockerfile parse error: file with no instructions")]
    Empty,
    #[error("dockerfile parse error on line {line}: {reason}")]
    Line { line: usize, reason: String },
}

pub(crate) fn parse(text: &str) -> Result<Dockerfile, Unusable> {
    let mut file = Dockerfile { arguments: Vec::new(), stages: Vec::new() };
    for logical in lines::read(text)? {
        let line = logical.line;
        let refused = |reason: String| Unusable::Line { line, reason };
        match instruction::parse(&logical).map_err(refused)? {
            instruction::Parsed::From { base, name, platform } => {
                file.stages.push(Stage { base, name, platform, line, steps: Vec::new() });
            }
            instruction::Parsed::Step(instruction) => match (file.stages.last_mut(), instruction) {
                (Some(stage), instruction) => {
                    stage.steps.push(Step { line, text: logical.text, instruction });
                }
                (None, Instruction::Arg(arguments)) => file.arguments.extend(arguments),
                (None, _) => return Err(refused("no build stage in current context".to_owned())),
            },
        }
    }
    if file.stages.is_empty() && file.arguments.is_empty() {
        return Err(Unusable::Empty);
    }
    if file.stages.is_empty() {
        return Err(Unusable::Line { line: 1, reason: "no build stage in current context".to_owned() });
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
