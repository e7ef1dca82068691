//! What every sample event means, as two tables that people reviewed: ours (`events/`, beside this workspace's
//! members) and others' (published samples, which are not part of this repository). A table and its folder name the
//! same files, in both directions.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[test]
fn our_samples_mean_what_the_table_says() {
    compare(&project().join("events"), include_str!("our-events.tsv"), row);
}

#[test]
fn others_samples_mean_what_the_table_says() {
    match others() {
        Some(folder) => compare(&folder, include_str!("others-events.tsv"), row_without_others_words),
        None => {
            println!("skipped: others' samples are not on this machine (TIDEGATE_SHARED names their folder)")
        }
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn others() -> Option<PathBuf> {
    let shared =
        std::env::var_os("TIDEGATE_SHARED").map_or_else(|| project().join("../shared"), PathBuf::from);
    let folder = shared.join("aws-events");
    folder.is_dir().then_some(folder)
}

/// One row: function, outcome, track, why.
type Row = [String; 4];

fn compare(folder: &Path, table: &str, row: fn(&serde_json::Value) -> Row) {
    let expected: BTreeMap<String, Row> = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut cells = line.split('\t').map(str::to_owned);
            let mut next = || cells.next().unwrap_or_else(|| panic!("a row has five cells: {line:?}"));
            (next(), [next(), next(), next(), next()])
        })
        .collect();
    let actual: BTreeMap<String, Row> = files(folder)
        .into_iter()
        .map(|file| {
            let payload = std::fs::read(folder.join(&file)).unwrap();
            (file, row(&intake::replay::json(&payload)))
        })
        .collect();
    let mut differences = String::new();
    for file in expected.keys().chain(actual.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (expected, actual) = (expected.get(file), actual.get(file));
        if expected != actual {
            let line =
                |row: Option<&Row>| row.map_or_else(|| "(no such file)".to_owned(), |row| row.join("\t"));
            writeln!(differences, "{file}\n  table: {}\n  read:  {}", line(expected), line(actual)).unwrap();
        }
    }
    assert!(differences.is_empty(), "table and samples differ:\n{differences}");
}

fn row(shown: &serde_json::Value) -> Row {
    ["function", "outcome", "track", "why"].map(|key| shown[key].as_str().unwrap_or("-").to_owned())
}

/// A signal's sentence quotes its sample: what it is about is enough.
fn row_without_others_words(shown: &serde_json::Value) -> Row {
    let [function, outcome, track, why] = row(shown);
    let why = shown["signal"]["about"].as_str().map_or(why, str::to_owned);
    [function, outcome, track, why]
}

/// Every sample below `folder`, as `<service>/<case>.json`.
fn files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for service in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        if service.path().is_dir() {
            for case in std::fs::read_dir(service.path()).unwrap().map(|entry| entry.unwrap()) {
                let (service, case) = (service.file_name(), case.file_name());
                files.push(format!("{}/{}", service.to_string_lossy(), case.to_string_lossy()));
            }
        }
    }
    files
}
