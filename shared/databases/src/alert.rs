//! What one event means: how bad it is, what happened, what it means and what to do.

use intake::{Backup, Database, DatabaseKind};
use model::database::DatabaseKey;
use model::severity::Severity;
use model::text::excerpt;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::facts::Kind;
use crate::rds_events::Known;
use crate::story::Part;
use crate::{backup_jobs, dms_events, rds_events};

/// An event in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Tells one event of a database from another at the same time: its id, or what it says where it has none.
    pub id: String,
    pub at: Timestamp,
    /// `database payments`
    pub about: String,
    pub severity: Severity,
    pub part: Part,
    pub means: String,
    pub act: String,
    /// AWS's own words.
    pub said: Option<String>,
}

/// Longer words of AWS's are cut: they are shown, and decide nothing.
const SAID_CHARS_MAX: usize = 300;
const ID_CHARS_MAX: usize = 100;

/// What an event of RDS or DMS means. `received` stands for the time that an event lacks or tells badly.
pub fn of_database(news: &Database, received: Timestamp) -> Alert {
    let is_dms = is_dms(news.kind);
    let prefix = if is_dms { "DMS-EVENT-" } else { "RDS-EVENT-" };
    let number = news.event.as_deref().and_then(|id| id.strip_prefix(prefix)?.parse::<u16>().ok());
    let known = match number {
        Some(number) if is_dms => dms_events::known(number),
        Some(number) => rds_events::known(number),
        None if is_dms => news.event_type.as_deref().and_then(dms_events::known_type),
        None => news.message.as_deref().and_then(|said| by_message(news.kind, said)),
    };
    let said = news.message.as_deref().map(|said| excerpt(said, SAID_CHARS_MAX));
    let id = news.event.as_deref().or(news.event_type.as_deref()).or(news.message.as_deref());
    let (severity, part, means, act) = match known {
        Some(Known { severity, part, means, act, .. }) => {
            (*severity, *part, (*means).to_owned(), (*act).to_owned())
        }
        None => unknown(news, if is_dms { "DMS" } else { "RDS" }),
    };
    Alert {
        id: excerpt(id.unwrap_or("without id"), ID_CHARS_MAX),
        at: news.at.as_deref().and_then(crate::time::read).unwrap_or(received),
        about: format!("{} {}", news.kind.as_str(), excerpt(&news.name, SAID_CHARS_MAX)),
        severity,
        part,
        means,
        act,
        said,
    }
}

/// What news of AWS Backup mean.
pub fn of_backup(news: &Backup, received: Timestamp) -> Alert {
    let (severity, means, act) = backup_jobs::means(news);
    let said = match (&news.resource, &news.created) {
        (Some(resource), Some(created)) => Some(format!("{} of {resource} made {created}", news.state)),
        (Some(resource), None) => Some(format!("{} of {resource}", news.state)),
        (None, Some(created)) => Some(format!("{} made {created}", news.state)),
        (None, None) => None,
    };
    Alert {
        id: excerpt(&format!("{} {}", news.kind, news.state), ID_CHARS_MAX),
        at: news.at.as_deref().and_then(crate::time::read).unwrap_or(received),
        about: format!("backup of {}", excerpt(last_part(news.resource.as_deref()), SAID_CHARS_MAX)),
        severity,
        part: Part::Alone,
        means: means.to_owned(),
        act: act.to_owned(),
        said: said.map(|said| excerpt(&said, SAID_CHARS_MAX)),
    }
}

/// Where what is known of the event's source is kept.
pub fn key_of_database(news: &Database) -> Result<DatabaseKey, model::ids::Malformed> {
    DatabaseKey::new(kind_in_key(news.kind), &news.name)
}

/// What RDS describes by that name; the other kinds are seen with the databases that they belong to.
pub fn kind_of_database(news: &Database) -> Option<Kind> {
    match news.kind {
        DatabaseKind::Instance => Some(Kind::Instance),
        DatabaseKind::Cluster => Some(Kind::Cluster),
        DatabaseKind::Snapshot
        | DatabaseKind::ClusterSnapshot
        | DatabaseKind::ParameterGroup
        | DatabaseKind::SecurityGroup
        | DatabaseKind::Proxy
        | DatabaseKind::BlueGreenDeployment
        | DatabaseKind::CustomEngineVersion
        | DatabaseKind::ShardGroup
        | DatabaseKind::ZeroEtl
        | DatabaseKind::Other
        | DatabaseKind::ReplicationInstance
        | DatabaseKind::ReplicationTask
        | DatabaseKind::Replication => None,
    }
}

pub fn key_of_backup(news: &Backup) -> Result<DatabaseKey, model::ids::Malformed> {
    DatabaseKey::new("backup", last_part(news.resource.as_deref()))
}

/// `arn:…:db:payments` → `payments`.
fn last_part(arn: Option<&str>) -> &str {
    let name = arn.and_then(|arn| arn.rsplit([':', '/']).next()).unwrap_or_default();
    if name.is_empty() { "an unnamed resource" } else { name }
}

fn kind_in_key(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Instance => "instance",
        DatabaseKind::Cluster => "cluster",
        DatabaseKind::Snapshot => "snapshot",
        DatabaseKind::ClusterSnapshot => "cluster-snapshot",
        DatabaseKind::ParameterGroup => "parameter-group",
        DatabaseKind::SecurityGroup => "security-group",
        DatabaseKind::Proxy => "proxy",
        DatabaseKind::BlueGreenDeployment => "blue-green-deployment",
        DatabaseKind::CustomEngineVersion => "custom-engine-version",
        DatabaseKind::ShardGroup => "shard-group",
        DatabaseKind::ZeroEtl => "zero-etl",
        DatabaseKind::Other => "other",
        DatabaseKind::ReplicationInstance => "replication-instance",
        DatabaseKind::ReplicationTask => "replication-task",
        DatabaseKind::Replication => "replication",
    }
}

fn is_dms(kind: DatabaseKind) -> bool {
    match kind {
        DatabaseKind::ReplicationInstance | DatabaseKind::ReplicationTask | DatabaseKind::Replication => true,
        DatabaseKind::Instance
        | DatabaseKind::Cluster
        | DatabaseKind::Snapshot
        | DatabaseKind::ClusterSnapshot
        | DatabaseKind::ParameterGroup
        | DatabaseKind::SecurityGroup
        | DatabaseKind::Proxy
        | DatabaseKind::BlueGreenDeployment
        | DatabaseKind::CustomEngineVersion
        | DatabaseKind::ShardGroup
        | DatabaseKind::ZeroEtl
        | DatabaseKind::Other => false,
    }
}

/// Older events have no id: the few of them that matter are known by their words.
fn by_message(kind: DatabaseKind, said: &str) -> Option<&'static Known> {
    const WORDS: [(&[&str], u16); 13] = [
        (&["failover", "complete"], 49),
        (&["failover", "started"], 13),
        (&["cluster", "patched"], 173),
        (&["automated snapshot created"], 91),
        (&["manual snapshot created"], 42),
        (&["recovery", "started"], 20),
        (&["recovery", "complete"], 21),
        (&["storage", "exhausted"], 7),
        (&["storage", "low"], 89),
        (&["replication", "stopped"], 45),
        (&["instance shutdown"], 4),
        (&["instance restarted"], 6),
        (&["instance deleted"], 3),
    ];
    let said = said.to_lowercase();
    let (_, id) = WORDS.iter().find(|(words, _)| words.iter().all(|word| said.contains(word)))?;
    let id = match (kind, id) {
        (DatabaseKind::Cluster, 49) => 71,
        (DatabaseKind::Cluster, 13) => 73,
        (_, id) => *id,
    };
    rds_events::known(id)
}

fn unknown(news: &Database, service: &str) -> (Severity, Part, String, String) {
    let severity = news.categories.iter().map(|category| by_category(category)).max();
    // By SNS there is no category: what nobody can judge, somebody should read.
    let severity = severity.unwrap_or(Severity::Warning);
    let category = news.categories.first().map_or_else(
        || "without a category".to_owned(),
        |category| format!("under \"{}\"", excerpt(category, ID_CHARS_MAX)),
    );
    let means = format!("{service} sent an event {category} that this version has no words for.");
    let act = if severity == Severity::Info {
        rds_events::NOTHING
    } else {
        "Read what AWS says, and look at the recent events of it."
    };
    (severity, Part::Alone, means, act.to_owned())
}

/// Source: RDS user guide, "Amazon RDS event categories and event messages"; DMS writes its categories in one word.
fn by_category(category: &str) -> Severity {
    let plain: String = category.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    match plain.as_str() {
        "availability" | "failure" | "lowstorage" | "failover" | "globalfailover" => Severity::High,
        "deletion" | "security" | "readreplica" | "recovery" | "restoration" => Severity::Warning,
        _ => Severity::Info,
    }
}
