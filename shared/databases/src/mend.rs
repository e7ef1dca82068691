//! The AWS CLI command that mends a finding.
//!
//! Source: AWS CLI command reference, `aws rds`, `aws docdb`, `aws neptune`.

use crate::facts::{Database, Family, Kind, Snapshot};

pub(crate) fn modify(database: &Database, change: &str) -> String {
    let service = database.family().command();
    let name = shell(&database.name);
    match database.kind {
        Kind::Instance => {
            format!(
                "aws {service} modify-db-instance --db-instance-identifier {name} {change} --apply-immediately"
            )
        }
        Kind::Cluster => {
            format!(
                "aws {service} modify-db-cluster --db-cluster-identifier {name} {change} --apply-immediately"
            )
        }
    }
}

/// A standby for an instance; for a cluster, which has its storage in three zones already, a reader in another zone.
pub(crate) fn second_zone(database: &Database) -> String {
    let name = shell(&database.name);
    match (database.kind, database.family()) {
        (Kind::Instance, _) => modify(database, "--multi-az"),
        (Kind::Cluster, family @ (Family::Aurora | Family::Neptune | Family::DocumentDb)) => format!(
            "aws {} create-db-instance --db-instance-identifier <name of a reader> --db-cluster-identifier {name} \
             --engine {} --db-instance-class <class> --availability-zone <another zone>",
            family.command(),
            shell(&database.engine)
        ),
        (Kind::Cluster, Family::Rds | Family::SqlServer) => {
            format!(
                "aws rds describe-db-clusters --db-cluster-identifier {name}   # its members should be in three zones"
            )
        }
    }
}

pub(crate) fn describe(database: &Database) -> String {
    let name = shell(&database.name);
    let described = match database.kind {
        Kind::Instance => format!("describe-db-instances --db-instance-identifier {name}"),
        Kind::Cluster => format!("describe-db-clusters --db-cluster-identifier {name}"),
    };
    format!("aws rds {described}   # if that lasts, ask AWS support")
}

pub(crate) fn snapshot_now(database: &Database) -> String {
    let service = database.family().command();
    let name = shell(&database.name);
    match database.kind {
        Kind::Instance => format!(
            "aws {service} create-db-snapshot --db-instance-identifier {name} --db-snapshot-identifier <name>"
        ),
        Kind::Cluster => format!(
            "aws {service} create-db-cluster-snapshot --db-cluster-identifier {name} --db-cluster-snapshot-identifier <name>"
        ),
    }
}

pub(crate) fn delete(database: &Database) -> String {
    let (service, name) = (database.family().command(), shell(&database.name));
    let instance = format!("delete-db-instance --db-instance-identifier {name} --delete-automated-backups");
    let what = match database.kind {
        Kind::Instance => instance,
        Kind::Cluster => format!("delete-db-cluster --db-cluster-identifier {name}"),
    };
    format!("aws {service} {what} --skip-final-snapshot")
}

pub(crate) fn sql_server_log_chain(database: &Database) -> String {
    format!(
        "In SQL Server: SELECT name, state_desc, user_access_desc, recovery_model_desc FROM sys.databases; bring each one \
         ONLINE and MULTI_USER, then ALTER DATABASE <name> SET RECOVERY FULL. Then: {}",
        snapshot_now(database)
    )
}

pub(crate) fn encrypted_copy(database: &Database) -> String {
    let service = database.family().command();
    let (copy, source) = match database.kind {
        Kind::Instance => ("copy-db-snapshot", "db-snapshot"),
        Kind::Cluster => ("copy-db-cluster-snapshot", "db-cluster-snapshot"),
    };
    format!(
        "{} && aws {service} {copy} --source-{source}-identifier <name> --target-{source}-identifier <name of the copy> \
         --kms-key-id <key>, then restore that copy and switch over to it",
        snapshot_now(database)
    )
}

pub(crate) fn unshare(shared: &[(&Snapshot, Vec<&str>)]) -> String {
    let commands: Vec<String> = shared
        .iter()
        .map(|(snapshot, accounts)| {
            let service = Family::of_engine(&snapshot.engine).command();
            let name = shell(&snapshot.name);
            let accounts: Vec<String> = accounts.iter().map(|account| shell(account)).collect();
            let what = match snapshot.of {
                Kind::Instance => format!("modify-db-snapshot-attribute --db-snapshot-identifier {name}"),
                Kind::Cluster => {
                    format!("modify-db-cluster-snapshot-attribute --db-cluster-snapshot-identifier {name}")
                }
            };
            format!("aws {service} {what} --attribute-name restore --values-to-remove {}", accounts.join(" "))
        })
        .collect();
    commands.join(" && ")
}

/// A word that a shell takes as it stands: people paste these commands.
fn shell(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/');
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
