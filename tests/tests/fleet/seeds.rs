//! 240 instances, 30 of SQL Server and 30 Aurora clusters, each with the next defect of a list.

use aws::client::SdkConfig;
use aws::sdk::rds::Client;

use crate::moto::Moto;
use crate::{Broken, ages};

/// How a database differs from one that breaks no rule, and which rules that breaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defect {
    rules: &'static [&'static str],
    retention_days: i32,
    pub(crate) backup_window: Option<&'static str>,
    pub(crate) restorable_minutes: Option<u32>,
    pub(crate) snapshot_hours: u32,
    multi_az: bool,
    encrypted: bool,
    protected: bool,
    shared_with: &'static [&'static str],
}

const SOUND: Defect = Defect {
    rules: &[],
    retention_days: 7,
    backup_window: None,
    restorable_minutes: Some(5),
    snapshot_hours: 20,
    multi_az: true,
    encrypted: true,
    protected: true,
    shared_with: &[],
};

const DEFECTS: [Defect; 17] = [
    SOUND,
    Defect { rules: &["backups-off"], retention_days: 0, ..SOUND },
    // moto goes on saying how restorable it is; with backups off that is no comfort, and no second finding.
    Defect {
        rules: &["backups-off"],
        retention_days: 0,
        restorable_minutes: Some(900),
        snapshot_hours: 90,
        ..SOUND
    },
    Defect { rules: &["retention-short"], retention_days: 6, ..SOUND },
    Defect { retention_days: 35, ..SOUND },
    Defect { rules: &["backup-window-in-maintenance"], backup_window: Some("23:45-00:15"), ..SOUND },
    Defect { rules: &["not-restorable"], restorable_minutes: Some(120), ..SOUND },
    Defect { restorable_minutes: Some(13), ..SOUND },
    Defect { rules: &["not-restorable"], restorable_minutes: None, ..SOUND },
    Defect { rules: &["snapshot-old"], snapshot_hours: 27, ..SOUND },
    Defect { snapshot_hours: 25, ..SOUND },
    Defect { rules: &["single-az"], multi_az: false, ..SOUND },
    Defect { rules: &["not-encrypted"], encrypted: false, ..SOUND },
    Defect { rules: &["no-deletion-protection"], protected: false, ..SOUND },
    Defect { rules: &["snapshot-public"], shared_with: &["all"], ..SOUND },
    Defect { rules: &["snapshot-foreign"], shared_with: &["111122223333"], ..SOUND },
    Defect {
        rules: &[
            "retention-short",
            "single-az",
            "not-encrypted",
            "no-deletion-protection",
            "snapshot-public",
            "snapshot-foreign",
        ],
        retention_days: 1,
        multi_az: false,
        encrypted: false,
        protected: false,
        shared_with: &["all", "111122223333"],
        ..SOUND
    },
];

const INSTANCES: usize = 240;
const SQL_SERVERS: usize = 30;
const CLUSTERS: usize = 30;

/// Makes the fleet, and tells what is broken in it.
pub(crate) async fn plant(config: &SdkConfig, moto: &mut Moto) -> Broken {
    let rds = Client::new(config);
    let mut broken = Broken::new();
    for n in 0..INSTANCES + SQL_SERVERS {
        let defect = DEFECTS[n % DEFECTS.len()];
        let (name, engine) = if n < INSTANCES {
            (format!("payments-{n:03}"), "postgres")
        } else {
            (format!("ledger-{n:03}"), "sqlserver-se")
        };
        instance(&rds, &name, engine, &defect).await;
        moto.order(&ages(&name, &defect));
        let rule = |rule: &&str| match (*rule, engine) {
            ("not-restorable", "sqlserver-se") => "sql-server-log-chain".to_owned(),
            (rule, _) => rule.to_owned(),
        };
        broken.insert(format!("instance/{name}"), defect.rules.iter().map(rule).collect());
    }
    for n in 0..CLUSTERS {
        let defect = DEFECTS[n % DEFECTS.len()];
        // Aurora knows no retention of 0.
        let defect = if defect.retention_days == 0 { SOUND } else { defect };
        let name = format!("orders-{n:03}");
        cluster(&rds, &name, &defect).await;
        moto.order(&ages(&name, &defect));
        broken
            .insert(format!("cluster/{name}"), defect.rules.iter().map(|rule| (*rule).to_owned()).collect());
    }
    broken
}

async fn instance(rds: &Client, name: &str, engine: &str, defect: &Defect) {
    rds.create_db_instance()
        .db_instance_identifier(name)
        .db_instance_class("db.t3.medium")
        .engine(engine)
        .allocated_storage(20)
        .master_username("admin")
        .master_user_password("only-for-the-emulator")
        .backup_retention_period(defect.retention_days)
        .preferred_backup_window("02:00-03:00")
        .preferred_maintenance_window("sun:22:30-sun:23:50")
        .multi_az(defect.multi_az)
        .storage_encrypted(defect.encrypted)
        .deletion_protection(defect.protected)
        .send()
        .await
        .unwrap();
    if !defect.shared_with.is_empty() {
        let snapshot = format!("{name}-before-migration");
        let taken = rds.create_db_snapshot().db_instance_identifier(name).db_snapshot_identifier(&snapshot);
        taken.send().await.unwrap();
        let shared =
            rds.modify_db_snapshot_attribute().db_snapshot_identifier(&snapshot).attribute_name("restore");
        let accounts = defect.shared_with.iter().map(|&account| account.to_owned()).collect();
        shared.set_values_to_add(Some(accounts)).send().await.unwrap();
    }
}

async fn cluster(rds: &Client, name: &str, defect: &Defect) {
    rds.create_db_cluster()
        .db_cluster_identifier(name)
        .engine("aurora-postgresql")
        .master_username("admin")
        .master_user_password("only-for-the-emulator")
        .backup_retention_period(defect.retention_days)
        .preferred_backup_window("02:00-03:00")
        .preferred_maintenance_window("sun:22:30-sun:23:50")
        .storage_encrypted(defect.encrypted)
        .deletion_protection(defect.protected)
        .send()
        .await
        .unwrap();
    // Members are judged with their cluster, never by themselves: their own retention is 1.
    for zone in if defect.multi_az { &["eu-west-1a", "eu-west-1b"][..] } else { &["eu-west-1a"][..] } {
        rds.create_db_instance()
            .db_instance_identifier(format!("{name}-{zone}"))
            .db_instance_class("db.r6g.large")
            .engine("aurora-postgresql")
            .db_cluster_identifier(name)
            .availability_zone(*zone)
            .send()
            .await
            .unwrap();
    }
    if !defect.shared_with.is_empty() {
        let snapshot = format!("{name}-before-migration");
        let taken = rds.create_db_cluster_snapshot().db_cluster_identifier(name);
        taken.db_cluster_snapshot_identifier(&snapshot).send().await.unwrap();
        let shared = rds.modify_db_cluster_snapshot_attribute().db_cluster_snapshot_identifier(&snapshot);
        let accounts = defect.shared_with.iter().map(|&account| account.to_owned()).collect();
        shared.attribute_name("restore").set_values_to_add(Some(accounts)).send().await.unwrap();
    }
}

/// Mends one finding of one database, and gives that database.
pub(crate) async fn mend(config: &SdkConfig, broken: &Broken) -> String {
    let unprotected = |key: &&String| {
        key.starts_with("instance/")
            && broken[*key].len() == 1
            && broken[*key].contains("no-deletion-protection")
    };
    let key = broken.keys().find(unprotected).unwrap();
    let name = key.trim_start_matches("instance/");
    let modify = Client::new(config).modify_db_instance().db_instance_identifier(name);
    modify.deletion_protection(true).apply_immediately(true).send().await.unwrap();
    key.clone()
}
