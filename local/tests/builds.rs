//! A push, a build of it by the product's own buildspec with the build tool as `docker` and `aws`, and the image in
//! the registry. The emulator is a small one of our own.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use local::{
    codebuild::{CodeBuild, Settings},
    codecommit::CodeCommit,
    images::Registry,
    stand_in::{Answer, Call, ServiceEvent},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{self, UnboundedReceiver};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";
const REGISTRY: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com";

/// The product's own: the text block of `BuildSpec` in `template.yaml`.
fn buildspec() -> String {
    let template = include_str!("../../template.yaml");
    let (before, block) = template.split_once("BuildSpec: |\n").expect("a buildspec in template.yaml");
    let indent = before.len() - before.rfind('\n').map_or(0, |end| end + 1);
    let inside = |line: &&str| line.trim().is_empty() || line.starts_with(&" ".repeat(indent + 1));
    block
        .lines()
        .take_while(inside)
        .map(|line| line.get(indent + 2..).unwrap_or_default().to_owned() + "\n")
        .collect()
}

/// What the emulator knows: one immutable repository `team/payments`, its images by tag, and the project.
type Images = Arc<Mutex<BTreeMap<String, String>>>;

#[derive(Clone)]
struct Door {
    registry: Registry,
    images: Images,
}

struct World {
    code_commit: CodeCommit,
    code_build: CodeBuild,
    events: UnboundedReceiver<ServiceEvent>,
    door: String,
    images: Images,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let images = Images::default();
        let emulator = serve(Router::new().route("/", post(emulator)).with_state(Arc::clone(&images))).await;
        let registry = Registry::new(folder.path().join("layers"), &emulator);
        let state = Door { registry, images: Arc::clone(&images) };
        let door = serve(Router::new().route("/", post(front_door)).with_state(state)).await;
        let (sender, events) = mpsc::unbounded_channel();
        let repositories = folder.path().join("repositories");
        let code_commit = CodeCommit::new(repositories.clone(), sender.clone());
        code_commit.create(ACCOUNT, REGION, "payments").await.unwrap();
        let settings = Settings {
            endpoint: door.clone(),
            emulator,
            work: folder.path().join("builds"),
            tool: env!("CARGO_BIN_EXE_tidegate-build-tool").into(),
            repositories,
            minute: Duration::from_secs(60),
        };
        let code_build = CodeBuild::new(settings, sender).unwrap();
        Self { code_commit, code_build, events, door, images, folder }
    }

    fn push(&self, files: &[(&str, &str)]) -> String {
        let work = self.folder.path().join("work");
        if !work.exists() {
            std::fs::create_dir(&work).unwrap();
            git(&work, &["init", "--quiet", "--initial-branch=main"]);
        }
        for (name, content) in files {
            std::fs::write(work.join(name), content).unwrap();
        }
        git(&work, &["add", "--all"]);
        git(&work, &["commit", "--quiet", "--message", "A change"]);
        let target = self.code_commit.path(ACCOUNT, "payments");
        git(&work, &["push", "--quiet", target.to_str().unwrap(), "main"]);
        git(&work, &["rev-parse", "HEAD"])
    }

    async fn event(&mut self) -> ServiceEvent {
        tokio::time::timeout(Duration::from_secs(60), self.events.recv()).await.expect("an event").unwrap()
    }

    /// Builds the commit under the tag: what the API tells in the end, and the log.
    async fn build(&mut self, commit: &str, tag: &str) -> (Value, String) {
        let told = self
            .ask("StartBuild", json!({
                "projectName": "images",
                "sourceTypeOverride": "CODECOMMIT",
                "sourceLocationOverride": "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/payments",
                "sourceVersion": commit,
                "environmentVariablesOverride": [
                    { "name": "TIDEGATE_BUILD", "value": tag, "type": "PLAINTEXT" },
                    { "name": "TIDEGATE_IMAGE_REPOSITORY", "value": format!("{REGISTRY}/team/payments"), "type": "PLAINTEXT" },
                ],
            }))
            .await;
        let id = told["build"]["id"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
        while self.event().await.detail["build-status"] == "IN_PROGRESS" {}
        let build = self.ask("BatchGetBuilds", json!({ "ids": [id] })).await["builds"][0].clone();
        let log = std::fs::read_to_string(self.code_build.log_file(ACCOUNT, &id).unwrap()).unwrap();
        (build, log)
    }

    async fn ask(&self, action: &str, body: Value) -> Value {
        let answer = self.code_build.answer(&call("codebuild", action, body.to_string().into())).await;
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// A tool run by hand, outside of a build.
    async fn tool(&self, line: &str) -> (bool, String) {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tidegate-build-tool"));
        command
            .args(line.split(' '))
            .current_dir(self.folder.path().join("work"))
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_REGION", REGION)
            .env("AWS_ENDPOINT_URL", &self.door)
            .env("TIDEGATE_LOCAL_IMAGES", self.folder.path().join("by-hand"));
        let output = command.output().await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }
}

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Parts of layers are larger than axum's own limit.
    let app = app.layer(axum::extract::DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

fn call(service: &str, action: &str, body: Bytes) -> Call {
    let (account, region) = (ACCOUNT.to_owned(), REGION.to_owned());
    Call { account, region, service: service.into(), action: action.into(), headers: HeaderMap::new(), body }
}

async fn front_door(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let scope = headers["authorization"].to_str().unwrap();
    assert!(
        scope.contains(&format!("Credential={ACCOUNT}/")) && scope.contains("/eu-central-1/ecr/"),
        "{scope}"
    );
    let action = action(&headers);
    let call = call("ecr", &action, body);
    let answer = match door.registry.answer(&call).await {
        Some(answer) => answer,
        None => emulate(&door.images, &action, &serde_json::from_slice(&call.body).unwrap()),
    };
    (axum::http::StatusCode::from_u16(answer.status).unwrap(), answer.body)
}

async fn emulator(State(images): State<Images>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let answer = emulate(&images, &action(&headers), &serde_json::from_slice(&body).unwrap());
    (axum::http::StatusCode::from_u16(answer.status).unwrap(), answer.body)
}

fn action(headers: &HeaderMap) -> String {
    headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned()
}

fn emulate(images: &Images, action: &str, body: &Value) -> Answer {
    let told = match action {
        "BatchGetProjects" => json!({ "projects": [{
            "name": "images", "source": { "type": "NO_SOURCE", "buildspec": buildspec() }, "timeoutInMinutes": 60,
        }] }),
        "GetAuthorizationToken" => {
            json!({ "authorizationData": [{ "authorizationToken": "QVdTOnNlY3JldA==" }] })
        }
        "DescribeRepositories" if body["repositoryNames"] == json!(["team/payments"]) => {
            json!({ "repositories": [{ "repositoryName": "team/payments", "imageTagMutability": "IMMUTABLE" }] })
        }
        "DescribeRepositories" => {
            return Answer::error(400, "RepositoryNotFoundException", "no such repository");
        }
        "DescribeImages" => {
            let known = images.lock().unwrap();
            let tag = body["imageIds"][0]["imageTag"].as_str().unwrap_or_default();
            let detail = |digest: &String| json!({ "imageDigest": digest, "imageTags": [tag] });
            json!({ "imageDetails": known.get(tag).map(detail).into_iter().collect::<Vec<_>>() })
        }
        "PutImage" => {
            let text = |name: &str| body[name].as_str().unwrap().to_owned();
            images.lock().unwrap().insert(text("imageTag"), text("imageDigest"));
            json!({})
        }
        _ => json!({}),
    };
    Answer::json(200, &told)
}

fn git(work: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(work)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["-c", "user.name=ana", "-c", "user.email=ana@example.com"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_push_becomes_an_image_whose_digest_the_build_exports() {
    let mut world = World::new().await;
    let commit = world.push(&[("Dockerfile", "FROM debian:12\nCOPY . /app\nRUN make\n"), ("main.c", "1")]);
    let (build, log) = world.build(&commit, "tg-1").await;
    assert_eq!(build["buildStatus"], "SUCCEEDED", "{log}");
    let digest = world.images.lock().unwrap()["tg-1"].clone();
    assert_eq!(
        build["exportedEnvironmentVariables"],
        json!([{ "name": "TIDEGATE_DIGEST", "value": digest }])
    );
    assert!(log.contains("RUN make (not executed locally)"), "{log}");

    // The same commit again is the same image; another commit is another.
    let (_, log) = world.build(&commit, "tg-2").await;
    assert_eq!(world.images.lock().unwrap()["tg-2"], digest, "{log}");
    let commit = world.push(&[("main.c", "2")]);
    world.build(&commit, "tg-3").await;
    assert_ne!(world.images.lock().unwrap()["tg-3"], digest);
}

#[tokio::test]
async fn a_tag_that_is_taken_and_an_unusable_dockerfile_fail_the_build() {
    let mut world = World::new().await;
    let commit = world.push(&[("Dockerfile", "FROM debian:12\n"), ("main.c", "1")]);
    world.images.lock().unwrap().insert("tg-1".into(), "sha256:another".into());
    let (build, log) = world.build(&commit, "tg-1").await;
    assert_eq!(build["buildStatus"], "FAILED", "{log}");
    let reason = build["phases"][6]["contexts"][0]["message"].as_str().unwrap();
    assert!(reason.contains("tag invalid: The image tag 'tg-1' already exists"), "{reason}");

    let commit = world.push(&[("Dockerfile", "FROM debian:12\nCOPY gone /\n")]);
    let (build, _) = world.build(&commit, "tg-2").await;
    assert_eq!(build["phases"][6]["phaseStatus"], "FAILED");
    let reason = build["phases"][6]["contexts"][0]["message"].as_str().unwrap();
    assert!(reason.starts_with("Error while executing command: docker build"), "{reason}");
    assert!(reason.ends_with("\"/gone\": not found"), "{reason}");
    assert_eq!(build["exportedEnvironmentVariables"], json!([]));
}

#[tokio::test]
async fn the_registry_takes_only_what_is_whole() {
    let world = World::new().await;
    world.push(&[("Dockerfile", "FROM scratch\nCOPY . /\n"), ("main.c", "1")]);
    let (ok, text) = world.tool(&format!("docker build -q -t {REGISTRY}/team/payments:one -t here .")).await;
    assert!(ok, "{text}");
    let (ok, text) = world.tool(&format!("docker push {REGISTRY}/team/payments:one")).await;
    assert!(!ok && text.contains("no basic auth credentials"), "{text}");
    let (ok, text) = world.tool(&format!("docker login --username AWS --password secret {REGISTRY}")).await;
    assert!(ok, "{text}");
    let (ok, text) = world.tool("docker push here").await;
    assert!(!ok && text.contains("push access denied"), "{text}");
    world.tool(&format!("docker tag here {REGISTRY}/team/orders:one")).await;
    let (ok, text) = world.tool(&format!("docker push {REGISTRY}/team/orders:one")).await;
    assert!(!ok && text.contains("name unknown"), "{text}");
    // Twice: the second finds everything there.
    for _ in 0..2 {
        let (ok, text) = world.tool(&format!("docker push {REGISTRY}/team/payments:one")).await;
        assert!(ok, "{text}");
    }
    let digest = world.images.lock().unwrap()["one"].clone();
    let (_, text) = world.tool("docker inspect --format={{.RepoDigests}} here").await;
    assert_eq!(text.trim(), format!("[\"{REGISTRY}/team/payments@{digest}\"]"));

    let lines = "ecr describe-images --repository-name team/payments --image-ids imageTag=two";
    let (ok, text) = world.tool(&format!("aws {lines}")).await;
    assert!(!ok && text.contains("(ImageNotFoundException)"), "{text}");

    let registry = Registry::new(world.folder.path().join("layers"), &world.door);
    for (manifest, digest, kind) in [
        (json!({ "layers": [{ "digest": format!("sha256:{:064}", 1) }] }), None, "LayersNotFoundException"),
        (json!({ "layers": [] }), Some("sha256:1"), "ImageDigestDoesNotMatchException"),
    ] {
        let mut body = json!({ "repositoryName": "team/payments", "imageManifest": manifest.to_string(), "imageTag": "x" });
        if let Some(digest) = digest {
            body["imageDigest"] = digest.into();
        }
        let answer = registry.answer(&call("ecr", "PutImage", body.to_string().into())).await.unwrap();
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(told["__type"], kind);
    }
}
