//! Stacks and change sets.

mod answer;
mod read;

use aws_sdk_cloudformation::types::{
    Capability, ChangeSetType, DeploymentConfig, DeploymentConfigMode, Parameter, ResourceSignalStatus,
    RollbackConfiguration, RollbackTrigger, Tag, TemplateStage,
};
use engine::failure::Failure;
use engine::ports::{
    ChangeSetCreated, ChangeSetKind, ChangeSetOrder, ChangeSetRead, Executed, Page, ResourceSignal,
    StackEvent, StackRead, StackResource, Stacks,
};
use model::ids::{EffectKey, StackName};

use self::answer::Answer;
use crate::Aws;
use crate::failure::Call;

const DESCRIBE_STACKS: Call = Call::reads("cloudformation DescribeStacks");
const LIST_STACK_RESOURCES: Call = Call::reads("cloudformation ListStackResources");
const GET_TEMPLATE: Call = Call::reads("cloudformation GetTemplate");
const DESCRIBE_STACK_EVENTS: Call = Call::reads("cloudformation DescribeStackEvents");
const CREATE_CHANGE_SET: Call = Call::changes("cloudformation CreateChangeSet");
const DESCRIBE_CHANGE_SET: Call = Call::reads("cloudformation DescribeChangeSet");
const DELETE_CHANGE_SET: Call = Call::changes("cloudformation DeleteChangeSet");
const SET_STACK_POLICY: Call = Call::changes("cloudformation SetStackPolicy");
const CANCEL_UPDATE_STACK: Call = Call::changes("cloudformation CancelUpdateStack");
const SIGNAL_RESOURCE: Call = Call::changes("cloudformation SignalResource");
const DELETE_STACK: Call = Call::changes("cloudformation DeleteStack");
const CONTINUE_UPDATE_ROLLBACK: Call = Call::changes("cloudformation ContinueUpdateRollback");
const EXECUTE_CHANGE_SET: Call = Call::changes("cloudformation ExecuteChangeSet");

impl Stacks for Aws {
    async fn stack(&self, name: &StackName) -> Result<Option<StackRead>, Failure> {
        match self.cloudformation.describe_stacks().stack_name(name.as_str()).send().await {
            Ok(answer) => Ok(answer.stacks().first().and_then(read::stack)),
            Err(error) => match Answer::of(&error) {
                Answer::NoSuchStack => Ok(None),
                Answer::NoSuchChangeSet
                | Answer::Exists
                | Answer::TokenUsed
                | Answer::NotUpdating
                | Answer::NotWaiting
                | Answer::Busy
                | Answer::Other => Err(DESCRIBE_STACKS.failed(error)),
            },
        }
    }

    async fn stack_resources(&self, id: &str, page: Option<&str>) -> Result<Page<StackResource>, Failure> {
        let sent = self
            .cloudformation
            .list_stack_resources()
            .stack_name(id)
            .set_next_token(page.map(str::to_owned))
            .send()
            .await;
        let answer = sent.map_err(|error| LIST_STACK_RESOURCES.failed(error))?;
        let items = answer.stack_resource_summaries().iter().filter_map(read::resource).collect();
        Ok(Page { items, next: answer.next_token })
    }

    async fn stack_template(&self, id: &str) -> Result<String, Failure> {
        let stage = TemplateStage::Processed;
        let sent = self.cloudformation.get_template().stack_name(id).template_stage(stage).send().await;
        let answer = sent.map_err(|error| GET_TEMPLATE.failed(error))?;
        Ok(answer.template_body.unwrap_or_default())
    }

    async fn stack_events(&self, name: &StackName, page: Option<&str>) -> Result<Page<StackEvent>, Failure> {
        let sent = self
            .cloudformation
            .describe_stack_events()
            .stack_name(name.as_str())
            .set_next_token(page.map(str::to_owned))
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let items = answer.stack_events().iter().map(read::event).collect();
                Ok(Page { items, next: answer.next_token })
            }
            Err(error) => match Answer::of(&error) {
                Answer::NoSuchStack => Ok(Page { items: Vec::new(), next: None }),
                Answer::NoSuchChangeSet
                | Answer::Exists
                | Answer::TokenUsed
                | Answer::NotUpdating
                | Answer::NotWaiting
                | Answer::Busy
                | Answer::Other => Err(DESCRIBE_STACK_EVENTS.failed(error)),
            },
        }
    }

    async fn create_change_set(&self, order: &ChangeSetOrder) -> Result<ChangeSetCreated, Failure> {
        let parameters = order
            .parameters
            .iter()
            .map(|(key, value)| Parameter::builder().parameter_key(key).parameter_value(value).build());
        let tags = order.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let role = self.settings.required("TIDEGATE_DEPLOY_ROLE_ARN")?;
        let region = self.cloudformation.config().region().map(ToString::to_string).unwrap_or_default();
        let watch = rollback_configuration(order.watch.as_ref(), role, &region);
        let capabilities = order.capabilities.iter().map(|name| Capability::from(name.as_str()));
        let sent = self
            .cloudformation
            .create_change_set()
            .stack_name(order.stack.as_str())
            .change_set_name(order.name.to_string())
            .client_token(order.name.to_string())
            .change_set_type(match order.kind {
                ChangeSetKind::Create => ChangeSetType::Create,
                ChangeSetKind::Update => ChangeSetType::Update,
            })
            .template_url(&order.template_url)
            .set_parameters(Some(parameters.collect()))
            .set_tags(Some(tags.collect()))
            .set_capabilities(Some(capabilities.collect()))
            .rollback_configuration(watch)
            .role_arn(role)
            // EXPRESS would say UPDATE_COMPLETE before the service takes traffic.
            .deployment_config(DeploymentConfig::builder().mode(DeploymentConfigMode::Standard).build())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(ChangeSetCreated::Created),
            Err(error) => match Answer::of(&error) {
                // Its name is the effect's own, so it is ours: made before an answer was lost.
                Answer::Exists | Answer::TokenUsed => Ok(ChangeSetCreated::Exists),
                Answer::Busy => Err(CREATE_CHANGE_SET.no_capacity(crate::failure::words(&error))),
                Answer::NoSuchStack
                | Answer::NoSuchChangeSet
                | Answer::NotUpdating
                | Answer::NotWaiting
                | Answer::Other => Err(CREATE_CHANGE_SET.failed(error)),
            },
        }
    }

    async fn change_set(
        &self,
        stack: &StackName,
        name: &EffectKey,
        page: Option<&str>,
    ) -> Result<Option<ChangeSetRead>, Failure> {
        let sent = self
            .cloudformation
            .describe_change_set()
            .stack_name(stack.as_str())
            .change_set_name(name.to_string())
            .set_next_token(page.map(str::to_owned))
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(Some(read::change_set(answer))),
            Err(error) => match Answer::of(&error) {
                Answer::NoSuchStack | Answer::NoSuchChangeSet => Ok(None),
                Answer::Exists
                | Answer::TokenUsed
                | Answer::NotUpdating
                | Answer::NotWaiting
                | Answer::Busy
                | Answer::Other => Err(DESCRIBE_CHANGE_SET.failed(error)),
            },
        }
    }

    async fn delete_change_set(&self, stack: &StackName, name: &EffectKey) -> Result<(), Failure> {
        let sent = self
            .cloudformation
            .delete_change_set()
            .stack_name(stack.as_str())
            .change_set_name(name.to_string())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => match Answer::of(&error) {
                Answer::NoSuchStack | Answer::NoSuchChangeSet => Ok(()),
                Answer::Busy => Err(DELETE_CHANGE_SET.no_capacity(crate::failure::words(&error))),
                Answer::Exists
                | Answer::TokenUsed
                | Answer::NotUpdating
                | Answer::NotWaiting
                | Answer::Other => Err(DELETE_CHANGE_SET.failed(error)),
            },
        }
    }

    async fn set_stack_policy(&self, stack: &StackName, policy: &str) -> Result<(), Failure> {
        let sent = self
            .cloudformation
            .set_stack_policy()
            .stack_name(stack.as_str())
            .stack_policy_body(policy)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => match Answer::of(&error) {
                Answer::Busy => Err(SET_STACK_POLICY.no_capacity(crate::failure::words(&error))),
                Answer::NoSuchStack
                | Answer::NoSuchChangeSet
                | Answer::Exists
                | Answer::TokenUsed
                | Answer::NotUpdating
                | Answer::NotWaiting
                | Answer::Other => Err(SET_STACK_POLICY.failed(error)),
            },
        }
    }

    async fn cancel_update(&self, stack: &StackName, token: &EffectKey) -> Result<(), Failure> {
        let sent = self
            .cloudformation
            .cancel_update_stack()
            .stack_name(stack.as_str())
            .client_request_token(token.to_string())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => match Answer::of(&error) {
                // It has come to its end, or is on its way back: nothing is left to cancel.
                Answer::NotUpdating | Answer::NoSuchStack | Answer::TokenUsed => Ok(()),
                Answer::NoSuchChangeSet
                | Answer::NotWaiting
                | Answer::Exists
                | Answer::Busy
                | Answer::Other => Err(CANCEL_UPDATE_STACK.failed(error)),
            },
        }
    }

    async fn signal_resource(
        &self,
        stack: &StackName,
        logical_id: &str,
        signal: &ResourceSignal,
    ) -> Result<(), Failure> {
        let sent = self
            .cloudformation
            .signal_resource()
            .stack_name(stack.as_str())
            .logical_resource_id(logical_id)
            .unique_id(signal.id.to_string())
            .status(if signal.is_well {
                ResourceSignalStatus::Success
            } else {
                ResourceSignalStatus::Failure
            })
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => match Answer::of(&error) {
                Answer::NotWaiting | Answer::NoSuchStack => Ok(()),
                Answer::NoSuchChangeSet
                | Answer::Exists
                | Answer::TokenUsed
                | Answer::NotUpdating
                | Answer::Busy
                | Answer::Other => Err(SIGNAL_RESOURCE.failed(error)),
            },
        }
    }

    async fn delete_stack(&self, id: &str, token: &str) -> Result<(), Failure> {
        let sent = self.cloudformation.delete_stack().stack_name(id).client_request_token(token).send().await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => match Answer::of(&error) {
                Answer::NoSuchStack | Answer::TokenUsed => Ok(()),
                Answer::Busy => Err(DELETE_STACK.no_capacity(crate::failure::words(&error))),
                Answer::NotUpdating
                | Answer::NotWaiting
                | Answer::NoSuchChangeSet
                | Answer::Exists
                | Answer::Other => Err(DELETE_STACK.failed(error)),
            },
        }
    }

    async fn continue_rollback(&self, id: &str, token: &str, skip: &[String]) -> Result<(), Failure> {
        let sent = self
            .cloudformation
            .continue_update_rollback()
            .stack_name(id)
            .client_request_token(token)
            .set_resources_to_skip((!skip.is_empty()).then(|| skip.to_vec()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => match Answer::of(&error) {
                // Begun before, or gone: the next look tells which.
                Answer::NoSuchStack | Answer::TokenUsed => Ok(()),
                Answer::Busy => Err(CONTINUE_UPDATE_ROLLBACK.no_capacity(crate::failure::words(&error))),
                Answer::NotUpdating
                | Answer::NotWaiting
                | Answer::NoSuchChangeSet
                | Answer::Exists
                | Answer::Other => Err(CONTINUE_UPDATE_ROLLBACK.failed(error)),
            },
        }
    }

    async fn execute_change_set(&self, stack: &StackName, name: &EffectKey) -> Result<Executed, Failure> {
        let sent = self
            .cloudformation
            .execute_change_set()
            .stack_name(stack.as_str())
            .change_set_name(name.to_string())
            .client_request_token(name.to_string())
            .send()
            .await;
        let error = match sent {
            Ok(_) => return Ok(Executed::Started),
            Err(error) => error,
        };
        if error.as_service_error().is_some_and(|error| error.is_invalid_change_set_status_exception()) {
            return answer::not_executable(EXECUTE_CHANGE_SET, &error);
        }
        match Answer::of(&error) {
            // The token is the effect's own: it was executed before an answer was lost.
            Answer::TokenUsed => Ok(Executed::Started),
            Answer::NoSuchStack | Answer::NoSuchChangeSet => {
                Ok(Executed::Stale { why: crate::failure::words(&error) })
            }
            Answer::Busy => Err(EXECUTE_CHANGE_SET.no_capacity(crate::failure::words(&error))),
            Answer::Exists | Answer::NotUpdating | Answer::NotWaiting | Answer::Other => {
                Err(EXECUTE_CHANGE_SET.failed(error))
            }
        }
    }
}

/// Alarms are named by their ARNs: those of the account and partition that the deploy role is of. Where nothing is to be
/// watched, that is said too: CloudFormation keeps what it was told before, and forgets it only for an empty list.
///
/// Source: CloudFormation API, `RollbackConfiguration`.
fn rollback_configuration(
    watch: Option<&config::Watch>,
    role_arn: &str,
    region: &str,
) -> RollbackConfiguration {
    let mut parts = role_arn.split(':').skip(1);
    let (partition, account) = (parts.next().unwrap_or_default(), parts.nth(2).unwrap_or_default());
    let trigger = |name: &String| {
        let arn = format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}");
        RollbackTrigger::builder().arn(arn).r#type("AWS::CloudWatch::Alarm").build()
    };
    let minutes = watch.map_or(0, |watch| watch.minutes);
    let alarms = watch.into_iter().flat_map(|watch| &watch.alarms);
    RollbackConfiguration::builder()
        .monitoring_time_in_minutes(i32::try_from(minutes).unwrap_or(i32::MAX))
        .set_rollback_triggers(Some(alarms.map(trigger).collect()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_watched_by_the_alarms_of_its_own_account() {
        let watch = config::Watch { minutes: 5, alarms: vec!["payments-5xx".to_owned()] };
        let role = "arn:aws-cn:iam::123456789012:role/tidegate/deploy";
        let configuration = rollback_configuration(Some(&watch), role, "cn-north-1");
        assert_eq!(configuration.monitoring_time_in_minutes(), Some(5));
        let [trigger] = configuration.rollback_triggers() else { panic!("{configuration:?}") };
        assert_eq!(trigger.arn(), Some("arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:payments-5xx"));
        assert_eq!(trigger.r#type(), Some("AWS::CloudWatch::Alarm"));
    }

    #[test]
    fn a_stack_that_is_watched_no_more_is_told_so() {
        let configuration =
            rollback_configuration(None, "arn:aws:iam::123456789012:role/deploy", "eu-west-1");
        assert_eq!(configuration.monitoring_time_in_minutes(), Some(0));
        assert_eq!(configuration.rollback_triggers, Some(Vec::new()));
    }
}
