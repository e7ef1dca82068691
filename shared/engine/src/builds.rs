//! Starting, sharing, watching and stopping builds.

use model::build::{Build, Next};
use model::effect::{Effect, Promise};
use model::ids::{BuildFamily, BuildId, ReleaseId};
use model::release::Release;
use model::signal::{BuildSeen, Signal};
use model::track::Track;

use crate::failure::Failure;
use crate::log_lines;
use crate::ports::{
    BuildOrder, BuildRead, BuildService, BuildStatus, Builds, Clock, Commit, Images, Logs, Records, Tracks,
};
use crate::records::service_of;

/// Releases that join the same build at the same moment take turns this often.
const JOIN_ATTEMPTS_MAX: u32 = 8;
/// Phases after the one that failed write a few lines more.
const LOG_LINES_READ: u32 = 60;
const LOG_LINES_TOLD: usize = 20;
const LOG_ATTEMPTS_MAX: u32 = 2;
/// Begins CodeBuild's own lines.
const CONTAINER: &str = "[Container]";

/// The builder's effects.
pub(crate) async fn perform<P: Tracks + Builds + BuildService + Images + Logs + Records + Clock>(
    ports: &P,
    track: &Track,
    promise: &Promise,
) -> Result<Signal, Failure> {
    let done = || Signal::Done { key: promise.key.clone() };
    let release = || {
        track
            .release(promise.key.release.n)
            .ok_or_else(|| Failure::refused("build", format!("release {} is over", promise.key.release)))
    };
    match &promise.effect {
        Effect::StartBuild => {
            let release = release()?;
            Ok(match start(ports, promise, release).await? {
                Some(build) => Signal::BuildStarted { n: release.id.n, build },
                // Whoever kept the promise has said so.
                None => Signal::Tick,
            })
        }
        Effect::LookAtBuild { build } => match watch(ports, build).await? {
            Some((_, seen)) => Ok(Signal::BuildSeen { build: build.clone(), seen }),
            None => Ok(Signal::BuildSeen { build: build.clone(), seen: BuildSeen::Lost }),
        },
        Effect::LeaveBuild { family } => {
            leave(ports, family, &promise.key.release).await?;
            Ok(done())
        }
        Effect::Plan
        | Effect::DiscardPlan { .. }
        | Effect::Execute
        | Effect::Retire
        | Effect::RunErrand
        | Effect::LookAtErrand
        | Effect::StopErrand { .. }
        | Effect::LookAtDeployment
        | Effect::StopDeployment
        | Effect::GiveVerdict
        | Effect::Repair
        | Effect::Promote
        | Effect::Announce { .. }
        | Effect::Show => Ok(done()),
    }
}

/// How the build of this id stands, and who wants it; `None` when the table knows no such attempt.
pub(crate) async fn watch<P: Builds + BuildService + Images + Logs>(
    ports: &P,
    id: &BuildId,
) -> Result<Option<(Build, BuildSeen)>, Failure> {
    let Some(build) = ports.load_build(&id.family()).await? else { return Ok(None) };
    if build.id() != *id {
        return Ok(None);
    }
    let seen = match &build.state {
        model::build::BuildState::Requested { .. } => BuildSeen::Running { phase: "requested".to_owned() },
        model::build::BuildState::Started { arn } => match read_one(ports, arn).await? {
            None => BuildSeen::Lost,
            Some(read) => match seen(ports, &build, &read).await? {
                BuildSeen::Failed { why, log } => {
                    BuildSeen::Failed { why: with_log(ports, &read, why).await, log }
                }
                seen @ (BuildSeen::Running { .. } | BuildSeen::Succeeded { .. } | BuildSeen::Lost) => seen,
            },
        },
    };
    Ok(Some((build, seen)))
}

async fn read_one<P: BuildService>(ports: &P, arn: &str) -> Result<Option<BuildRead>, Failure> {
    Ok(ports.read_builds(&[arn.to_owned()]).await?.into_iter().next())
}

async fn seen<P: Images>(ports: &P, build: &Build, read: &BuildRead) -> Result<BuildSeen, Failure> {
    let failed = |how: &str| BuildSeen::Failed {
        why: format!("build {} {how}: {}", build.id(), read.phase),
        log: read.log_link.clone(),
    };
    Ok(match read.status {
        BuildStatus::InProgress => BuildSeen::Running { phase: read.phase.clone() },
        BuildStatus::Succeeded => BuildSeen::Succeeded {
            exported: read.exported_digest.as_ref().and_then(|digest| digest.parse().ok()),
            registry: ports.image_digest(&build.image_repository, &build.id()).await?,
        },
        BuildStatus::Failed => failed("failed"),
        BuildStatus::Fault => failed("broke inside CodeBuild"),
        BuildStatus::TimedOut => failed("took too long"),
        BuildStatus::Stopped => failed("was stopped"),
    })
}

/// With the last lines of the phase that failed. Not to know those must not keep anybody from hearing the rest.
async fn with_log<P: Logs>(ports: &P, read: &BuildRead, why: String) -> String {
    let Some(log) = read.log.as_ref().filter(|_| read.status != BuildStatus::Stopped) else { return why };
    for _ in 0..LOG_ATTEMPTS_MAX {
        match ports.log_tail(&log.group, &log.name, LOG_LINES_READ).await {
            Ok(lines) => return log_lines::below(why, &of_phase(&lines, &read.phase)),
            Err(failure) => tracing::warn!(build = %read.arn, %failure, "the log of a build cannot be read"),
        }
    }
    why
}

/// What the phase's commands wrote last, without what CodeBuild writes about them: its own lines say where a phase begins
/// and ends.
///
/// Source: CodeBuild user guide, "View build details"; logs of builds.
fn of_phase(lines: &[String], phase: &str) -> Vec<String> {
    let name = phase.split(':').next().unwrap_or_default();
    let says = |line: &str, what: &str| line.starts_with(CONTAINER) && line.contains(what);
    let entering = format!("Entering phase {name}");
    let start = lines.iter().rposition(|line| says(line, &entering)).map_or(0, |at| at + 1);
    let ends = |line: &&String| says(line, "Phase context status code") || says(line, "Phase complete");
    let own =
        lines[start..].iter().take_while(|line| !ends(line)).filter(|line| !line.starts_with(CONTAINER));
    let own: Vec<String> = own.cloned().collect();
    own[own.len().saturating_sub(LOG_LINES_TOLD)..].to_vec()
}

/// Joins the build of the release's revision, or starts it; `None` when that is promised no more.
async fn start<P: Tracks + Builds + BuildService + Images + Records + Clock>(
    ports: &P,
    promise: &Promise,
    release: &Release,
) -> Result<Option<BuildId>, Failure> {
    let service = service_of(ports, &release.repository).await?;
    for _ in 0..JOIN_ATTEMPTS_MAX {
        let now = ports.now();
        let next = match ports.load_build(&release.family).await? {
            Some(build) => {
                let next = build.next_for(&release.id, now);
                // Read after the build: another delivery may have started it and seen it fail, and the release have
                // left it. Nobody wants a second one then.
                let is_started = matches!(next, Next::Started(_));
                if !is_started && !is_promised(ports, promise).await? {
                    return Ok(None);
                }
                next
            }
            None => Next::Start(Build::first(
                release.family.clone(),
                release.repository.clone(),
                release.revision.clone(),
                service.image_repository.clone(),
                release.id.clone(),
                now,
            )),
        };
        let to_start = match next {
            Next::Started(id) => return Ok(Some(id)),
            Next::Start(build) => build,
            Next::LookFor(build) => match find(ports, &build.id()).await? {
                Some(arn) => {
                    let found = build.found(arn);
                    if ports.commit_build(&found).await? == Commit::Written {
                        return Ok(Some(found.id()));
                    }
                    continue;
                }
                None => build.requested_again(now),
            },
            Next::ReadBeforeJoining { build, arn } => {
                if is_usable(ports, &build, &arn).await? {
                    let joined = build.joined(&release.id);
                    if ports.commit_build(&joined).await? == Commit::Written {
                        return Ok(Some(joined.id()));
                    }
                    continue;
                }
                build.attempted_again(&release.id, now)
            }
        };
        if ports.commit_build(&to_start).await? == Commit::Lost {
            continue;
        }
        let arn = ports
            .start_build(&BuildOrder {
                id: to_start.id(),
                repository: release.repository.clone(),
                revision: release.revision.clone(),
                image_repository_uri: service.image_repository_uri.clone(),
                role_arn: service.build_role_arn.clone(),
            })
            .await?;
        if ports.commit_build(&to_start.started(arn)).await? == Commit::Written {
            return Ok(Some(to_start.id()));
        }
    }
    Err(Failure::transient("commit", format!("build {} was changed by others too often", release.family)))
}

async fn is_promised<P: Tracks>(ports: &P, promise: &Promise) -> Result<bool, Failure> {
    let track = ports.load_track(&promise.key.release.track).await?;
    Ok(track.is_some_and(|track| track.outbox.iter().any(|promised| promised.key == promise.key)))
}

/// Whether one more release can wait for, or use, what this build makes.
async fn is_usable<P: BuildService + Images>(ports: &P, build: &Build, arn: &str) -> Result<bool, Failure> {
    let Some(read) = read_one(ports, arn).await? else { return Ok(false) };
    Ok(match seen(ports, build, &read).await? {
        BuildSeen::Running { .. } => true,
        BuildSeen::Succeeded { registry, .. } => registry.is_some(),
        BuildSeen::Failed { .. } | BuildSeen::Lost => false,
    })
}

/// Looks whether a StartBuild without an answer took effect.
async fn find<P: BuildService>(ports: &P, id: &BuildId) -> Result<Option<String>, Failure> {
    let recent = ports.recent_builds().await?;
    if recent.is_empty() {
        return Ok(None);
    }
    let found = ports.read_builds(&recent).await?.into_iter().find(|read| read.id.as_ref() == Some(id));
    Ok(found.map(|read| read.arn))
}

/// Takes the release off its build, and stops the build when nobody is left. The empty list is written first: from
/// then on nobody joins, so nobody's build is stopped under them.
async fn leave<P: Builds + BuildService>(
    ports: &P,
    family: &BuildFamily,
    release: &ReleaseId,
) -> Result<(), Failure> {
    for _ in 0..JOIN_ATTEMPTS_MAX {
        let Some(build) = ports.load_build(family).await? else { return Ok(()) };
        let build = match build.left_by(release) {
            None => build,
            Some(left) if ports.commit_build(&left).await? == Commit::Written => left,
            Some(_) => continue,
        };
        return match build.to_stop() {
            Some(arn) => ports.stop_build(arn).await,
            None => Ok(()),
        };
    }
    Err(Failure::transient("commit", format!("build {family} was changed by others too often")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_phase_that_failed_wrote_is_told() {
        let all = [
            "[Container] 2026/01/05 10:00:00 Entering phase PRE_BUILD",
            "Login Succeeded",
            "[Container] 2026/01/05 10:00:01 Phase complete: PRE_BUILD State: SUCCEEDED",
            "[Container] 2026/01/05 10:00:01 Entering phase BUILD",
            "[Container] 2026/01/05 10:00:01 Running command make",
            "make: *** [all] Error 1",
            "[Container] 2026/01/05 10:00:02 Command did not exit successfully make exit status 2",
            "[Container] 2026/01/05 10:00:02 Phase complete: BUILD State: FAILED",
            "[Container] 2026/01/05 10:00:02 Entering phase POST_BUILD",
            "cleaned up",
        ];
        let all = all.map(str::to_owned);
        assert_eq!(of_phase(&all, "BUILD: exit status 2"), ["make: *** [all] Error 1"]);
        assert_eq!(of_phase(&all, "PRE_BUILD: exit status 1"), ["Login Succeeded"]);
        let many: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        assert_eq!(of_phase(&many, "BUILD"), many[30..], "it began before what was read");
    }
}
