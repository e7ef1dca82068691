//! CodeCommit: repositories whose branches move.

use std::collections::BTreeMap;

use engine::ports::CommitRead;
use model::ids::Revision;
use serde_json::{Value, json};

use crate::events;
use crate::random::Random;
use crate::restorable::WITHIN_MINUTES;
use crate::world::{Function, World};

pub(crate) const BRANCH: &str = "main";
pub(crate) const CONFIG_FILE: &str = "ecs-service-config.json";

/// Dana and ana are known to the directory.
const AUTHORS: [&str; 3] = ["dana@example.com", "ana@example.com", "somebody@example.com"];

#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Heads of `main` by repository.
    pub(crate) heads: BTreeMap<String, Revision>,
    /// The config at each commit.
    configs: BTreeMap<Revision, Option<String>>,
    /// Every commit of a repository, for pushing an old one again.
    history: BTreeMap<String, Vec<Revision>>,
}

/// What somebody pushes.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) repository: String,
    pub(crate) kind: CommitKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitKind {
    Good,
    /// Another size of task: the plan changes in more than the image.
    Resized,
    /// With a stack policy, and a secret.
    Guarded,
    /// With a task that runs before the deployment.
    Migrating,
    /// With a task that says whether the deployment may stay.
    Verified,
    /// An earlier commit again.
    Earlier,
    /// At a priority that every service may want.
    Contested,
    /// At whatever priority is free.
    AutoPlaced,
    /// Without any rule.
    Worker,
    BadConfig,
    /// Valid where it is pushed to, and against the record of every environment that comes after.
    BadAfterwards,
    OthersService,
    NoConfig,
}

impl CommitKind {
    pub(crate) fn drawn(random: &mut Random) -> Self {
        match random.between(1, 20) {
            1 => Self::BadConfig,
            2 => Self::OthersService,
            3 => Self::NoConfig,
            4..=6 => Self::Earlier,
            7 | 8 => Self::Resized,
            9 | 10 => Self::Guarded,
            11 | 12 => Self::Migrating,
            13 | 14 => Self::Contested,
            15 => Self::AutoPlaced,
            16 => Self::Worker,
            17 => Self::Verified,
            18 => Self::BadAfterwards,
            _ => Self::Good,
        }
    }
}

impl Sources {
    /// Whether one commit of a repository was made before another.
    pub(crate) fn is_older(&self, one: &Revision, other: &Revision) -> bool {
        let place = |commits: &[Revision], commit| commits.iter().position(|known| known == commit);
        self.history.values().any(|commits| match (place(commits, one), place(commits, other)) {
            (Some(one), Some(other)) => one < other,
            (Some(_) | None, _) => false,
        })
    }
}

impl World {
    pub(crate) fn push(&mut self, commit: &Commit) {
        let number = self.id();
        let repository = &commit.repository;
        let earlier =
            self.sources.history.get(repository).filter(|_| commit.kind == CommitKind::Earlier).cloned();
        let revision = match earlier {
            Some(history) if self.script.is_some() => history[0].clone(),
            Some(history) => self.random_of(repository).pick(&history).clone(),
            None => self.new_commit(number, commit),
        };
        self.coverage.hit("push", &format!("{:?}", commit.kind));
        self.say(format_args!("{repository} is pushed to {}: {:?}", revision.short(), commit.kind));
        self.sources.heads.insert(repository.clone(), revision.clone());
        self.witness.head_moved(repository, &revision);
        self.emit(Function::Push, events::pushed(repository, BRANCH, revision.as_str()));
    }

    fn new_commit(&mut self, number: u64, commit: &Commit) -> Revision {
        let spread = self.random_of(&commit.repository).next();
        let revision: Revision = match format!("{spread:016x}{number:024x}").parse() {
            Ok(revision) => revision,
            Err(malformed) => unreachable!("40 hex digits: {malformed}"),
        };
        let environments = self.platform.environments().into_iter().map(|name| {
            let way = match self.platform.after(&name) {
                Some(after) if commit.kind == CommitKind::BadAfterwards => {
                    json!({ "after": after, "taskRole": { "managedPolicies": ["in-no-record"] } })
                }
                Some(after) => json!({ "after": after }),
                None => json!({ "branch": BRANCH }),
            };
            (name, with_requires(way, commit))
        });
        let known = self.platform.services().iter().position(|known| *known == commit.repository);
        let config =
            config(&commit.repository, known.unwrap_or_default(), commit.kind, environments.collect());
        self.sources.configs.insert(revision.clone(), config);
        self.sources.history.entry(commit.repository.clone()).or_default().push(revision.clone());
        revision
    }

    /// Each commit follows the one that was made before it.
    pub(crate) fn read_commit(&self, repository: &str, revision: &Revision) -> Option<CommitRead> {
        let history = self.sources.history.get(repository)?;
        let at = history.iter().position(|known| known == revision)?;
        let parents = at.checked_sub(1).map(|before| history[before].clone()).into_iter().collect();
        let author = AUTHORS[at % AUTHORS.len()].to_owned();
        Some(CommitRead { parents, author, name: String::new(), message: format!("Change {at}\n") })
    }

    pub(crate) fn file(&self, revision: &Revision, path: &str) -> Option<Vec<u8>> {
        let config = self.sources.configs.get(revision).filter(|_| path == CONFIG_FILE)?;
        config.clone().map(String::into_bytes)
    }
}

/// What changes a database for good asks whether that could be undone.
fn with_requires(mut environment: Value, commit: &Commit) -> Value {
    let on_failure = match commit.kind {
        CommitKind::Guarded | CommitKind::Migrating => "refuse",
        CommitKind::Resized => "warn",
        CommitKind::Good
        | CommitKind::Earlier
        | CommitKind::BadConfig
        | CommitKind::BadAfterwards
        | CommitKind::OthersService
        | CommitKind::NoConfig
        | CommitKind::Contested
        | CommitKind::AutoPlaced
        | CommitKind::Verified
        | CommitKind::Worker => return environment,
    };
    environment["requires"] = json!({
        "database": commit.repository,
        "restorableWithinMinutes": WITHIN_MINUTES,
        "onFailure": on_failure,
    });
    environment
}

/// The priorities that services have for themselves begin here.
const PRIORITIES_FROM: usize = 100;
/// What they want when they want the same.
pub(crate) const CONTESTED: usize = 77;

/// `number`: the service's among all.
fn config(
    repository: &str,
    number: usize,
    kind: CommitKind,
    environments: BTreeMap<String, Value>,
) -> Option<String> {
    let service = if kind == CommitKind::OthersService { "somebody-else" } else { repository };
    let (cpu, memory_mib) = match kind {
        CommitKind::Resized => (512, 1024),
        // Fargate has no such size.
        CommitKind::BadConfig => (256, 30_720),
        CommitKind::Good
        | CommitKind::Guarded
        | CommitKind::Migrating
        | CommitKind::Verified
        | CommitKind::Earlier
        | CommitKind::Contested
        | CommitKind::AutoPlaced
        | CommitKind::Worker
        | CommitKind::BadAfterwards
        | CommitKind::OthersService
        | CommitKind::NoConfig => (256, 512),
    };
    let mut config = json!({
        "service": service,
        "kind": "web",
        "routing": { "paths": [format!("/{repository}")], "priority": PRIORITIES_FROM + number },
        "container": { "port": 8080, "cpu": cpu, "memoryMiB": memory_mib },
        "environments": environments,
    });
    match kind {
        CommitKind::Contested => config["routing"]["priority"] = CONTESTED.into(),
        CommitKind::AutoPlaced => config["routing"]["priority"] = "auto".into(),
        CommitKind::Worker => {
            config["kind"] = "worker".into();
            config["container"] = json!({ "cpu": cpu, "memoryMiB": memory_mib });
            config.as_object_mut().map(|config| config.remove("routing"));
        }
        CommitKind::Migrating => {
            config["deployment"] =
                json!({ "before": { "command": ["./migrate", "up"], "timeoutMinutes": 10 } });
        }
        CommitKind::Verified => {
            config["deployment"] = json!({ "verify": { "command": ["./check"], "timeoutMinutes": 10 } });
        }
        CommitKind::Good
        | CommitKind::Resized
        | CommitKind::Guarded
        | CommitKind::Earlier
        | CommitKind::BadConfig
        | CommitKind::BadAfterwards
        | CommitKind::OthersService
        | CommitKind::NoConfig => {}
    }
    if kind == CommitKind::Guarded {
        config["container"]["secrets"] = json!({ "TOKEN": format!("{repository}/token") });
        config["StackPolicy"] = json!({ "Statement": [
            { "Effect": "Deny", "Action": "Update:Replace", "Principal": "*", "Resource": "*" }
        ] });
    }
    (kind != CommitKind::NoConfig).then(|| config.to_string())
}
