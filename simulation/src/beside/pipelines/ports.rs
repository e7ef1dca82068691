//! CodePipeline, its requests' table and the people, as functions `approval` and `notify` call them.

use engine::failure::Failure;
use engine::ports::{
    ActionRead, ApprovalResult, Channels, CommitOnce, ExecutionRead, Membership, Message, Once, Page, People,
    PipelineNotices, PipelineTable, Pipelines, Place, Posted, Put, Records, ReplyKey, Slack, SlackApp,
    SlackBoard, Stored,
};
use engine::show::Shown;
use model::approval::{Answer as Said, Nudged};
use model::ids::{ChannelId, EnvironmentName, PipelineRequestId, ReleaseId, RepositoryName, SlackUser};
use model::pipeline::{Phase, Request, Told};
use serde_json::{Value, json};

use super::{
    Answered, End, Invocation, Notice, OWN_CHANNEL, PIPELINE, PipelineFlaw, Run, TAKEN_LATE_MS, To, What,
    World,
};
use crate::beside::ports::{Answer, Ports};
use crate::voters;
use crate::world::{MINUTE, SECOND};

impl Pipelines for Ports<World> {
    async fn pipeline_actions(&self, _: &str) -> Answer<Option<Vec<ActionRead>>> {
        self.call("pipeline_actions", |world| {
            Ok(Some(world.runs.last().map(|run| world.read(run, true)).into_iter().collect()))
        })
        .await
    }

    async fn action_executions(
        &self,
        _: &str,
        execution: Option<&str>,
        page: Option<&str>,
    ) -> Answer<Page<ActionRead>> {
        self.call("action_executions", |world| {
            let of = |run: &&Run| execution.is_none_or(|execution| run.execution == execution);
            let all: Vec<ActionRead> =
                world.runs.iter().rev().filter(of).map(|run| world.read(run, false)).collect();
            // One a page, so that pages are turned.
            let at: usize = page.and_then(|page| page.parse().ok()).unwrap_or(0);
            let next = (at + 1 < all.len()).then(|| (at + 1).to_string());
            Ok(Page { items: all.into_iter().skip(at).take(1).collect(), next })
        })
        .await
    }

    async fn pipeline_execution(&self, _: &str, execution: &str) -> Answer<Option<ExecutionRead>> {
        self.call("pipeline_execution", |world| {
            Ok(world.runs.iter().find(|run| run.execution == execution).map(|run| ExecutionRead {
                status: match run.end {
                    Some((End::Superseded, _)) => "Superseded".to_owned(),
                    Some(_) | None => "InProgress".to_owned(),
                },
                started_by: Some(run.started_by.clone()),
            }))
        })
        .await
    }

    async fn put_approval_result(&self, result: &ApprovalResult) -> Answer<Put> {
        let mut result = result.clone();
        if self.has(PipelineFlaw::AnyTokenAnswered)
            && let Some(run) = self.world.borrow().runs.iter().rfind(|run| run.end.is_none())
        {
            result.token = run.token.clone();
        }
        let flawed = self.has(PipelineFlaw::TooLateTakenForTaken);
        self.call("put_approval_result", |world| {
            if world.base.random.chance(30) {
                world.base.coverage.hit("pipeline answer", "taken late");
                let late = world.base.random.between(SECOND, TAKEN_LATE_MS);
                world.base.later(late, What::Taken(Answered(result.clone())));
                return Err(Failure::Unknown { call: "put_approval_result", source: "timed out".into() });
            }
            if world.base.strikes("answered there meanwhile", 60) {
                let answer = if world.base.random.chance(500) { Said::Approve } else { Said::Reject };
                world.end(&result.token, End::There(answer), None);
            }
            let put = world.put(&result);
            Ok(if flawed { Put::Taken } else { put })
        })
        .await
    }
}

impl PipelineTable for Ports<World> {
    async fn load_request(&self, id: &PipelineRequestId) -> Answer<Option<Request>> {
        self.call("load_request", |world| Ok(world.table.get(id).cloned())).await
    }

    async fn commit_request(&self, request: &Request, _: Option<&Once>) -> Answer<CommitOnce> {
        let flaw = self.world.borrow().base.flaw;
        self.call("commit_request", |world| {
            let stored = world.table.get(&request.id);
            if stored.map_or(0, |stored| stored.version) + 1 != request.version {
                world.base.coverage.hit("pipeline race", "request");
                return Ok(CommitOnce::Lost);
            }
            if request.phase != Phase::Open {
                world.closed.entry(request.id.clone()).or_insert(world.base.now);
            }
            let was_over = stored.filter(|stored| stored.is_over()).map(|stored| stored.phase.clone());
            if was_over.is_some_and(|phase| phase != request.phase) {
                world.base.wrong(format!("the ending of {} changes", request.id));
            }
            let mut request = request.clone();
            match flaw {
                Some(PipelineFlaw::ToldForgotten) => request.told = Told::default(),
                Some(PipelineFlaw::NobodyNudged) => request.nudged = Nudged::NotYet,
                Some(_) | None => {}
            }
            world.table.insert(request.id.clone(), request);
            Ok(CommitOnce::Written)
        })
        .await
    }

    async fn requests(&self, _: Option<&str>) -> Answer<Page<Request>> {
        self.call("requests", |world| Ok(Page { items: world.table.values().cloned().collect(), next: None }))
            .await
    }
}

impl PipelineNotices for Ports<World> {
    async fn wake_to_tell_of(&self, id: &PipelineRequestId, version: u64) -> Answer<()> {
        self.call("wake_to_tell_of", |world| {
            let now = world.base.now;
            world.sent.retain(|(at, _)| now - at < 5 * MINUTE);
            let deduplication = format!("{id}-{version}-{}", now / MINUTE);
            if world.sent.iter().any(|(_, sent)| *sent == deduplication) {
                return Ok(());
            }
            world.sent.push_back((now, deduplication));
            let body = json!({ "pipeline": id.as_str() }).to_string();
            world.base.next_id += 1;
            let payload = crate::events::queued("NotifyQueue.fifo", world.base.next_id, &body);
            let payload = String::from_utf8_lossy(&payload).into_owned();
            let request = Some(id.clone());
            world.base.later(20, What::Invoke(Invocation { to: To::Notify, payload, request, attempt: 1 }));
            Ok(())
        })
        .await
    }
}

impl People for Ports<World> {
    async fn publish(&self, message: &Message) -> Answer<()> {
        let said: Value = serde_json::from_str(&message.json).unwrap_or_default();
        self.call("publish", |world| {
            let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
            if let (Some(notice), Ok(id)) = (Notice::read(&text("notice")), text("request").parse()) {
                if notice == Notice::Asked {
                    world.hears(&text("request"), &text("token"));
                }
                world.tells(&id, notice, &message.subject);
            }
            Ok(())
        })
        .await
    }

    async fn post_to_slack(&self, text: &str) -> Answer<()> {
        self.world.borrow_mut().tells_no_token(text);
        Ok(())
    }
}

impl Records for Ports<World> {
    async fn service_record(&self, _: &RepositoryName) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn environment_record(&self, _: &EnvironmentName) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn people_record(&self) -> Answer<Option<Stored>> {
        let body = voters::people_record().to_string();
        self.call("people_record", |_| Ok(Some(Stored { body, version: 1 }))).await
    }

    async fn environment_records(&self, _: Option<&str>) -> Answer<Page<(String, Stored)>> {
        let ignored = self.has(PipelineFlaw::FloorIgnored);
        self.call("environment_records", |world| {
            let approvals = if ignored { 0 } else { world.approvals };
            let record = json!({
                "cluster": "shared", "vpcId": "vpc-1", "subnets": ["subnet-1"], "template": "stacks/service.yaml",
                "permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
                "floor": { "approvals": approvals, "replies": world.replies },
                "pipelines": [PIPELINE],
            });
            let stored = Stored { body: record.to_string(), version: 1 };
            Ok(Page { items: vec![("production".to_owned(), stored)], next: None })
        })
        .await
    }
}

impl Slack for Ports<World> {
    async fn slack_app(&self) -> Answer<Option<SlackApp>> {
        self.call("slack_app", |_| Ok(Some(voters::app()))).await
    }

    async fn slack_member(&self, user: &SlackUser) -> Answer<Membership> {
        let taken = self.has(PipelineFlaw::GuestsTaken);
        let member = self.call("slack_member", |_| Ok(voters::membership(user))).await?;
        Ok(if taken { Membership::Full } else { member })
    }

    async fn answer_in_slack(&self, _: &slack::AnswerTo, text: &str) -> Answer<()> {
        self.world.borrow_mut().tells_no_token(text);
        Ok(())
    }
}

impl SlackBoard for Ports<World> {
    async fn shown(&self, _: &ReleaseId) -> Answer<Option<Shown>> {
        Ok(None)
    }

    async fn remember_shown(&self, _: &ReleaseId, _: &Shown) -> Answer<()> {
        Ok(())
    }

    async fn post_message(&self, channel: Option<&ChannelId>, message: &Value) -> Answer<Posted> {
        let channel = channel.filter(|_| !self.has(PipelineFlaw::RoutesIgnored));
        let channel = channel.map_or(OWN_CHANNEL, ChannelId::as_str);
        self.call("post_message", |world| {
            world.tells_no_token(&message.to_string());
            world.is_in_its_place(channel, true);
            Ok(Posted::There(Place { channel: channel.to_owned(), ts: "1".to_owned() }))
        })
        .await
    }

    async fn update_in_slack(&self, place: &Place, message: &Value) -> Answer<Posted> {
        self.call("update_in_slack", |world| {
            world.tells_no_token(&message.to_string());
            Ok(Posted::There(place.clone()))
        })
        .await
    }

    async fn reply_in_slack(&self, place: &Place, _: &Value) -> Answer<Posted> {
        Ok(Posted::There(place.clone()))
    }

    async fn repeat_in_slack(&self, place: &Place, text: &str, _: bool) -> Answer<Posted> {
        self.call("repeat_in_slack", |world| {
            world.tells_no_token(text);
            Ok(Posted::There(place.clone()))
        })
        .await
    }
}

impl Channels for Ports<World> {
    async fn channels_record(&self) -> Answer<Option<Stored>> {
        self.call("channels_record", |world| Ok(world.channels_record())).await
    }

    async fn say_in_slack(&self, channel: Option<&ChannelId>, text: &str) -> Answer<Posted> {
        let channel = channel.map_or(OWN_CHANNEL, ChannelId::as_str);
        self.call("say_in_slack", |world| {
            world.tells_no_token(text);
            world.is_in_its_place(channel, false);
            Ok(Posted::There(Place { channel: channel.to_owned(), ts: "2".to_owned() }))
        })
        .await
    }

    async fn trouble_told(&self) -> Answer<Option<i64>> {
        unreachable!("the record is as it should be")
    }

    async fn remember_trouble_told(&self, _: i64) -> Answer<()> {
        unreachable!("the record is as it should be")
    }
}

impl ReplyKey for Ports<World> {
    async fn reply_key(&self) -> Answer<Vec<u8>> {
        Ok(crate::ports::REPLY_KEY.to_vec())
    }
}
