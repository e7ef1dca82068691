//! What makes a database one that can be restored. Pure: facts and a policy in, findings out.

use std::collections::BTreeMap;

use model::database::DatabaseKey;
use model::ids::Malformed;
use model::severity::Severity::{self, Critical, High, Warning};
use model::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::drill::is_copy;
use crate::facts::{Database, Family, Kind, Snapshot};
use crate::mend;
use crate::policy::{DRILL_HOURS_MAX, Isolation, Policies, Policy, Waiver};
use crate::time::lasted;
use crate::window::{Daily, Weekly};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    BackupsOff,
    RetentionShort,
    BackupWindowMissing,
    BackupWindowInMaintenance,
    NotRestorable,
    /// SQL Server's own reasons for a restorable time that stands still.
    SqlServerLogChain,
    SnapshotOld,
    SingleAz,
    NotEncrypted,
    NoDeletionProtection,
    SnapshotPublic,
    SnapshotForeign,
    PendingWeakens,
    /// A drill's copy that should have been deleted.
    DrillCopyLeft,
    /// RDS leaves out what rules turn on.
    NotDescribed,
}

impl Rule {
    pub const ALL: [Self; 15] = [
        Self::BackupsOff,
        Self::RetentionShort,
        Self::BackupWindowMissing,
        Self::BackupWindowInMaintenance,
        Self::NotRestorable,
        Self::SqlServerLogChain,
        Self::SnapshotOld,
        Self::SingleAz,
        Self::NotEncrypted,
        Self::NoDeletionProtection,
        Self::SnapshotPublic,
        Self::SnapshotForeign,
        Self::PendingWeakens,
        Self::DrillCopyLeft,
        Self::NotDescribed,
    ];

    /// As waivers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BackupsOff => "backups-off",
            Self::RetentionShort => "retention-short",
            Self::BackupWindowMissing => "backup-window-missing",
            Self::BackupWindowInMaintenance => "backup-window-in-maintenance",
            Self::NotRestorable => "not-restorable",
            Self::SqlServerLogChain => "sql-server-log-chain",
            Self::SnapshotOld => "snapshot-old",
            Self::SingleAz => "single-az",
            Self::NotEncrypted => "not-encrypted",
            Self::NoDeletionProtection => "no-deletion-protection",
            Self::SnapshotPublic => "snapshot-public",
            Self::SnapshotForeign => "snapshot-foreign",
            Self::PendingWeakens => "pending-weakens",
            Self::DrillCopyLeft => "drill-copy-left",
            Self::NotDescribed => "not-described",
        }
    }
}

/// A rule that a database breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub rule: Rule,
    pub severity: Severity,
    pub words: String,
    /// The command that mends it, or the steps where there is no single one.
    pub mend: String,
}

/// How a database stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub key: DatabaseKey,
    pub family: Family,
    pub findings: Vec<Finding>,
    /// Whether RDS told enough to say that other rules hold.
    pub is_whole: bool,
    /// Broken rules that somebody answers for.
    pub waived: Vec<(Rule, Waiver)>,
    pub newest_snapshot: Option<Timestamp>,
    pub restorable: Option<Timestamp>,
}

/// Restorable times stand still, and nothing is backed up, while it is in one of these.
///
/// Source: RDS user guide, "Viewing Amazon RDS DB instance status".
const AT_REST: [&str; 6] = ["creating", "starting", "stopping", "stopped", "restoring", "deleting"];

/// A drill's copy is no database to be judged, for as long as its drill can still delete it.
pub fn is_left_out(database: &Database, policies: &Policies, now: Timestamp) -> bool {
    let hours = policies.drills.as_ref().map_or(DRILL_HOURS_MAX, |drills: &Isolation| drills.hours);
    let young = |created: Timestamp| now.since(created) <= Span::hours(hours.into()).plus(COPY_GRACE);
    is_copy(&database.name, &database.tags) && database.created.is_none_or(young)
}

/// To delete it takes a while.
const COPY_GRACE: Span = Span::hours(2);

/// `everything` holds the snapshots of all databases.
pub fn judge(
    database: &Database,
    everything: &[Snapshot],
    policies: &Policies,
    now: Timestamp,
) -> Result<Judged, Malformed> {
    let snapshots: Vec<&Snapshot> =
        everything.iter().filter(|s| s.of == database.kind && s.database == database.name).collect();
    let policy = policies.policy(database);
    let newest_snapshot = newest(&snapshots);
    let look = Look { database, policy: &policy, newest_snapshot, now };
    let mut findings = match database.status.as_str() {
        _ if database.lacks.is_some() => vec![not_described(database)],
        // What is being deleted on purpose need not be restorable; its snapshots stay.
        "deleting" => Vec::new(),
        _ if is_copy(&database.name, &database.tags) => vec![copy_left(database, now)],
        _ => look.findings(),
    };
    findings.extend(of_snapshots(&snapshots, &policy));
    judged((database.kind, &database.name), database.family(), findings, policies, now).map(|judged| Judged {
        newest_snapshot,
        restorable: database.restorable.filter(|_| database.retention_days > 0),
        is_whole: database.lacks.is_none(),
        ..judged
    })
}

/// A database of which only snapshots are left.
pub fn judge_left(
    kind: Kind,
    name: &str,
    everything: &[Snapshot],
    policies: &Policies,
    now: Timestamp,
) -> Result<Judged, Malformed> {
    let snapshots: Vec<&Snapshot> =
        everything.iter().filter(|s| s.of == kind && s.database == name).collect();
    let family = snapshots.first().map_or(Family::Rds, |snapshot| Family::of_engine(&snapshot.engine));
    let findings = of_snapshots(&snapshots, &policies.policy_of(name, &BTreeMap::new()));
    let newest_snapshot = newest(&snapshots);
    judged((kind, name), family, findings, policies, now).map(|judged| Judged { newest_snapshot, ..judged })
}

fn judged(
    (kind, name): (Kind, &str),
    family: Family,
    broken: Vec<Finding>,
    policies: &Policies,
    now: Timestamp,
) -> Result<Judged, Malformed> {
    let (mut findings, mut waived) = (Vec::new(), Vec::new());
    for finding in broken {
        match policies.waiver(kind, name, finding.rule, now) {
            Some(waiver) => waived.push((finding.rule, waiver.clone())),
            None => findings.push(finding),
        }
    }
    let key = DatabaseKey::new(kind.as_str(), name)?;
    Ok(Judged { key, family, findings, is_whole: true, waived, newest_snapshot: None, restorable: None })
}

fn newest(snapshots: &[&Snapshot]) -> Option<Timestamp> {
    snapshots.iter().filter(|s| s.status == "available").filter_map(|s| s.created).max()
}

struct Look<'a> {
    database: &'a Database,
    policy: &'a Policy,
    newest_snapshot: Option<Timestamp>,
    now: Timestamp,
}

impl Look<'_> {
    fn findings(&self) -> Vec<Finding> {
        let mut found: Vec<Option<Finding>> = vec![self.encrypted()];
        // A replica is made anew from its source; backups, standby and protection are its source's.
        if self.database.replica_of.is_none() {
            found.extend([self.backups(), self.single_az(), self.deletion_protection(), self.pending()]);
            if self.database.retention_days > 0 {
                found.extend([self.window(), self.restorable(), self.snapshot_age()]);
            }
        }
        found.into_iter().flatten().collect()
    }

    fn backups(&self) -> Option<Finding> {
        let (days, wanted) = (self.database.retention_days, self.policy.retention_days);
        let mend = || mend::modify(self.database, &format!("--backup-retention-period {wanted}"));
        if days == 0 {
            let sql_server = match self.database.family() {
                Family::SqlServer => " RDS has set its databases to the recovery model SIMPLE.",
                Family::Rds | Family::Aurora | Family::Neptune | Family::DocumentDb => "",
            };
            let words = format!(
                "Automated backups are off: it cannot be restored to any point in time.{sql_server} Switching them on \
                 may pause it for some minutes."
            );
            return Some(finding(Rule::BackupsOff, Critical, words, mend()));
        }
        (days < wanted).then(|| {
            let words = format!(
                "Automated backups are kept for {}, and {} are asked for.",
                in_days(days),
                in_days(wanted)
            );
            finding(Rule::RetentionShort, High, words, mend())
        })
    }

    fn window(&self) -> Option<Finding> {
        let backup = self.database.backup_window.as_deref();
        let Some(daily) = backup.and_then(Daily::read) else {
            let words = match backup {
                None => "No backup window is set.".to_owned(),
                Some(other) => format!("Its backup window {other:?} is none that can be read."),
            };
            let mend = mend::modify(self.database, "--preferred-backup-window 02:00-03:00");
            return Some(finding(Rule::BackupWindowMissing, Warning, words, mend));
        };
        let maintenance = self.database.maintenance_window.as_deref()?;
        daily.overlaps(Weekly::read(maintenance)?).then(|| {
            let words = format!(
                "Its backup window {} UTC overlaps its maintenance window {maintenance} UTC: a backup may be missed when \
                 maintenance runs.",
                backup.unwrap_or_default()
            );
            let mend = mend::modify(self.database, "--preferred-backup-window <hh:mm-hh:mm outside of maintenance>");
            finding(Rule::BackupWindowInMaintenance, Warning, words, mend)
        })
    }

    fn restorable(&self) -> Option<Finding> {
        if self.is_at_rest() {
            return None;
        }
        let words = match self.database.restorable {
            Some(latest) => {
                let lag = self.now.since(latest);
                if lag <= Span::minutes(u64::from(self.policy.restorable_minutes)) {
                    return None;
                }
                format!(
                    "It can be restored only to how it was {} ago; {} min are asked for.",
                    lasted(lag),
                    self.policy.restorable_minutes
                )
            }
            None if self.is_young() => return None,
            None => {
                "Automated backups are on, and yet there is no time that it could be restored to.".to_owned()
            }
        };
        let severity = if self.database.restorable.is_none() { Critical } else { High };
        Some(match self.database.family() {
            Family::SqlServer => {
                let words = format!(
                    "{words} SQL Server backs up no log while a database is OFFLINE, EMERGENCY or SINGLE_USER, or after \
                     its recovery model was changed to SIMPLE or BULK_LOGGED."
                );
                finding(Rule::SqlServerLogChain, severity, words, mend::sql_server_log_chain(self.database))
            }
            Family::Rds | Family::Aurora | Family::Neptune | Family::DocumentDb => {
                finding(Rule::NotRestorable, severity, words, mend::snapshot_now(self.database))
            }
        })
    }

    fn snapshot_age(&self) -> Option<Finding> {
        if self.is_at_rest() {
            return None;
        }
        let allowed = self.policy.snapshot_hours;
        let words = match self.newest_snapshot {
            Some(newest) => {
                let age = self.now.since(newest);
                if age <= Span::hours(u64::from(allowed)) {
                    return None;
                }
                format!("Its newest snapshot is {} old; {allowed} h are allowed.", lasted(age))
            }
            None if self.is_young() => return None,
            None => "It has no snapshot that is available.".to_owned(),
        };
        Some(finding(Rule::SnapshotOld, High, words, mend::snapshot_now(self.database)))
    }

    fn single_az(&self) -> Option<Finding> {
        // Express cannot have a standby. Source: RDS user guide, "Multi-AZ deployments for RDS for SQL Server".
        let can = self.database.engine != "sqlserver-ex";
        (self.policy.multi_az && can && !self.database.multi_az).then(|| {
            let words = "It runs in one zone only: the loss of that zone takes it down.".to_owned();
            finding(Rule::SingleAz, Warning, words, mend::second_zone(self.database))
        })
    }

    fn encrypted(&self) -> Option<Finding> {
        (self.policy.encrypted && !self.database.encrypted).then(|| {
            let words = "Its storage, snapshots and backups are not encrypted. That cannot be switched on: it takes an \
                         encrypted copy of a snapshot, restored."
                .to_owned();
            finding(Rule::NotEncrypted, High, words, mend::encrypted_copy(self.database))
        })
    }

    fn deletion_protection(&self) -> Option<Finding> {
        (self.policy.deletion_protection && !self.database.deletion_protection).then(|| {
            let words = "It is not protected from deletion.".to_owned();
            finding(
                Rule::NoDeletionProtection,
                Warning,
                words,
                mend::modify(self.database, "--deletion-protection"),
            )
        })
    }

    /// A change that waits for the maintenance window and will break a rule that holds now.
    fn pending(&self) -> Option<Finding> {
        let (now, pending) = (self.database, &self.database.pending);
        if let Some(days) = pending.retention_days
            && days < now.retention_days
            && days < self.policy.retention_days
        {
            let (severity, words) = match days {
                0 => (Critical, "A change waits that will switch automated backups off.".to_owned()),
                days => (
                    High,
                    format!("A change waits that will keep automated backups for {} only.", in_days(days)),
                ),
            };
            let wanted = now.retention_days.max(self.policy.retention_days);
            let mend = mend::modify(now, &format!("--backup-retention-period {wanted}"));
            return Some(finding(Rule::PendingWeakens, severity, words, mend));
        }
        (self.policy.multi_az && now.multi_az && pending.multi_az == Some(false)).then(|| {
            let words = "A change waits that will take its standby away.".to_owned();
            finding(Rule::PendingWeakens, High, words, mend::second_zone(now))
        })
    }

    fn is_at_rest(&self) -> bool {
        AT_REST.contains(&self.database.status.as_str())
    }

    /// Its first backup may still be under way.
    fn is_young(&self) -> bool {
        let allowed = Span::hours(u64::from(self.policy.snapshot_hours));
        self.database.created.is_some_and(|created| self.now.since(created) <= allowed)
    }
}

fn not_described(database: &Database) -> Finding {
    let words = format!(
        "RDS describes it without {}: it cannot be judged. What was found before is taken to be so still.",
        database.lacks.as_deref().unwrap_or_default()
    );
    finding(Rule::NotDescribed, High, words, mend::describe(database))
}

fn copy_left(database: &Database, now: Timestamp) -> Finding {
    let age =
        database.created.map_or(String::new(), |created| format!(" {} ago", lasted(now.since(created))));
    let words = format!(
        "A restore drill made it{age} and did not delete it: it holds the original's data, and costs as much as any \
         database."
    );
    finding(Rule::DrillCopyLeft, High, words, mend::delete(database))
}

/// Names that one finding lists; its command loops over no more.
const NAMES_MAX: usize = 10;

fn of_snapshots(snapshots: &[&Snapshot], policy: &Policy) -> Vec<Finding> {
    let shared = |with: &dyn Fn(&str) -> bool| -> Vec<(&Snapshot, Vec<&str>)> {
        snapshots
            .iter()
            .filter_map(|snapshot| {
                let accounts: Vec<&str> =
                    snapshot.shared_with.iter().map(String::as_str).filter(|account| with(account)).collect();
                (!accounts.is_empty()).then_some((*snapshot, accounts))
            })
            .collect()
    };
    let public = shared(&|account| account == "all");
    let foreign = shared(&|account| account != "all" && !policy.shared_with.contains(account));
    let mut found = Vec::new();
    if !public.is_empty() {
        let words = format!("Everybody with an AWS account can restore and read {}.", named(&public));
        found.push(finding(
            Rule::SnapshotPublic,
            Critical,
            words,
            mend::unshare(&public[..public.len().min(NAMES_MAX)]),
        ));
    }
    if !foreign.is_empty() {
        let accounts: std::collections::BTreeSet<&str> =
            foreign.iter().flat_map(|(_, accounts)| accounts.iter().copied()).collect();
        let accounts: Vec<&str> = accounts.into_iter().take(NAMES_MAX).collect();
        let words =
            format!("Other accounts ({}) can restore and read {}.", accounts.join(", "), named(&foreign));
        let mend = mend::unshare(&foreign[..foreign.len().min(NAMES_MAX)]);
        found.push(finding(Rule::SnapshotForeign, High, words, mend));
    }
    found
}

fn named(shared: &[(&Snapshot, Vec<&str>)]) -> String {
    let names: Vec<&str> =
        shared.iter().take(NAMES_MAX).map(|(snapshot, _)| snapshot.name.as_str()).collect();
    let more = shared.len().saturating_sub(NAMES_MAX);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let noun = if shared.len() == 1 { "snapshot" } else { "snapshots" };
    format!("{noun} {}{rest}", names.join(", "))
}

fn finding(rule: Rule, severity: Severity, words: String, mend: String) -> Finding {
    Finding { rule, severity, words, mend }
}

fn in_days(days: u32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}
