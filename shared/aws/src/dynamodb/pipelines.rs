//! What CodePipeline asked for.

use aws_sdk_dynamodb::types::TransactWriteItem;
use engine::failure::Failure;
use engine::ports::{Commit, CommitOnce, Once, Page, PipelineTable};
use model::ids::PipelineRequestId;
use model::pipeline::Request;

use super::item::{self, Place};
use super::{TABLE, cancelled_once, conditional, taken};
use crate::Aws;

impl PipelineTable for Aws {
    async fn load_request(&self, id: &PipelineRequestId) -> Result<Option<Request>, Failure> {
        self.get(&Place::pipeline(id)).await?.as_ref().map(item::decode).transpose()
    }

    async fn commit_request(&self, request: &Request, once: Option<&Once>) -> Result<CommitOnce, Failure> {
        let Some(once) = once else {
            return Ok(match self.put_over(item::of_request(request)?, request.version).await? {
                Commit::Written => CommitOnce::Written,
                Commit::Lost => CommitOnce::Lost,
            });
        };
        let table = self.settings.required(TABLE)?;
        let put = conditional(table, item::of_request(request)?, request.version)?;
        let writes = vec![TransactWriteItem::builder().put(put).build(), taken(table, once)?];
        match self.transact(writes).await? {
            Ok(()) => Ok(CommitOnce::Written),
            Err(reasons) => cancelled_once(&reasons),
        }
    }

    async fn requests(&self, page: Option<&str>) -> Result<Page<Request>, Failure> {
        self.page_of(item::PIPELINES, page, Place::pipeline).await
    }
}
