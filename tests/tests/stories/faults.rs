//! The stories again while AWS fails: throttling, 500 and 503, connections cut, answers lost after their effect or too
//! late, and functions killed in the middle of an event (I5). Everything still ends truthfully, and once.

use std::collections::BTreeMap;
use std::time::Duration;

use local::{Fault, Faults, Kills, Mishap, TaskEnd};
use model::release::ErrandKind;
use serde_json::json;

use crate::story::Story;
use crate::world::{tell, tell_each};
use crate::{before, deployed, events, not_deployed, repaired, rolled_back, verify};

/// What a failed call costs: a message comes again, a look is repeated by the sweep after its lease of a minute.
const LIMIT: Duration = Duration::from_secs(300);
/// Failed messages come again after three minutes on AWS. A story need not wait for that.
const REDELIVERY_SECONDS: u32 = 4;
/// A minute on AWS.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// What must happen once, though its first answer is lost.
const ONCE: [(&str, &str); 5] = [
    ("dynamodb", "TransactWriteItems"),
    ("codebuild", "StartBuild"),
    ("cloudformation", "CreateChangeSet"),
    ("cloudformation", "ExecuteChangeSet"),
    ("sns", "Publish"),
];

/// The same of what only some stories do.
const VERIFIED_ONCE: [(&str, &str); 2] = [("ecs", "RunTask"), ("cloudformation", "SignalResource")];
const PREPARED_ONCE: [(&str, &str); 1] = [("ecs", "RunTask")];
const CANCELLED_ONCE: [(&str, &str); 1] = [("cloudformation", "CancelUpdateStack")];
const REPAIRED_ONCE: [(&str, &str); 1] = [("cloudformation", "ContinueUpdateRollback")];
const RETIRED_ONCE: [(&str, &str); 1] = [("cloudformation", "DeleteStack")];

/// A call of each service, throttled in that service's own words.
const THROTTLED: [(&str, &str); 11] = [
    ("dynamodb", "GetItem"),
    ("sqs", "SendMessage"),
    ("sns", "Publish"),
    ("cloudformation", "DescribeStacks"),
    ("ecs", "DescribeServices"),
    ("codebuild", "BatchGetBuilds"),
    ("codecommit", "GetBranch"),
    ("ecr", "DescribeImages"),
    ("ssm", "GetParameter"),
    ("s3", "PUT"),
    ("secretsmanager", "GetSecretValue"),
];

/// How large the story of kills is: `TIDEGATE_KILLS=50 TIDEGATE_KILLED_RELEASES=20` for the large one.
const KILLS: (&str, u32) = ("TIDEGATE_KILLS", 5);
const KILLED_RELEASES: (&str, u32) = ("TIDEGATE_KILLED_RELEASES", 2);
const RELEASES_A_STORY: u32 = 5;
/// Often enough for every kill of a release to find its moment.
const KILL_ONE_CALL_IN: u64 = 12;
const RELEASES_MORE_MAX: u32 = 4;

#[test]
fn two_pushes_are_deployed_though_calls_fail() {
    tell(async |mut story| {
        story.suffers(Faults { seed: 1, first: every(ONCE, Fault::AnswerLost) }).await;
        deployed::a_first_push_is_deployed(&mut story).await;
        story.deploys_a_version().await;
        story.kept_its_word().await;
        story.suffered(ONCE, Fault::AnswerLost);
        story.suffered_everything();
    });
}

#[test]
fn a_stack_that_rolls_back_is_told_so_though_calls_fail() {
    tell(async |mut story| {
        story.suffers(Faults { seed: 2, first: every(THROTTLED, Fault::Throttled) }).await;
        rolled_back::a_second_push_is_rolled_back(&mut story).await;
        story.kept_its_word().await;
        story.suffered(THROTTLED, Fault::Throttled);
        story.suffered_everything();
    });
}

#[test]
fn a_rejected_release_is_not_deployed_though_calls_fail() {
    tell(async |mut story| {
        story.suffers(Faults { seed: 3, ..Faults::default() }).await;
        not_deployed::a_person_rejects(&mut story).await;
        story.kept_its_word().await;
        story.suffered_everything();
    });
}

#[test]
fn a_build_that_fails_ends_the_release_though_calls_fail() {
    tell(async |mut story| {
        story.suffers(Faults { seed: 4, ..Faults::default() }).await;
        not_deployed::a_build_fails(&mut story).await;
        story.kept_its_word().await;
        story.suffered_everything();
    });
}

#[test]
fn every_event_three_times_and_shuffled_builds_and_deploys_once_though_calls_fail() {
    tell(async |mut story| {
        story.control.deliver(story.account(), events::thrice_and_shuffled());
        story.suffers(Faults { seed: 5, ..Faults::default() }).await;
        events::two_pushes_are_deployed(&mut story).await;
        story.kept_its_word().await;
        story.suffered_everything();
    });
}

#[test]
fn without_any_event_after_the_push_two_pushes_are_deployed_though_calls_fail() {
    tell(async |mut story| {
        story.control.deliver(story.account(), events::none_after_the_push());
        story.suffers(Faults { seed: 6, ..Faults::default() }).await;
        events::two_pushes_are_deployed(&mut story).await;
        story.kept_its_word().await;
        story.suffered_everything();
    });
}

#[test]
fn a_verified_release_is_deployed_and_verified_once_though_answers_are_lost() {
    tell(async |mut story| {
        story.suffers(Faults { seed: 7, first: every(VERIFIED_ONCE, Fault::AnswerLost) }).await;
        story.pushes_config(&verify::verified());
        story.approves().await;
        story.ends("Deployed").await;
        story.kept_its_word().await;
        assert_eq!(story.errands(ErrandKind::Verify).await.len(), 1);
        story.suffered(VERIFIED_ONCE, Fault::AnswerLost);
    });
}

#[test]
fn a_before_runs_once_though_answers_are_lost() {
    tell(async |mut story| {
        story.suffers(Faults { seed: 8, first: every(PREPARED_ONCE, Fault::AnswerLost) }).await;
        story.pushes_config(&before::migrating());
        story.approves().await;
        story.ends("Deployed").await;
        story.kept_its_word().await;
        assert_eq!(story.errands(ErrandKind::Before).await.len(), 1);
        story.suffered(PREPARED_ONCE, Fault::AnswerLost);
    });
}

#[test]
fn a_cancelled_update_is_taken_back_though_answers_are_lost() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        story.suffers(Faults { seed: 9, first: every(CANCELLED_ONCE, Fault::AnswerLost) }).await;
        story.next_errand(ErrandKind::Verify, TaskEnd::Hangs);
        story.pushes_config(&verify::verified());
        story.approves().await;
        story.runs_errand(ErrandKind::Verify).await;
        let cancel = json!({ "order": "cancel", "release": "payments-production-2", "reason": "it hangs" });
        story.has_ordered(&cancel).await;
        story.ends("RolledBack").await;
        story.kept_its_word().await;
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));
        story.suffered(CANCELLED_ONCE, Fault::AnswerLost);
    });
}

#[test]
fn a_rollback_that_failed_is_gone_on_with_though_answers_are_lost() {
    tell(async |mut story| {
        let first = story.deploys_a_version().await;
        story.suffers(Faults { seed: 10, first: every(REPAIRED_ONCE, Fault::AnswerLost) }).await;
        repaired::hangs_in_its_rollback(&story);
        story.pushes_a_version();
        story.approves().await;
        story.ends("Failed").await;
        story.has_ordered(&json!({ "order": "repair", "reason": "the cluster is back" })).await;
        story
            .until("the stack is repaired", async || {
                let status = story.stack_status().await;
                (status.as_deref() == Some("UPDATE_ROLLBACK_COMPLETE")).then_some(())
            })
            .await;
        story.comes_to_rest().await;
        assert_eq!(&story.running_digest().await, Story::deployed_image(&first));
        story.suffered(REPAIRED_ONCE, Fault::AnswerLost);
    });
}

#[test]
fn a_service_is_retired_though_answers_are_lost() {
    tell(async |mut story| {
        story.deploys_a_version().await;
        story.suffers(Faults { seed: 11, first: every(RETIRED_ONCE, Fault::AnswerLost) }).await;
        story.has_ordered(&json!({ "order": "retire", "reason": "replaced by billing" })).await;
        story.expects_release(2);
        story.approves().await;
        story.ends("Retired").await;
        assert_eq!(story.stack_status().await, None);
        assert!(story.comes_to_rest().await.live.is_none());
        story.suffered(RETIRED_ONCE, Fault::AnswerLost);
    });
}

#[test]
fn functions_killed_in_the_middle_of_events_lose_nothing_and_do_nothing_twice() {
    let (kills, releases) = (size(KILLS), size(KILLED_RELEASES));
    let stories = releases.div_ceil(RELEASES_A_STORY);
    // The first so many, of kills and of releases, are those of the stories before.
    let share = |of: u32, stories_before: u32| of * stories_before / stories;
    tell_each(stories as usize, async |number, mut story| {
        let number = u32::try_from(number).expect("as many stories as releases at most");
        let its = |of| share(of, number + 1) - share(of, number);
        story.survives_kills(u64::from(number), its(kills), its(releases)).await;
    });
}

impl Story {
    /// From now on calls of the functions fail, and what repairs that comes sooner than on AWS.
    async fn suffers(&mut self, faults: Faults) {
        self.control.faults(self.account(), Some(faults));
        self.is_repaired_sooner().await;
    }

    async fn is_repaired_sooner(&mut self) {
        self.limit = LIMIT;
        for queue in ["BuilderQueueUrl", "DeployerQueueUrl", "NotifyQueueUrl", "PatrolQueueUrl"] {
            let sooner = json!({
                "QueueUrl": self.outputs[queue],
                "Attributes": { "VisibilityTimeout": REDELIVERY_SECONDS.to_string() },
            });
            let set = self.calls.json("sqs", "AmazonSQS.SetQueueAttributes", &sooner).await;
            set.unwrap_or_else(|failure| panic!("{failure}"));
        }
        let (calls, sweep) = (self.calls.clone(), self.outputs["SweepFunctionName"].clone());
        self.meanwhile.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                // One that fails is no matter: the next one comes.
                let _ = calls.invoke(&sweep, &json!({})).await;
            }
        });
    }

    fn suffered<const N: usize>(&self, calls: [(&str, &str); N], fault: Fault) {
        let tally = self.control.tally(self.account());
        for (service, action) in calls {
            assert!(tally.of_call(service, action, fault) > 0, "{service} {action} was never {fault:?}");
        }
    }

    /// Every kind of fault happened: a story that was spared proves nothing.
    fn suffered_everything(&self) {
        let tally = self.control.tally(self.account());
        for fault in Fault::ALL {
            assert!(tally.of(fault) > 0, "{fault:?} never happened: {tally:#?}");
        }
        let mut by_service: BTreeMap<&str, BTreeMap<Fault, u32>> = BTreeMap::new();
        for ((service, _, fault), times) in &tally.befallen {
            *by_service.entry(service).or_default().entry(*fault).or_default() += times;
        }
        eprintln!("of {} attempts of account {}:", tally.attempts, self.account());
        for (service, faults) in by_service {
            eprintln!("  {service}: {faults:?}");
        }
        eprintln!("  calls without hope: {:?}", tally.hopeless);
    }

    /// Every third release is rolled back, the others are deployed. A kill that found no moment in the releases asked for
    /// is made up for in a few more.
    async fn survives_kills(&mut self, seed: u64, kills: u32, releases: u32) {
        self.is_repaired_sooner().await;
        let mut n = 0;
        while n < releases || (self.kills() < kills && n < releases + RELEASES_MORE_MAX) {
            n += 1;
            let so_far = self.kills();
            let most = (kills * n.min(releases) / releases).saturating_sub(so_far);
            let next = Kills { seed: seed * 1000 + u64::from(n), most, one_call_in: KILL_ONE_CALL_IN };
            self.control.kills(self.account(), Some(next));
            let rolls_back = n % 3 == 0;
            if rolls_back {
                self.next_deployment(Mishap::DeploymentFails);
            }
            self.pushes_a_version();
            self.approves().await;
            self.ends(if rolls_back { "RolledBack" } else { "Deployed" }).await;
        }
        self.kept_its_word().await;
        let tally = self.control.tally(self.account());
        eprintln!("{n} releases, killed in the middle: {:?}", tally.killed);
        assert!(tally.kills() >= kills, "only {} of {kills} kills: {:?}", tally.kills(), tally.killed);
        assert_eq!(self.builds().await.len(), n as usize);
        assert_eq!(self.deployments().await, n as usize);
    }

    fn kills(&self) -> u32 {
        self.control.tally(self.account()).kills()
    }
}

fn every<const N: usize>(calls: [(&str, &str); N], fault: Fault) -> BTreeMap<String, Fault> {
    calls.map(|(_, action)| (action.to_owned(), fault)).into()
}

fn size((variable, usual): (&str, u32)) -> u32 {
    let Ok(text) = std::env::var(variable) else { return usual };
    let size = text.parse().ok().filter(|size| *size > 0);
    size.unwrap_or_else(|| panic!("{variable} is {text:?}; allowed: a whole number above 0"))
}
