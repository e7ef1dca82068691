//! The messages of `docs/slack/`, drawn as a phone shows them: from the very blocks that Slack is sent, so that no picture
//! can tell what no message does.

mod fixtures;

use std::path::PathBuf;

use model::approval::Voice;
use model::release::{Danger, Deployed, Ending, How, Phase};
use serde_json::Value;

use fixtures::{asked, plan, release};

const WIDTH: usize = 360;
const MARGIN: usize = 16;
/// Characters of a line: of a wide font, 8 pixels each and 10 where they are bold.
const LINE_CHARS: usize = (WIDTH - 2 * MARGIN) / 8;
const BOLD_CHARS: usize = (WIDTH - 2 * MARGIN) / 10;
const LINE: usize = 21;

#[test]
fn a_request_that_waits_for_one_more_is_drawn() {
    let lines = [
        (Danger::Replace, "replace Database (AWS::RDS::DBInstance): its name changes"),
        (Danger::None, "update EcsService (AWS::ECS::Service): task definition"),
        (Danger::None, "image sha256:1df86219…1ff1d83"),
    ];
    drawn("asks", Phase::AwaitingApproval { plan: plan(&lines), asked: asked(&["ben"], 2) });
}

#[test]
fn a_deployment_is_drawn() {
    let plan = plan(&[(Danger::None, "update EcsService (AWS::ECS::Service): task definition")]);
    let asked = asked(&["ben", "cleo"], 2);
    drawn("deploys", Phase::Deploying { plan, asked, started: true, errand: None, told: None, stop: None });
}

#[test]
fn an_end_that_is_good_is_drawn() {
    let image = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
    let task_definition = "arn:aws:ecs:eu-west-1:111122223333:task-definition/payments:7".to_owned();
    let deployed = Deployed { image, stack_status: "UPDATE_COMPLETE".to_owned(), task_definition };
    drawn("deployed", Phase::Over(Ending::Deployed { deployed, how: How::Changed }));
}

#[test]
fn an_end_by_a_person_is_drawn() {
    let by = Voice::Verified { person: "ben".parse().unwrap(), identity: None };
    drawn("rejected", Phase::Over(Ending::Rejected { by, reason: "not on a Friday".to_owned() }));
}

fn drawn(name: &str, phase: Phase) {
    let message = slack::message(&release(phase));
    let picture = Picture::of(&message).to_svg(message["text"].as_str().unwrap());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/slack").join(format!("{name}.svg"));
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::write(&path, &picture).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let how = "run UPDATE_PICTURES=1 cargo test -p slack --test pictures";
    assert!(kept == picture, "docs/slack/{name}.svg is old: {how}");
}

/// What is drawn so far, from above.
#[derive(Default)]
struct Picture {
    shapes: String,
    y: usize,
}

impl Picture {
    fn of(message: &Value) -> Self {
        let mut picture = Self { y: MARGIN, ..Self::default() };
        for block in message["blocks"].as_array().unwrap() {
            picture.block(block);
        }
        picture
    }

    fn block(&mut self, block: &Value) {
        let words = |at: &Value| at["text"].as_str().unwrap_or_default().to_owned();
        match block["type"].as_str().unwrap() {
            "header" => self.lines(&words(&block["text"]), "#1d1c1d", "700"),
            "section" => {
                for field in block["fields"].as_array().into_iter().flatten() {
                    self.lines(&words(field).replacen('\n', ": ", 1), "#1d1c1d", "400");
                }
                self.lines(&words(&block["text"]), "#1d1c1d", "400");
            }
            "context" => {
                for element in block["elements"].as_array().unwrap() {
                    self.lines(&words(element), "#616061", "400");
                }
            }
            "input" => {
                self.lines(&format!("{} (optional)", words(&block["label"])), "#1d1c1d", "700");
                self.frame(MARGIN, WIDTH - 2 * MARGIN, "#ffffff", "#bbbabb", "", "#616061");
                self.y += 46;
            }
            "actions" => {
                let buttons = block["elements"].as_array().unwrap();
                let width = (WIDTH - 2 * MARGIN - 8 * (buttons.len() - 1)) / buttons.len();
                for (n, button) in buttons.iter().enumerate() {
                    let (fill, ink) = match button["style"].as_str() {
                        Some("primary") => ("#007a5a", "#ffffff"),
                        Some("danger") => ("#e01e5a", "#ffffff"),
                        _ => ("#ffffff", "#1d1c1d"),
                    };
                    self.frame(
                        MARGIN + n * (width + 8),
                        width,
                        fill,
                        "#bbbabb",
                        &words(&button["text"]),
                        ink,
                    );
                }
                self.y += 46;
            }
            other => panic!("a block that is not drawn: {other}"),
        }
        self.y += 8;
    }

    fn lines(&mut self, text: &str, ink: &str, weight: &str) {
        let chars = if weight == "700" { BOLD_CHARS } else { LINE_CHARS };
        for line in text.lines().filter(|line| !line.is_empty()).flat_map(|line| wrapped(line, chars)) {
            let (x, y, line) = (MARGIN, self.y + 15, escaped(&line));
            self.shapes +=
                &format!("<text x=\"{x}\" y=\"{y}\" fill=\"{ink}\" font-weight=\"{weight}\">{line}</text>\n");
            self.y += LINE;
        }
    }

    fn frame(&mut self, x: usize, width: usize, fill: &str, edge: &str, words: &str, ink: &str) {
        let (y, middle, baseline, words) = (self.y, x + width / 2, self.y + 25, escaped(words));
        self.shapes += &format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"38\" rx=\"6\" fill=\"{fill}\" stroke=\"{edge}\"/>\n"
        );
        if !words.is_empty() {
            self.shapes += &format!(
                "<text x=\"{middle}\" y=\"{baseline}\" fill=\"{ink}\" font-weight=\"700\" text-anchor=\"middle\">{words}</text>\n"
            );
        }
    }

    fn to_svg(&self, title: &str) -> String {
        let (height, title) = (self.y + MARGIN - 8, escaped(title));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
             role=\"img\" aria-label=\"{title}\">\n<rect width=\"{WIDTH}\" height=\"{height}\" rx=\"8\" fill=\"#ffffff\" \
             stroke=\"#dddddd\"/>\n<g font-family=\"-apple-system, Roboto, 'Segoe UI', sans-serif\" font-size=\"15\">\n{}</g>\n</svg>\n",
            self.shapes
        )
    }
}

/// At words, and a word that is too long anywhere.
fn wrapped(line: &str, chars: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        for piece in word.chars().collect::<Vec<_>>().chunks(chars) {
            let piece: String = piece.iter().collect();
            let last = lines.last_mut().unwrap();
            if last.is_empty() {
                *last = piece;
            } else if last.chars().count() + 1 + piece.chars().count() <= chars {
                *last += &format!(" {piece}");
            } else {
                lines.push(piece);
            }
        }
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
