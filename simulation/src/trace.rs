//! What happened, line by line: hashed always, kept when somebody will read it.

use std::fmt::{Arguments, Write};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Nothing,
    Hash,
    Lines,
}

#[derive(Debug)]
pub(crate) struct Trace {
    keep: Keep,
    /// FNV-1a of every line.
    pub(crate) hash: u64,
    pub(crate) lines: Vec<String>,
    line: String,
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

impl Trace {
    pub(crate) fn new(keep: Keep) -> Self {
        Self { keep, hash: FNV_OFFSET, lines: Vec::new(), line: String::new() }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.keep != Keep::Nothing
    }

    /// `at_ms` counts from the start of the run.
    pub(crate) fn add(&mut self, at_ms: u64, what: Arguments<'_>) {
        if self.keep == Keep::Nothing {
            return;
        }
        self.line.clear();
        let (hours, minutes) = (at_ms / 3_600_000, at_ms / 60_000 % 60);
        let seconds = at_ms / 1000 % 60;
        let _ = write!(self.line, "{hours:02}:{minutes:02}:{seconds:02}.{:03} {what}", at_ms % 1000);
        for byte in self.line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
        if self.keep == Keep::Lines {
            self.lines.push(self.line.clone());
        }
    }
}
