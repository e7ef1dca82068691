//! The key of the reply tokens.

use engine::failure::Failure;
use engine::ports::ReplyKey;

use crate::Aws;
use crate::failure::Call;

const GET_SECRET_VALUE: Call = Call::reads("secretsmanager GetSecretValue");

impl ReplyKey for Aws {
    async fn reply_key(&self) -> Result<Vec<u8>, Failure> {
        let answer = self
            .secretsmanager
            .get_secret_value()
            .secret_id(self.settings.required("TIDEGATE_REPLY_SECRET_ARN")?)
            .send()
            .await
            .map_err(|error| GET_SECRET_VALUE.failed(error))?;
        match answer.secret_string {
            Some(key) if !key.is_empty() => Ok(key.into_bytes()),
            Some(_) | None => Err(GET_SECRET_VALUE.refused("the secret of the reply tokens holds no text")),
        }
    }
}
