//! `docker push` through ECR's own API: every blob that the registry lacks, then the manifest under its tag.

use std::{fs::File, io::Read};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{build::MANIFEST_TYPE, environment::Environment, reference::Reference, store::Store};
use crate::json_call::CallError;

/// Source: ECR API, UploadLayerPart: parts of 5 MiB at least, but for the last.
const PART_BYTES: usize = 5 * 1024 * 1024;

pub(super) async fn push(
    environment: &Environment,
    store: &Store,
    reference: &Reference,
) -> Result<(), String> {
    let broken = |error: std::io::Error| error.to_string();
    let registry = reference.registry.as_deref().ok_or_else(|| {
        format!(
            "push access denied for {}: a local build pushes to its own registry of ECR",
            reference.repository
        )
    })?;
    if !store.is_logged_in(registry).map_err(broken)? {
        return Err(format!("{registry}: no basic auth credentials"));
    }
    let known = store.find(&reference.to_string()).map_err(broken)?;
    let digest =
        known.ok_or_else(|| format!("An image does not exist locally with the tag: {}", reference.name()))?;
    println!("The push refers to repository [{}]", reference.name());

    let bytes = store.read(&digest).map_err(broken)?;
    let manifest: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let blobs: Vec<&str> =
        layers.chain([&manifest["config"]]).filter_map(|blob| blob["digest"].as_str()).collect();
    for blob in missing(environment, reference, &blobs).await? {
        upload(environment, store, reference, &blob).await?;
        println!("{}: Pushed", short(&blob));
    }
    put(environment, reference, &bytes, &digest).await?;
    store.note_pushed(reference, &digest).map_err(broken)?;
    println!("{}: digest: {digest} size: {}", reference.tag, bytes.len());
    Ok(())
}

async fn missing(
    environment: &Environment,
    reference: &Reference,
    blobs: &[&str],
) -> Result<Vec<String>, String> {
    let body = json!({ "repositoryName": reference.repository, "layerDigests": blobs });
    let told = environment.ecr("BatchCheckLayerAvailability", &body).await.map_err(plain)?;
    let layers = told["layers"].as_array();
    let available = |blob: &str| {
        let is_it = |layer: &Value| layer["layerDigest"] == blob && layer["layerAvailability"] == "AVAILABLE";
        layers.is_some_and(|layers| layers.iter().any(is_it))
    };
    let mut missing = Vec::new();
    for blob in blobs {
        if !available(blob) && !missing.iter().any(|known| known == blob) {
            missing.push((*blob).to_owned());
        }
    }
    Ok(missing)
}

async fn upload(
    environment: &Environment,
    store: &Store,
    reference: &Reference,
    blob: &str,
) -> Result<(), String> {
    let repository = &reference.repository;
    let begun = environment.ecr("InitiateLayerUpload", &json!({ "repositoryName": repository })).await;
    let begun = begun.map_err(plain)?;
    let id = begun["uploadId"].as_str().ok_or("ECR began an upload without an id")?;
    let mut file = File::open(store.path(blob)).map_err(|error| error.to_string())?;
    let mut first = 0;
    loop {
        let mut part = Vec::new();
        let limited = (&mut file).take(PART_BYTES as u64).read_to_end(&mut part);
        limited.map_err(|error| error.to_string())?;
        if part.is_empty() {
            break;
        }
        let body = json!({
            "repositoryName": repository, "uploadId": id,
            "partFirstByte": first, "partLastByte": first + part.len() - 1,
            "layerPartBlob": STANDARD.encode(&part),
        });
        environment.ecr("UploadLayerPart", &body).await.map_err(plain)?;
        first += part.len();
    }
    let body = json!({ "repositoryName": repository, "uploadId": id, "layerDigests": [blob] });
    match environment.ecr("CompleteLayerUpload", &body).await {
        Ok(_) => Ok(()),
        Err(CallError::Refused { kind, .. }) if kind == "LayerAlreadyExistsException" => Ok(()),
        Err(error) => Err(plain(error)),
    }
}

async fn put(
    environment: &Environment,
    reference: &Reference,
    manifest: &[u8],
    digest: &str,
) -> Result<(), String> {
    let body = json!({
        "repositoryName": reference.repository,
        "imageManifest": String::from_utf8_lossy(manifest),
        "imageManifestMediaType": MANIFEST_TYPE,
        "imageTag": reference.tag,
        "imageDigest": digest,
    });
    match environment.ecr("PutImage", &body).await {
        Ok(_) => Ok(()),
        // The very same image under the very same tag: docker, too, calls that pushed.
        Err(CallError::Refused { kind, .. }) if kind == "ImageAlreadyExistsException" => Ok(()),
        Err(error) => Err(plain(error)),
    }
}

/// As docker puts what the registry answered.
fn plain(error: CallError) -> String {
    match error {
        CallError::Refused { kind, message } => match kind.as_str() {
            "RepositoryNotFoundException" => format!("name unknown: {message}"),
            "ImageTagAlreadyExistsException" => format!("tag invalid: {message}"),
            _ => format!("{kind}: {message}"),
        },
        error @ CallError::Unreachable { .. } => error.to_string(),
    }
}

fn short(digest: &str) -> &str {
    digest.get("sha256:".len()..).and_then(|hex| hex.get(..12)).unwrap_or(digest)
}
