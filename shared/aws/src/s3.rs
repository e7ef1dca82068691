//! The artifact bucket: the templates that releases are rendered from, and the rendered ones.

use aws_config::SdkConfig;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use engine::failure::Failure;
use engine::ports::Templates;

use crate::failure::Call;
use crate::{Aws, Settings};

const GET_OBJECT: Call = Call::reads("s3 GetObject");
const PUT_OBJECT: Call = Call::changes("s3 PutObject");

const BUCKET: &str = "TIDEGATE_ARTIFACT_BUCKET";

/// S3, and where it answers when that is not AWS.
pub(crate) struct Bucket {
    client: aws_sdk_s3::Client,
    endpoint: Option<String>,
}

impl Bucket {
    pub(crate) fn new(config: &SdkConfig, settings: &Settings) -> Self {
        let endpoint = settings.optional("AWS_ENDPOINT_URL_S3").or(config.endpoint_url()).map(str::to_owned);
        // Elsewhere than at AWS, a bucket is seldom a host name.
        let path_style = endpoint.is_some();
        let config = aws_sdk_s3::config::Builder::from(config).force_path_style(path_style).build();
        Self { client: aws_sdk_s3::Client::from_conf(config), endpoint }
    }
}

impl Templates for Aws {
    async fn base_template(&self, key: &str) -> Result<Option<String>, Failure> {
        let bucket = self.settings.required(BUCKET)?;
        let answer = match self.s3.client.get_object().bucket(bucket).key(key).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                return Ok(None);
            }
            Err(error) => return Err(GET_OBJECT.failed(error)),
        };
        let bytes = answer.body.collect().await.map_err(|error| GET_OBJECT.unanswered(error))?;
        String::from_utf8(bytes.to_vec())
            .map(Some)
            .map_err(|error| GET_OBJECT.refused(format!("{bucket}/{key} is not text: {error}")))
    }

    async fn store_template(&self, sha256: &str, body: &str) -> Result<String, Failure> {
        let bucket = self.settings.required(BUCKET)?;
        let key = format!("templates/{sha256}.json");
        self.s3
            .client
            .put_object()
            .bucket(bucket)
            .key(&key)
            .content_type("application/json")
            .body(ByteStream::from(body.as_bytes().to_vec()))
            .send()
            .await
            .map_err(|error| PUT_OBJECT.failed(error))?;
        Ok(url(self.s3.endpoint.as_deref(), bucket, &key, &self.region, self.dns_suffix()))
    }
}

/// Where CloudFormation finds the object.
fn url(endpoint: Option<&str>, bucket: &str, key: &str, region: &str, dns_suffix: &str) -> String {
    match endpoint {
        Some(endpoint) => format!("{}/{bucket}/{key}", endpoint.trim_end_matches('/')),
        None => format!("https://{bucket}.s3.{region}.{dns_suffix}/{key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_found_at_the_bucket_s_host() {
        assert_eq!(
            url(None, "artifacts", "templates/ab.json", "eu-west-1", "amazonaws.com"),
            "https://artifacts.s3.eu-west-1.amazonaws.com/templates/ab.json"
        );
        assert_eq!(
            url(None, "artifacts", "templates/ab.json", "cn-north-1", "amazonaws.com.cn"),
            "https://artifacts.s3.cn-north-1.amazonaws.com.cn/templates/ab.json"
        );
    }

    #[test]
    fn another_endpoint_is_addressed_by_path() {
        for endpoint in ["http://127.0.0.1:4566", "http://127.0.0.1:4566/"] {
            assert_eq!(
                url(Some(endpoint), "artifacts", "templates/ab.json", "eu-west-1", "amazonaws.com"),
                "http://127.0.0.1:4566/artifacts/templates/ab.json"
            );
        }
    }
}
