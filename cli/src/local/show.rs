//! What a local run prints: a line per step, for people or for programs.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::Instant;

use model::ids::StackName;
use model::release::{Ending, Release, Step};
use serde_json::{Value, json};

use crate::clock::time_of_day;

/// Where results go.
pub(crate) struct Screen {
    json: bool,
    colours: bool,
    begun: Instant,
    /// Whether the cursor stands behind a question.
    asking: Cell<bool>,
}

impl Screen {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            colours: !json && std::io::stdout().is_terminal(),
            begun: Instant::now(),
            asking: Cell::new(false),
        }
    }

    pub(crate) fn step(&self, release: &Release, step: &Step) {
        if self.json {
            print_line(&json!({
                "at": time_of_day(step.at),
                "release": release.id.to_string(),
                "phase": step.phase,
                "what": step.what,
            }));
            return;
        }
        self.begin_line();
        let seconds = self.begun.elapsed().as_secs_f64();
        let phase = self.coloured(colour_of(&step.phase), &format!("{:<16}", step.phase));
        println!("{seconds:>7.1} s  {}  {phase}  {}", release.id, step.what);
    }

    /// The plan's lines of a request's text; everything else of it is for `details`.
    pub(crate) fn plan(&self, text: &str) {
        if self.json {
            return;
        }
        let plan =
            text.lines().skip_while(|line| !line.starts_with("Plan ")).take_while(|line| !line.is_empty());
        for line in plan {
            let colour = if line.contains("!!") {
                RED
            } else if line.contains("! ") {
                YELLOW
            } else {
                PLAIN
            };
            println!("{INDENT}{}", self.coloured(colour, line));
        }
    }

    pub(crate) fn details(&self, text: &str) {
        for line in text.lines() {
            println!("{INDENT}{line}");
        }
    }

    pub(crate) fn ask(&self, release: &str) {
        self.begin_line();
        self.asking.set(true);
        print!("{INDENT}{} ", self.coloured(BOLD, &format!("approve {release}? [y/n/d]")));
        // A prompt that cannot be shown is no reason to stop: the answer may still come by the topic.
        std::io::stdout().flush().unwrap_or_default();
    }

    /// The last line of a run.
    pub(crate) fn ending(&self, release: &Release) {
        let ending = release.ending();
        let stack: StackName = release.id.track.stack();
        let task_definition = match ending {
            Some(Ending::Deployed { deployed, .. }) => Some(deployed.task_definition.as_str()),
            _ => None,
        };
        if self.json {
            print_line(&json!({
                "release": release.id.to_string(),
                "ending": ending.map(|ending| ending.name()),
                "digest": release.phase.image().map(|image| image.as_str()),
                "stack": stack.as_str(),
                "stackStatus": ending.and_then(|ending| ending.stack_status()),
                "taskDefinition": task_definition,
            }));
            return;
        }
        let Some(ending) = ending else { return };
        let name = self.coloured(colour_of(ending.name()), ending.name());
        println!("\n{}: {name}, {}", release.id, ending.reason());
        if let Some(status) = ending.stack_status() {
            println!("  stack            {stack} is {status}");
        }
        if let Some(task_definition) = task_definition {
            println!("  task definition  {task_definition}");
        }
    }

    /// The question was answered: the terminal has begun the next line itself.
    pub(crate) fn answered(&self) {
        self.asking.set(false);
    }

    /// What happens while a question is open stands on lines of its own.
    fn begin_line(&self) {
        if self.asking.replace(false) {
            println!();
        }
    }

    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.colours && !colour.is_empty() {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Under the phase column.
const INDENT: &str = "           ";
const PLAIN: &str = "";
const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

fn colour_of(phase: &str) -> &'static str {
    match phase {
        "Deployed" => GREEN,
        "Failed" | "RolledBack" => RED,
        "AwaitingApproval" | "Rejected" | "Expired" | "Superseded" => YELLOW,
        _ => CYAN,
    }
}

fn print_line(line: &Value) {
    println!("{line}");
}
