//! What every sample event of a database, a migration or a backup means: snapshots that people reviewed, ours and
//! others'. Of others' samples only our own words are kept here.

use std::fmt::Write as _;
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

#[test]
fn an_event_without_id_is_known_by_its_words() {
    let means = |said: &str| of_database(&news(None, Some(said), &[]), RECEIVED).means;
    assert_eq!(means("A Multi-AZ failover has completed"), "The Multi-AZ failover is complete.");
    assert_eq!(means("DB instance shutdown"), "The instance was shut down: nothing can connect to it.");
    assert!(means("Something else").contains("no words for"));
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
