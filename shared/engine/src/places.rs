//! Places among the rules of a listener: held for a release before it is committed, so that what cannot be had is refused
//! before a build is paid for, and held for it again before every plan.

use std::collections::BTreeSet;

use config::{EnvironmentRecord, ServiceConfig, ServiceRecord};
use model::ids::{ReleaseId, Revision, TrackKey};
use model::listener::{Clash, Listener, Wanted};
use model::release::Release;
use model::track::Track;

use crate::failure::Failure;
use crate::ports::{Clock, Commit, Listeners, Registry, Tracks};
use crate::push::CONFIG_FILE;

/// Lost races are decided anew this often; then whoever asked tries again.
const RESERVE_ATTEMPTS_MAX: u32 = 16;
/// Pages of service records, ten each, that are looked through for grants that overlap.
const GRANT_PAGES_MAX: usize = 100;

/// For whom a place is asked.
pub(crate) struct Asking<'a> {
    pub release: &'a ReleaseId,
    pub revision: &'a Revision,
    pub config: &'a ServiceConfig,
    pub environment: &'a EnvironmentRecord,
}

/// What came of asking for a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Held, at this priority.
    At(u32),
    /// The service has no rule there.
    None,
    /// What stands in its way, in words.
    Refused(String),
}

/// Holds what the release needs of its environment's listener.
///
/// # Errors
/// Transient when others write the listener without end.
pub(crate) async fn hold<P: Listeners + Tracks + Clock>(
    ports: &P,
    asking: &Asking<'_>,
) -> Result<Place, Failure> {
    let name = &asking.release.track.environment;
    let (Some(wanted), Some(arn)) = (asking.config.wanted_rule(name), &asking.environment.listener_arn)
    else {
        return Ok(Place::None);
    };
    for _ in 0..RESERVE_ATTEMPTS_MAX {
        let stored = ports.load_listener(arn).await?;
        let (next, priority) = match reserve(ports, asking, &wanted, &stored).await? {
            Ok(reserved) => reserved,
            Err(clash) => {
                let why = asking.config.clash(name, &clash);
                return Ok(Place::Refused(format!(
                    "{CONFIG_FILE} asks for a place that it cannot have:\n{why}"
                )));
            }
        };
        if next == stored || ports.commit_listener(arn, &next).await? == Commit::Written {
            return Ok(Place::At(priority));
        }
    }
    Err(Failure::transient("commit", format!("listener {arn} was changed by others too often")))
}

/// The same for a release that is about to be planned: it may have come without a push, and others' rules may have been
/// there first.
///
/// # Errors
/// `Refused` when the place cannot be had.
pub(crate) async fn hold_for_plan<P: Listeners + Tracks + Clock>(
    ports: &P,
    release: &Release,
    environment: &EnvironmentRecord,
    file: Option<&[u8]>,
) -> Result<Option<u32>, Failure> {
    // What cannot be read is told in full where it is rendered.
    let Some(Ok(config)) = file.map(config::parse) else { return Ok(None) };
    let asking = Asking { release: &release.id, revision: &release.revision, config: &config, environment };
    match hold(ports, &asking).await? {
        Place::At(priority) => Ok(Some(priority)),
        Place::None => Ok(None),
        Place::Refused(why) => Err(Failure::refused("plan", why)),
    }
}

/// The listener to be stored. Who is in the way is asked whether that is still so, each holder once.
async fn reserve<P: Tracks + Clock>(
    ports: &P,
    asking: &Asking<'_>,
    wanted: &Wanted,
    stored: &Listener,
) -> Result<Result<(Listener, u32), Clash>, Failure> {
    let own = &asking.release.track;
    let now = ports.now();
    let mut listener = as_held(ports, stored, own).await?;
    let mut asked: BTreeSet<TrackKey> = BTreeSet::from([own.clone()]);
    loop {
        let clash = match listener.reserve(asking.release, asking.revision, wanted, now) {
            // One write, however many holders gave something back.
            Ok((next, priority)) => {
                let version = stored.version + u64::from(next.held != stored.held);
                return Ok(Ok((Listener { version, ..next }, priority)));
            }
            Err(clash) => clash,
        };
        let in_the_way: Vec<TrackKey> = match clash.holder() {
            Some(holder) => vec![holder.clone()],
            None => listener.held.keys().cloned().collect(),
        };
        let to_ask: Vec<TrackKey> = in_the_way.into_iter().filter(|key| asked.insert(key.clone())).collect();
        if to_ask.is_empty() {
            return Ok(Err(clash));
        }
        for key in to_ask {
            listener = as_held(ports, &listener, &key).await?;
        }
    }
}

/// The listener without what that track, read after it, no longer holds there.
async fn as_held<P: Tracks + Clock>(
    ports: &P,
    listener: &Listener,
    key: &TrackKey,
) -> Result<Listener, Failure> {
    let track = &ports.load_track(key).await?.unwrap_or_else(|| Track::new(key.clone()));
    let mut over: Vec<Release> = Vec::new();
    for n in listener.unsure(track) {
        over.extend(ports.load_release(&track.release_id(n)).await?);
    }
    Ok(listener.as_held(track, &over, ports.now()))
}

/// What other services were granted and this one asks for all the same. Looked through only when the service asks for
/// what it has not had before: that takes a call for every ten services.
pub(crate) async fn others_grant<P: Listeners + Registry>(
    ports: &P,
    key: &TrackKey,
    config: &ServiceConfig,
    service: &ServiceRecord,
    environment: &EnvironmentRecord,
) -> Result<Option<String>, Failure> {
    let name = &key.environment;
    let (Some(wanted), Some(arn)) = (config.wanted_rule(name), &environment.listener_arn) else {
        return Ok(None);
    };
    if ports.load_listener(arn).await?.has(key, &wanted.matching) {
        return Ok(None);
    }
    let mut page = None;
    for _ in 0..GRANT_PAGES_MAX {
        let read = ports.service_records(page.as_deref()).await?;
        for (repository, stored) in &read.items {
            match ServiceRecord::parse(stored.body.as_bytes()) {
                Ok(other) => {
                    if let Err(fault) = config.check_others_grant(name, service, &other) {
                        return Ok(Some(format!("{CONFIG_FILE} asks for what it cannot have:\n{fault}")));
                    }
                }
                Err(faults) => tracing::error!(%repository, %faults, "service record left out"),
            }
        }
        page = read.next;
        if page.is_none() {
            return Ok(None);
        }
    }
    // To be refused by mistake is mended by whoever runs the platform; to take what is another's is not.
    Ok(Some(format!(
        "what other services were granted cannot all be read: more than {GRANT_PAGES_MAX} pages of records under \
         /tidegate/repositories; remove those that are no longer needed"
    )))
}
