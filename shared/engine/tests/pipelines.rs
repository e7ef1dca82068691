//! CodePipeline's documented notification, from the topic to `PutApprovalResult`: in time, late, twice, superseded, and
//! answered by who may not.

use std::cell::RefCell;
use std::collections::BTreeMap;

use engine::failure::Failure;
use engine::functions::approval;
use engine::ports::{
    ActionRead, ActionStatus, ApprovalResult, Callers, Clock, Commit, CommitOnce, ExecutionRead, Letters,
    Membership, Message, Once, Page, People, PipelineNotices, PipelineTable, Pipelines, Put, Quarantine,
    Queues, Records, ReplyKey, Slack, SlackApp, Stored, Tracks,
};
use futures_util::FutureExt;
use intake::Care;
use intake::dead_letter::Dropped;
use model::approval::Answer as Said;
use model::decide::Advance;
use model::effect::Hand;
use model::ids::{EnvironmentName, PipelineRequestId, ReleaseId, RepositoryName, SlackUser, TrackKey};
use model::pipeline::{Ending, Gate, Phase, Request};
use model::release::Release;
use model::time::{Span, Timestamp};
use model::track::Track;
use serde_json::{Value, json};

type Answer<T> = Result<T, Failure>;

/// As AWS documents it, by SNS. Its token is `TOKEN`.
const NOTIFICATION: &str = include_str!("../../../events/codepipeline/approval.json");
const TOKEN: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const NOW_S: u64 = 1_772_443_000;
const SECRET: &[u8] = b"0123456789abcdef";

struct World {
    /// What waits, as GetPipelineState shows it; a parallel run is in the list of runs alone.
    actions: RefCell<Vec<ActionRead>>,
    parallel: bool,
    table: RefCell<BTreeMap<PipelineRequestId, Request>>,
    pipelines: Value,
    /// What CodePipeline was told.
    put: RefCell<Vec<(Said, String, String)>>,
    published: RefCell<Vec<String>>,
    quarantined: RefCell<Vec<(String, Option<String>)>>,
    woken: RefCell<u32>,
    /// What whoever speaks is in the workspace.
    member: Membership,
}

fn waits(token: &str) -> ActionRead {
    ActionRead {
        stage: "Approve".to_owned(),
        action: "Release".to_owned(),
        execution: Some(format!("execution {}", &token[..8])),
        id: Some(format!("action {}", &token[..8])),
        status: ActionStatus::InProgress,
        token: Some(token.to_owned()),
        summary: None,
        by: None,
        at: None,
    }
}

impl World {
    fn new() -> Self {
        Self {
            actions: RefCell::new(vec![waits(TOKEN)]),
            parallel: false,
            table: RefCell::default(),
            pipelines: json!(["payments"]),
            put: RefCell::default(),
            published: RefCell::default(),
            quarantined: RefCell::default(),
            woken: RefCell::default(),
            member: Membership::Full,
        }
    }

    fn hears(&self, payload: &str) -> String {
        let answer = approval(self, payload.as_bytes()).now_or_never().expect("nothing waits").unwrap();
        answer["handled"][0].as_str().unwrap().to_owned()
    }

    fn click(&self, slack_user: &str, action: &str, id: &str) -> String {
        let payload = json!({
            "type": "block_actions", "api_app_id": "A1", "team": { "id": "T1" },
            "user": { "id": slack_user, "team_id": "T1" },
            "actions": [{ "action_id": action, "value": id }],
            "state": { "values": { "reason": { "reason": { "value": "too risky" } } } },
        });
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.append_pair("payload", &payload.to_string()).finish();
        self.signed(body)
    }

    fn types(&self, slack_user: &str, text: &str) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("command", "/tidegate"),
            ("api_app_id", "A1"),
            ("team_id", "T1"),
            ("user_id", slack_user),
            ("text", text),
        ] {
            form.append_pair(name, value);
        }
        self.signed(form.finish())
    }

    fn signed(&self, body: String) -> String {
        let signature = slack::sign(SECRET, NOW_S, body.as_bytes());
        let signed = slack::Signed::from_body(NOW_S, &signature, body.into_bytes()).unwrap();
        self.hears(&signed.to_message().to_string())
    }

    fn reply(&self, message: &str) -> String {
        self.hears(
            &json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": message } }] }).to_string(),
        )
    }

    fn clock(&self) -> String {
        self.hears(r#"{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}"#)
    }

    fn only(&self) -> Request {
        let table = self.table.borrow();
        assert_eq!(table.len(), 1);
        table.values().next().unwrap().clone()
    }

    fn ending(&self) -> Ending {
        match self.only().phase {
            Phase::Over { ending, .. } => ending,
            other @ (Phase::Open | Phase::Answering { .. }) => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_documented_notification_is_approved_by_who_may_and_says_so_in_codepipeline() {
    let world = World::new();
    world.hears(NOTIFICATION);
    let asked = world.only();
    assert_eq!(
        (asked.required, asked.phase),
        (2, Phase::Open),
        "nobody knows who started it: one voice more"
    );
    let id = asked.id.as_str();
    assert!(!format!("{:?}", world.only()).contains(TOKEN), "the token is stored nowhere");
    assert!(world.click("U9", "approve", id).starts_with("Nobody in the record of people is Slack T1/U9"));
    assert_eq!(
        world.click("U1", "approve", id),
        format!("Your approval of {id} is recorded; 1 more needed.")
    );
    assert!(world.put.borrow().is_empty());
    let done = world.click("U2", "approve", id);
    assert_eq!(done, format!("{id}: payments/Approve/Release was approved by ana, ben."));
    let summary = format!("Approved by ana, ben (Tidegate {id})");
    assert_eq!(*world.put.borrow(), [(Said::Approve, TOKEN.to_owned(), summary)]);
    let late = world.click("U2", "reject", id);
    assert_eq!(
        late,
        format!(
            "Your answer to {id} changes nothing: {id}: payments/Approve/Release was approved by ana, ben."
        )
    );
    assert_eq!(world.put.borrow().len(), 1);
}

#[test]
fn who_is_in_the_record_and_no_full_member_of_the_workspace_is_heard_in_nothing() {
    for (member, is) in [
        (Membership::Guest, "is a guest of the workspace"),
        (Membership::OtherWorkspace, "is of another workspace"),
        (Membership::Bot, "is a bot"),
        (Membership::Deactivated, "was deactivated"),
    ] {
        let world = World { member, ..World::new() };
        world.hears(NOTIFICATION);
        let id = world.only().id.to_string();
        let plan = "0".repeat(64);
        for told in [
            world.click("U1", "approve", &id),
            world.click("U1", "approve", &format!("payments-production-7 {plan}")),
            world.click("U1", "details", &format!("payments-production-7 {plan}")),
            world.types("U1", &format!("reject {id} slow")),
            world.types("U1", "status payments/production"),
            world.types("U1", "hold payments/production slow"),
            world.types("U1", "rollback payments/production payments-production-5 slow"),
        ] {
            let expected =
                format!("Nothing was done: Slack T1/U1 {is}, and only its full members are heard here.");
            assert_eq!(told, expected);
        }
        assert!(world.only().votes.is_empty(), "{member:?}");
        assert!(world.types("U1", "help").starts_with("/tidegate status"));
    }
}

#[test]
fn a_guest_who_is_nobody_in_the_record_is_told_nothing() {
    // No track is loaded for them: this world has none.
    let world = World::new();
    let details = world.click("U9", "details", &format!("payments-production-7 {}", "0".repeat(64)));
    for told in [
        details,
        world.types("U9", "status payments/production"),
        world.types("U9", "hold payments/production slow"),
        world.types("U9", "rollback payments/production payments-production-5 slow"),
    ] {
        assert!(told.starts_with("Nobody in the record of people is Slack T1/U9"), "{told}");
    }
    assert!(world.types("U9", "help").starts_with("/tidegate status"));
}

#[test]
fn a_rejection_ends_it_at_once_and_carries_its_reason() {
    let world = World::new();
    world.hears(NOTIFICATION);
    let id = world.only().id.to_string();
    world.click("U1", "reject", &id);
    let summary = format!("Rejected by ana: too risky (Tidegate {id})");
    assert_eq!(*world.put.borrow(), [(Said::Reject, TOKEN.to_owned(), summary)]);
    assert!(matches!(world.ending(), Ending::Rejected { reason, .. } if reason == "too risky"));
}

#[test]
fn a_notification_that_comes_twice_asks_once_and_one_that_is_late_asks_nothing() {
    let world = World::new();
    let asked = world.hears(NOTIFICATION);
    assert_eq!(world.hears(NOTIFICATION), asked);
    assert_eq!((world.only().version, *world.woken.borrow()), (1, 2));
    let late = World::new();
    late.actions.borrow_mut()[0].status = ActionStatus::Failed;
    assert_eq!(
        late.hears(NOTIFICATION),
        "ignored: payments/Approve/Release no longer waits for what was asked for"
    );
    assert!(late.table.borrow().is_empty());
}

#[test]
fn only_who_has_the_token_says_what_approvers_read() {
    let forged = |token: Option<&str>| {
        let mut approval = json!({
            "pipelineName": "payments", "stageName": "Approve", "actionName": "Release",
            "customData": "Nothing to see.", "externalEntityLink": "https://example.com/forged",
        });
        if let Some(token) = token {
            approval["token"] = json!(token);
        }
        let message = json!({ "consoleLink": "https://example.com/forged", "approval": approval });
        json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": message.to_string() } }] })
            .to_string()
    };
    let words = |world: &World| world.only().words.join(" ");
    let world = World::new();
    world.hears(&forged(None));
    assert_eq!(words(&world), "");
    world.hears(NOTIFICATION);
    assert!(
        words(&world).starts_with("Look at the change set first. https://console.aws"),
        "{}",
        words(&world)
    );
    assert!(world.only().expires.is_some());
    assert_eq!((world.only().version, *world.woken.borrow()), (2, 2));
    for again in [forged(None), forged(Some("11111111-4e5f-4a6b-8c7d-9e0f1a2b3c4d"))] {
        world.hears(&again);
        assert!(words(&world).starts_with("Look at the change set first."), "{}", words(&world));
        assert_eq!(world.only().version, 2);
    }
}

#[test]
fn what_another_execution_waits_for_is_never_answered_in_the_place_of_a_superseded_one() {
    let world = World::new();
    world.hears(NOTIFICATION);
    let id = world.only().id.to_string();
    let other = "11111111-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    let old = ActionRead { status: ActionStatus::Abandoned, token: None, ..waits(TOKEN) };
    *world.actions.borrow_mut() = vec![waits(other), old];
    let told = world.click("U1", "reject", &id);
    assert!(told.ends_with("waits no longer: a newer execution took its place."), "{told}");
    assert!(world.put.borrow().is_empty());
    assert!(matches!(world.ending(), Ending::Abandoned { .. }));
}

#[test]
fn the_clock_sees_what_was_answered_in_the_console_or_was_never_answered() {
    for (status, by, at, expected) in [
        (ActionStatus::Succeeded, Some("cleo"), 1, "was approved in CodePipeline by cleo"),
        (ActionStatus::Failed, Some("cleo"), 1, "was rejected in CodePipeline by cleo"),
        (ActionStatus::Failed, None, 1_900_000_000_000, "expired: nobody answered in time"),
    ] {
        let world = World::new();
        world.hears(NOTIFICATION);
        let by = by.map(str::to_owned);
        world.actions.borrow_mut()[0] =
            ActionRead { status, by, at: Some(Timestamp(at)), token: None, ..waits(TOKEN) };
        world.clock();
        assert!(world.only().headline().ends_with(expected), "{}", world.only().headline());
    }
    let world = World::new();
    world.hears(NOTIFICATION);
    world.actions.borrow_mut().clear();
    world.clock();
    assert_eq!(world.ending(), Ending::Gone);
}

#[test]
fn parallel_executions_are_found_among_the_runs_also_without_a_token() {
    let mut world = World::new();
    world.parallel = true;
    world.actions.borrow_mut().push(waits("22222222-4e5f-4a6b-8c7d-9e0f1a2b3c4d"));
    world.hears(&NOTIFICATION.replace(&format!(r#"\"token\": \"{TOKEN}\""#), r#"\"token\": null"#));
    assert_eq!(world.table.borrow().len(), 2);
    let gate = world.table.borrow().values().next().unwrap().gate.clone();
    let id = PipelineRequestId::of(&gate.fingerprint(TOKEN)).to_string();
    world.click("U1", "reject", &id);
    assert_eq!(world.put.borrow()[0].1, TOKEN);
}

#[test]
fn a_reply_needs_the_request_s_own_token_and_approves_only_where_the_record_says_so() {
    let world = World::new();
    world.hears(NOTIFICATION);
    let id = world.only().id.to_string();
    for message in [format!("approve {id} {}", "0".repeat(32)), format!("reject {id} {TOKEN} no")] {
        world.reply(&message);
    }
    let refused = world.published.borrow().clone();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|text| text.contains("There is no open request") && !text.contains(TOKEN)));
    assert!(world.only().votes.is_empty() && world.put.borrow().is_empty());
}

#[test]
fn a_pipeline_that_no_record_names_needs_a_person() {
    let mut world = World::new();
    world.pipelines = json!(["payments/Elsewhere"]);
    let told = world.hears(NOTIFICATION);
    assert!(told.contains("no environment record names payments/Approve among its `pipelines`"), "{told}");
    assert_eq!(world.quarantined.borrow().len(), 1);
    assert!(world.table.borrow().is_empty());
}

/// I3: nobody said it, so it is sent again once the record is mended.
#[test]
fn what_was_asked_before_a_record_named_it_is_asked_when_it_is_sent_again() {
    let mut world = World::new();
    world.pipelines = json!(["payments/Elsewhere"]);
    world.hears(NOTIFICATION);
    let (_, kept) = world.quarantined.borrow()[0].clone();
    let kept = kept.expect("nobody said it, so it is kept");
    assert!(!kept.contains(TOKEN), "{kept}");
    world.pipelines = json!(["payments"]);
    world.hears(&kept);
    assert_eq!(world.only().gate.to_string(), "payments/Approve/Release");
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(NOW_S * 1000)
    }
}

impl Pipelines for World {
    async fn pipeline_actions(&self, pipeline: &str) -> Answer<Option<Vec<ActionRead>>> {
        assert_eq!(pipeline, "payments");
        Ok(Some(if self.parallel { Vec::new() } else { self.actions.borrow().clone() }))
    }

    async fn action_executions(
        &self,
        _: &str,
        execution: Option<&str>,
        _: Option<&str>,
    ) -> Answer<Page<ActionRead>> {
        let of = |read: &&ActionRead| execution.is_none_or(|id| read.execution.as_deref() == Some(id));
        Ok(Page { items: self.actions.borrow().iter().filter(of).cloned().collect(), next: None })
    }

    async fn pipeline_execution(&self, _: &str, _: &str) -> Answer<Option<ExecutionRead>> {
        Ok(Some(ExecutionRead { status: "Superseded".to_owned(), started_by: None }))
    }

    async fn put_approval_result(&self, result: &ApprovalResult) -> Answer<Put> {
        let Gate { pipeline, stage, action } = &result.gate;
        assert_eq!([pipeline, stage, action], ["payments", "Approve", "Release"]);
        self.put.borrow_mut().push((result.answer, result.token.clone(), result.summary.clone()));
        Ok(Put::Taken)
    }
}

impl PipelineTable for World {
    async fn load_request(&self, id: &PipelineRequestId) -> Answer<Option<Request>> {
        Ok(self.table.borrow().get(id).cloned())
    }

    async fn commit_request(&self, request: &Request, _: Option<&Once>) -> Answer<CommitOnce> {
        let mut table = self.table.borrow_mut();
        if table.get(&request.id).map_or(0, |stored| stored.version) + 1 != request.version {
            return Ok(CommitOnce::Lost);
        }
        table.insert(request.id.clone(), request.clone());
        Ok(CommitOnce::Written)
    }

    async fn requests(&self, _: Option<&str>) -> Answer<Page<Request>> {
        Ok(Page { items: self.table.borrow().values().cloned().collect(), next: None })
    }
}

impl PipelineNotices for World {
    async fn wake_to_tell_of(&self, _: &PipelineRequestId, _: u64) -> Answer<()> {
        *self.woken.borrow_mut() += 1;
        Ok(())
    }
}

impl Records for World {
    async fn service_record(&self, _: &RepositoryName) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn environment_record(&self, _: &EnvironmentName) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn people_record(&self) -> Answer<Option<Stored>> {
        let people = json!({ "people": { "ana": { "slack": ["T1/U1"] }, "ben": { "slack": ["T1/U2"] } } });
        Ok(Some(Stored { body: people.to_string(), version: 1 }))
    }

    async fn environment_records(&self, _: Option<&str>) -> Answer<Page<(String, Stored)>> {
        let mut record: Value =
            serde_json::from_str(include_str!("../../config/tests/records/environment.json")).unwrap();
        record["pipelines"] = self.pipelines.clone();
        let stored = Stored { body: record.to_string(), version: 1 };
        Ok(Page { items: vec![("production".to_owned(), stored)], next: None })
    }
}

impl ReplyKey for World {
    async fn reply_key(&self) -> Answer<Vec<u8>> {
        Ok(b"the key".to_vec())
    }
}

impl Slack for World {
    async fn slack_app(&self) -> Answer<Option<SlackApp>> {
        let [team, app] = ["T1", "A1"].map(str::to_owned);
        Ok(Some(SlackApp { team, app, signing_secret: SECRET.to_vec() }))
    }

    async fn slack_member(&self, _: &SlackUser) -> Answer<Membership> {
        Ok(self.member)
    }

    async fn answer_in_slack(&self, _: &slack::AnswerTo, _: &str) -> Answer<()> {
        Ok(())
    }
}

impl People for World {
    async fn publish(&self, message: &Message) -> Answer<()> {
        self.published.borrow_mut().push(message.in_full());
        Ok(())
    }

    async fn post_to_slack(&self, _: &str) -> Answer<()> {
        Ok(())
    }
}

impl Quarantine for World {
    async fn quarantine(&self, _: &str, why: &str, payload: Option<&[u8]>) -> Answer<()> {
        let kept = payload.map(|payload| String::from_utf8_lossy(payload).into_owned());
        self.quarantined.borrow_mut().push((why.to_owned(), kept));
        Ok(())
    }
}

impl Tracks for World {
    async fn load_track(&self, _: &TrackKey) -> Answer<Option<Track>> {
        unreachable!("no track is concerned")
    }

    async fn commit_track(&self, _: &Advance) -> Answer<Commit> {
        unreachable!("no track is concerned")
    }

    async fn commit_track_once(&self, _: &Advance, _: &Once) -> Answer<CommitOnce> {
        unreachable!("no track is concerned")
    }

    async fn load_release(&self, _: &ReleaseId) -> Answer<Option<Release>> {
        unreachable!("no track is concerned")
    }
}

impl Queues for World {
    async fn wake(&self, _: Hand, _: &TrackKey, _: u64, _: Span) -> Answer<()> {
        unreachable!("no track is concerned")
    }
}

impl Callers for World {
    fn installation(&self) -> Answer<proof::Installation> {
        unreachable!("nobody orders")
    }

    async fn ask_sts(&self, _: &proof::Request) -> Answer<proof::Answered> {
        unreachable!("nobody orders")
    }
}

impl Letters for World {
    async fn note_care(&self, _: Care, _: &Dropped, _: &Once) -> Answer<CommitOnce> {
        unreachable!("nobody orders")
    }
}
