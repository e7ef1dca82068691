//! What a failed wait says: how everything stands.

use std::fmt::Write;

use serde_json::json;

use crate::story::Story;

const STEPS_SHOWN: usize = 12;
const RELEASES_SHOWN: u32 = 3;
const LOG_LINES_SHOWN: usize = 25;
const EVENTS_SHOWN: usize = 15;

impl Story {
    /// The table, the last steps of the newest releases, the stack's events and what the functions logged last.
    pub(crate) async fn report(&self) -> String {
        let mut report = format!("\nAccount {}\n", self.account());
        self.report_tracks(&mut report).await.unwrap_or_default();
        self.report_stack(&mut report).await.unwrap_or_default();
        self.report_logs(&mut report).await.unwrap_or_default();
        report
    }

    async fn report_tracks(&self, report: &mut String) -> std::fmt::Result {
        let tracks = match self.aws.tracks().await {
            Ok(tracks) => tracks,
            Err(failure) => return writeln!(report, "the table cannot be read: {failure}"),
        };
        if tracks.is_empty() {
            writeln!(report, "the table knows no track")?;
        }
        for track in tracks {
            writeln!(report, "track {} at version {}", track.key, track.version)?;
            for promise in &track.outbox {
                writeln!(
                    report,
                    "  promised {}: {:?}, waits for {:?}",
                    promise.key, promise.effect, promise.waiting_for
                )?;
            }
            for release in self.aws.releases(&track.key, RELEASES_SHOWN).await.unwrap_or_default() {
                writeln!(report, "  {} is {}", release.id, release.phase.name())?;
                let shown = release.steps.len().saturating_sub(STEPS_SHOWN);
                for step in &release.steps[shown..] {
                    writeln!(report, "    {} {:<16} {}", step.at.0, step.phase, step.what)?;
                }
            }
        }
        Ok(())
    }

    async fn report_stack(&self, report: &mut String) -> std::fmt::Result {
        let Some(status) = self.stack_status().await else { return writeln!(report, "no stack") };
        writeln!(report, "stack is {status}; its events, newest first:")?;
        for event in self.stack_events().await.iter().take(EVENTS_SHOWN) {
            let reason = event.reason.as_deref().unwrap_or_default();
            writeln!(report, "  {} {} {reason} ({:?})", event.logical_id, event.status, event.token)?;
        }
        Ok(())
    }

    async fn report_logs(&self, report: &mut String) -> std::fmt::Result {
        let logs = match self.logs().await {
            Ok(logs) => logs,
            Err(failure) => return writeln!(report, "logs cannot be read: {failure}"),
        };
        for (group, lines) in logs {
            writeln!(report, "log {group}")?;
            for line in &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..] {
                writeln!(report, "  {line}")?;
            }
        }
        Ok(())
    }

    /// Every line that functions logged.
    pub(crate) async fn logged(&self) -> String {
        let logs = self.logs().await.unwrap_or_else(|failure| panic!("logs cannot be read: {failure}"));
        logs.into_iter().flat_map(|(_, lines)| lines).collect::<Vec<_>>().join("\n")
    }

    /// Everything that the table holds.
    pub(crate) async fn table_as_text(&self) -> String {
        let input = json!({ "TableName": self.outputs["TableName"] });
        let items = self.calls.json("dynamodb", "DynamoDB_20120810.Scan", &input).await;
        items.unwrap_or_else(|failure| panic!("the table cannot be read: {failure}")).to_string()
    }

    /// The lines of each log group, oldest first, without what Lambda adds.
    async fn logs(&self) -> Result<Vec<(String, Vec<String>)>, String> {
        let groups = self.calls.json("logs", "Logs_20140328.DescribeLogGroups", &json!({})).await?;
        let mut logs = Vec::new();
        for group in groups["logGroups"].as_array().into_iter().flatten() {
            let input = json!({ "logGroupName": group["logGroupName"] });
            let answer = self.calls.json("logs", "Logs_20140328.FilterLogEvents", &input).await;
            let events =
                answer.ok().and_then(|answer| answer["events"].as_array().cloned()).unwrap_or_default();
            let lines = events
                .iter()
                .filter_map(|event| event["message"].as_str())
                .flat_map(str::lines)
                .filter(|line| !["START ", "END ", "REPORT "].iter().any(|noise| line.starts_with(noise)))
                .map(str::to_owned)
                .collect();
            logs.push((group["logGroupName"].as_str().unwrap_or_default().to_owned(), lines));
        }
        Ok(logs)
    }
}
