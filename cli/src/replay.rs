//! `tidegate replay FILE`: what an event means.

use std::path::Path;
use std::process::ExitCode;

use databases::alert::{Alert, of_backup, of_database};
use databases::story::Part;
use intake::Subject;
use serde_json::{Value, json};

use crate::clock::now;
use crate::{MISUSED, fail};

pub(crate) fn replay(file: &Path, json: bool) -> ExitCode {
    let payload = match std::fs::read(file) {
        Ok(payload) => payload,
        Err(error) => return fail(MISUSED, format!("cannot read {}: {error}", file.display())),
    };
    if json {
        println!("{}", in_json(&payload));
    } else {
        print!("{}", in_text(&payload));
    }
    ExitCode::SUCCESS
}

pub(crate) fn in_json(payload: &[u8]) -> Value {
    intake::replay::json_with(payload, |subject| alert(subject).as_ref().map(as_json))
}

pub(crate) fn in_text(payload: &[u8]) -> String {
    intake::replay::text_with(payload, |subject| alert(subject).as_ref().map(as_text))
}

/// What else there is to say of an event hangs on nothing but the event only for databases and their backups.
fn alert(subject: &Subject) -> Option<Alert> {
    if let Subject::Database(news) = subject {
        Some(of_database(news, now()))
    } else if let Subject::Backup(news) = subject {
        Some(of_backup(news, now()))
    } else {
        None
    }
}

/// `story` with its name, and whether this event `opens`, `continues` or `closes` it; null for one that stands alone.
fn as_json(alert: &Alert) -> Value {
    json!({
        "about": alert.about,
        "event": alert.id,
        "severity": alert.severity,
        "means": alert.means,
        "act": alert.act,
        "story": story(alert.part).map(|(part, name)| json!({ "name": name, "part": part })),
    })
}

fn as_text(alert: &Alert) -> String {
    let Alert { about, id, severity, means, act, .. } = alert;
    let story =
        story(alert.part).map_or_else(String::new, |(part, name)| format!("  {part} the story: {name}\n"));
    format!("  {severity}: {about}, {id}\n  {means}\n{story}  {act}\n")
}

fn story(part: Part) -> Option<(&'static str, &'static str)> {
    let verb = match part {
        Part::Alone => return None,
        Part::Opens(_) => "opens",
        Part::Continues(_) => "continues",
        Part::Closes(_) => "closes",
    };
    Some((verb, part.story()?.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: &Value) -> String {
        in_text(event.to_string().as_bytes())
    }

    fn event(id: &str, category: &str, message: &str) -> Value {
        json!({
            "source": "aws.rds",
            "detail-type": "RDS DB Instance Event",
            "account": "123456789012", "region": "eu-west-1", "time": "2026-03-02T09:15:00Z",
            "resources": ["arn:aws:rds:eu-west-1:123456789012:db:payments"],
            "detail": {
                "EventCategories": [category], "SourceType": "DB_INSTANCE", "EventID": id, "Message": message,
                "SourceArn": "arn:aws:rds:eu-west-1:123456789012:db:payments", "SourceIdentifier": "payments",
                "Date": "2026-03-02T09:15:00Z",
            },
        })
    }

    #[test]
    fn an_event_of_a_database_tells_how_bad_it_is_what_it_means_and_what_to_do() {
        insta::assert_snapshot!(told(&event("RDS-EVENT-0087", "notification", "DB instance stopped")), @"
        signal: database payments sent RDS-EVENT-0087: DB instance stopped
          for database
          warning: database payments, RDS-EVENT-0087
          The instance was stopped: nothing can connect to it, and it is not backed up while it rests.
          opens the story: not running
          If nobody stopped it on purpose, start it.
        ");
        insta::assert_snapshot!(told(&event("RDS-EVENT-9999", "failure", "Something new")), @r#"
        signal: database payments sent RDS-EVENT-9999: Something new
          for database
          high: database payments, RDS-EVENT-9999
          RDS sent an event under "failure" that this version has no words for.
          Read what AWS says, and look at the recent events of it.
        "#);
    }

    #[test]
    fn other_events_tell_nothing_more() {
        let push = json!({ "source": "aws.codecommit", "detail-type": "Pull request" });
        assert_eq!(told(&push), intake::replay::text(push.to_string().as_bytes()));
    }
}
