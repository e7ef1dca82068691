//! What stands in the thread below a release's message: its plan in full, once for each plan that people are asked about,
//! or where the log of its failed build is.
//!
//! Source: docs.slack.dev, "Block Kit reference" (a message has 50 blocks, a section's text 3,000 characters).

use model::ids::Fingerprint;
use model::release::{Phase, Plan, Release};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::message::plan_line;
use crate::plain::plain;

const BLOCKS_MAX: usize = 40;
const SECTION_CHARS_MAX: usize = 2_800;
const LINE_CHARS_MAX: usize = 600;
const AUTHORS_MAX: usize = 20;

/// What names the details that a release should have in its thread; `None` where it needs none.
pub fn details_of(release: &Release) -> Option<Fingerprint> {
    match (&release.phase, &release.build_log) {
        (Phase::AwaitingApproval { plan, .. }, _) => Some(plan.fingerprint.clone()),
        (Phase::Over(_), Some(log)) => Some(Fingerprint::of(&Sha256::digest(log).into())),
        (
            Phase::Building { .. }
            | Phase::Planning { .. }
            | Phase::Ready { .. }
            | Phase::Deploying { .. }
            | Phase::Over(_),
            _,
        ) => None,
    }
}

/// For a release that asks for approval, or whose build failed; `None` for others.
pub fn details(release: &Release) -> Option<Value> {
    let plan = match (&release.phase, &release.build_log) {
        (Phase::AwaitingApproval { plan, .. }, _) => plan,
        // A link to AWS's console, which CodeBuild gave: the one text that may link anything.
        (Phase::Over(_), Some(log)) => {
            return Some(json!({ "text": format!("The log of the build of {}: <{log}>", release.id) }));
        }
        (
            Phase::Building { .. }
            | Phase::Planning { .. }
            | Phase::Ready { .. }
            | Phase::Deploying { .. }
            | Phase::Over(_),
            _,
        ) => return None,
    };
    let title = format!("Plan {} of {}, in full", plan.fingerprint.short(), release.id);
    let mut lines = vec![title.clone()];
    lines.extend(plan.lines.iter().map(|line| plan_line(line, LINE_CHARS_MAX)));
    lines.push(format!("Image {}", plan.image));
    lines.extend(authors(release));
    lines.push(in_a_terminal(release, plan));
    let mut sections = sections(&lines);
    if sections.len() > BLOCKS_MAX {
        sections.truncate(BLOCKS_MAX - 1);
        sections.push(format!("… and more: {}", in_a_terminal(release, plan)));
    }
    let blocks: Vec<Value> = sections
        .iter()
        .map(|text| json!({ "type": "section", "text": { "type": "plain_text", "text": text, "emoji": false } }))
        .collect();
    Some(json!({ "text": title, "blocks": blocks }))
}

fn authors(release: &Release) -> Option<String> {
    if release.authors.is_empty() {
        return None;
    }
    let named: Vec<String> =
        release.authors.iter().take(AUTHORS_MAX).map(|author| plain(author, LINE_CHARS_MAX)).collect();
    let more = release.authors.len().saturating_sub(AUTHORS_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Some(format!("Written since what is live by {}{more}", named.join(", ")))
}

fn in_a_terminal(release: &Release, plan: &Plan) -> String {
    format!("In a terminal: tidegate approve {} {}", release.id, plan.fingerprint.short())
}

/// As many lines in one as may stand there.
fn sections(lines: &[String]) -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for line in lines {
        match sections.last_mut() {
            Some(last) if last.chars().count() + 1 + line.chars().count() <= SECTION_CHARS_MAX => {
                *last += "\n";
                *last += line;
            }
            Some(_) | None => sections.push(line.clone()),
        }
    }
    sections
}
