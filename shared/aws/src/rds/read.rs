//! RDS's answers as facts. A fact that a rule turns on must be there: what is missing is never taken as well.

use aws_sdk_rds::primitives::DateTime;
use aws_sdk_rds::types::{
    DbCluster, DbClusterSnapshot, DbInstance, DbInstanceAutomatedBackup, DbSnapshot, Endpoint,
    MasterUserSecret, Tag,
};
use databases::drill::{Instance, Secret};
use databases::facts::{AutomatedBackup, Database, Kind, Pending, Snapshot};
use model::time::Timestamp;

pub(super) fn instance(read: &DbInstance) -> Result<Database, String> {
    let name = needed(read.db_instance_identifier(), "DBInstanceIdentifier", "an instance")?;
    let pending = read.pending_modified_values();
    let source = read
        .read_replica_source_db_instance_identifier()
        .or_else(|| read.read_replica_source_db_cluster_identifier());
    let mut lacks = None;
    Ok(Database {
        kind: Kind::Instance,
        resource: given(read.dbi_resource_id()),
        engine: told(given(read.engine()), "Engine", &mut lacks),
        status: told(given(read.db_instance_status()), "DBInstanceStatus", &mut lacks),
        created: time(read.instance_create_time()),
        member_of: given(read.db_cluster_identifier()),
        replica_of: given(source),
        retention_days: told(whole_days(read.backup_retention_period()), "BackupRetentionPeriod", &mut lacks),
        backup_window: given(read.preferred_backup_window()),
        maintenance_window: given(read.preferred_maintenance_window()),
        restorable: time(read.latest_restorable_time()),
        // Mirroring of SQL Server shows as a zone of the standby.
        multi_az: read.multi_az() == Some(true) || given(read.secondary_availability_zone()).is_some(),
        encrypted: read.storage_encrypted() == Some(true),
        deletion_protection: read.deletion_protection() == Some(true),
        tags: tags(read.tag_list()),
        pending: Pending {
            retention_days: pending.and_then(|p| p.backup_retention_period()).and_then(|n| n.try_into().ok()),
            multi_az: pending.and_then(|p| p.multi_az()),
        },
        name,
        lacks,
    })
}

/// An instance as a drill sees it.
pub(super) fn drilled(read: &DbInstance) -> Result<Instance, String> {
    let name = needed(read.db_instance_identifier(), "DBInstanceIdentifier", "an instance")?;
    let storage = read.allocated_storage().and_then(|gib| u32::try_from(gib).ok());
    let endpoint = |endpoint: &Endpoint| {
        let port = u16::try_from(endpoint.port()?).ok()?;
        Some((given(endpoint.address())?, port))
    };
    let secret = |secret: &MasterUserSecret| {
        Some(Secret { arn: given(secret.secret_arn())?, is_active: secret.secret_status() == Some("active") })
    };
    let options = read.option_group_memberships().first().and_then(|group| group.option_group_name());
    let parameters = read.db_parameter_groups().first().and_then(|group| group.db_parameter_group_name());
    Ok(Instance {
        resource: needed(read.dbi_resource_id(), "DbiResourceId", &name)?,
        status: needed(read.db_instance_status(), "DBInstanceStatus", &name)?,
        engine: needed(read.engine(), "Engine", &name)?,
        storage_gib: storage.ok_or_else(|| format!("{name} came without AllocatedStorage"))?,
        created: time(read.instance_create_time()),
        tags: tags(read.tag_list()),
        member_of: given(read.db_cluster_identifier()),
        retention_days: days(read.backup_retention_period(), &name)?,
        restorable: time(read.latest_restorable_time()),
        multi_az: read.multi_az() == Some(true) || given(read.secondary_availability_zone()).is_some(),
        option_group: given(options),
        parameter_group: given(parameters),
        endpoint: read.endpoint().and_then(endpoint),
        secret: read.master_user_secret().and_then(secret),
        name,
    })
}

pub(super) fn cluster(read: &DbCluster) -> Result<Database, String> {
    let name = needed(read.db_cluster_identifier(), "DBClusterIdentifier", "a cluster")?;
    let pending = read.pending_modified_values();
    let mut lacks = None;
    Ok(Database {
        kind: Kind::Cluster,
        resource: given(read.db_cluster_resource_id()),
        engine: told(given(read.engine()), "Engine", &mut lacks),
        status: told(given(read.status()), "Status", &mut lacks),
        created: time(read.cluster_create_time()),
        member_of: None,
        replica_of: given(read.replication_source_identifier()),
        retention_days: told(whole_days(read.backup_retention_period()), "BackupRetentionPeriod", &mut lacks),
        backup_window: given(read.preferred_backup_window()),
        maintenance_window: given(read.preferred_maintenance_window()),
        restorable: time(read.latest_restorable_time()),
        multi_az: read.multi_az() == Some(true),
        encrypted: read.storage_encrypted() == Some(true),
        deletion_protection: read.deletion_protection() == Some(true),
        tags: tags(read.tag_list()),
        pending: Pending {
            retention_days: pending.and_then(|p| p.backup_retention_period()).and_then(|n| n.try_into().ok()),
            multi_az: None,
        },
        name,
        lacks,
    })
}

/// `None` for one whose instance is not named.
pub(super) fn automated_backup(read: &DbInstanceAutomatedBackup) -> Option<AutomatedBackup> {
    let latest = time(read.restore_window().and_then(|window| window.latest_time()));
    Some(AutomatedBackup {
        instance: given(read.db_instance_identifier())?,
        resource: given(read.dbi_resource_id()),
        latest,
    })
}

pub(super) fn snapshot(read: &DbSnapshot) -> Result<Snapshot, String> {
    let name = needed(read.db_snapshot_identifier(), "DBSnapshotIdentifier", "a snapshot")?;
    Ok(Snapshot {
        of: Kind::Instance,
        database: needed(read.db_instance_identifier(), "DBInstanceIdentifier", &name)?,
        engine: given(read.engine()).unwrap_or_default(),
        // Without one it is not taken for available.
        status: given(read.status()).unwrap_or_default(),
        created: time(read.snapshot_create_time()),
        manual: read.snapshot_type() == Some(MANUAL),
        shared_with: Vec::new(),
        name,
    })
}

pub(super) fn cluster_snapshot(read: &DbClusterSnapshot) -> Result<Snapshot, String> {
    let name = needed(read.db_cluster_snapshot_identifier(), "DBClusterSnapshotIdentifier", "a snapshot")?;
    Ok(Snapshot {
        of: Kind::Cluster,
        database: needed(read.db_cluster_identifier(), "DBClusterIdentifier", &name)?,
        engine: given(read.engine()).unwrap_or_default(),
        // Without one it is not taken for available.
        status: given(read.status()).unwrap_or_default(),
        created: time(read.snapshot_create_time()),
        manual: read.snapshot_type() == Some(MANUAL),
        shared_with: Vec::new(),
        name,
    })
}

const MANUAL: &str = "manual";
/// The attribute that lists who may restore a snapshot. Source: RDS API, ModifyDBSnapshotAttribute.
const RESTORE: &str = "restore";

pub(super) fn restorers<'a>(
    attributes: impl Iterator<Item = (Option<&'a str>, &'a [String])>,
) -> Vec<String> {
    attributes
        .filter(|(name, _)| *name == Some(RESTORE))
        .flat_map(|(_, accounts)| accounts.to_vec())
        .collect()
}

fn needed(field: Option<&str>, what: &str, of: &str) -> Result<String, String> {
    field
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| format!("{of} came without {what}"))
}

/// What is missing is remembered, and left empty.
fn told<T: Default>(field: Option<T>, what: &str, lacks: &mut Option<String>) -> T {
    field.unwrap_or_else(|| {
        lacks.get_or_insert_with(|| what.to_owned());
        T::default()
    })
}

fn whole_days(field: Option<i32>) -> Option<u32> {
    field.and_then(|days| days.try_into().ok())
}

fn given(field: Option<&str>) -> Option<String> {
    field.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn days(field: Option<i32>, of: &str) -> Result<u32, String> {
    let days = field.ok_or_else(|| format!("{of} came without BackupRetentionPeriod"))?;
    days.try_into().map_err(|_| format!("{of} came with a BackupRetentionPeriod of {days}"))
}

fn time(field: Option<&DateTime>) -> Option<Timestamp> {
    let ms = field?.to_millis().ok()?;
    u64::try_from(ms).ok().map(Timestamp)
}

fn tags(list: &[Tag]) -> std::collections::BTreeMap<String, String> {
    list.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> aws_sdk_rds::types::builders::DbInstanceBuilder {
        DbInstance::builder()
            .db_instance_identifier("payments")
            .engine("postgres")
            .db_instance_status("available")
            .backup_retention_period(7)
    }

    #[test]
    fn what_a_rule_turns_on_must_be_there() {
        let lacks =
            |read: aws_sdk_rds::types::builders::DbInstanceBuilder| instance(&read.build()).unwrap().lacks;
        assert_eq!(lacks(described()), None);
        let told = [
            described().set_backup_retention_period(None),
            described().backup_retention_period(-1),
            described().set_engine(None),
            described().db_instance_status(""),
        ]
        .map(lacks);
        let days = "BackupRetentionPeriod";
        assert_eq!(told, [days, days, "Engine", "DBInstanceStatus"].map(|what| Some(what.to_owned())));
        let nameless = instance(&described().db_instance_identifier("").build());
        assert_eq!(nameless.unwrap_err(), "an instance came without DBInstanceIdentifier");
    }

    #[test]
    fn protection_that_is_not_told_is_none() {
        let read = instance(&described().build()).unwrap();
        assert!(!read.encrypted && !read.deletion_protection && !read.multi_az);
        assert_eq!(read.restorable, None);
    }

    #[test]
    fn a_standby_by_mirroring_is_a_standby() {
        let read = instance(&described().multi_az(false).secondary_availability_zone("eu-west-1b").build());
        assert!(read.unwrap().multi_az);
    }

    #[test]
    fn an_instance_and_its_automated_backup_are_told_by_their_resource() {
        let instance = instance(&described().dbi_resource_id("db-A").build()).unwrap();
        let backup =
            DbInstanceAutomatedBackup::builder().db_instance_identifier("payments").dbi_resource_id("db-A");
        assert_eq!(automated_backup(&backup.build()).unwrap().resource, instance.resource);
        assert_eq!(instance.resource.as_deref(), Some("db-A"));
    }

    #[test]
    fn only_the_attribute_restore_shares_a_snapshot() {
        let (accounts, others) = (["all".to_owned()], ["other".to_owned()]);
        let read = restorers([(Some("restore"), &accounts[..]), (Some("copy"), &others[..])].into_iter());
        assert_eq!(read, ["all"]);
    }
}
