//! EventBridge events: which function hears which source and kind.
//!
//! Source: EventBridge user guide, "AWS service event metadata".

use crate::unreadable::At;
use crate::{
    Function, Meaning, Reading, Subject, Why, backup, cloudformation, codebuild, codecommit, dms, ecr, ecs,
    lambda, payload, rds,
};

pub(crate) fn read(event: &At<'_>) -> Reading {
    let source = match event.field("source").text("the source of an event, such as \"aws.codecommit\"") {
        Ok(source) => source,
        Err(unreadable) => return Reading::of(None, Err(unreadable)),
    };
    let kind = match event.field("detail-type").text("the kind of an event") {
        Ok(kind) => kind,
        Err(unreadable) => return Reading::of(None, Err(unreadable)),
    };
    let detail = event.field("detail");
    match (source, kind) {
        ("aws.codecommit", "CodeCommit Repository State Change") => {
            Reading::by(Function::Push, codecommit::repository_changed(&detail))
        }
        ("aws.codebuild", "CodeBuild Build State Change") => {
            let read = codebuild::build_changed(&detail);
            let is_check = matches!(read, Ok(Meaning::Signal(Subject::DrillChecked { .. })));
            Reading::by(if is_check { Function::Backups } else { Function::Build }, read)
        }
        ("aws.ecr", "ECR Image Action") => Reading::by(Function::Image, ecr::image_action(&detail)),
        ("aws.cloudformation", "CloudFormation Stack Status Change") => {
            Reading::by(Function::Stack, cloudformation::stack_changed(&detail))
        }
        ("aws.ecs", "ECS Deployment State Change") => {
            Reading::by(Function::Stack, ecs::deployment_changed(event))
        }
        ("aws.ecs", "ECS Service Action") => Reading::by(Function::Stack, ecs::service_action(event)),
        ("aws.rds", kind) if kind.starts_with("RDS ") => {
            Reading::by(Function::Database, rds::event(kind, &detail))
        }
        ("aws.dms", kind) if kind.starts_with("DMS ") => {
            Reading::by(Function::Database, dms::event(kind, event))
        }
        ("aws.backup", kind) if !is_api_call(kind) => {
            Reading::by(Function::Backups, backup::event(kind, event))
        }
        // Not `aws.lambda`: a destination is sent what the function's role may send.
        ("lambda", kind) if kind.starts_with(lambda::RESULT) => {
            Reading::by(Function::Backups, Ok(lambda::invocation_ended(&detail)))
        }
        ("aws.codecommit", "CodeCommit Pull Request State Change") => Reading::nobodys(Why::PullRequest),
        ("aws.codebuild", "CodeBuild Build Phase Change") => Reading::nobodys(Why::BuildPhase),
        ("aws.ecr", "ECR Replication Action") => Reading::nobodys(Why::ImageReplicated),
        ("aws.ecr", "ECR Image Scan") | ("aws.inspector2", "Inspector2 Scan") => {
            Reading::nobodys(Why::ImageScanned)
        }
        ("aws.cloudformation", "CloudFormation Resource Status Change") => {
            Reading::of(None, cloudformation::resource_changed(&detail))
        }
        ("aws.ecs", "ECS Task State Change") => Reading::nobodys(Why::TaskChanged),
        ("aws.codepipeline", _) => Reading::nobodys(Why::PipelineNews),
        ("aws.cloudwatch", "CloudWatch Alarm State Change" | "CloudWatch Alarm Configuration Change") => {
            payload::alarm(&detail.field("alarmName"))
        }
        // EventBridge's own schedules, and EventBridge Scheduler's when given no input.
        ("aws.events" | "aws.scheduler", "Scheduled Event") => {
            Reading::by(Function::Sweep, Ok(Meaning::Signal(Subject::Sweep)))
        }
        (
            "aws.codecommit" | "aws.codebuild" | "aws.ecr" | "aws.inspector2" | "aws.cloudformation"
            | "aws.ecs" | "aws.rds" | "aws.dms" | "aws.backup" | "aws.events" | "aws.scheduler"
            | "aws.cloudwatch",
            kind,
        ) => Reading::nobodys(Why::KindNotHeard { kind: kind.to_owned() }),
        (source, _) => Reading::nobodys(Why::SourceNotHeard { source: source.to_owned() }),
    }
}

/// CloudTrail sends every service's API calls under that service's source.
fn is_api_call(kind: &str) -> bool {
    kind.ends_with("via CloudTrail")
}
