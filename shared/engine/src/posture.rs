//! Looks at databases as RDS describes them, judges them, and stores what was found.

use std::collections::{BTreeMap, BTreeSet};

use databases::facts::{Database, Family, Kind, Snapshot};
use databases::policy::Policies;
use databases::rules::{Judged, is_left_out, judge, judge_left};
use databases::watch::Watch;
use futures_util::{StreamExt, TryStreamExt, stream, try_join};
use model::database::DatabaseKey;
use model::ids::Malformed;
use model::time::{Span, Timestamp};

use crate::failure::Failure;
use crate::ports::{Clock, Databases, NoticeQueue, Page, Policy, Snapshots, Watches};
use crate::watching::change;

/// Pages of a hundred, of each thing that RDS lists.
const PAGES_MAX: usize = 500;
/// Calls under way at once: RDS throttles an account's reads, and its deployments read too.
const PARALLEL_MAX: usize = 8;
/// Clocks of different machines differ by less.
const CLOCKS: Span = Span::minutes(1);

/// What was read of the databases that are asked about.
struct Read {
    at: Timestamp,
    databases: Vec<Database>,
    snapshots: Vec<Snapshot>,
    policies: Policies,
}

/// What a look at all of them saw, for whoever begins drills.
pub(crate) struct Fleet {
    pub(crate) said: String,
    pub(crate) at: Timestamp,
    /// Members of clusters too.
    pub(crate) databases: Vec<Database>,
    pub(crate) policies: Policies,
    /// When each was drilled last.
    pub(crate) drilled: BTreeMap<DatabaseKey, Timestamp>,
}

/// Every database of the account and region, and what is left of those that are gone.
///
/// Nothing is judged before everything was read: what could not be read must not look mended.
pub(crate) async fn look_at_all<P>(ports: &P) -> Result<Fleet, Failure>
where
    P: Databases + Snapshots + Policy + Watches + NoticeQueue + Clock,
{
    let read = read(ports, None).await?;
    let mut stored: BTreeMap<DatabaseKey, Watch> = pages(async |page| ports.watches(page).await)
        .await?
        .into_iter()
        .map(|w| (w.key.clone(), w))
        .collect();
    let drilled = |watch: &Watch| Some((watch.key.clone(), watch.last_drill.as_ref()?.requested));
    let drilled = stored.values().filter_map(drilled).collect();
    let judged = read.judged().map_err(malformed)?;
    let (count, broken) = (judged.len(), judged.iter().filter(|j| !j.findings.is_empty()).count());
    let mut work = Vec::new();
    for judged in judged {
        let watch = stored.remove(&judged.key);
        // Databases in order, without exceptions and without a story are remembered too: the views list them.
        work.push((judged.key.clone(), watch, Some(judged), None));
    }
    // What is left was looked at before and is gone, or is a member of a cluster, or only has something to tell.
    let families: BTreeMap<&str, Family> = read
        .databases
        .iter()
        .filter(|database| database.member_of.is_some())
        .map(|member| (member.name.as_str(), member.family()))
        .collect();
    work.extend(stored.into_iter().map(|(key, watch)| {
        let is_instance = key.kind() == Kind::Instance.as_str();
        let family = families.get(key.name()).copied().filter(|_| is_instance);
        (key, Some(watch), None, family)
    }));
    stream::iter(work)
        .map(Ok)
        .try_for_each_concurrent(PARALLEL_MAX, async |(key, watch, judged, family)| {
            let see = |watch: &mut Watch| {
                take_over(watch, judged.as_ref(), read.at);
                watch.family = family.or(watch.family);
            };
            change(ports, &key, watch, see).await.map(drop)
        })
        .await?;
    let said = format!("looked at {count} databases: {broken} break a rule");
    Ok(Fleet { said, at: read.at, databases: read.databases, policies: read.policies, drilled })
}

/// One database, after an event of it; for a member of a cluster, the cluster.
pub(crate) async fn look_at<P>(ports: &P, kind: Kind, name: &str) -> Result<String, Failure>
where
    P: Databases + Snapshots + Policy + Watches + NoticeQueue + Clock,
{
    let mut read = self::read(ports, Some((kind, name))).await?;
    let member = read.databases.iter().find_map(|d| Some((d.family(), d.member_of.clone()?)));
    if let Some((family, cluster)) = member {
        // Its own events are told of it, and Neptune and DocumentDB send them as RDS.
        let key = DatabaseKey::new(kind.as_str(), name).map_err(malformed)?;
        change(ports, &key, None, |watch| watch.family = Some(family)).await?;
        read = self::read(ports, Some((Kind::Cluster, &cluster))).await?;
    }
    let mut said = Vec::new();
    for judged in read.judged().map_err(malformed)? {
        change(ports, &judged.key, None, |watch| take_over(watch, Some(&judged), read.at)).await?;
        said.push(format!("{}: {} rules broken", judged.key, judged.findings.len()));
    }
    // Whether it is gone for good, the next look at all of them tells.
    Ok(if said.is_empty() { format!("there is no {} {name}", kind.as_str()) } else { said.join("; ") })
}

/// An older look never replaces a newer one.
fn take_over(watch: &mut Watch, judged: Option<&Judged>, at: Timestamp) {
    let Some(judged) = judged else {
        if watch.looked.as_ref().is_some_and(|looked| looked.at.plus(CLOCKS) <= at) {
            watch.vanish(at);
        }
        return;
    };
    if watch.looked.as_ref().is_none_or(|looked| looked.at <= at) {
        watch.look(judged, at);
    }
}

fn malformed(malformed: Malformed) -> Failure {
    Failure::refused("database key", malformed.to_string())
}

async fn read<P>(ports: &P, one: Option<(Kind, &str)>) -> Result<Read, Failure>
where
    P: Databases + Snapshots + Policy + Watches + NoticeQueue + Clock,
{
    let at = ports.now();
    let of = |kind: Kind| match one {
        None => Some(None),
        Some((asked, name)) => (asked == kind).then_some(Some(name)),
    };
    let databases = async |kind: Kind| match of(kind) {
        Some(name) => pages(async |page| ports.databases(kind, name, page).await).await,
        None => Ok(Vec::new()),
    };
    let snapshots = async |kind: Kind| match of(kind) {
        Some(name) => pages(async |page| ports.snapshots(kind, name, page).await).await,
        None => Ok(Vec::new()),
    };
    let automated = async || match of(Kind::Instance) {
        Some(name) => pages(async |page| ports.automated_backups(name, page).await).await,
        None => Ok(Vec::new()),
    };
    let (policies, instances, clusters, automated, of_instances, of_clusters) = try_join!(
        policies_in_force(ports),
        databases(Kind::Instance),
        databases(Kind::Cluster),
        automated(),
        snapshots(Kind::Instance),
        snapshots(Kind::Cluster),
    )?;
    let instances = instances.into_iter().map(|instance| instance.with_automated(&automated));
    let snapshots: Vec<Snapshot> = of_instances.into_iter().chain(of_clusters).collect();
    let snapshots = stream::iter(snapshots)
        .map(async |snapshot| with_accounts(ports, snapshot).await)
        .buffer_unordered(PARALLEL_MAX)
        .try_collect()
        .await?;
    Ok(Read { at, databases: instances.chain(clusters).collect(), snapshots, policies })
}

/// Only manual snapshots can be shared: the others are not asked about.
async fn with_accounts<P: Snapshots>(ports: &P, snapshot: Snapshot) -> Result<Snapshot, Failure> {
    if !snapshot.manual {
        return Ok(snapshot);
    }
    let shared_with = ports.shared_with(snapshot.of, &snapshot.name).await?;
    Ok(Snapshot { shared_with, ..snapshot })
}

pub(crate) async fn policies<P: Policy>(ports: &P) -> Result<Policies, Failure> {
    let Some(stored) = ports.database_policies().await? else { return Ok(Policies::default()) };
    Policies::parse(stored.body.as_bytes()).map_err(|bad| {
        Failure::refused("database policies", format!("/tidegate/databases is not valid: {bad}"))
    })
}

/// Versions of parameters begin with 1: this is the one of a record that could not be read at all.
const UNREAD: i64 = 0;

/// A mistake in the record must not keep the fleet from being judged, and its finding must not look mended: while it counts
/// for nothing, the last that was valid counts, and people are told once.
async fn policies_in_force<P: Policy + Watches + NoticeQueue + Clock>(
    ports: &P,
) -> Result<Policies, Failure> {
    let (stored, version, why) = match ports.database_policies().await {
        Ok(None) => (Some((None, Policies::default())), UNREAD, String::new()),
        Ok(Some(stored)) => match Policies::parse(stored.body.as_bytes()) {
            Ok(policies) => (Some((Some(stored.body), policies)), stored.version, String::new()),
            Err(bad) => (None, stored.version, format!("it is not valid: {bad}")),
        },
        Err(failure @ Failure::Refused { .. }) => (None, UNREAD, failure.to_string()),
        Err(failure @ (Failure::Transient { .. } | Failure::Unknown { .. } | Failure::NoCapacity { .. })) => {
            return Err(failure);
        }
    };
    let key = DatabaseKey::new("record", "databases").map_err(malformed)?;
    let known = ports.load_watch(&key).await?;
    let record = known.as_ref().and_then(|watch| watch.record.clone()).unwrap_or_default();
    match stored {
        Some((body, policies)) => {
            if record.valid != body || record.told.is_some() {
                change(ports, &key, known, |watch| watch.read(body.clone())).await?;
            }
            Ok(policies)
        }
        None => {
            tracing::error!(version, %why, "/tidegate/databases counts for nothing");
            let now = ports.now();
            change(ports, &key, known, |watch| watch.could_not_read(version, &why, now)).await?;
            let last = record.valid.and_then(|body| Policies::parse(body.as_bytes()).ok());
            Ok(last.unwrap_or_default())
        }
    }
}

async fn pages<T>(next: impl AsyncFn(Option<&str>) -> Result<Page<T>, Failure>) -> Result<Vec<T>, Failure> {
    let mut items = Vec::new();
    let mut page: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let read = next(page.as_deref()).await?;
        items.extend(read.items);
        page = read.next;
        if page.is_none() {
            return Ok(items);
        }
    }
    Err(Failure::refused("reading databases", format!("there are more than {PAGES_MAX} pages of one thing")))
}

impl Read {
    fn judged(&self) -> Result<Vec<Judged>, Malformed> {
        let (snapshots, policies, at) = (&self.snapshots, &self.policies, self.at);
        let whole = self.databases.iter().filter(|d| d.member_of.is_none() && !is_left_out(d, policies, at));
        let there: BTreeSet<(Kind, &str)> =
            self.databases.iter().map(|database| (database.kind, database.name.as_str())).collect();
        let left: BTreeSet<(Kind, &str)> = snapshots
            .iter()
            .map(|snapshot| (snapshot.of, snapshot.database.as_str()))
            .filter(|database| !there.contains(database))
            .collect();
        let of_whole = whole.map(|database| judge(database, snapshots, policies, at));
        let of_left = left.into_iter().map(|(kind, name)| judge_left(kind, name, snapshots, policies, at));
        of_whole.chain(of_left).collect()
    }
}

#[cfg(test)]
#[path = "posture_tests.rs"]
mod tests;
