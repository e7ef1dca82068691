//! What a build gives its tools: where to call, as whom, and where images are kept.

use std::{env, path::PathBuf};

use serde_json::Value;

use crate::json_call::{CallError, JsonClient, Operation};

#[derive(Debug)]
pub(super) struct Environment {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) endpoint: String,
    pub(super) images: PathBuf,
}

impl Environment {
    pub(super) fn read() -> Result<Self, String> {
        let get = |name: &str| {
            env::var(name).map_err(|_| format!("{name} is not set: this runs inside a local build"))
        };
        Ok(Self {
            account: get("AWS_ACCESS_KEY_ID")?,
            region: get("AWS_REGION")?,
            endpoint: get("AWS_ENDPOINT_URL")?,
            images: get("TIDEGATE_LOCAL_IMAGES")?.into(),
        })
    }

    /// An ECR call; the registry's account and region are those of the image's name.
    pub(super) async fn ecr(&self, action: &str, body: &Value) -> Result<Value, CallError> {
        let target = format!("AmazonEC2ContainerRegistry_V20150921.{action}");
        let operation =
            Operation { account: &self.account, region: &self.region, service: "ecr", target: &target };
        JsonClient::new(&self.endpoint).call(&operation, body).await
    }
}
