//! What the two functions do beside pipelines has no place in this world; and what they do with pipelines has none in that
//! of the tracks, where nothing waits and nothing is answered.

use databases::watch::Watch;
use engine::failure::Failure;
use engine::ports::{
    ActionRead, ApprovalResult, Callers, Commit, CommitOnce, ExecutionRead, Letters, NoticeQueue, Once, Page,
    PipelineNotices, PipelineTable, Pipelines, Put, Queues, Tracks, Watches,
};
use intake::Care;
use intake::dead_letter::Dropped;
use model::database::DatabaseKey;
use model::decide::Advance;
use model::effect::Hand;
use model::ids::{PipelineRequestId, ReleaseId, TrackKey};
use model::pipeline::Request;
use model::release::Release;
use model::time::Span;
use model::track::Track;

use super::ports::{Answer, Ports};
use crate::mutated::Mutated;

impl Tracks for Ports {
    async fn load_track(&self, _: &TrackKey) -> Answer<Option<Track>> {
        Ok(None)
    }

    async fn commit_track(&self, _: &Advance) -> Answer<Commit> {
        Ok(Commit::Lost)
    }

    async fn commit_track_once(&self, _: &Advance, _: &Once) -> Answer<CommitOnce> {
        Ok(CommitOnce::Lost)
    }

    async fn load_release(&self, _: &ReleaseId) -> Answer<Option<Release>> {
        Ok(None)
    }
}

impl Queues for Ports {
    async fn wake(&self, _: Hand, _: &TrackKey, _: u64, _: Span) -> Answer<()> {
        Ok(())
    }
}

impl Callers for Ports {
    fn installation(&self) -> Answer<proof::Installation> {
        Err(Failure::refused("installation", "nobody orders here"))
    }

    async fn ask_sts(&self, _: &proof::Request) -> Answer<proof::Answered> {
        Err(Failure::refused("ask_sts", "nobody orders here"))
    }
}

impl Letters for Ports {
    async fn note_care(&self, _: Care, _: &Dropped, _: &Once) -> Answer<CommitOnce> {
        Ok(CommitOnce::Lost)
    }
}

impl Watches for Ports {
    async fn load_watch(&self, _: &DatabaseKey) -> Answer<Option<Watch>> {
        Ok(None)
    }

    async fn commit_watch(&self, _: &Watch) -> Answer<Commit> {
        Ok(Commit::Lost)
    }

    async fn watches(&self, _: Option<&str>) -> Answer<Page<Watch>> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

impl NoticeQueue for Ports {
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
