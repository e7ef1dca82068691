//! The key of the reply tokens, and whether services' secrets are there.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretError;
use engine::failure::Failure;
use engine::ports::{ReplyKey, Secrets};

use crate::Aws;
use crate::failure::Call;

const DESCRIBE_SECRET: Call = Call::reads("secretsmanager DescribeSecret");
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

impl Secrets for Aws {
    async fn secret_exists(&self, name: &str) -> Result<bool, Failure> {
        match self.secretsmanager.describe_secret().secret_id(name).send().await {
            Ok(secret) => Ok(secret.deleted_date().is_none()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeSecretError::is_resource_not_found_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(DESCRIBE_SECRET.failed(error)),
        }
    }
}
