//! What the platform's records insist on, whatever a push says: approvals, freezes, and plans as they were approved.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::ports::Stacks;
use model::release::{Phase, Release};
use serde_json::{Value, json};

use crate::people::as_read;
use crate::story::Story;
use crate::working_copy::sample_config;
use crate::world::tell;

const RECORD: &str = "/tidegate/environments/production";

/// Whoever runs the platform changes the environment's record.
async fn changes_the_record(story: &Story, change: impl Fn(&mut Value)) {
    let read = story.calls.json("ssm", "AmazonSSM.GetParameter", &json!({ "Name": RECORD })).await;
    let read = read.expect("the record is there");
    let body = read["Parameter"]["Value"].as_str().expect("a record is a text");
    let mut record: Value = serde_json::from_str(body).expect("a record is JSON");
    change(&mut record);
    let input = json!({ "Name": RECORD, "Value": record.to_string(), "Type": "String", "Overwrite": true });
    story.calls.json("ssm", "AmazonSSM.PutParameter", &input).await.expect("the record is written");
}

#[test]
fn a_push_that_lowers_its_own_approvals_is_held_to_the_records_floor() {
    tell(async |mut story| {
        changes_the_record(&story, |record| record["floor"]["approvals"] = 2.into()).await;
        let mut config = sample_config();
        config["environments"]["production"]["approval"] = json!({ "required": 0 });
        story.pushes_config(&config);
        let request = as_read(&story.is_asked().await);
        assert!(request.contains("(2 of 2 still needed)"), "{request}");
        let waiting = story.reaches("AwaitingApproval").await;
        let Phase::AwaitingApproval { asked, .. } = &waiting.phase else { panic!("{waiting:?}") };
        assert_eq!((asked.wish().required, asked.policy.required), (0, 2));

        // All replies together are one voice.
        story.replies_once().await;
        let answered = async || {
            let release = story.track().await.in_flight.into_iter().next()?;
            (voices(&release) == 1).then_some(release)
        };
        let release = story.until("one voice is counted", answered).await;
        assert!(matches!(release.phase, Phase::AwaitingApproval { .. }), "{:?}", release.phase);
        assert_eq!(story.deployments().await, 0);
    });
}

fn voices(release: &Release) -> usize {
    match &release.phase {
        Phase::AwaitingApproval { asked, .. } => asked.votes.len(),
        Phase::Building { .. }
        | Phase::Planning { .. }
        | Phase::Ready { .. }
        | Phase::Deploying { .. }
        | Phase::Over(_) => 0,
    }
}

#[test]
fn a_stale_plan_is_made_again_and_asked_for_again_where_it_differs() {
    tell(async |mut story| {
        story.deploys_a_version().await;
        story.pushes_a_version();
        story.is_asked().await;
        let waiting = story.reaches("AwaitingApproval").await;
        let plan = waiting.phase.plan().expect("it waits with a plan").clone();

        // Somebody tidies up in the console, and the environment's record becomes another one.
        let stack = waiting.id.track.stack();
        story.aws.delete_change_set(&stack, &plan.change_set).await.expect("it is deleted");
        changes_the_record(&story, |record| record["floor"]["expiresHours"] = 12.into()).await;
        story.approves().await;
        let asked_again = async || {
            let release = story.track().await.in_flight.into_iter().next()?;
            let is_new = release.phase.plan().is_some_and(|new| new.fingerprint != plan.fingerprint);
            (is_new && matches!(release.phase, Phase::AwaitingApproval { .. })).then_some(release)
        };
        let again = story.until("it is asked for again", asked_again).await;
        assert_eq!((again.stale, voices(&again)), (1, 0));

        story.approves().await;
        let second = story.ends("Deployed").await;
        let what: Vec<&str> = second.steps.iter().map(|step| step.what.as_str()).collect();
        let at = |words: &str| what.iter().position(|what| what.contains(words));
        let stale = at("the plan must be made again: its change set is gone");
        let void = at("differs from the one asked about before: earlier approvals are void");
        assert!(stale.is_some() && stale < void, "{what:?}");
    });
}

/// Before a freeze ends that is in force when its story begins: long enough to build and to approve.
const FROZEN_FOR: Duration = Duration::from_secs(180);

#[test]
fn what_is_approved_in_a_freeze_is_deployed_when_that_is_over() {
    tell(async |mut story| {
        story.limit = 2 * FROZEN_FOR;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let end_minute = (now + FROZEN_FOR).as_secs() / 60;
        let begin_minute = end_minute - 60;
        let cron = format!("{} {} * * ?", begin_minute % 60, begin_minute / 60 % 24);
        let mut config = sample_config();
        config["environments"]["production"]["freeze"] =
            json!([{ "cron": cron, "hours": 1, "timeZone": "UTC" }]);
        story.pushes_config(&config);
        story.approves().await;
        let frozen = story.reaches("Ready").await;
        let Phase::Ready { frozen: Some(freeze), .. } = &frozen.phase else { panic!("{:?}", frozen.phase) };
        assert_eq!(freeze.until.0, end_minute * 60_000);
        assert_eq!(story.deployments().await, 0);

        // The clock's minutes.
        let is_over = async || {
            story.sweeps().await;
            story.track().await.in_flight.is_empty().then_some(())
        };
        story.until("the freeze is over", is_over).await;
        let deployed = story.ends("Deployed").await;
        assert!(deployed.phase_since >= freeze.until);
        let what: Vec<&str> = deployed.steps.iter().map(|step| step.what.as_str()).collect();
        assert!(what.contains(&"the freeze is over: the plan is made again"), "{what:?}");
    });
}
