//! Every call that the ports make, and the service that it goes to: a service that throttles turns all of its calls away.

use crate::world::World;

/// Every call of the ports, with the service that it goes to.
pub(crate) const CALLS: &[(&str, &str)] = &[
    ("load_track", "DynamoDB"),
    ("commit_track", "DynamoDB"),
    ("commit_track_once", "DynamoDB"),
    ("load_release", "DynamoDB"),
    ("load_build", "DynamoDB"),
    ("commit_build", "DynamoDB"),
    ("load_listener", "DynamoDB"),
    ("commit_listener", "DynamoDB"),
    ("due_tracks", "DynamoDB"),
    ("load_patrol", "DynamoDB"),
    ("save_patrol", "DynamoDB"),
    ("wake", "SQS"),
    ("send_to_push", "SQS"),
    ("quarantine", "SQS"),
    ("branch_head", "CodeCommit"),
    ("file", "CodeCommit"),
    ("commit", "CodeCommit"),
    ("start_build", "CodeBuild"),
    ("read_builds", "CodeBuild"),
    ("recent_builds", "CodeBuild"),
    ("stop_build", "CodeBuild"),
    ("image_digest", "ECR"),
    ("service_record", "SSM"),
    ("environment_record", "SSM"),
    ("environment_records", "SSM"),
    ("people_record", "SSM"),
    ("service_records", "SSM"),
    ("stack", "CloudFormation"),
    ("stack_events", "CloudFormation"),
    ("stack_resources", "CloudFormation"),
    ("stack_template", "CloudFormation"),
    ("create_change_set", "CloudFormation"),
    ("change_set", "CloudFormation"),
    ("delete_change_set", "CloudFormation"),
    ("set_stack_policy", "CloudFormation"),
    ("execute_change_set", "CloudFormation"),
    ("cancel_update", "CloudFormation"),
    ("delete_stack", "CloudFormation"),
    ("continue_rollback", "CloudFormation"),
    ("signal_resource", "CloudFormation"),
    ("service", "ECS"),
    ("task_images", "ECS"),
    ("stopped_tasks", "ECS"),
    ("databases", "RDS"),
    ("automated_backups", "RDS"),
    ("tasks", "ECS"),
    ("register_task", "ECS"),
    ("run_task", "ECS"),
    ("stop_task", "ECS"),
    ("log_tail", "CloudWatch Logs"),
    ("base_template", "S3"),
    ("store_template", "S3"),
    ("publish", "SNS"),
    ("post_to_slack", "Slack"),
    ("ask_sts", "STS"),
    ("slack_app", "Secrets Manager"),
    ("slack_member", "Slack"),
    ("answer_in_slack", "Slack"),
    ("shown", "DynamoDB"),
    ("remember_shown", "DynamoDB"),
    ("channels_record", "SSM"),
    ("say_in_slack", "Slack"),
    ("trouble_told", "DynamoDB"),
    ("remember_trouble_told", "DynamoDB"),
    ("post_message", "Slack"),
    ("update_in_slack", "Slack"),
    ("reply_in_slack", "Slack"),
    ("repeat_in_slack", "Slack"),
    ("reply_key", "Secrets Manager"),
    ("secret_exists", "Secrets Manager"),
];

impl World {
    /// Whether the call's service turns everything away for now.
    pub(crate) fn throttles(&self, call: &str) -> bool {
        let is_over =
            |service: &str| self.throttled_until.get(service).is_none_or(|until| *until <= self.now);
        !self.throttled_until.is_empty()
            && CALLS.iter().any(|(known, service)| *known == call && !is_over(service))
    }
}
