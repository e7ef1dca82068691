//! From a hint that a branch moved to a release on every track that the branch deploys to.

use std::collections::BTreeMap;

use config::{EnvironmentRecord, ServiceConfig, ServiceRecord, Standing};
use model::ids::{BranchName, BuildFamily, EnvironmentName, ImageDigest, RepositoryName, Revision, TrackKey};
use model::signal::{Push, Signal};
use model::track::Track;

use crate::advance::{Handled, advance};
use crate::failure::Failure;
use crate::hand::said;
use crate::places::{self, Asking, Place};
use crate::plan::{base_template, render};
use crate::ports::{Clock, Listeners, Queues, Records, Registry, Sources, Templates, Tracks};
use crate::records::{environments, find_service};

/// What a repository says about its service.
pub(crate) const CONFIG_FILE: &str = "ecs-service-config.json";
/// A branch that moves while it is read is read anew this often.
const HEAD_ATTEMPTS_MAX: u32 = 4;

/// A hint that a branch moved. Only the branch itself tells where to.
pub(crate) struct Hint<'a> {
    pub repository: &'a RepositoryName,
    pub branch: &'a BranchName,
    pub pushed_by: Option<&'a str>,
    /// The commit that the pusher is known to have pushed.
    pub commit: Option<&'a str>,
}

pub(crate) async fn push<P>(ports: &P, hint: &Hint<'_>) -> Result<String, Failure>
where
    P: Tracks + Listeners + Queues + Sources + Records + Registry + Templates + Clock,
{
    let Some(service) = find_service(ports, hint.repository).await? else {
        return unregistered(ports, hint).await;
    };
    if !service.allows(hint.branch) {
        return Ok(format!("ignored: the service record does not release branch {}", hint.branch));
    }
    for _ in 0..HEAD_ATTEMPTS_MAX {
        let Some(head) = ports.branch_head(hint.repository, hint.branch).await? else {
            return Ok(format!("ignored: branch {} is gone", hint.branch));
        };
        if let Some(said) = push_head(ports, hint, &service, &head).await? {
            return Ok(said);
        }
    }
    Err(Failure::transient("push", format!("branch {} moves faster than it can be read", hint.branch)))
}

/// Most repositories are nobody's business here; one with a config waits for a release that would never come.
async fn unregistered<P: Sources>(ports: &P, hint: &Hint<'_>) -> Result<String, Failure> {
    let repository = hint.repository;
    let file = match ports.branch_head(repository, hint.branch).await? {
        Some(head) => ports.file(repository, &head, CONFIG_FILE).await?,
        None => None,
    };
    match file {
        None => Ok(format!("ignored: repository {repository} is not registered")),
        Some(_) => Err(Failure::refused(
            "push",
            format!(
                "repository {repository} has an {CONFIG_FILE} on branch {} but is not registered: \
                 run `tidegate service add {repository}`, then push again or redrive this event",
                hint.branch
            ),
        )),
    }
}

/// `None` when the branch moved on meanwhile.
async fn push_head<P>(
    ports: &P,
    hint: &Hint<'_>,
    service: &ServiceRecord,
    head: &Revision,
) -> Result<Option<String>, Failure>
where
    P: Tracks + Listeners + Queues + Sources + Records + Registry + Templates + Clock,
{
    let (file, records) =
        futures_util::future::try_join(ports.file(hint.repository, head, CONFIG_FILE), environments(ports))
            .await?;
    let verdicts = judge(file.as_deref(), hint.branch, service, &records);
    if verdicts.is_empty() {
        return Ok(Some(format!("ignored: no environment deploys branch {}", hint.branch)));
    }
    let mut all_said = Vec::new();
    for (environment, fault) in verdicts {
        let key = TrackKey { service: service.service.clone(), environment };
        let (fault, fits) = match (fault, records.get(&key.environment)) {
            (None, Some(record)) => match fits(ports, &key, service, record, file.as_deref()).await? {
                Ok(config) => (None, Some((config, record))),
                Err(fault) => (Some(fault), None),
            },
            (fault, _) => (fault, None),
        };
        let push = Push {
            revision: head.clone(),
            repository: hint.repository.clone(),
            branch: hint.branch.clone(),
            by: hint.pushed_by.filter(|_| hint.commit == Some(head.as_str())).map(str::to_owned),
            family: BuildFamily::of(hint.repository, head, &service.image_repository_uri),
            fault,
        };
        let handled = advance(ports, &key, async |track| {
            // Read after the track was loaded: an older head must not be committed over a newer one (I8).
            let still = ports.branch_head(hint.repository, hint.branch).await?;
            if still.as_ref() != Some(head) {
                return Ok(None);
            }
            let mut push = push.clone();
            if let Some((config, environment)) = &fits {
                push.fault = unplaced(ports, track, head, config, environment).await?;
            }
            Ok(Some(Signal::Pushed(push)))
        })
        .await?;
        if handled == Handled::Unconcerned {
            return Ok(None);
        }
        all_said.push(format!("{key}: {}", said(&handled)));
    }
    Ok(Some(all_said.join("; ")))
}

/// The config that is to be released there, or what the environment's template or other services' grants have against
/// it. Said before a build is paid for, with an image and a priority in the place of those that there will be.
async fn fits<P: Listeners + Registry + Templates>(
    ports: &P,
    key: &TrackKey,
    service: &ServiceRecord,
    record: &EnvironmentRecord,
    file: Option<&[u8]>,
) -> Result<Result<ServiceConfig, String>, Failure> {
    let base = match base_template(ports, &key.environment, service, record).await {
        Ok(base) => base,
        Err(Failure::Refused { why, .. }) => return Ok(Err(why)),
        Err(failure) => return Err(failure),
    };
    let image = ImageDigest::of(&[0; 32]);
    let standing = Standing { priority: Some(1), ..Standing::default() };
    let config = match render(&key.environment, service, record, file, &base, &image, &standing) {
        Ok((config, _)) => config,
        Err(faults) => {
            let template = service.template_in(&key.environment, record);
            let why = format!("{CONFIG_FILE} does not fit the template {template}:\n{faults}");
            return Ok(Err(why));
        }
    };
    Ok(match places::others_grant(ports, key, &config, service, record).await? {
        Some(fault) => Err(fault),
        None => Ok(config),
    })
}

/// Why the release that this push would be cannot have its place on the listener. It is held before the release is
/// committed: what a crash leaves behind is nobody's soon.
async fn unplaced<P: Listeners + Tracks + Clock>(
    ports: &P,
    track: &Track,
    head: &Revision,
    config: &ServiceConfig,
    environment: &EnvironmentRecord,
) -> Result<Option<String>, Failure> {
    if track.newest.as_ref().is_some_and(|newest| newest.revision == *head) {
        return Ok(None);
    }
    let release = track.release_id(track.next_number());
    let asking = Asking { release: &release, revision: head, config, environment };
    Ok(match places::hold(ports, &asking).await? {
        Place::At(_) | Place::None => None,
        Place::Refused(why) => Some(why),
    })
}

/// The environments that this commit is for, each with what stands against it. A config that cannot be read fails
/// where it was meant for, so that nobody waits for a deployment that never comes.
pub(crate) fn judge(
    file: Option<&[u8]>,
    branch: &BranchName,
    service: &ServiceRecord,
    records: &BTreeMap<EnvironmentName, EnvironmentRecord>,
) -> Vec<(EnvironmentName, Option<String>)> {
    let everywhere = |meant: Vec<EnvironmentName>, fault: String| -> Vec<(EnvironmentName, Option<String>)> {
        // What comes after another environment takes no pushes, and so none of their faults.
        let takes_pushes =
            |name: &EnvironmentName| records.get(name).is_some_and(|record| record.floor.after.is_none());
        let meant = meant.into_iter().filter(takes_pushes).collect::<Vec<_>>();
        let bound = || {
            records
                .iter()
                .filter(|(name, record)| takes_pushes(name) && record.branch.as_ref() == Some(branch))
        };
        let names = if !meant.is_empty() {
            meant
        } else if bound().next().is_some() {
            bound().map(|(name, _)| name.clone()).collect()
        } else {
            records.keys().filter(|name| takes_pushes(name)).cloned().collect()
        };
        names.into_iter().map(|name| (name, Some(fault.clone()))).collect()
    };
    let Some(file) = file else {
        return everywhere(Vec::new(), format!("{CONFIG_FILE} is missing at the root of the repository"));
    };
    let wrong = |faults: config::Faults| format!("{CONFIG_FILE} is not valid:\n{faults}");
    let config = match config::parse(file) {
        Ok(config) => config,
        Err(faults) => return everywhere(config::environments_meant(file, branch), wrong(faults)),
    };
    match config.environments_for(branch, records) {
        Err(faults) => everywhere(config::environments_meant(file, branch), wrong(faults)),
        Ok(names) => names
            .into_iter()
            .map(|name| {
                let fault = records
                    .get(&name)
                    .and_then(|record| config.check(&name, service, record).err())
                    .map(wrong);
                (name, fault)
            })
            .collect(),
    }
}
