//! A thousand services at once, and a crowd on one track: what it takes, and whether anything is lost.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use model::listener::RULES_MAX;
use serde_json::{Value, json};

use crate::faults::{Fault, Rates};
use crate::script::{Pace, Scripted};
use crate::sources::{Commit, CommitKind};
use crate::story::What;
use crate::trace::Keep;
use crate::world::{HOUR, MINUTE, SECOND, START_MS};

const SEED: u64 = 1;
/// All pushes come within this.
const BURST_MS: u64 = 10 * MINUTE;
/// All pushes of a crowd come within this.
const CROWD_MS: u64 = 2 * SECOND;
/// So long, calls take seconds now and then, so that who handles what overlaps as it can.
const CROWD_SLOW_MS: u64 = HOUR;
const CROWD_SLOW_PER_MILLE: u64 = 50;
/// CodeBuild's default for small Linux builds. Source: CodeBuild user guide, "Quotas".
const BUILDS_AT_ONCE: usize = 60;

/// What a burst of pushes took.
#[derive(Debug, Clone)]
pub struct Load {
    pub services: usize,
    pub pushes: usize,
    /// By the name of the ending.
    pub endings: BTreeMap<&'static str, usize>,
    /// Services whose last push is what they run in the end.
    pub current: usize,
    /// Of the model's time, until the last release was over.
    pub minutes: u64,
    pub calls: u64,
    pub commits: u64,
    /// Commits that others were faster than, and the most that one invocation met.
    pub races: u64,
    pub races_of_one: u32,
    /// Invocations that failed so often that they were put aside.
    pub dead_letters: usize,
    pub seconds: f64,
    pub violations: Vec<String>,
}

/// `pushes` spread over `services` within ten minutes; everybody says yes.
pub fn burst(services: usize, pushes: usize) -> Load {
    run(scripted(services, pushes, BURST_MS), services, pushes)
}

/// `pushes` to one service within two seconds, so that their events are handled all at once.
pub fn crowd(pushes: usize) -> Load {
    let mut scripted = scripted(1, pushes, CROWD_MS);
    scripted.story.rates = Rates::none().with(Fault::Slow, CROWD_SLOW_PER_MILLE);
    scripted.story.quiet_from_ms = CROWD_SLOW_MS;
    run(scripted, 1, pushes)
}

/// Messages that are sent while neither hand can do what it has promised: a release waits for its plan, a newer one for
/// its build, and CloudFormation and CodeBuild turn every call away for half an hour.
pub fn stalled() -> u64 {
    const STALLED_MS: u64 = 30 * MINUTE;
    let mut scripted = scripted(1, 1, SECOND);
    for service in ["CloudFormation", "CodeBuild"] {
        // The first build is over after ten minutes: its plan is what cannot be made.
        let at_ms = if service == "CodeBuild" { 11 * MINUTE } else { MINUTE };
        scripted = scripted.acts(at_ms, What::Throttling { service, for_ms: STALLED_MS });
    }
    let commit = Commit { repository: "service-0000".to_owned(), kind: CommitKind::Good };
    scripted = scripted.acts(12 * MINUTE, What::Push(commit)).scripted(|script| script.pace = Pace::Usual);
    scripted.story.quiet_from_ms = 12 * MINUTE + STALLED_MS;
    let world = scripted.play(scripted.world(SEED, Keep::Nothing, None));
    let world = world.borrow();
    ["Builder", "Deployer", "Notify"].iter().map(|hand| world.coverage.times("woken", hand)).sum()
}

fn scripted(services: usize, pushes: usize, within_ms: u64) -> Scripted {
    let names: Vec<String> = (0..services).map(|number| format!("service-{number:04}")).collect();
    let mut scripted = Scripted::new(&names, &["production"]).scripted(|script| {
        script.pace = Pace::Drawn;
        script.builds_at_once = BUILDS_AT_ONCE;
    });
    // More rules than one load balancer has room for.
    let kind = if services > RULES_MAX as usize { CommitKind::Worker } else { CommitKind::Good };
    for push in 0..pushes {
        // Each service's pushes are far apart, and no two come at once.
        let at_ms = within_ms * push as u64 / pushes as u64;
        let commit = Commit { repository: names[push % services].clone(), kind };
        scripted = scripted.acts(at_ms, What::Push(commit));
    }
    scripted
}

fn run(scripted: Scripted, services: usize, pushes: usize) -> Load {
    let begun = Instant::now();
    let world = scripted.play(scripted.world(SEED, Keep::Nothing, None));
    let seconds = begun.elapsed().as_secs_f64();
    let world = world.borrow();
    let mut endings = BTreeMap::new();
    for release in world.table.releases.values() {
        *endings.entry(release.phase.name()).or_default() += 1;
    }
    let current = |track: &&model::track::Track| {
        let head = world.sources.heads.get(track.key.service.as_str());
        head.is_some() && track.live.as_ref().map(|live| &live.revision) == head
    };
    let ended = world.table.releases.values().map(|release| release.phase_since.0).max();
    Load {
        services,
        pushes,
        endings,
        current: world.table.tracks.values().filter(current).count(),
        minutes: ended.unwrap_or(START_MS).saturating_sub(START_MS) / MINUTE,
        calls: world.crash.calls,
        commits: world.table.commits,
        races: world.coverage.times("race", "track"),
        races_of_one: world.table.races_of_one,
        dead_letters: world.dead_letters.len(),
        seconds,
        violations: world.violations.clone(),
    }
}

impl Load {
    pub fn to_json(&self) -> Value {
        json!({
            "services": self.services,
            "pushes": self.pushes,
            "endings": self.endings,
            "current": self.current,
            "minutes": self.minutes,
            "calls": self.calls,
            "commits": self.commits,
            "races": self.races,
            "races_of_one": self.races_of_one,
            "dead_letters": self.dead_letters,
            "seconds": (self.seconds * 10.0).round() / 10.0,
            "violations": self.violations,
        })
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endings: Vec<String> =
            self.endings.iter().map(|(ending, count)| format!("{count} {ending}")).collect();
        writeln!(f, "{} pushes to {} services: {}", self.pushes, self.services, endings.join(", "))?;
        writeln!(f, "{} services run their last push after {} minutes", self.current, self.minutes)?;
        writeln!(
            f,
            "{} calls, {} commits, {} lost races, at most {} in one invocation, {} dead letters",
            self.calls, self.commits, self.races, self.races_of_one, self.dead_letters
        )?;
        for violation in &self.violations {
            writeln!(f, "  {violation}")?;
        }
        write!(f, "{} violations, {:.1} seconds", self.violations.len(), self.seconds)
    }
}
