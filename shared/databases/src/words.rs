//! What people are told: how much it matters, a subject, a text, and the same for machines.

use model::severity::Severity;
use serde_json::{Value, json};

use crate::alert::Alert;
use crate::drill::{Outcome, Report};
use crate::facts::Family;
use crate::folding::Telling;
use crate::rules::Finding;
use crate::story::Part;
use crate::time::{lasted, shown};
use crate::validation::{Validated, Verdict};
use crate::watch::{Gone, News, Watch};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// What kind of news it is.
    pub notice: &'static str,
    pub severity: Severity,
    pub subject: String,
    pub text: String,
    pub json: Value,
}

/// One piece of news of a database.
pub fn of(watch: &Watch, news: &News) -> Words {
    match news {
        News::Alert { alert, telling } => of_alert(watch, alert, telling),
        News::Appeared { finding } => appeared(watch, finding),
        News::Drilled { report } => drilled(watch, report),
        News::Validated { report } => validated(watch, report),
        News::Gone { finding, lasted: span, why } => {
            let name = named(watch);
            let how = match why {
                Gone::Mended => "It is mended.".to_owned(),
                Gone::Waived { owner, until, reason } => {
                    format!("{owner} answers for it until {until}: {reason}. Nothing was changed.")
                }
                Gone::DatabaseGone => {
                    format!("The {} itself is gone, and so are its snapshots.", watch.key.kind())
                }
            };
            let rule = finding.rule.as_str();
            Words {
                notice: "findingGone",
                // Whoever heard that it began hears that it is over.
                severity: finding.severity,
                subject: format!("{name}: {rule} is over"),
                text: format!(
                    "{name}: {rule} is over after {}. {how}\n\nIt was: {}\n",
                    lasted(*span),
                    finding.words
                ),
                json: json!({
                    "database": watch.key.as_str(),
                    "rule": rule,
                    "why": match why {
                        Gone::Mended => "mended",
                        Gone::Waived { .. } => "waived",
                        Gone::DatabaseGone => "databaseGone",
                    },
                }),
            }
        }
    }
}

fn of_alert(watch: &Watch, alert: &Alert, telling: &Telling) -> Words {
    let Alert { id, at, about, severity, part, means, act, said } = alert;
    // Neptune and DocumentDB send their events as RDS: what was looked at knows better.
    let about = match watch.family {
        Some(family @ (Family::Neptune | Family::DocumentDb)) => format!("{about} ({})", family.as_str()),
        Some(Family::Rds | Family::Aurora | Family::SqlServer) | None => about.clone(),
    };
    let closes = matches!(part, Part::Closes(_));
    let duration = match telling {
        Telling::Happened => String::new(),
        // Its end came first, and was not worth telling by itself.
        Telling::Ended(Some(span)) if !closes => {
            format!("It is over already: it lasted {}.\n", lasted(*span))
        }
        Telling::Ended(Some(span)) => format!("It lasted {}.\n", lasted(*span)),
        Telling::Ended(None) => "Its beginning was not heard of.\n".to_owned(),
    };
    let said_by_aws = said.as_ref().map_or(String::new(), |said| format!("AWS says: {said}\n"));
    let story = part.story().map_or(Value::Null, |story| json!(story.as_str()));
    Words {
        notice: "databaseAlert",
        severity: *severity,
        subject: format!("{}{about}: {}", mark(*severity), first_sentence(means)),
        text: format!(
            "{about}: {means}\n{duration}\nWhat to do: {act}\n\n{said_by_aws}{id}, {}, {severity}\n",
            shown(*at)
        ),
        json: json!({
            "database": watch.key.as_str(),
            "event": id,
            "at": at.0,
            "means": means,
            "act": act,
            "story": story,
            "ended": matches!(telling, Telling::Ended(_)),
            "lastedMs": match telling {
                Telling::Ended(Some(span)) => json!(span.0),
                Telling::Ended(None) | Telling::Happened => Value::Null,
            },
        }),
    }
}

fn appeared(watch: &Watch, finding: &Finding) -> Words {
    let name = named(watch);
    let Finding { rule, severity, words, mend } = finding;
    let rule = rule.as_str();
    Words {
        notice: "findingAppeared",
        severity: *severity,
        subject: format!("{}{name}: {rule}", mark(*severity)),
        text: format!("{name}: {words}\n\nTo mend it:\n  {mend}\n\n{rule}, {severity}\n"),
        json: json!({
            "database": watch.key.as_str(),
            "rule": rule,
            "words": words,
            "mend": mend,
        }),
    }
}

fn drilled(watch: &Watch, report: &Report) -> Words {
    let name = named(watch);
    let Report { id, requested, ended, outcome } = report;
    let began = shown(*requested);
    let (severity, subject, text, result) = match outcome {
        Outcome::Proven { rto, rpo, to, check } => {
            let (was, checked) = match check {
                Some(check) => ("restored and checked", format!("{check} found nothing wrong with it.")),
                None => ("restored", "RDS calls it available; what is in it nobody checked.".to_owned()),
            };
            let text = format!(
                "{name}: a copy of how it was at {} was {was}. {checked}\n\n\
                 Time to restore: {}, from the request at {began}. That is how long it takes to have it back, on the copy's \
                 class.\n\
                 Loss: {}. So much would have been lost, had the original been lost at the request.\n\n\
                 What to do: compare both with what is asked of this database. The copy is deleted.\n\ndrill {id}\n",
                shown(*to),
                lasted(*rto),
                lasted(*rpo)
            );
            let result = json!({ "rtoMs": rto.0, "rpoMs": rpo.0, "restoredTo": to.0, "check": check });
            (Severity::Info, format!("{name}: {was} in {}", lasted(*rto)), text, result)
        }
        Outcome::Failed { why } => {
            let text = format!(
                "{name}: the drill of {began} failed: {why}.\n\nThis database is not proven to be restorable.\n\n\
                 What to do: mend that, then run `tidegate backups drill {}`. No copy that it made is left.\n\ndrill {id}\n",
                watch.key
            );
            (
                Severity::High,
                format!("! {name}: it could not be proven that it can be restored"),
                text,
                json!({ "failed": why }),
            )
        }
    };
    let database = watch.key.as_str();
    let json = json!({
        "database": database,
        "drill": id,
        "requestedAt": requested.0,
        "endedAt": ended.0,
        "result": result,
    });
    Words { notice: "databaseDrilled", severity, subject, text, json }
}

fn validated(watch: &Watch, report: &Validated) -> Words {
    let name = named(watch);
    let Validated { job, check, requested, ended, verdict, refused, id: _ } = report;
    let at = shown(*requested);
    let (severity, subject, what) = match verdict {
        Verdict::Successful => (
            Severity::Info,
            format!("{name}: a restore test of AWS Backup was checked"),
            format!("what AWS Backup restored was checked at {at}: {check} found nothing wrong with it."),
        ),
        Verdict::Failed { why } | Verdict::TimedOut { why } => (
            Severity::High,
            format!("! {name}: a restore test of AWS Backup proved nothing"),
            format!("what AWS Backup restored was looked into at {at}, and {check} did not prove it: {why}."),
        ),
    };
    let status = verdict.status();
    let given = match refused {
        None => format!("AWS Backup has the result {status}, and deletes what it restored."),
        Some(why) => format!("AWS Backup did not take the result {status}: {why}."),
    };
    let act = match verdict {
        Verdict::Successful => "nothing.",
        Verdict::Failed { .. } | Verdict::TimedOut { .. } => {
            "mend that, and have the restore testing plan run again: this backup is not proven to be good."
        }
    };
    Words {
        notice: "restoreTestValidated",
        severity,
        subject,
        text: format!("{name}: {what}\n\n{given}\n\nWhat to do: {act}\n\nrestore job {job}\n"),
        json: json!({
            "database": watch.key.as_str(),
            "restoreJob": job,
            "check": check,
            "requestedAt": requested.0,
            "endedAt": ended.0,
            "status": status,
            "message": verdict.message(),
            "refused": refused,
        }),
    }
}

/// `payments (Neptune cluster)`
fn named(watch: &Watch) -> String {
    let family = watch.family.map_or("RDS", Family::as_str);
    format!("{} ({family} {})", watch.key.name(), watch.key.kind())
}

fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL: ",
        Severity::High => "! ",
        Severity::Info | Severity::Warning => "",
    }
}

fn first_sentence(text: &str) -> &str {
    text.split_inclusive(['.', ':']).next().unwrap_or(text).trim_end_matches(['.', ':'])
}
