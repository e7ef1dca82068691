//! CodeBuild and ECR.

use std::collections::BTreeMap;

use engine::failure::Failure;
use engine::ports::{BuildOrder, BuildRead, BuildStatus};
use model::ids::{BuildId, ImageDigest};

use crate::events::{self, ACCOUNT, REGION};
use crate::untruth::Untruth;
use crate::world::{Function, Happening, MINUTE, SECOND, World};

/// Builds at once in this account.
const RUNNING_MAX: usize = 2;
/// Source: CodeBuild API, StartBuild (`idempotencyToken`).
const TOKEN_KEPT_MS: u64 = 5 * MINUTE;

#[derive(Debug, Default)]
pub(crate) struct Builds {
    /// In the order they were started.
    pub(crate) all: Vec<Run>,
    images: BTreeMap<(String, String), Image>,
}

#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) arn: String,
    pub(crate) order: BuildOrder,
    started_at: u64,
    status: BuildStatus,
    pub(crate) becomes: Becomes,
    digest: String,
    image_repository: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Becomes {
    Succeeded,
    /// Nobody read the digest into the exported variable.
    SucceededUntold,
    /// Somebody else was first to push under the tag, which is immutable.
    TagTaken,
    Failed(BuildStatus),
}

#[derive(Debug, Clone)]
struct Image {
    digest: String,
    seen_from: u64,
}

impl World {
    pub(crate) fn start_build(&mut self, order: &BuildOrder) -> Result<String, Failure> {
        let known = self
            .builds
            .all
            .iter()
            .find(|run| run.order.id == order.id && self.now < run.started_at + TOKEN_KEPT_MS);
        if let Some(run) = known.filter(|_| self.untruth != Untruth::BuildsForgotten) {
            self.coverage.hit("fault", "StartBuild repeated under its token");
            return Ok(run.arn.clone());
        }
        let running = self.builds.all.iter().filter(|run| run.status == BuildStatus::InProgress).count();
        if running >= RUNNING_MAX {
            self.coverage.hit("fault", "build queue full");
            let why = "AccountLimitExceededException: cannot have more builds in queue".to_owned();
            return Err(Failure::NoCapacity { call: "StartBuild", why });
        }
        let number = self.id();
        let becomes = self.build_becomes();
        let arn = format!("arn:aws:codebuild:{REGION}:{ACCOUNT}:build/tidegate-BuildProject:{number}");
        let spread = self.random.next();
        let uri = &order.image_repository_uri;
        let run = Run {
            arn: arn.clone(),
            order: order.clone(),
            started_at: self.now,
            status: BuildStatus::InProgress,
            becomes,
            digest: format!("sha256:{spread:016x}{number:048x}"),
            image_repository: uri.rsplit('/').next().unwrap_or(uri).to_owned(),
        };
        self.say(format_args!("build {} starts and will be {becomes:?}", order.id));
        self.builds.all.push(run);
        let duration = self.random.between(30 * SECOND, 20 * MINUTE);
        self.later(duration, Happening::BuildEnds { arn: arn.clone() });
        Ok(arn)
    }

    fn build_becomes(&mut self) -> Becomes {
        if !self.random.chance(self.faults.trouble) {
            return Becomes::Succeeded;
        }
        *self.random.pick(&[
            Becomes::SucceededUntold,
            Becomes::TagTaken,
            Becomes::Failed(BuildStatus::Failed),
            Becomes::Failed(BuildStatus::Failed),
            Becomes::Failed(BuildStatus::Fault),
            Becomes::Failed(BuildStatus::TimedOut),
        ])
    }

    pub(crate) fn build_ends(&mut self, arn: &str) {
        let Some(at) = self.builds.all.iter().position(|run| run.arn == arn) else { return };
        if self.builds.all[at].status != BuildStatus::InProgress {
            return;
        }
        let run = self.builds.all[at].clone();
        let status = match run.becomes {
            Becomes::Succeeded | Becomes::SucceededUntold | Becomes::TagTaken => BuildStatus::Succeeded,
            Becomes::Failed(status) => status,
        };
        if status == BuildStatus::Succeeded {
            let digest = match run.becomes {
                Becomes::TagTaken => format!("sha256:{}", "f".repeat(64)),
                Becomes::Succeeded | Becomes::SucceededUntold | Becomes::Failed(_) => run.digest.clone(),
            };
            self.push_image(&run, digest);
        }
        self.build_is(at, status);
    }

    /// The registry may show the image before the build is over, or minutes after.
    fn push_image(&mut self, run: &Run, digest: String) {
        let delay = *self.random.pick(&[0, 0, 0, SECOND, 40 * SECOND, 3 * MINUTE]);
        let (repository, tag) = (run.image_repository.clone(), run.order.id.to_string());
        let image = Image { digest: digest.clone(), seen_from: self.now + delay };
        let key = (repository.clone(), tag.clone());
        if self.builds.images.insert(key, image).is_some() {
            self.violation(format!("I5: two builds pushed the immutable tag {tag}"));
        }
        self.later(delay, Happening::ImagePushed { repository, tag, digest });
    }

    fn build_is(&mut self, at: usize, status: BuildStatus) {
        self.builds.all[at].status = status;
        let run = self.builds.all[at].clone();
        self.coverage.hit("build", &format!("{status:?} {:?}", run.becomes));
        self.say(format_args!("build {} is {status:?}", run.order.id));
        let payload = events::build_changed(&run.arn, run.order.id.as_str(), status_name(status));
        self.emit(Function::Build, payload);
    }

    pub(crate) fn stop_build(&mut self, arn: &str) {
        let running = |run: &Run| run.arn == arn && run.status == BuildStatus::InProgress;
        if let Some(at) = self.builds.all.iter().position(running) {
            self.build_is(at, BuildStatus::Stopped);
        }
    }

    pub(crate) fn read_builds(&self, arns: &[String]) -> Vec<BuildRead> {
        let runs = self.builds.all.iter().filter(|run| arns.contains(&run.arn));
        runs.map(|run| BuildRead {
            arn: run.arn.clone(),
            id: Some(run.order.id.clone()),
            status: run.status,
            phase: if run.status == BuildStatus::InProgress { "BUILD" } else { "BUILD: exit status 1" }
                .to_owned(),
            exported_digest: match (run.status, run.becomes) {
                (BuildStatus::Succeeded, Becomes::Succeeded | Becomes::TagTaken) => Some(run.digest.clone()),
                (BuildStatus::Succeeded, Becomes::SucceededUntold | Becomes::Failed(_)) => None,
                (
                    BuildStatus::InProgress
                    | BuildStatus::Failed
                    | BuildStatus::Fault
                    | BuildStatus::TimedOut
                    | BuildStatus::Stopped,
                    _,
                ) => None,
            },
        })
        .collect()
    }

    /// Newest first.
    pub(crate) fn recent_builds(&self) -> Vec<String> {
        if self.untruth == Untruth::BuildsForgotten {
            return Vec::new();
        }
        self.builds.all.iter().rev().take(100).map(|run| run.arn.clone()).collect()
    }

    pub(crate) fn image_digest(&self, repository: &str, tag: &BuildId) -> Option<ImageDigest> {
        let image = self.builds.images.get(&(repository.to_owned(), tag.to_string()))?;
        (image.seen_from <= self.now).then(|| image.digest.parse().ok()).flatten()
    }
}

fn status_name(status: BuildStatus) -> &'static str {
    match status {
        BuildStatus::InProgress => "IN_PROGRESS",
        BuildStatus::Succeeded => "SUCCEEDED",
        BuildStatus::Failed => "FAILED",
        BuildStatus::Fault => "FAULT",
        BuildStatus::TimedOut => "TIMED_OUT",
        BuildStatus::Stopped => "STOPPED",
    }
}
