//! What AWS Backup says of its restore tests, and what it is told of them.

use aws_sdk_backup::operation::describe_restore_job::{DescribeRestoreJobError, DescribeRestoreJobOutput};
use aws_sdk_backup::primitives::DateTime;
use aws_sdk_backup::types::{RestoreJobStatus, RestoreJobsListMember, RestoreValidationStatus};
use databases::validation::{RestoreJob, Verdict};
use engine::failure::Failure;
use engine::ports::RestoreTests;
use model::time::Timestamp;

use crate::Aws;
use crate::failure::Call;

const DESCRIBE_JOB: Call = Call::reads("backup DescribeRestoreJob");
const LIST_JOBS: Call = Call::reads("backup ListRestoreJobs");
const PUT_RESULT: Call = Call::changes("backup PutRestoreValidationResult");

/// Of a day's restore jobs of RDS; what lies beyond is looked at another time.
const PAGES_MAX: usize = 10;
/// As AWS Backup calls instances of RDS. Source: AWS Backup API, ListRestoreJobs, ByResourceType.
const RDS: &str = "RDS";

impl RestoreTests for Aws {
    async fn restore_job(&self, job: &str) -> Result<Option<RestoreJob>, Failure> {
        match self.backup.describe_restore_job().restore_job_id(job).send().await {
            Ok(answer) => Ok(Some(read(&answer))),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeRestoreJobError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(DESCRIBE_JOB.failed(error)),
        }
    }

    async fn untold_tests(&self, since: Timestamp) -> Result<Vec<String>, Failure> {
        // Milliseconds since 1970 fit an i64 for longer than any calendar.
        let since = DateTime::from_millis(i64::try_from(since.0).unwrap_or(i64::MAX));
        let (mut jobs, mut page) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let sent = self
                .backup
                .list_restore_jobs()
                .by_resource_type(RDS)
                .by_status(RestoreJobStatus::Completed)
                .by_complete_after(since)
                .set_next_token(page)
                .send()
                .await;
            let answer = sent.map_err(|error| LIST_JOBS.failed(error))?;
            let untold = answer.restore_jobs().iter().filter(|job| is_untold(job));
            jobs.extend(untold.filter_map(|job| job.restore_job_id().map(str::to_owned)));
            page = answer.next_token;
            if page.is_none() {
                break;
            }
        }
        Ok(jobs)
    }

    async fn report_test(&self, job: &str, verdict: &Verdict) -> Result<(), Failure> {
        let sent = self
            .backup
            .put_restore_validation_result()
            .restore_job_id(job)
            .validation_status(RestoreValidationStatus::from(verdict.status()))
            .validation_status_message(verdict.message())
            .send()
            .await;
        sent.map(drop).map_err(|error| PUT_RESULT.failed(error))
    }
}

fn read(job: &DescribeRestoreJobOutput) -> RestoreJob {
    RestoreJob {
        is_completed: job.status() == Some(&RestoreJobStatus::Completed),
        is_test: job.created_by().is_some_and(|by| by.restore_testing_plan_arn().is_some()),
        source: job.source_resource_arn().map(str::to_owned),
        created: job.created_resource_arn().map(str::to_owned),
        is_validated: has_result(job.validation_status()),
    }
}

fn is_untold(job: &RestoreJobsListMember) -> bool {
    job.created_by().is_some_and(|by| by.restore_testing_plan_arn().is_some())
        && !has_result(job.validation_status())
}

/// That it is being validated is no result.
fn has_result(status: Option<&RestoreValidationStatus>) -> bool {
    status.is_some_and(|status| *status != RestoreValidationStatus::Validating)
}

#[cfg(test)]
mod tests {
    use aws_sdk_backup::types::RestoreJobCreator;

    use super::*;

    #[test]
    fn a_test_without_a_result_is_told_from_other_restores() {
        let plan = "arn:aws:backup:eu-west-1:123456789012:restore-testing-plan:weekly";
        let by_plan = || RestoreJobCreator::builder().restore_testing_plan_arn(plan).build();
        let job = || RestoreJobsListMember::builder().restore_job_id("7C1E");
        assert!(!is_untold(&job().build()), "a person's");
        assert!(is_untold(&job().created_by(by_plan()).build()));
        for (status, untold) in [
            (RestoreValidationStatus::Validating, true),
            (RestoreValidationStatus::Failed, false),
            (RestoreValidationStatus::Successful, false),
            (RestoreValidationStatus::TimedOut, false),
        ] {
            assert_eq!(is_untold(&job().created_by(by_plan()).validation_status(status).build()), untold);
        }
        let described = DescribeRestoreJobOutput::builder()
            .status(RestoreJobStatus::Completed)
            .source_resource_arn("arn:aws:rds:eu-west-1:123456789012:db:payments")
            .created_resource_arn("arn:aws:rds:eu-west-1:123456789012:db:awsbackup-restore-test-1")
            .created_by(by_plan())
            .build();
        assert_eq!(read(&described).instances(), Ok(("payments", "awsbackup-restore-test-1")));
    }
}
