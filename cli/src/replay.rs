//! `tidegate replay FILE`: what an event means.

use std::path::Path;
use std::process::ExitCode;

use crate::{MISUSED, fail};

pub(crate) fn replay(file: &Path, json: bool) -> ExitCode {
    let payload = match std::fs::read(file) {
        Ok(payload) => payload,
        Err(error) => return fail(MISUSED, format!("cannot read {}: {error}", file.display())),
    };
    if json {
        println!("{}", intake::replay::json(&payload));
    } else {
        print!("{}", intake::replay::text(&payload));
    }
    ExitCode::SUCCESS
}
