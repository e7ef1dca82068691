//! Function `backups` over an AWS Backup that restores to test: from its event, or without it, to the result that it gets.

use std::collections::BTreeSet;

use databases::drill::Instance;
use databases::validation::{RestoreJob, Validated, Verdict};
use databases::watch::News;
use serde_json::{Value, json};

use super::*;
use crate::drills::tests::{CHECK, Moment, World, by_function, payments, record};

const JOB: &str = "7C1E0F2A-5B3D-4E6F-8A9B-0C1D2E3F4A5B";
const RESTORED: &str = "awsbackup-restore-test-1";

/// Its copy has the original's passwords: RDS keeps none.
fn restored() -> Instance {
    Instance { name: RESTORED.to_owned(), resource: "db-RESTORED".to_owned(), ..payments() }
}

/// After AWS Backup restored `payments` to test it.
fn world(check: &Value) -> World {
    let world = World::new();
    world.policies.replace(record(json!({ "check": check })));
    world.put(restored());
    let arn = |name: &str| Some(format!("arn:aws:rds:eu-west-1:123456789012:db:{name}"));
    let job = RestoreJob {
        is_completed: true,
        is_test: true,
        source: arn("payments"),
        created: arn(RESTORED),
        is_validated: false,
    };
    world.jobs.borrow_mut().insert(JOB.to_owned(), job);
    world
}

fn project() -> Value {
    json!(CHECK)
}

fn function() -> Value {
    by_function()["check"].clone()
}

fn event(world: &World) -> Option<Result<Value, Failure>> {
    world.send(&json!({
        "source": "aws.backup",
        "detail-type": "Restore Job State Change",
        "detail": {
            "status": "COMPLETED",
            "restoreJobId": JOB,
            "restoreTestingPlanArn": "arn:aws:backup:eu-west-1:123456789012:restore-testing-plan:weekly",
            "sourceResourceArn": "arn:aws:rds:eu-west-1:123456789012:db:payments",
            "createdResourceArn": format!("arn:aws:rds:eu-west-1:123456789012:db:{RESTORED}"),
        },
    }))
}

fn heard(world: &World) -> String {
    event(world).unwrap().unwrap()["handled"][0].as_str().unwrap().to_owned()
}

fn told(world: &World) -> Vec<Validated> {
    let watches = world.watches.borrow();
    let news = watches.values().flat_map(|watch| &watch.notices);
    let validated = news.filter_map(|notice| match &notice.news {
        News::Validated { report } => Some(report.clone()),
        News::Alert { .. } | News::Appeared { .. } | News::Gone { .. } | News::Drilled { .. } => None,
    });
    validated.collect()
}

/// What AWS Backup was told, and people; and that nothing of what it made was touched.
fn result(world: &World) -> Verdict {
    let told = told(world);
    let [report] = &told[..] else { panic!("{told:?}") };
    assert!(world.reported.borrow().iter().all(|said| *said == (JOB.to_owned(), report.verdict.clone())));
    assert!(world.table.borrow().validations.is_empty(), "{:?}", world.table);
    assert!(world.asked.borrow().is_empty() && world.deleted.borrow().is_empty());
    report.verdict.clone()
}

#[test]
fn what_aws_backup_restored_is_checked_and_the_result_given_back() {
    for check in [project(), function()] {
        let world = world(&check);
        assert!(heard(&world).contains("waits"), "{check}");
        world.run(1, true);
        assert_eq!(result(&world), Verdict::Successful, "{check}");
        assert_eq!(world.reported.borrow().len(), 1, "{check}");
        assert_eq!(world.instances.borrow()[RESTORED].0, restored(), "{check}");
        // The event comes twice, and late.
        assert!(heard(&world).contains("it has its result"), "{check}");
        world.run(1, true);
        assert_eq!((world.reported.borrow().len(), told(&world).len()), (1, 1), "{check}");
    }
}

#[test]
fn an_event_that_is_lost_costs_time_and_nothing_else() {
    let world = world(&project());
    world.run(1, true);
    assert_eq!(result(&world), Verdict::Successful);
}

#[test]
fn a_crash_at_any_call_gives_one_result_and_tells_it_once() {
    let mut struck = BTreeSet::new();
    for check in [project(), function()] {
        let whole = world(&check);
        event(&whole);
        whole.run(1, true);
        for call in 1..=whole.calls.get() {
            for moment in [Moment::BeforeItsEffect, Moment::AfterItsEffect] {
                let world = world(&check);
                world.crash.set(Some((call, moment)));
                event(&world);
                world.run(2, true);
                assert_eq!(result(&world), Verdict::Successful, "call {call} ({:?})", world.struck.get());
                assert!(!world.reported.borrow().is_empty(), "call {call}");
                struck.extend(world.struck.get());
            }
        }
    }
    for call in ["restore_job", "start_check", "call_check", "report_test", "commit_drills", "commit_watch"] {
        assert!(struck.contains(call), "no crash at {call}");
    }
}

#[test]
fn what_a_check_finds_wrong_aws_backup_and_people_hear() {
    for check in [project(), function()] {
        let world = world(&check);
        world.check_fails.set(true);
        event(&world);
        world.run(1, true);
        assert_eq!(result(&world), Verdict::Failed { why: "exit status 1".to_owned() }, "{check}");
    }
}

#[test]
fn what_is_deleted_before_its_check_ended_timed_out() {
    let world = world(&function());
    event(&world);
    world.instances.borrow_mut().remove(RESTORED);
    world.run(1, true);
    let Verdict::TimedOut { why } = result(&world) else { panic!("{:?}", told(&world)) };
    assert!(why.contains("validation window"), "{why}");
}

#[test]
fn a_function_without_an_answer_gives_a_failed_result() {
    let world = world(&function());
    world.answers.set(false);
    event(&world);
    world.run(2, true);
    let Verdict::Failed { why } = result(&world) else { panic!("{:?}", told(&world)) };
    assert!(why.contains("no answer came"), "{why}");
}

#[test]
fn a_result_that_aws_backup_refuses_is_told_with_its_reason() {
    let world = world(&project());
    world.refusing.set(Some("report_test"));
    event(&world);
    world.run(1, true);
    let told = told(&world);
    assert!(told[0].refused.as_ref().is_some_and(|why| why.contains("AccessDenied")), "{told:?}");
    assert_eq!((told.len(), &told[0].verdict), (1, &Verdict::Successful));
}

#[test]
fn a_result_that_somebody_else_gave_is_left_as_it_is() {
    let world = world(&project());
    event(&world);
    world.jobs.borrow_mut().get_mut(JOB).unwrap().is_validated = true;
    world.run(1, true);
    assert!(world.reported.borrow().is_empty() && told(&world).is_empty());
    assert!(world.table.borrow().validations.is_empty());
}

#[test]
fn what_is_none_of_ours_to_validate_is_left_alone() {
    type Change<'a> = &'a dyn Fn(&mut RestoreJob);
    let cases: [(Change, &str); 4] = [
        (&|job| job.is_test = false, "no restore testing plan asked for it"),
        (&|job| job.is_completed = false, "is not completed"),
        (
            &|job| job.source = Some("arn:aws:rds:eu-west-1:123456789012:cluster:ledger".to_owned()),
            "no RDS instance",
        ),
        (
            &|job| job.source = Some("arn:aws:rds:eu-west-1:123456789012:db:orders".to_owned()),
            "names no check",
        ),
    ];
    for (change, why) in cases {
        let world = world(&project());
        change(world.jobs.borrow_mut().get_mut(JOB).unwrap());
        let said = heard(&world);
        assert!(said.contains(why), "{said}");
        assert!(world.table.borrow().validations.is_empty() && world.reported.borrow().is_empty(), "{why}");
    }
}
