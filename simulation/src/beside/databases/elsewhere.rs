//! What the three functions do beside hearing, looking and telling has no place in this world: drills and restore tests,
//! tracks, CodePipeline's requests, Slack's messages.

use databases::drill::{CheckOrder, CheckRead, Drills, Instance, Order, Ours};
use databases::validation::{RestoreJob, Verdict};
use engine::ports::{
    Callers, Channels, Commit, CommitOnce, DrillChecks, DrillTable, Once, Page, PipelineTable, Place, Posted,
    Records, ReplyKey, RestoreTests, Restores, SlackBoard, Stored,
};
use engine::show::Shown;
use model::drill::AnswerKey;
use model::ids::{ChannelId, EnvironmentName, PipelineRequestId, ReleaseId, RepositoryName};
use model::pipeline::Request;
use model::time::Timestamp;
use proof::{Answered, Installation};
use serde_json::Value;

use super::World;
use crate::beside::ports::{Answer, Ports, nobody};

impl DrillTable for Ports<World> {
    async fn load_drills(&self) -> Answer<Drills> {
        Ok(Drills::default())
    }

    async fn commit_drills(&self, _: &Drills) -> Answer<Commit> {
        nobody("commit_drills")
    }
}

impl Restores for Ports<World> {
    async fn instance(&self, _: &str) -> Answer<Option<Instance>> {
        nobody("instance")
    }

    async fn restore(&self, _: &Order) -> Answer<()> {
        nobody("restore")
    }

    async fn renew_password(&self, _: &Ours) -> Answer<()> {
        nobody("renew_password")
    }

    async fn delete_copy(&self, _: &Ours) -> Answer<()> {
        nobody("delete_copy")
    }
}

impl DrillChecks for Ports<World> {
    async fn start_check(&self, _: &CheckOrder) -> Answer<()> {
        nobody("start_check")
    }

    async fn recent_checks(&self, _: &str) -> Answer<Vec<String>> {
        nobody("recent_checks")
    }

    async fn read_checks(&self, _: &[String]) -> Answer<Vec<CheckRead>> {
        nobody("read_checks")
    }

    async fn call_check(&self, _: &CheckOrder, _: &AnswerKey) -> Answer<()> {
        nobody("call_check")
    }

    fn answer_key(&self) -> Answer<AnswerKey> {
        nobody("answer_key")
    }
}

impl RestoreTests for Ports<World> {
    async fn restore_job(&self, _: &str) -> Answer<Option<RestoreJob>> {
        nobody("restore_job")
    }

    async fn untold_tests(&self, _: Timestamp) -> Answer<Vec<String>> {
        nobody("untold_tests")
    }

    async fn report_test(&self, _: &str, _: &Verdict) -> Answer<()> {
        nobody("report_test")
    }
}

impl Records for Ports<World> {
    async fn service_record(&self, _: &RepositoryName) -> Answer<Option<Stored>> {
        nobody("service_record")
    }

    async fn environment_record(&self, _: &EnvironmentName) -> Answer<Option<Stored>> {
        nobody("environment_record")
    }

    async fn people_record(&self) -> Answer<Option<Stored>> {
        nobody("people_record")
    }

    async fn environment_records(&self, _: Option<&str>) -> Answer<Page<(String, Stored)>> {
        nobody("environment_records")
    }
}

impl Callers for Ports<World> {
    fn installation(&self) -> Answer<Installation> {
        nobody("installation")
    }

    async fn ask_sts(&self, _: &proof::Request) -> Answer<Answered> {
        nobody("ask_sts")
    }
}

impl PipelineTable for Ports<World> {
    async fn load_request(&self, _: &PipelineRequestId) -> Answer<Option<Request>> {
        nobody("load_request")
    }

    async fn commit_request(&self, _: &Request, _: Option<&Once>) -> Answer<CommitOnce> {
        nobody("commit_request")
    }

    async fn requests(&self, _: Option<&str>) -> Answer<Page<Request>> {
        nobody("requests")
    }
}

impl ReplyKey for Ports<World> {
    async fn reply_key(&self) -> Answer<Vec<u8>> {
        nobody("reply_key")
    }
}

impl Channels for Ports<World> {
    async fn channels_record(&self) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn say_in_slack(&self, _: Option<&ChannelId>, _: &str) -> Answer<Posted> {
        nobody("say_in_slack")
    }

    async fn trouble_told(&self) -> Answer<Option<i64>> {
        nobody("trouble_told")
    }

    async fn remember_trouble_told(&self, _: i64) -> Answer<()> {
        nobody("remember_trouble_told")
    }
}

impl SlackBoard for Ports<World> {
    async fn shown(&self, _: &ReleaseId) -> Answer<Option<Shown>> {
        nobody("shown")
    }

    async fn remember_shown(&self, _: &ReleaseId, _: &Shown) -> Answer<()> {
        nobody("remember_shown")
    }

    async fn post_message(&self, _: Option<&ChannelId>, _: &Value) -> Answer<Posted> {
        nobody("post_message")
    }

    async fn update_in_slack(&self, _: &Place, _: &Value) -> Answer<Posted> {
        nobody("update_in_slack")
    }

    async fn reply_in_slack(&self, _: &Place, _: &Value) -> Answer<Posted> {
        nobody("reply_in_slack")
    }

    async fn repeat_in_slack(&self, _: &Place, _: &str, _: bool) -> Answer<Posted> {
        nobody("repeat_in_slack")
    }
}
