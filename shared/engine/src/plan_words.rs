//! A plan in words, the dangerous lines first.

use config::{Errand, Verify, WAIT_CONDITION};
use model::ids::{ImageDigest, StackName};
use model::release::{Danger, Origin, Plan, PlanLine, Release};
use model::text::{excerpt, is_unseen, one_line};

use crate::ports::{ChangeSetKind, ResourceChange, StackRead};

/// Lines shown; beyond it, how many more there are.
const LINES_MAX: usize = 30;
/// Properties named in one line.
const PROPERTIES_MAX: usize = 6;
/// Of a command, in a line.
const COMMAND_CHARS: usize = 200;

/// Whose plan it is, and its lines: what those who are asked for approval read.
pub fn in_words(release: &Release, plan: &Plan) -> String {
    let by = one_line(release.pushed_by.as_deref().unwrap_or("an unknown pusher"));
    let lines: Vec<String> =
        plan.lines.iter().map(|line| format!("  {}{}", mark(line.danger), line.text)).collect();
    format!(
        "Revision {} of {} on {}, pushed by {by}.\nPlan {}:\n{}",
        release.revision.short(),
        release.repository,
        release.branch,
        plan.fingerprint.short(),
        lines.join("\n"),
    )
}

fn mark(danger: Danger) -> &'static str {
    match danger {
        Danger::Unrestorable => "!! NOT RESTORABLE: ",
        Danger::Delete => "!! DELETE: ",
        Danger::Replace => "!! REPLACE: ",
        Danger::TrafficGap => "! TRAFFIC GAP: ",
        Danger::MayReplace => "! MAY REPLACE: ",
        Danger::ChangedOutside => "! CHANGED OUTSIDE: ",
        Danger::None => "- ",
    }
}

/// First what is deployed; then how the `database` that is required stands, if it is worth a warning; then what would be
/// lost, interrupted or replaced; then what the config says differently from
/// what is live, as `differences`; then the rest.
pub(crate) fn lines(
    kind: ChangeSetKind,
    live: Option<&ImageDigest>,
    image: &ImageDigest,
    database: Option<PlanLine>,
    differences: Vec<String>,
    changes: &[ResourceChange],
) -> Vec<PlanLine> {
    let mut changes: Vec<(bool, PlanLine)> =
        changes.iter().filter(is_of_service).map(|change| (is_stateful(change), line(change))).collect();
    sort(&mut changes);
    let (dangerous, harmless): (Vec<PlanLine>, Vec<PlanLine>) = database
        .into_iter()
        .chain(changes.into_iter().map(|(_, line)| line))
        .partition(|line| line.danger != Danger::None);
    let differences = differences.into_iter().map(|difference| plain(format!("config: {difference}")));
    let mut lines: Vec<PlanLine> = dangerous.into_iter().chain(differences).chain(harmless).collect();
    shorten(&mut lines);
    let first = match (kind, live) {
        (ChangeSetKind::Create, _) => format!("create the stack; image {image}"),
        (ChangeSetKind::Update, Some(live)) if live == image => format!("image stays {image}"),
        (ChangeSetKind::Update, Some(live)) => format!("image {live} → {image}"),
        (ChangeSetKind::Update, None) => format!("image {image}"),
    };
    lines.insert(0, plain(first));
    lines
}

/// First what ends, then where requests no longer come, then what is lost; last what stays. All of it is removed, as
/// `removals` of a change set would be.
pub(crate) fn of_retirement(
    (stack, read): (&StackName, &StackRead),
    image: &ImageDigest,
    removals: &[ResourceChange],
) -> Vec<PlanLine> {
    let mut removed: Vec<(bool, PlanLine)> =
        removals.iter().filter(is_of_service).map(|change| (is_stateful(change), line(change))).collect();
    sort(&mut removed);
    let mut lines: Vec<PlanLine> = removed.into_iter().map(|(_, line)| line).collect();
    shorten(&mut lines);
    let route = removals.iter().any(is_route).then(|| route(read)).flatten();
    let text = format!("delete stack {stack}; image {image} runs no more");
    let ends = std::iter::once(PlanLine::new(Danger::Delete, &text));
    let gap = route.map(|route| {
        let text = format!("the route {route} is no longer served, and others may ask for it");
        PlanLine::new(Danger::TrafficGap, &text)
    });
    ends.chain(gap).chain(lines).chain(std::iter::once(plain(KEPT.to_owned()))).collect()
}

/// What a deletion removes from its listener.
fn is_route(removal: &ResourceChange) -> bool {
    removal.resource_type == "AWS::ElasticLoadBalancingV2::ListenerRule" && removal.policy != "Retain"
}

/// The template's parameters that say which requests come.
fn route(stack: &StackRead) -> Option<String> {
    let parts = ["Hosts", "Paths"].map(|name| stack.parameters.get(name).map(String::as_str));
    let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Said of every retirement.
const KEPT: &str = "images, databases and secrets outside the stack stay, and so does the registration: a push or a \
                    promotion deploys it anew";

/// What runs before anything else, or already has; and what going back does not take back.
pub(crate) fn add_before(lines: &mut Vec<PlanLine>, release: &Release, before: Option<&Errand>) {
    let said = match (before.map(command), &release.origin) {
        (Some(command), _) if release.prepared => format!("`before` has run already: {command}"),
        (Some(command), _) => format!("`before` runs first, as a task: {command}"),
        (None, Origin::Rollback { .. }) => STAYS.to_owned(),
        (
            None,
            Origin::Push | Origin::Promotion { .. } | Origin::Redeploy { .. } | Origin::Retirement { .. },
        ) => return,
    };
    lines.insert(1.min(lines.len()), plain(said));
}

/// What decides whether it stays.
pub(crate) fn add_verify(lines: &mut Vec<PlanLine>, verify: &Verify) {
    let what = match verify {
        Verify::Errand(errand) => command(errand),
        Verify::Probe(probe) => format!("GET {} through the load balancer", probe.path),
    };
    let said = format!("`verify` runs when all is in place, and decides whether it stays: {what}");
    lines.insert(1.min(lines.len()), plain(said));
}

/// What a template does to requests that ECS has moved.
pub(crate) fn add_gap(lines: &mut Vec<PlanLine>, gap: Option<String>) {
    let at = 1.min(lines.len());
    lines.splice(at..at, gap.map(|text| PlanLine { danger: Danger::TrafficGap, text }));
}

/// What others changed since, before anything else of the plan: it explains why more changes than was pushed.
pub(crate) fn add_outside(lines: &mut Vec<PlanLine>, changes: Vec<String>) {
    let at = 1.min(lines.len());
    let outside = |text: &String| PlanLine::new(Danger::ChangedOutside, text);
    lines.splice(at..at, changes.iter().map(outside));
}

/// The commits that it is made of, last.
pub(crate) fn add_commits(lines: &mut Vec<PlanLine>, commits: Vec<String>) {
    lines.extend(commits.into_iter().map(plain));
}

/// Word by word: one with blanks, or with what cannot be seen, is quoted and written out.
fn command(errand: &Errand) -> String {
    let is_bare = |c: char| !c.is_whitespace() && !is_unseen(c) && !matches!(c, '"' | '\'' | '\\');
    let shown = |word: &String| {
        if !word.is_empty() && word.chars().all(is_bare) { word.clone() } else { format!("{word:?}") }
    };
    let words: Vec<String> = errand.command.iter().map(shown).collect();
    excerpt(&words.join(" "), COMMAND_CHARS)
}

/// CloudFormation waits by something that it makes; nothing of the service is in it.
fn is_of_service(change: &&ResourceChange) -> bool {
    change.resource_type != WAIT_CONDITION
}

/// Said of every way back.
const STAYS: &str = "databases stay as they are: what a `before` changed is not taken back";

/// The dangerous first, of those what holds something.
fn sort(lines: &mut [(bool, PlanLine)]) {
    lines.sort_by(|(a_stateful, a), (b_stateful, b)| {
        a.danger.cmp(&b.danger).then(b_stateful.cmp(a_stateful)).then_with(|| a.text.cmp(&b.text))
    });
}

fn shorten(lines: &mut Vec<PlanLine>) {
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(plain(format!("and {more} more lines")));
    }
}

fn plain(text: String) -> PlanLine {
    PlanLine::new(Danger::None, &text)
}

/// What holds something that nobody can make again from a template.
const STATEFUL: [&str; 17] = [
    "AWS::Cognito::UserPool",
    "AWS::DynamoDB::Table",
    "AWS::EC2::Volume",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::ElastiCache::",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::MSK::",
    "AWS::Neptune::",
    "AWS::OpenSearchService::Domain",
    "AWS::RDS::",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
];

fn is_stateful(change: &ResourceChange) -> bool {
    STATEFUL.iter().any(|kind| match kind.strip_suffix("::") {
        Some(_) => change.resource_type.starts_with(kind),
        None => change.resource_type == *kind,
    })
}

fn line(change: &ResourceChange) -> PlanLine {
    let what = format!("{} ({})", change.logical_id, change.resource_type);
    let named = properties(change);
    let (danger, text) = match (change.action.as_str(), change.replacement.as_str()) {
        ("Remove", _) => removal(change, &what),
        // A new revision of a task definition is how every deployment begins; nothing is lost by it.
        ("Modify", "True") if change.resource_type == "AWS::ECS::TaskDefinition" => {
            (Danger::None, format!("new revision of {what}{named}"))
        }
        ("Modify", "True") => (Danger::Replace, format!("replace {what}{named}{}", replaced(change))),
        ("Modify", "Conditional") => (Danger::MayReplace, format!("may replace {what}{named}")),
        ("Modify", _) => match interruption(change) {
            Some(gap) => (Danger::TrafficGap, format!("change {what}{named}; {gap}")),
            None => (Danger::None, format!("change {what}{named}")),
        },
        ("Add", _) => (Danger::None, format!("add {what}")),
        ("Import", _) => (Danger::None, format!("import {what}")),
        (action, _) => (Danger::MayReplace, format!("{action} {what}")),
    };
    PlanLine::new(danger, &text)
}

/// Source: CloudFormation API, `ResourceChange` (`PolicyAction`).
fn removal(change: &ResourceChange, what: &str) -> (Danger, String) {
    match (change.policy.as_str(), change.resource_type.as_str()) {
        ("Retain", "AWS::ECS::Service") => {
            (Danger::None, format!("let go of {what}; it goes on running, but is the stack's no more"))
        }
        ("Retain", "AWS::ElasticLoadBalancingV2::ListenerRule") => {
            (Danger::None, format!("let go of {what}; it goes on taking its requests and its place"))
        }
        ("Retain", _) => (Danger::None, format!("let go of {what}; it stays, but is the stack's no more")),
        ("Snapshot", _) => (Danger::Delete, format!("delete {what} after a last snapshot")),
        (_, "AWS::ECS::Service") => (Danger::Delete, format!("delete {what}; nothing of it runs any more")),
        (_, "AWS::ElasticLoadBalancingV2::ListenerRule") => {
            (Danger::Delete, format!("delete {what}; no request comes to the service any more"))
        }
        _ if is_stateful(change) => (Danger::Delete, format!("delete {what} and all that it holds")),
        _ => (Danger::Delete, format!("delete {what}")),
    }
}

/// What a replacement means beside its being one.
fn replaced(change: &ResourceChange) -> &'static str {
    match (change.policy.as_str(), change.resource_type.as_str()) {
        ("ReplaceAndRetain", _) if is_stateful(change) => "; the new one is empty, the old one stays",
        ("ReplaceAndSnapshot", _) if is_stateful(change) => {
            "; the new one is empty, a last snapshot of the old one stays"
        }
        (_, "AWS::ElasticLoadBalancingV2::TargetGroup") => {
            "; requests fail until tasks are healthy in the new one"
        }
        (_, "AWS::ElasticLoadBalancingV2::ListenerRule") => {
            "; requests to the old listener are not answered any more"
        }
        (_, "AWS::ECS::Service") => "; its tasks are started anew before the running ones end",
        _ if is_stateful(change) => "; the new one is empty, and what the old one holds is lost",
        _ => "",
    }
}

/// What an update in place interrupts, though nothing is replaced.
fn interruption(change: &ResourceChange) -> Option<&'static str> {
    let changes = |property: &str| change.properties.iter().any(|changed| changed == property);
    match change.resource_type.as_str() {
        // CloudFormation updates what the service needs before the service itself.
        "AWS::EC2::SecurityGroup" if changes("SecurityGroupIngress") => {
            Some("running tasks may be out of reach until new ones take their place")
        }
        "AWS::ElasticLoadBalancingV2::ListenerRule" if changes("Conditions") || changes("Priority") => {
            Some("requests are routed anew at once, before new tasks run")
        }
        _ => None,
    }
}

fn properties(change: &ResourceChange) -> String {
    if change.properties.is_empty() {
        return String::new();
    }
    let named = change.properties.iter().take(PROPERTIES_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more = change.properties.len().saturating_sub(PROPERTIES_MAX);
    if more == 0 { format!(": {named}") } else { format!(": {named} and {more} more") }
}

#[cfg(test)]
mod tests;
