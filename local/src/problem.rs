//! What can go wrong with the local AWS, and what to do about it.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("local mode needs python3 (3.10 or later, with its venv module) on PATH: {source}")]
    NoPython { source: std::io::Error },
    #[error("installing the emulator failed while it was {doing}; the log is {}:\n{tail}", log.display())]
    Install { doing: &'static str, log: PathBuf, tail: String },
    #[error("the emulator did not start; the end of its log:\n{tail}")]
    Emulator { tail: String },
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the front door cannot listen on a loopback port: {source}")]
    Listen { source: std::io::Error },
    #[error("the binary of {function} is missing at {}: build the functions first (cargo build --workspace --bins)", path.display())]
    NoBinary { function: String, path: PathBuf },
    #[error("{}: {what}", template.display())]
    Template { template: PathBuf, what: String },
    #[error("the local AWS refused {doing}: {why}")]
    Refused { doing: String, why: String },
    #[error("stack {stack} ended as {status}:\n{events}")]
    Stack { stack: String, status: String, events: String },
    #[error("{doing} took longer than {limit_seconds} seconds")]
    TooLong { doing: String, limit_seconds: u64 },
}

impl Problem {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// Keeps the whole chain of an SDK error: its own text says only "service error".
    pub(crate) fn refused(doing: impl Into<String>) -> impl FnOnce(&dyn std::error::Error) -> Self {
        let doing = doing.into();
        move |error| {
            let mut why = error.to_string();
            let mut source = error.source();
            while let Some(inner) = source {
                why = format!("{why}: {inner}");
                source = inner.source();
            }
            Self::Refused { doing, why }
        }
    }
}
