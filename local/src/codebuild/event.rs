//! "CodeBuild Build State Change" in AWS's shape.
//!
//! Source: CodeBuild User Guide, "Build notifications input format reference"; there, `exported-environment-variables`
//! is not shown, but AWS sends it inside `additional-information`.

use serde_json::{Value, json};

use super::build::{Build, Phase};
use crate::stand_in::ServiceEvent;

pub(super) fn state_change(build: &Build) -> ServiceEvent {
    ServiceEvent {
        source: "aws.codebuild",
        detail_type: "CodeBuild Build State Change",
        account: build.account.clone(),
        region: build.region.clone(),
        resources: vec![build.arn()],
        detail: json!({
            "build-status": build.status,
            "project-name": build.project,
            "build-id": build.arn(),
            "additional-information": information(build),
            "current-phase": build.current_phase(),
            "current-phase-context": "[]",
            "version": "1",
        }),
    }
}

fn information(build: &Build) -> Value {
    let pairs: Vec<Value> = build
        .variables
        .iter()
        .map(|variable| json!({ "name": variable.name, "type": variable.kind, "value": variable.value }))
        .collect();
    let mut information = json!({
        "cache": { "type": "NO_CACHE" },
        "build-number": build.number,
        "timeout-in-minutes": build.timeout_minutes,
        "queued-timeout-in-minutes": build.queued_timeout_minutes,
        "build-complete": build.is_over(),
        "initiator": "local",
        "build-start-time": us_text(build.started_at),
        "source": {
            "buildspec": build.source.buildspec,
            "location": build.source.location,
            "type": build.source.kind,
        },
        "artifact": { "location": "" },
        "environment": {
            "image": build.image,
            "privileged-mode": build.privileged,
            "compute-type": build.compute_type,
            "type": build.environment_type,
            "environment-variables": pairs,
        },
        "logs": {
            "group-name": build.log_group(),
            "stream-name": build.uuid,
            "deep-link": build.log_link(),
        },
        "phases": build.phases.iter().map(phase).collect::<Vec<_>>(),
        "exported-environment-variables": build.exported,
    });
    if let Some(version) = &build.source_version {
        information["source-version"] = version.as_str().into();
    }
    information
}

fn phase(phase: &Phase) -> Value {
    let mut told = json!({ "phase-type": phase.kind, "start-time": us_text(phase.started_at) });
    if let (Some(status), Some(ended_at), Some(seconds)) = (phase.status, phase.ended_at, phase.seconds()) {
        told["phase-status"] = json!(status);
        told["end-time"] = us_text(ended_at).into();
        told["duration-in-seconds"] = seconds.into();
        told["phase-context"] = match &phase.context {
            Some(context) => json!([format!("{}: {}", context.code, context.message)]),
            None => json!([]),
        };
    }
    told
}

/// `Sep 1, 2017 4:12:29 PM`, in UTC.
fn us_text(seconds: f64) -> String {
    jiff::Timestamp::from_second(seconds as i64)
        .map(|time| time.strftime("%b %-d, %Y %-I:%M:%S %p").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_told_in_american() {
        assert_eq!(super::us_text(1_504_282_349.7), "Sep 1, 2017 4:12:29 PM");
        assert_eq!(super::us_text(0.0), "Jan 1, 1970 12:00:00 AM");
    }
}
