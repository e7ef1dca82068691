//! What the emulator's ECR lacks or gets wrong: layers that are really kept, manifests whose layers must be there, and
//! errors for images that are not.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::PathBuf,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::store::digest_text;
use crate::{
    fresh::uuid,
    json_call::{CallError, JsonClient, Operation},
    refusal::Refusal,
    stand_in::{Answer, Call},
};

/// The last part of the `X-Amz-Target` prefix; the service in a signature is `ecr`.
pub const TARGET_PREFIX: &str = "AmazonEC2ContainerRegistry_V20150921";

const PART_BYTES: u64 = 10 * 1024 * 1024;

#[derive(Debug, Clone)]
pub struct Registry {
    root: PathBuf,
    emulator: JsonClient,
}

impl Registry {
    /// `root` keeps layers by account, region and repository; repositories and images stay the emulator's.
    pub fn new(root: PathBuf, emulator: &str) -> Self {
        Self { root, emulator: JsonClient::new(emulator) }
    }

    /// Our answer, or `None` when the emulator's own is right: a `PutImage` without fault is for it to take.
    pub async fn answer(&self, call: &Call) -> Option<Answer> {
        let answer = match call.action.as_str() {
            "InitiateLayerUpload" => self.initiate(call).await.map(Some),
            "UploadLayerPart" => self.part(call).map(Some),
            "CompleteLayerUpload" => self.complete(call).map(Some),
            "BatchCheckLayerAvailability" => self.availability(call).await.map(Some),
            "DescribeImages" => self.describe(call).await,
            "PutImage" => self.check(call).await.map(|()| None),
            _ => Ok(None),
        };
        match answer {
            Ok(value) => value.map(|value| Answer::json(200, &value)),
            Err(refusal) => Some(refusal.into()),
        }
    }

    /// A label of an image that was pushed here; none for any other image.
    pub(crate) async fn label(
        &self,
        account: &str,
        region: &str,
        repository: &str,
        digest: &str,
        name: &str,
    ) -> Option<Value> {
        let target = format!("{TARGET_PREFIX}.BatchGetImage");
        let operation = Operation { account, region, service: "ecr", target: &target };
        let ids = json!({ "repositoryName": repository, "imageIds": [{ "imageDigest": digest }] });
        let told = self.emulator.call(&operation, &ids).await.ok()?;
        let manifest: Value = serde_json::from_str(told["images"][0]["imageManifest"].as_str()?).ok()?;
        let config = self.blob(account, region, repository, manifest["config"]["digest"].as_str()?).ok()?;
        let config: Value = serde_json::from_slice(&fs::read(config).ok()?).ok()?;
        config["config"]["Labels"].get(name).cloned()
    }

    async fn initiate(&self, call: &Call) -> Result<Value, Refusal> {
        let asked: Named = read(call)?;
        self.forward(call, "DescribeRepositories", &json!({ "repositoryNames": [asked.repository_name] }))
            .await?;
        let id = uuid();
        let file = self.upload(call, &id)?;
        fs::create_dir_all(file.parent().unwrap_or(&self.root)).map_err(Refusal::internal)?;
        fs::write(&file, "").map_err(Refusal::internal)?;
        Ok(json!({ "uploadId": id, "partSize": PART_BYTES }))
    }

    fn part(&self, call: &Call) -> Result<Value, Refusal> {
        let asked: Part = read(call)?;
        let file = self.upload(call, &asked.upload_id)?;
        let known = match fs::metadata(&file) {
            Ok(metadata) => metadata.len(),
            Err(_) => return Err(no_upload(&asked.upload_id, &asked.repository_name)),
        };
        let bytes = STANDARD.decode(&asked.layer_part_blob).map_err(|error| invalid(error.to_string()))?;
        let last = asked.part_first_byte + (bytes.len() as u64).saturating_sub(1);
        if asked.part_first_byte != known || asked.part_last_byte != last {
            return Err(Refusal::new(
                "InvalidLayerPartException",
                format!(
                    "The part begins at {} and ends at {last}; {known} bytes were received",
                    asked.part_first_byte
                ),
            ));
        }
        let mut file = OpenOptions::new().append(true).open(file).map_err(Refusal::internal)?;
        file.write_all(&bytes).map_err(Refusal::internal)?;
        Ok(json!({
            "registryId": call.account, "repositoryName": asked.repository_name,
            "uploadId": asked.upload_id, "lastByteReceived": asked.part_last_byte,
        }))
    }

    fn complete(&self, call: &Call) -> Result<Value, Refusal> {
        let asked: Complete = read(call)?;
        let digest = asked.layer_digests.first().ok_or_else(|| invalid("layerDigests is empty".into()))?;
        let upload = self.upload(call, &asked.upload_id)?;
        let Ok(mut file) = fs::File::open(&upload) else {
            return Err(no_upload(&asked.upload_id, &asked.repository_name));
        };
        let mut hash = Sha256::new();
        let size = io::copy(&mut file, &mut Into { hash: &mut hash }).map_err(Refusal::internal)?;
        if size == 0 {
            return Err(Refusal::new("EmptyUploadException", "The upload has no content"));
        }
        let found = digest_text(&hash.finalize());
        if found != *digest {
            return Err(Refusal::new("InvalidLayerException", format!("The layer is {found}, not {digest}")));
        }
        let blob = self.blob(&call.account, &call.region, &asked.repository_name, digest)?;
        if blob.exists() {
            fs::remove_file(&upload).map_err(Refusal::internal)?;
            let name = asked.repository_name;
            let told =
                format!("Layer with digest '{digest}' already exists in the repository with name '{name}'");
            return Err(Refusal::new("LayerAlreadyExistsException", told));
        }
        fs::create_dir_all(blob.parent().unwrap_or(&self.root)).map_err(Refusal::internal)?;
        fs::rename(&upload, &blob).map_err(Refusal::internal)?;
        Ok(json!({
            "registryId": call.account, "repositoryName": asked.repository_name,
            "uploadId": asked.upload_id, "layerDigest": digest,
        }))
    }

    async fn availability(&self, call: &Call) -> Result<Value, Refusal> {
        let asked: Layers = read(call)?;
        self.forward(call, "DescribeRepositories", &json!({ "repositoryNames": [asked.repository_name] }))
            .await?;
        let mut layers = Vec::new();
        for digest in &asked.layer_digests {
            let size = fs::metadata(self.blob(&call.account, &call.region, &asked.repository_name, digest)?).map(|file| file.len());
            layers.push(match size {
                Ok(size) => {
                    json!({ "layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size })
                }
                Err(_) => json!({ "layerDigest": digest, "layerAvailability": "UNAVAILABLE" }),
            });
        }
        Ok(json!({ "layers": layers, "failures": [] }))
    }

    /// The emulator leaves out what it does not find; AWS refuses.
    async fn describe(&self, call: &Call) -> Result<Option<Value>, Refusal> {
        let asked: Describe = read(call)?;
        if asked.image_ids.is_empty() {
            return Ok(None);
        }
        let body = serde_json::from_slice(&call.body).map_err(|error| invalid(error.to_string()))?;
        let told = self.forward(call, "DescribeImages", &body).await?;
        let details = told["imageDetails"].as_array();
        for id in &asked.image_ids {
            let is_it = |detail: &Value| {
                let tag_is = |tag: &String| {
                    detail["imageTags"].as_array().is_some_and(|tags| tags.iter().any(|one| one == tag))
                };
                id.image_tag.as_ref().is_none_or(tag_is)
                    && id.image_digest.as_ref().is_none_or(|digest| detail["imageDigest"] == digest.as_str())
            };
            if !details.is_some_and(|details| details.iter().any(is_it)) {
                return Err(Refusal::new(
                    "ImageNotFoundException",
                    format!(
                        "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the \
                         repository with name '{}' in the registry with id '{}'",
                        id.image_digest.as_deref().unwrap_or("null"),
                        id.image_tag.as_deref().unwrap_or("null"),
                        asked.repository_name,
                        call.account,
                    ),
                ));
            }
        }
        Ok(Some(told))
    }

    /// What ECR refuses to take.
    async fn check(&self, call: &Call) -> Result<(), Refusal> {
        let asked: Put = read(call)?;
        let name = &asked.repository_name;
        let digest = digest_text(&Sha256::digest(&asked.image_manifest));
        if let Some(stated) = asked.image_digest.as_ref().filter(|stated| **stated != digest) {
            let told = format!("The manifest's digest is {digest}, not {stated}");
            return Err(Refusal::new("ImageDigestDoesNotMatchException", told));
        }
        let told = self.forward(call, "DescribeRepositories", &json!({ "repositoryNames": [name] })).await?;
        let manifest: Value = serde_json::from_str(&asked.image_manifest)
            .map_err(|error| invalid(format!("imageManifest: {error}")))?;
        self.check_layers(call, name, &manifest)?;

        let Some(tag) = &asked.image_tag else { return Ok(()) };
        let ids = json!({ "repositoryName": name, "imageIds": [{ "imageTag": tag }] });
        let known = self.forward(call, "DescribeImages", &ids).await?;
        let Some(known) = known["imageDetails"][0]["imageDigest"].as_str() else { return Ok(()) };
        let account = &call.account;
        if known == digest {
            return Err(Refusal::new(
                "ImageAlreadyExistsException",
                format!(
                    "Image with digest '{digest}' and tag '{tag}' already exists in the repository with name \
                     '{name}' in registry with id '{account}'"
                ),
            ));
        }
        let mutability = told["repositories"][0]["imageTagMutability"].as_str().unwrap_or_default();
        if mutability.starts_with("IMMUTABLE") {
            return Err(Refusal::new(
                "ImageTagAlreadyExistsException",
                format!(
                    "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten \
                     because the tag is immutable."
                ),
            ));
        }
        Ok(())
    }

    fn check_layers(&self, call: &Call, name: &str, manifest: &Value) -> Result<(), Refusal> {
        let layers = manifest["layers"].as_array().into_iter().flatten();
        let config = Some(&manifest["config"]).filter(|config| config.is_object());
        let mut missing = Vec::new();
        for digest in layers.chain(config).filter_map(|blob| blob["digest"].as_str()) {
            if !self.blob(&call.account, &call.region, name, digest)?.exists() {
                missing.push(digest);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let told = format!(
            "Layers with digests '{missing:?}' required for pushing image into repository with name '{name}' are missing"
        );
        Err(Refusal::new("LayersNotFoundException", told))
    }

    async fn forward(&self, call: &Call, action: &str, body: &Value) -> Result<Value, Refusal> {
        let target = format!("{TARGET_PREFIX}.{action}");
        let operation =
            Operation { account: &call.account, region: &call.region, service: "ecr", target: &target };
        self.emulator.call(&operation, body).await.map_err(|error| match error {
            CallError::Refused { kind, message } if kind == "RepositoryNotFoundException" => {
                Refusal::new("RepositoryNotFoundException", message)
            }
            CallError::Refused { kind, message } => invalid(format!("{kind}: {message}")),
            error @ CallError::Unreachable { .. } => Refusal::internal(error),
        })
    }

    fn folder(&self, account: &str, region: &str) -> PathBuf {
        self.root.join(account).join(region)
    }

    fn upload(&self, call: &Call, id: &str) -> Result<PathBuf, Refusal> {
        let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain.then(|| self.folder(&call.account, &call.region).join("uploads").join(id)).ok_or_else(|| no_upload(id, ""))
    }

    fn blob(&self, account: &str, region: &str, repository: &str, digest: &str) -> Result<PathBuf, Refusal> {
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid(format!("{digest:?} is not a digest")));
        }
        let part = |part: &str| part.starts_with(|c: char| c.is_ascii_alphanumeric()) && !part.contains('\\');
        if !repository.split('/').all(part) {
            return Err(invalid(format!("{repository:?} is not the name of a repository")));
        }
        Ok(self.folder(account, region).join("layers").join(repository).join("sha256").join(hex))
    }
}

/// Hashes what is written.
struct Into<'a> {
    hash: &'a mut Sha256,
}

impl Write for Into<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn no_upload(id: &str, repository: &str) -> Refusal {
    let told =
        format!("The upload with id '{id}' does not exist for the repository with name '{repository}'");
    Refusal::new("UploadNotFoundException", told)
}

fn invalid(message: String) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

fn read<'a, T: Deserialize<'a>>(call: &'a Call) -> Result<T, Refusal> {
    serde_json::from_slice(&call.body).map_err(|error| invalid(format!("{}: {error}", call.action)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    repository_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    repository_name: String,
    upload_id: String,
    part_first_byte: u64,
    part_last_byte: u64,
    layer_part_blob: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complete {
    repository_name: String,
    upload_id: String,
    layer_digests: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layers {
    repository_name: String,
    layer_digests: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Describe {
    repository_name: String,
    #[serde(default)]
    image_ids: Vec<ImageId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageId {
    image_tag: Option<String>,
    image_digest: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Put {
    repository_name: String,
    image_manifest: String,
    image_tag: Option<String>,
    image_digest: Option<String>,
}
