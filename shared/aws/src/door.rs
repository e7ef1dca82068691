//! What the function behind the URL may do: remember a request, and hand it on.

use engine::failure::Failure;
use engine::ports::{Commit, Door};
use model::time::Timestamp;

use crate::Aws;

impl Door for Aws {
    async fn take_once(&self, id: &str, until: Timestamp) -> Result<bool, Failure> {
        self.remember(id, until).await.map(|written| written == Commit::Written)
    }

    async fn hand_to_approval(&self, message: &str) -> Result<(), Failure> {
        self.send("TIDEGATE_SPOKEN_QUEUE_URL", message.to_owned()).await
    }
}
