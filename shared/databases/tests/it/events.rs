//! What every sample event of a database, a migration or a backup means: snapshots that people reviewed, ours and
//! others'. Of others' samples only our own words are kept here.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use databases::alert::{Alert, of_backup, of_database};
use intake::{DatabaseKind, Meaning, Reading, Subject};
use model::time::Timestamp;

const RECEIVED: Timestamp = Timestamp(1_772_442_900_000);
const FOLDERS: [&str; 4] = ["rds", "rds-sns", "dms", "backup"];

#[test]
fn our_samples_mean_what_people_reviewed() {
    insta::assert_snapshot!("our-events", meanings(&project().join("events")));
}

#[test]
fn others_samples_mean_what_people_reviewed() {
    let shared =
        std::env::var_os("TIDEGATE_SHARED").map_or_else(|| project().join("../shared"), PathBuf::from);
    let folder = shared.join("aws-events");
    if !folder.is_dir() {
        println!("skipped: others' samples are not on this machine (TIDEGATE_SHARED names their folder)");
        return;
    }
    insta::assert_snapshot!("others-events", meanings(&folder));
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn meanings(folder: &Path) -> String {
    let mut text = String::new();
    for kind in FOLDERS.iter().filter(|kind| folder.join(kind).is_dir()) {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder.join(kind)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let name = format!("{kind}/{}", file.file_name().unwrap().to_str().unwrap());
            for reading in intake::read(&std::fs::read(&file).unwrap()) {
                writeln!(text, "{name}\n{}", meaning(&reading)).unwrap();
            }
        }
    }
    text
}

fn meaning(reading: &Reading) -> String {
    let alert = match &reading.meaning {
        Meaning::Signal(Subject::Database(news)) => of_database(news, RECEIVED),
        Meaning::Signal(Subject::Backup(news)) => of_backup(news, RECEIVED),
        Meaning::Signal(other) => panic!("{other} is about no database"),
        Meaning::Ignored(_) => return "  ignored\n".to_owned(),
        Meaning::Quarantine(_) => return "  quarantine\n".to_owned(),
    };
    let Alert { severity, part, means, act, .. } = alert;
    format!("  {severity}, {part:?}\n  {means}\n  {act}\n")
}

fn news(event: Option<&str>, said: Option<&str>, categories: &[&str]) -> intake::Database {
    intake::Database {
        kind: DatabaseKind::Instance,
        name: "payments".to_owned(),
        arn: None,
        event: event.map(str::to_owned),
        event_type: None,
        at: Some("2026-03-02T09:15:00Z".to_owned()),
        categories: categories.iter().map(|&category| category.to_owned()).collect(),
        message: said.map(str::to_owned),
    }
}

#[test]
fn the_category_judges_only_what_no_table_knows() {
    let severity =
        |categories: &[&str]| of_database(&news(Some("RDS-EVENT-9999"), None, categories), RECEIVED).severity;
    let said = [
        &["failure"][..],
        &["low storage"],
        &["read replica"],
        &["notification"],
        &["notification", "failover"],
        &[],
    ]
    .map(|categories| severity(categories).to_string());
    assert_eq!(said, ["high", "high", "warning", "info", "high", "warning"]);
    // A key that can be read again is filed under "failure", and a database that is shut down under "availability".
    let known = |id: &str| of_database(&news(Some(id), None, &["failure"]), RECEIVED).severity.to_string();
    assert_eq!([known("RDS-EVENT-0420"), known("RDS-EVENT-0221")], ["info", "critical"]);
}

/// Ids of the RDS, Aurora and Neptune guides' lists of event messages.
#[rustfmt::skip]
const LISTED: &[RangeInclusive<u16>] = &[
    1..=92, 131..=132, 141..=174, 176..=198, 202..=208, 213..=215, 217..=225, 227..=227, 230..=231, 233..=241,
    243..=254, 259..=261, 264..=270, 275..=275, 277..=290, 295..=298, 302..=308, 310..=312, 314..=335,
    352..=363, 365..=374, 383..=383, 385..=391, 394..=399, 403..=406, 409..=426, 429..=429, 484..=484,
    486..=489, 491..=493, 501..=502, 512..=513, 519..=519,
];

#[test]
fn an_event_that_guides_list_has_words() {
    let untold: Vec<u16> = LISTED
        .iter()
        .flat_map(Clone::clone)
        .filter(|number| {
            let id = format!("RDS-EVENT-{number:04}");
            of_database(&news(Some(&id), None, &["notification"]), RECEIVED).means.contains("no words for")
        })
        .collect();
    assert_eq!(untold, [0_u16; 0]);
}

#[test]
fn what_matters_is_told_whatever_its_category() {
    let told = |number: u16| {
        let alert =
            of_database(&news(Some(&format!("RDS-EVENT-{number:04}")), None, &["notification"]), RECEIVED);
        format!("{number:04} {}, {:?}: {} {}\n", alert.severity, alert.part, alert.means, alert.act)
    };
    let told: String = [
        8, 50, 53, 58, 76, 77, 79, 81, 85, 142, 143, 150, 151, 152, 153, 158, 162, 165, 174, 180, 219, 234,
        238, 239, 240, 241, 277, 279, 280, 282, 284, 285, 302, 305, 315, 320, 324, 330, 331, 332, 355, 357,
        358, 359, 387, 389, 391, 412, 415, 421, 423, 484, 488, 489, 502, 519,
    ]
    .map(told)
    .concat();
    insta::assert_snapshot!(told, @"
    0008 high, Alone: The instance was restored from a snapshot. If nobody restored it on purpose, find out who did.
    0050 warning, Continues(Failover): The instance was recovered, and is being activated in the zone where it was. Nothing to do yet; the end of it will be told.
    0053 warning, Closes(Recovery): Recovery of the Multi-AZ instance is complete; a failover or an activation may follow. Check that services reconnected.
    0058 warning, Alone: Oracle's Statspack could not be installed. Drop the account PERFSTAT, and add the option STATSPACK again.
    0076 high, Alone: A migration to the Aurora cluster failed. Read the reason in the event; mend it and migrate again.
    0077 warning, Alone: A table could not be converted to InnoDB by a migration to Aurora. Read the reason in the event; convert the table at its source and migrate again.
    0079 warning, Alone: Enhanced monitoring could not be set up, and is off. Mend the role rds-monitoring-role, and switch it on again.
    0081 warning, Alone: An option of the instance cannot use its role; for SQL Server, native backups and restores do not work. Mend the role that the event names.
    0085 warning, Alone: The cluster cannot be upgraded as it stands. Read the reason in the event; repair or delete the instance that holds it back, and upgrade again.
    0142 info, Alone: A serverless database is scaled, paused or resumed. Nothing to do.
    0143 warning, Alone: The cluster could not be scaled. Read the reason in the event: often long transactions or temporary tables hold it back.
    0150 warning, Opens(Running): The cluster was stopped: nothing can connect to it. If nobody stopped it on purpose, start it.
    0151 info, Closes(Running): The cluster was started. Nothing to do.
    0152 warning, Alone: The cluster could not be stopped. Look at its status, and stop it again.
    0153 warning, Closes(Running): The cluster is started by RDS, because it had been stopped for seven days. Stop it again, or take a snapshot and delete it, if it is not needed.
    0158 warning, Alone: The instance cannot be upgraded as it stands. Read the reason in the event, and repair it.
    0162 warning, Alone: An export failed or was canceled. Read the export task's reason and start it again.
    0165 warning, Alone: The RDS Custom instance is outside its support perimeter: until it is back, RDS does not look after it. Repair what the event names, on the host or in the database.
    0174 warning, Alone: The cluster cannot be upgraded as it stands. Read the reason in the event; repair or delete the instance that holds it back, and upgrade again.
    0180 warning, Alone: The activity stream was stopped: what people do in the database is not recorded any more. If nobody did this on purpose, start it again, and find out who stopped it.
    0219 warning, Alone: Storage autoscaling cannot give more storage for now, and tries again by itself. Nothing to do, unless free storage does not last for some hours: then make room.
    0234 warning, Alone: An export failed or was canceled. Read the export task's reason and start it again.
    0238 warning, Closes(GlobalFailover): The global failover is complete. Check which region writes now, and that services reconnected.
    0239 critical, Closes(GlobalFailover): The global failover FAILED. Look at both clusters now, and decide which region writes.
    0240 info, Continues(GlobalFailover): A step of a global failover or switchover. Nothing to do.
    0241 info, Continues(GlobalFailover): A step of a global failover or switchover. Nothing to do.
    0277 warning, Alone: A custom engine version could not be deleted. Read the reason in the event and delete it again.
    0279 high, Alone: The promotion of the RDS Custom read replica failed. Read the reason in the event; repair it and promote again.
    0280 warning, Alone: RDS Custom could not upgrade the instance: the check before it failed. Read the reason in the event; repair it and upgrade again.
    0282 warning, Alone: RDS Custom could not change the instance, for want of an Elastic IP address that it may use. Tag the address with AWSRDSCustom, or raise the quota of addresses; then change it again.
    0284 warning, Alone: RDS Custom could not make the instance highly available: the check before it failed. Read the reason in the event; repair it and convert again.
    0285 high, Alone: RDS Custom could not take the final snapshot of the instance. Read the reason in the event; take a snapshot, if what is in it is to be kept.
    0302 warning, Alone: The split of a shard waits to be finished by a person. Run the statement that the event names.
    0305 high, Alone: A job of the shard group failed: splitting a shard, adding a router or loading data. Read the reason in the event and start it again.
    0315 critical, Alone: The instance is stuck: its network cannot be used, and RDS could not bring it back. Repair the subnet group, addresses or security group that the event names, or restore the instance into a good network.
    0320 warning, Alone: A custom engine version could not be created, for a fault within RDS. Nothing to do: AWS looks into it. Ask AWS support, if it is needed soon.
    0324 high, Alone: A job of the shard group failed: splitting a shard, adding a router or loading data. Read the reason in the event and start it again.
    0330 critical, Opens(Storage): Free storage of the dedicated log volume is so low that RDS is about to shut the database down. Disable the dedicated log volume: its size cannot be changed. Then look for a replica or a slot that holds logs back.
    0331 high, Opens(Storage): Free storage of the dedicated log volume is too low. Disable the dedicated log volume: its size cannot be changed. Then look for a replica or a slot that holds logs back.
    0332 info, Closes(Storage): The dedicated log volume is disabled: logs are kept with the data. Nothing to do.
    0355 high, Alone: The cluster could not be created. Read the reason in the event and create it again.
    0357 info, Alone: Replication of a channel was started, or an upgrade stops it for a while and starts it again. Nothing to do.
    0358 warning, Alone: A replication channel has stopped: what it brings is old. Read its replication error, and start it again.
    0359 warning, Alone: Replication was stopped by hand: readers see old data. If nobody did this on purpose, start it again.
    0387 warning, Alone: The operating system of the cluster could not be upgraded. Wait for the next maintenance window, or upgrade it by hand.
    0389 warning, Alone: The operating system of the cluster could not be upgraded. Wait for the next maintenance window, or upgrade it by hand.
    0391 high, Alone: Writes could not be blocked before a global failover or switchover, which goes on: what was written last may be lost. Compare with the snapshot of the former primary cluster, and recover what is missing.
    0412 warning, Alone: The check before an engine upgrade of the cluster failed: it is not upgraded. Read the upgrade log; repair what it names and upgrade again.
    0415 info, Alone: Replication of a channel was started, or an upgrade stops it for a while and starts it again. Nothing to do.
    0421 warning, Alone: RDS Custom could not convert the instance to Multi-AZ: it stays Single-AZ. Read the reason in the event; repair it and convert again.
    0423 high, Continues(GlobalFailover): The global failover waits for the secondary to catch up. Look at the replication lag.
    0484 warning, Alone: A table could not be exported. Read the event's reason; mend it and export again.
    0488 info, Alone: An export moves on or is finished. Nothing to do.
    0489 warning, Alone: A table could not be exported. Read the event's reason; mend it and export again.
    0502 warning, Alone: The server certificate will be changed in a maintenance window, with a reboot. Choose a time for it; check that clients trust the new certificate.
    0519 critical, Closes(GlobalFailover): The global failover is complete, but the cluster has no instance: nothing can connect to it. Create an instance in the cluster now.
    ");
}

#[test]
fn an_event_without_id_is_known_by_its_words() {
    let means = |said: &str| of_database(&news(None, Some(said), &[]), RECEIVED).means;
    assert_eq!(means("A Multi-AZ failover has completed"), "The Multi-AZ failover is complete.");
    assert_eq!(means("DB instance shutdown"), "The instance was shut down: nothing can connect to it.");
    assert!(means("Something else").contains("no words for"));
}

#[test]
fn an_odd_id_is_as_good_as_none() {
    let means = |id: &str| of_database(&news(Some(id), Some("DB instance shutdown"), &[]), RECEIVED).means;
    for id in ["87", "0087", "DMS-EVENT-0087", "RDS-EVENT-", "RDS-EVENT-99999"] {
        assert_eq!(means(id), "The instance was shut down: nothing can connect to it.", "{id}");
    }
    assert!(means("RDS-EVENT-0087").starts_with("The instance was stopped"));
}

#[test]
fn a_time_that_no_calendar_has_is_the_time_it_was_received() {
    let mut event = news(Some("RDS-EVENT-0013"), None, &[]);
    event.at = Some("2022-04-31T17:00:00Z".to_owned());
    assert_eq!(of_database(&event, RECEIVED).at, RECEIVED);
}

#[test]
fn every_number_of_the_tables_has_one_meaning() {
    for number in 0..1000_u16 {
        for service in ["RDS", "DMS"] {
            let mut event = news(Some(&format!("{service}-EVENT-{number:04}")), None, &["failure"]);
            if service == "DMS" {
                event.kind = DatabaseKind::ReplicationTask;
            }
            let alert = of_database(&event, RECEIVED);
            assert!(!alert.means.is_empty() && alert.act.ends_with('.'), "{alert:?}");
        }
    }
}
