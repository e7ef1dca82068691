//! Image pushes, announced as ECR announces them.

use serde_json::Value;

use super::scope::Scope;
use super::upstream::{Reply, Upstream};
use super::{FrontDoor, Incoming, pass_on};
use crate::events::envelope;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

pub(crate) async fn put_image(
    door: &FrontDoor,
    upstream: &Upstream,
    scope: &Scope,
    incoming: Incoming,
) -> Result<Reply, reqwest::Error> {
    let reply = pass_on(upstream, incoming).await?;
    if let Some(output) = reply.json() {
        let image = &output["image"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let media_type = image["imageManifestMediaType"].as_str().unwrap_or(DOCKER_MANIFEST);
        let event = envelope::image_pushed(
            &scope.account,
            &scope.region,
            &text(&image["repositoryName"]),
            &text(&image["imageId"]["imageDigest"]),
            image["imageId"]["imageTag"].as_str(),
            media_type,
        );
        // Nobody listens only while everything is being stopped.
        let _ = door.events.send(event);
    }
    Ok(reply)
}
