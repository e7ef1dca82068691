//! `template.yaml` and the user's stacks, deployed into one account of the local AWS.

mod bundle;
mod code_uri;
mod stack;

use std::path::{Path, PathBuf};

use aws::sdk::s3::primitives::ByteStream;
use aws::sdk::s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

pub use stack::Outputs;
pub(crate) use stack::{delete, deploy, outputs};

use crate::problem::Problem;

/// Where the functions' code is in the bucket for code.
pub(crate) const FUNCTIONS: &str = "functions/";

/// The clients that deploying needs, and where its templates go.
#[derive(Debug, Clone)]
pub(crate) struct Installer {
    pub(crate) endpoint: String,
    pub(crate) bucket: String,
    pub(crate) s3: aws::sdk::s3::Client,
    pub(crate) cloudformation: aws::sdk::cloudformation::Client,
}

impl Installer {
    pub(crate) async fn make_bucket(&self) -> Result<(), Problem> {
        if self.s3.head_bucket().bucket(&self.bucket).send().await.is_ok() {
            return Ok(());
        }
        let here = BucketLocationConstraint::from(aws::client::LOCAL_REGION);
        let place = CreateBucketConfiguration::builder().location_constraint(here).build();
        let create = self.s3.create_bucket().bucket(&self.bucket).create_bucket_configuration(place);
        let made = create.send().await;
        made.map(|_| ()).map_err(|error| Problem::refused("making a bucket for code")(&error))
    }

    /// Deploys a SAM template whose functions are the binaries in that folder.
    pub(crate) async fn application(
        &self,
        stack: &str,
        template: &Path,
        binaries: &Path,
        home: &Path,
        parameters: &[(&str, &str)],
    ) -> Result<Outputs, Problem> {
        let text = std::fs::read_to_string(template).map_err(Problem::file(template))?;
        let functions = code_uri::functions(&text)
            .map_err(|what| Problem::Template { template: template.to_path_buf(), what })?;
        let mut uris = Vec::new();
        for function in functions {
            let binary: PathBuf = binaries.join(&function.binary);
            let bundle = bundle::bundle(&function.logical_id, &binary, home).await?;
            self.put(&self.bucket, &bundle.key, bundle.zip).await?;
            uris.push((function.logical_id, format!("s3://{}/{}", self.bucket, bundle.key)));
        }
        let uri_of = |id: &str| uris.iter().find(|(function, _)| function == id).map(|(_, uri)| uri.clone());
        self.template(stack, &code_uri::rewrite(&text, uri_of), parameters).await
    }

    /// Deploys a template's text.
    pub(crate) async fn template(
        &self,
        stack: &str,
        text: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Outputs, Problem> {
        let key = format!("templates/{stack}-{:016x}.yaml", crate::fresh::number());
        self.put(&self.bucket, &key, text.as_bytes().to_vec()).await?;
        let url = format!("{}/{}/{key}", self.endpoint, self.bucket);
        deploy(&self.cloudformation, stack, &url, parameters).await
    }

    /// Deletes every object under a prefix of the bucket for code.
    pub(crate) async fn forget(&self, prefix: &str) -> Result<(), Problem> {
        let refused =
            |error: &dyn std::error::Error| Problem::refused(format!("emptying s3://{}", self.bucket))(error);
        let listed = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix).send().await;
        for object in listed.map_err(|error| refused(&error))?.contents() {
            let Some(key) = object.key() else { continue };
            let deleted = self.s3.delete_object().bucket(&self.bucket).key(key).send().await;
            deleted.map_err(|error| refused(&error))?;
        }
        Ok(())
    }

    pub(crate) async fn put(&self, bucket: &str, key: &str, bytes: Vec<u8>) -> Result<(), Problem> {
        let put = self.s3.put_object().bucket(bucket).key(key).body(ByteStream::from(bytes)).send().await;
        put.map(|_| ()).map_err(|error| Problem::refused(format!("storing s3://{bucket}/{key}"))(&error))
    }
}
