//! CodeBuild and ECR.

use std::collections::BTreeMap;

use engine::failure::Failure;
use engine::ports::{BuildOrder, BuildRead, BuildStatus, LogStream};
use model::ids::{BuildFamily, BuildId, ImageDigest};

use crate::checks::Invariant;
use crate::events::{self, ACCOUNT, REGION};
use crate::faults::Fault;
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
    forgotten: bool,
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

impl Builds {
    /// Of builds that are over nothing is known any more.
    pub(crate) fn forget(&mut self) {
        for run in self.all.iter_mut().filter(|run| run.status != BuildStatus::InProgress) {
            run.forgotten = true;
        }
    }
}

impl World {
    pub(crate) fn start_build(&mut self, order: &BuildOrder) -> Result<String, Failure> {
        let known = self
            .builds
            .all
            .iter()
            .find(|run| run.order.id == order.id && self.now < run.started_at + TOKEN_KEPT_MS);
        if let Some(run) = known {
            self.coverage.hit("refused", "StartBuild again under its token");
            return Ok(run.arn.clone());
        }
        let running = self.builds.all.iter().filter(|run| run.status == BuildStatus::InProgress).count();
        if running >= self.script.as_ref().map_or(RUNNING_MAX, |script| script.builds_at_once) {
            self.coverage.hit("refused", "StartBuild, the queue is full");
            let why = "AccountLimitExceededException: cannot have more builds in queue".to_owned();
            return Err(Failure::NoCapacity { call: "StartBuild", why });
        }
        let number = self.id();
        let becomes = self.build_becomes(order.repository.as_str());
        let arn = format!("arn:aws:codebuild:{REGION}:{ACCOUNT}:build/tidegate-BuildProject:{number}");
        let spread = self.random_of(order.repository.as_str()).next();
        let uri = &order.image_repository_uri;
        let run = Run {
            arn: arn.clone(),
            order: order.clone(),
            started_at: self.now,
            status: BuildStatus::InProgress,
            becomes,
            digest: format!("sha256:{spread:016x}{number:048x}"),
            image_repository: uri.rsplit('/').next().unwrap_or(uri).to_owned(),
            forgotten: false,
        };
        self.say(format_args!("build {} starts and will be {becomes:?}", order.id));
        self.builds.all.push(run);
        let duration = self.takes(order.repository.as_str(), 30 * SECOND, 20 * MINUTE);
        self.later(duration, Happening::BuildEnds { arn: arn.clone() });
        Ok(arn)
    }

    /// As if the builds so far had been started without one.
    pub(crate) fn forget_build_tokens(&mut self) {
        self.builds.all.iter_mut().for_each(|run| run.started_at = 0);
    }

    fn build_becomes(&mut self, repository: &str) -> Becomes {
        if let Some(script) = &mut self.script {
            return script.builds.pop_front().unwrap_or(Becomes::Succeeded);
        }
        if !self.strikes(Fault::BuildFails, "build") {
            return Becomes::Succeeded;
        }
        *self.random_of(repository).pick(&[
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
                Becomes::TagTaken => {
                    self.coverage.hit("refused", "an image under a tag that is taken");
                    format!("sha256:{}", "f".repeat(64))
                }
                Becomes::Succeeded | Becomes::SucceededUntold | Becomes::Failed(_) => run.digest.clone(),
            };
            self.push_image(&run, digest);
        }
        self.build_is(at, status);
    }

    /// The registry may show the image before the build is over, or minutes after.
    fn push_image(&mut self, run: &Run, digest: String) {
        let delay = *self.random_of(&run.image_repository).pick(&[0, 0, 0, SECOND, 40 * SECOND, 3 * MINUTE]);
        let (repository, tag) = (run.image_repository.clone(), run.order.id.to_string());
        let image = Image { digest: digest.clone(), seen_from: self.now + delay };
        let key = (repository.clone(), tag.clone());
        if self.builds.images.insert(key, image).is_some() {
            self.violation(Invariant::I5, format!("two builds pushed the immutable tag {tag}"));
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
        let known = |run: &&Run| arns.contains(&run.arn) && !run.forgotten;
        let runs = self.builds.all.iter().filter(known);
        runs.map(|run| BuildRead {
            arn: run.arn.clone(),
            id: Some(run.order.id.clone()),
            status: run.status,
            phase: if run.status == BuildStatus::InProgress { "BUILD" } else { "BUILD: exit status 1" }
                .to_owned(),
            log: Some(LogStream { group: "builds".to_owned(), name: run.order.id.to_string() }),
            log_link: Some(format!("https://console.example.com/builds/{}", run.order.id)),
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
        self.builds
            .all
            .iter()
            .rev()
            .filter(|run| !run.forgotten)
            .take(100)
            .map(|run| run.arn.clone())
            .collect()
    }

    /// What the registry holds under the build's tag, shown or not.
    pub(crate) fn pushed_under(&self, tag: &BuildId) -> Option<String> {
        let image = self.builds.images.iter().find(|((_, of), _)| of == tag.as_str());
        image.map(|(_, image)| image.digest.clone())
    }

    /// Whether a build of this family made the image.
    pub(crate) fn was_built(&self, family: &BuildFamily, image: &ImageDigest) -> bool {
        let made = |run: &Run| run.digest == image.as_str() && run.status == BuildStatus::Succeeded;
        self.builds.all.iter().any(|run| made(run) && run.order.id.family() == *family)
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
