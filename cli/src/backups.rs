//! `tidegate backups`: how databases stood when they were last looked at, which rules they break, and what became of
//! their last drill and their last restore test. `tidegate backups drill` begins another.

use std::process::ExitCode;

use databases::drill::Outcome;
use databases::facts::{Family, Kind};
use databases::folding::open;
use databases::time::lasted;
use databases::validation::Verdict;
use databases::watch::{Looked, Watch};
use engine::ports::Watches;
use intake::{DrillOrder, Given};
use model::database::DatabaseKey;
use model::ids::Malformed;
use model::time::Timestamp;
use serde_json::{Value, json};

use crate::clock::{now, time_of_day};
use crate::fail;
use crate::installation::Installation;
use crate::orderer::{Orderer, REFUSED};

const UNREAD: u8 = 1;
/// A page holds up to a megabyte; a thousand databases fit a few.
const PAGES_MAX: usize = 1000;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Restore a database for real, check it, time it, and delete the copy. The end is told as other news are.
    Drill(Drill),
}

#[derive(clap::Args)]
struct Drill {
    /// `payments`, or `instance/payments`.
    #[arg(value_parser = database)]
    database: DatabaseKey,
    /// The time to restore to, as `2027-01-15T18:00:00Z`; the newest unless told otherwise.
    #[arg(long)]
    to: Option<jiff::Timestamp>,
    #[command(flatten)]
    by: Orderer,
}

/// An instance, where no kind is given.
fn database(text: &str) -> Result<DatabaseKey, Malformed> {
    if text.contains('/') { text.parse() } else { DatabaseKey::new(Kind::Instance.as_str(), text) }
}

/// The record of databases says who may, or that whoever may invoke `backups` may.
async fn drill(Drill { database, to, by }: Drill) -> ExitCode {
    let to = match to.map(|to| u64::try_from(to.as_millisecond()).map_err(|_| to)).transpose() {
        Ok(to) => to.map(Timestamp),
        Err(to) => return fail(REFUSED, format!("{to} is long past")),
    };
    by.give(|id| Given::Drill(DrillOrder { id, database, to })).await
}

pub(crate) async fn backups(options: Options) -> ExitCode {
    if let Some(Verb::Drill(arguments)) = options.verb {
        return drill(arguments).await;
    }
    match read(&options).await {
        Ok(watches) if options.json => println!("{}", as_json(&watches, now())),
        Ok(watches) => print!("{}", as_text(&watches, now())),
        Err(why) => return fail(UNREAD, why),
    }
    ExitCode::SUCCESS
}

/// What was looked at or drilled, or has a story that has not ended.
async fn read(options: &Options) -> Result<Vec<Watch>, String> {
    let aws = options.installation.aws().await?;
    let (mut watches, mut page) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let read = aws.watches(page.as_deref()).await.map_err(|failure| failure.to_string())?;
        watches.extend(read.items);
        page = read.next;
        if page.is_none() {
            let now = now();
            let is_shown = |watch: &Watch| {
                watch.looked.is_some()
                    || watch.last_drill.is_some()
                    || watch.last_validation.is_some()
                    || !open(&watch.heard, now).is_empty()
            };
            watches.retain(is_shown);
            return Ok(watches);
        }
    }
    Err(format!("the table has more than {PAGES_MAX} pages of databases"))
}

fn as_json(watches: &[Watch], now: Timestamp) -> Value {
    Value::Array(watches.iter().map(|watch| watch_json(watch, now)).collect())
}

fn watch_json(watch: &Watch, now: Timestamp) -> Value {
    json!({
        "database": watch.key.as_str(),
        "family": watch.family.map(Family::as_str),
        "lookedAt": watch.looked.as_ref().map(|looked| looked.at.0),
        "newestSnapshot": watch.looked.as_ref().and_then(|looked| looked.newest_snapshot).map(|at| at.0),
        "restorableTo": watch.looked.as_ref().and_then(|looked| looked.restorable).map(|at| at.0),
        "findings": watch.findings.iter().map(|held| json!({
            "rule": held.finding.rule.as_str(),
            "severity": held.finding.severity,
            "since": held.since.0,
            "words": held.finding.words,
            "mend": held.finding.mend,
        })).collect::<Vec<_>>(),
        "waived": watch.looked.iter().flat_map(|looked| &looked.waived).map(|(rule, owner)| json!({
            "rule": rule.as_str(),
            "owner": owner,
        })).collect::<Vec<_>>(),
        "lastDrill": watch.last_drill.as_ref().map(|last| {
            let (rto, rpo, check, failed) = match &last.outcome {
                Outcome::Proven { rto, rpo, check, .. } => (Some(rto.0), Some(rpo.0), check.as_ref(), None),
                Outcome::Failed { why } => (None, None, None, Some(why)),
            };
            json!({
                "id": last.id,
                "requestedAt": last.requested.0,
                "endedAt": last.ended.0,
                "rtoMs": rto,
                "rpoMs": rpo,
                "check": check,
                "failed": failed,
            })
        }),
        "lastRestoreTest": watch.last_validation.as_ref().map(|last| json!({
            "restoreJob": last.job,
            "requestedAt": last.requested.0,
            "endedAt": last.ended.0,
            "status": last.verdict.status(),
            "message": last.verdict.message(),
            "check": last.check,
            "refused": last.refused,
        })),
        "open": open(&watch.heard, now).iter().map(|(story, since)| json!({
            "story": story.as_str(),
            "since": since.0,
        })).collect::<Vec<_>>(),
    })
}

fn as_text(watches: &[Watch], now: Timestamp) -> String {
    if watches.is_empty() {
        return "No database was looked at yet.\n".to_owned();
    }
    let broken = watches.iter().filter(|watch| !watch.findings.is_empty()).count();
    let texts: Vec<String> = watches.iter().map(|watch| watch_text(watch, now)).collect();
    format!("{}\nDatabases: {}; breaking a rule: {broken}\n", texts.join("\n"), watches.len())
}

fn watch_text(watch: &Watch, now: Timestamp) -> String {
    let family = watch.family.map_or("not looked at", Family::as_str);
    let mut text = format!("{} ({family})\n", watch.key);
    if let Some(Looked { at, newest_snapshot, restorable, waived }) = &watch.looked {
        let ago = |at: &Option<Timestamp>| {
            at.map_or("none".to_owned(), |at| format!("{} ago", lasted(now.since(at))))
        };
        text += &format!("  newest snapshot  {}\n", ago(newest_snapshot));
        // It moved on since: what the look itself saw is the lag.
        let lag = restorable.map_or("none".to_owned(), |restorable| lasted(at.since(restorable)));
        text += &format!("  restorable lag   {lag}, at {}\n", time_of_day(*at));
        for (rule, owner) in waived {
            text += &format!("  waived           {}: {owner} answers for it\n", rule.as_str());
        }
    }
    if let Some(last) = &watch.last_drill {
        let result = match &last.outcome {
            Outcome::Proven { rto, check: Some(_), .. } => {
                format!("restored and checked in {}", lasted(*rto))
            }
            Outcome::Proven { rto, check: None, .. } => format!("restored in {}", lasted(*rto)),
            Outcome::Failed { why } => format!("failed: {why}"),
        };
        text += &format!("  last drill       {} ago: {result}\n", lasted(now.since(last.requested)));
    }
    if let Some(last) = &watch.last_validation {
        let result = match &last.verdict {
            Verdict::Successful => "checked".to_owned(),
            Verdict::Failed { why } | Verdict::TimedOut { why } => format!("failed: {why}"),
        };
        text += &format!("  restore test     {} ago: {result}\n", lasted(now.since(last.requested)));
    }
    for (story, since) in open(&watch.heard, now) {
        text += &format!("  not over         {} since {}\n", story.as_str(), time_of_day(since));
    }
    for held in &watch.findings {
        let finding = &held.finding;
        text += &format!(
            "  {:<16} {}, since {}: {}\n                   {}\n",
            finding.severity.as_str(),
            finding.rule.as_str(),
            time_of_day(held.since),
            finding.words,
            finding.mend
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use databases::drill::Report;
    use databases::rules::{Finding, Rule};
    use databases::validation::Validated;
    use databases::watch::Held;
    use model::drill::DrillId;
    use model::severity::Severity;
    use model::time::Span;

    use super::*;

    #[test]
    fn a_database_is_told_with_its_ages_and_what_mends_it() {
        let at = Timestamp(1_772_442_900_000);
        let mut watch = Watch::new(DatabaseKey::new("instance", "payments").unwrap());
        watch.family = Some(Family::SqlServer);
        watch.looked = Some(Looked {
            at,
            newest_snapshot: Some(at.minus(Span::hours(7))),
            restorable: Some(at.minus(Span::minutes(4))),
            waived: vec![(Rule::SingleAz, "ana".to_owned())],
        });
        let outcome = Outcome::Proven {
            rto: Span::minutes(41),
            rpo: Span::minutes(5),
            to: at.minus(Span::hours(51)),
            check: None,
        };
        let (requested, ended) = (at.minus(Span::hours(50)), at.minus(Span::hours(48)));
        let id = DrillId::of(&watch.key, "cli-1");
        watch.last_drill = Some(Report { id, requested, ended, outcome });
        watch.last_validation = Some(Validated {
            id: DrillId::of(&watch.key, "7C1E"),
            job: "7C1E".to_owned(),
            check: "tidegate-drill-check-payments".to_owned(),
            requested,
            ended,
            verdict: Verdict::TimedOut { why: "it was not checked within 8 h".to_owned() },
            refused: None,
        });
        watch.findings = vec![Held {
            finding: Finding {
                rule: Rule::NoDeletionProtection,
                severity: Severity::Warning,
                words: "It is not protected from deletion.".to_owned(),
                mend: "aws rds modify-db-instance …".to_owned(),
            },
            since: at.minus(Span::hours(48)),
        }];
        insta::assert_snapshot!(as_text(&[watch.clone()], at.plus(Span::minutes(10))), @"
        instance/payments (SQL Server)
          newest snapshot  7 h 10 min ago
          restorable lag   4 min 0 s, at 2026-03-02 09:15:00Z
          waived           single-az: ana answers for it
          last drill       2 d 2 h ago: restored in 41 min 0 s
          restore test     2 d 2 h ago: failed: it was not checked within 8 h
          warning          no-deletion-protection, since 2026-02-28 09:15:00Z: It is not protected from deletion.
                           aws rds modify-db-instance …

        Databases: 1; breaking a rule: 1
        ");
        assert_eq!(
            as_json(&[watch], at),
            json!([{
                "database": "instance/payments",
                "family": "SQL Server",
                "lookedAt": 1_772_442_900_000_u64,
                "newestSnapshot": 1_772_442_900_000_u64 - 7 * 3_600_000,
                "restorableTo": 1_772_442_900_000_u64 - 4 * 60_000,
                "findings": [{
                    "rule": "no-deletion-protection",
                    "severity": "warning",
                    "since": 1_772_442_900_000_u64 - 48 * 3_600_000,
                    "words": "It is not protected from deletion.",
                    "mend": "aws rds modify-db-instance …",
                }],
                "waived": [{ "rule": "single-az", "owner": "ana" }],
                "lastDrill": {
                    "id": DrillId::of(&DatabaseKey::new("instance", "payments").unwrap(), "cli-1"),
                    "requestedAt": 1_772_442_900_000_u64 - 50 * 3_600_000,
                    "endedAt": 1_772_442_900_000_u64 - 48 * 3_600_000,
                    "rtoMs": 41 * 60_000,
                    "rpoMs": 5 * 60_000,
                    "check": null,
                    "failed": null,
                },
                "lastRestoreTest": {
                    "restoreJob": "7C1E",
                    "requestedAt": 1_772_442_900_000_u64 - 50 * 3_600_000,
                    "endedAt": 1_772_442_900_000_u64 - 48 * 3_600_000,
                    "status": "TIMED_OUT",
                    "message": "it was not checked within 8 h",
                    "check": "tidegate-drill-check-payments",
                    "refused": null,
                },
                "open": [],
            }])
        );
        assert_eq!(as_text(&[], at), "No database was looked at yet.\n");
    }
}
