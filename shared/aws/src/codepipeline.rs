//! Manual approvals of pipelines.

use aws_sdk_codepipeline::operation::put_approval_result::PutApprovalResultError;
use aws_sdk_codepipeline::primitives::DateTime;
use aws_sdk_codepipeline::types::{
    ActionExecutionDetail, ActionExecutionFilter, ActionExecutionStatus, ActionState,
    ApprovalResult as SdkResult, ApprovalStatus, StageState,
};
use engine::failure::Failure;
use engine::ports::{ActionRead, ActionStatus, ApprovalResult, ExecutionRead, Page, Pipelines, Put};
use model::approval::Answer;
use model::time::Timestamp;

use crate::Aws;
use crate::failure::Call;

const GET_PIPELINE_STATE: Call = Call::reads("codepipeline GetPipelineState");
const LIST_ACTION_EXECUTIONS: Call = Call::reads("codepipeline ListActionExecutions");
const GET_PIPELINE_EXECUTION: Call = Call::reads("codepipeline GetPipelineExecution");
const PUT_APPROVAL_RESULT: Call = Call::changes("codepipeline PutApprovalResult");

/// Source: CodePipeline API, ListActionExecutions.
const RUNS_A_PAGE: i32 = 100;

impl Pipelines for Aws {
    async fn pipeline_actions(&self, pipeline: &str) -> Result<Option<Vec<ActionRead>>, Failure> {
        match self.codepipeline.get_pipeline_state().name(pipeline).send().await {
            Ok(state) => state.stage_states().iter().flat_map(of_stage).collect::<Result<_, _>>().map(Some),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_pipeline_not_found_exception()) => {
                Ok(None)
            }
            Err(error) => Err(GET_PIPELINE_STATE.failed(error)),
        }
    }

    async fn action_executions(
        &self,
        pipeline: &str,
        execution: Option<&str>,
        page: Option<&str>,
    ) -> Result<Page<ActionRead>, Failure> {
        let filter = execution.map(|id| ActionExecutionFilter::builder().pipeline_execution_id(id).build());
        let asked = self
            .codepipeline
            .list_action_executions()
            .pipeline_name(pipeline)
            .set_filter(filter)
            .set_next_token(page.map(str::to_owned))
            .max_results(RUNS_A_PAGE);
        let answer = match asked.send().await {
            Ok(answer) => answer,
            Err(error)
                if error.as_service_error().is_some_and(|e| {
                    e.is_pipeline_not_found_exception() || e.is_pipeline_execution_not_found_exception()
                }) =>
            {
                return Ok(Page { items: Vec::new(), next: None });
            }
            Err(error) => return Err(LIST_ACTION_EXECUTIONS.failed(error)),
        };
        let items = answer.action_execution_details().iter().map(of_run).collect::<Result<_, _>>()?;
        Ok(Page { items, next: answer.next_token })
    }

    async fn pipeline_execution(
        &self,
        pipeline: &str,
        execution: &str,
    ) -> Result<Option<ExecutionRead>, Failure> {
        let asked = self.codepipeline.get_pipeline_execution().pipeline_name(pipeline);
        match asked.pipeline_execution_id(execution).send().await {
            Ok(answer) => Ok(answer.pipeline_execution().map(|read| ExecutionRead {
                status: read.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
                started_by: read.trigger().and_then(|trigger| trigger.trigger_detail()).map(str::to_owned),
            })),
            Err(error)
                if error.as_service_error().is_some_and(|e| {
                    e.is_pipeline_not_found_exception() || e.is_pipeline_execution_not_found_exception()
                }) =>
            {
                Ok(None)
            }
            Err(error) => Err(GET_PIPELINE_EXECUTION.failed(error)),
        }
    }

    async fn put_approval_result(&self, result: &ApprovalResult) -> Result<Put, Failure> {
        let status = match result.answer {
            Answer::Approve => ApprovalStatus::Approved,
            Answer::Reject => ApprovalStatus::Rejected,
        };
        let said = SdkResult::builder().status(status).summary(&result.summary).build();
        let sent = self
            .codepipeline
            .put_approval_result()
            .pipeline_name(&result.gate.pipeline)
            .stage_name(&result.gate.stage)
            .action_name(&result.gate.action)
            .token(&result.token)
            .result(said.map_err(|error| PUT_APPROVAL_RESULT.refused(error.to_string()))?)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Put::Taken),
            Err(error) => match error.as_service_error() {
                Some(
                    PutApprovalResultError::ApprovalAlreadyCompletedException(_)
                    | PutApprovalResultError::InvalidApprovalTokenException(_)
                    | PutApprovalResultError::ActionNotFoundException(_)
                    | PutApprovalResultError::StageNotFoundException(_)
                    | PutApprovalResultError::PipelineNotFoundException(_),
                ) => Ok(Put::TooLate),
                _ => Err(PUT_APPROVAL_RESULT.failed(error)),
            },
        }
    }
}

fn of_stage(stage: &StageState) -> impl Iterator<Item = Result<ActionRead, Failure>> {
    let execution = stage.latest_execution().map(|latest| latest.pipeline_execution_id().to_owned());
    let name = stage.stage_name().unwrap_or_default().to_owned();
    stage.action_states().iter().filter_map(move |action| of_action(&name, execution.as_deref(), action))
}

/// `None` for an action that never ran.
fn of_action(
    stage: &str,
    execution: Option<&str>,
    action: &ActionState,
) -> Option<Result<ActionRead, Failure>> {
    let latest = action.latest_execution()?;
    let text = |text: Option<&str>| text.map(str::to_owned);
    Some(status(GET_PIPELINE_STATE, latest.status()).map(|status| ActionRead {
        stage: stage.to_owned(),
        action: action.action_name().unwrap_or_default().to_owned(),
        execution: text(execution),
        id: text(latest.action_execution_id()),
        status,
        token: text(latest.token()),
        summary: text(latest.summary()),
        by: text(latest.last_updated_by()),
        at: time(latest.last_status_change()),
    }))
}

/// Source: CodePipeline API, PutApprovalResult: where executions run in parallel, the run's external id is the token.
fn of_run(run: &ActionExecutionDetail) -> Result<ActionRead, Failure> {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let result = run.output().and_then(|output| output.execution_result());
    Ok(ActionRead {
        stage: run.stage_name().unwrap_or_default().to_owned(),
        action: run.action_name().unwrap_or_default().to_owned(),
        execution: text(run.pipeline_execution_id()),
        id: text(run.action_execution_id()),
        status: status(LIST_ACTION_EXECUTIONS, run.status())?,
        token: text(result.and_then(|result| result.external_execution_id())),
        summary: text(result.and_then(|result| result.external_execution_summary())),
        by: text(run.updated_by()),
        at: time(run.last_update_time()),
    })
}

fn status(call: Call, status: Option<&ActionExecutionStatus>) -> Result<ActionStatus, Failure> {
    match status.map(ActionExecutionStatus::as_str) {
        Some("InProgress") => Ok(ActionStatus::InProgress),
        Some("Succeeded") => Ok(ActionStatus::Succeeded),
        Some("Failed") => Ok(ActionStatus::Failed),
        Some("Abandoned") => Ok(ActionStatus::Abandoned),
        other => Err(call.refused(format!(
            "an action has status {other:?}; known are InProgress, Succeeded, Failed and Abandoned"
        ))),
    }
}

fn time(field: Option<&DateTime>) -> Option<Timestamp> {
    u64::try_from(field?.to_millis().ok()?).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use aws_sdk_codepipeline::types::{
        ActionExecution, ActionExecutionOutput, ActionExecutionResult, StageExecution, StageExecutionStatus,
    };

    use super::*;

    const TOKEN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

    #[test]
    fn a_waiting_approval_is_read_with_its_token_and_execution() {
        let stage = |execution: ActionExecution| {
            let waits = ActionState::builder().action_name("Release").latest_execution(execution).build();
            let latest = StageExecution::builder()
                .pipeline_execution_id("e1")
                .status(StageExecutionStatus::InProgress)
                .build()
                .unwrap();
            StageState::builder()
                .stage_name("Approve")
                .latest_execution(latest)
                .action_states(ActionState::builder().action_name("NeverRan").build())
                .action_states(waits)
                .build()
        };
        let waits = ActionExecution::builder()
            .action_execution_id("a1")
            .status(ActionExecutionStatus::InProgress)
            .token(TOKEN)
            .last_status_change(DateTime::from_secs(1_772_442_900));
        let read: Vec<ActionRead> = of_stage(&stage(waits.build())).collect::<Result<_, _>>().unwrap();
        let [read] = read.as_slice() else { panic!("{} read", read.len()) };
        assert_eq!((read.stage.as_str(), read.action.as_str()), ("Approve", "Release"));
        assert_eq!((read.execution.as_deref(), read.id.as_deref()), (Some("e1"), Some("a1")));
        assert_eq!((read.status, read.token.as_deref()), (ActionStatus::InProgress, Some(TOKEN)));
        assert_eq!(read.at, Some(Timestamp(1_772_442_900_000)));
        let unknown = ActionExecution::builder().status(ActionExecutionStatus::from("Paused")).build();
        let refused = of_stage(&stage(unknown)).collect::<Result<Vec<_>, _>>();
        assert!(refused.is_err_and(|failure| failure.to_string().contains("Paused")));
    }

    #[test]
    fn a_parallel_run_s_external_id_is_its_token() {
        let result = ActionExecutionResult::builder()
            .external_execution_id(TOKEN)
            .external_execution_summary("Approved by ana")
            .build();
        let run = ActionExecutionDetail::builder()
            .pipeline_execution_id("e1")
            .action_execution_id("a1")
            .stage_name("Approve")
            .action_name("Release")
            .status(ActionExecutionStatus::Succeeded)
            .output(ActionExecutionOutput::builder().execution_result(result).build())
            .build();
        let read = of_run(&run).unwrap();
        assert_eq!(read.token.as_deref(), Some(TOKEN));
        assert_eq!(read.summary.as_deref(), Some("Approved by ana"));
    }
}
