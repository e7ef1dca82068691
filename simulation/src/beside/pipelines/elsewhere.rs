//! What the two functions do beside pipelines has no place in this world; and what they do with pipelines has none in that
//! of the tracks, where nothing waits and nothing is answered.

use databases::watch::Watch;
use engine::ports::{
    ActionRead, ApprovalResult, Callers, Commit, CommitOnce, ExecutionRead, Letters, NoticeQueue, Once, Page,
    PipelineNotices, PipelineTable, Pipelines, Put, Watches,
};
use intake::Care;
use intake::dead_letter::Dropped;
use model::database::DatabaseKey;
use model::ids::PipelineRequestId;
use model::pipeline::Request;

use super::World;
use crate::beside::ports::{Answer, Ports, nobody};
use crate::mutated::Mutated;

impl Callers for Ports<World> {
    fn installation(&self) -> Answer<proof::Installation> {
        nobody("installation")
    }

    async fn ask_sts(&self, _: &proof::Request) -> Answer<proof::Answered> {
        nobody("ask_sts")
    }
}

impl Letters for Ports<World> {
    async fn note_care(&self, _: Care, _: &Dropped, _: &Once) -> Answer<CommitOnce> {
        nobody("note_care")
    }
}

impl Watches for Ports<World> {
    async fn load_watch(&self, _: &DatabaseKey) -> Answer<Option<Watch>> {
        Ok(None)
    }

    async fn commit_watch(&self, _: &Watch) -> Answer<Commit> {
        nobody("commit_watch")
    }

    async fn watches(&self, _: Option<&str>) -> Answer<Page<Watch>> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

impl NoticeQueue for Ports<World> {
    async fn wake_to_tell(&self, _: &DatabaseKey, _: u64) -> Answer<()> {
        Ok(())
    }
}

impl Pipelines for Mutated {
    async fn pipeline_actions(&self, _: &str) -> Answer<Option<Vec<ActionRead>>> {
        Ok(None)
    }

    async fn action_executions(&self, _: &str, _: Option<&str>, _: Option<&str>) -> Answer<Page<ActionRead>> {
        Ok(Page { items: Vec::new(), next: None })
    }

    async fn pipeline_execution(&self, _: &str, _: &str) -> Answer<Option<ExecutionRead>> {
        Ok(None)
    }

    async fn put_approval_result(&self, result: &ApprovalResult) -> Answer<Put> {
        panic!("{} is answered where there are no pipelines", result.gate)
    }
}

impl PipelineTable for Mutated {
    async fn load_request(&self, _: &PipelineRequestId) -> Answer<Option<Request>> {
        Ok(None)
    }

    async fn commit_request(&self, request: &Request, _: Option<&Once>) -> Answer<CommitOnce> {
        panic!("{} is stored where there are no pipelines", request.id)
    }

    async fn requests(&self, _: Option<&str>) -> Answer<Page<Request>> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

impl PipelineNotices for Mutated {
    async fn wake_to_tell_of(&self, id: &PipelineRequestId, _: u64) -> Answer<()> {
        panic!("{id} is told of where there are no pipelines")
    }
}
