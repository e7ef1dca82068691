//! What the person at the terminal types.

use std::io::BufRead;
use std::sync::mpsc::{Receiver, channel};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    Details,
    Unclear,
}

/// Lines from stdin, read by a thread of their own: a terminal cannot be waited for beside other things.
pub(crate) struct Answers(Receiver<String>);

impl Answers {
    pub(crate) fn listen() -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self(receiver)
    }

    /// What was typed since the last call, if anything.
    pub(crate) fn next(&self) -> Option<Answer> {
        self.0.try_recv().ok().map(|line| understand(&line))
    }
}

fn understand(line: &str) -> Answer {
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Answer::Yes,
        "n" | "no" => Answer::No,
        "d" | "details" => Answer::Details,
        _ => Answer::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_approves() {
        assert_eq!(understand(" Y\n"), Answer::Yes);
        assert_eq!(understand("no"), Answer::No);
        assert_eq!(understand("d"), Answer::Details);
        for unclear in ["", "yy", "sure", "yes, but"] {
            assert_eq!(understand(unclear), Answer::Unclear);
        }
    }
}
