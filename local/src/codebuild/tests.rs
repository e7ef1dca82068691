use std::{fs, path::Path, time::Duration};

use axum::{Router, routing::post};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::{CodeBuild, Settings};
use crate::{
    codecommit::{CodeCommit, git_command},
    stand_in::{Call, Events, ServiceEvent},
};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";

struct World {
    code_build: CodeBuild,
    events: UnboundedReceiver<ServiceEvent>,
    settings: Settings,
    commit: String,
    folder: TempDir,
}

impl World {
    /// A repository with one commit, and a project named `images` with this buildspec.
    async fn new(buildspec: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repositories = folder.path().join("repositories");
        let (sender, events) = mpsc::unbounded_channel();
        let commit = repository(folder.path(), &repositories, sender.clone()).await;
        // The tool is not run here; it only has to be there.
        let tool = folder.path().join("tool");
        fs::write(&tool, "").unwrap();
        let settings = Settings {
            endpoint: "http://127.0.0.1:1".into(),
            emulator: emulator(buildspec).await,
            work: folder.path().join("builds"),
            tool,
            repositories,
            minute: Duration::from_secs(60),
        };
        let code_build = CodeBuild::new(settings.clone(), sender).unwrap();
        Self { code_build, events, settings, commit, folder }
    }

    async fn ask(&self, action: &str, body: Value) -> Value {
        let answer = self.code_build.answer(&call(action, &body)).await;
        serde_json::from_slice(&answer.body).unwrap()
    }

    fn request(&self, token: &str) -> Value {
        json!({
            "projectName": "images",
            "idempotencyToken": token,
            "sourceTypeOverride": "CODECOMMIT",
            "sourceLocationOverride": "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/payments",
            "sourceVersion": self.commit,
            "serviceRoleOverride": "arn:aws:iam::111122223333:role/tidegate/build/payments",
            "environmentVariablesOverride": [
                { "name": "TIDEGATE_BUILD", "value": "tg-1", "type": "PLAINTEXT" },
                { "name": "PLACE", "value": "request", "type": "PLAINTEXT" },
            ],
        })
    }

    async fn start(&self) -> String {
        let told = self.ask("StartBuild", self.request("token")).await;
        told["build"]["id"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
    }

    async fn build(&self, id: &str) -> Value {
        self.ask("BatchGetBuilds", json!({ "ids": [id] })).await["builds"][0].clone()
    }

    async fn event(&mut self) -> ServiceEvent {
        tokio::time::timeout(Duration::from_secs(20), self.events.recv()).await.expect("an event").unwrap()
    }

    /// Runs one build to its end: what is then told of it, and its last event.
    async fn build_once(&mut self) -> (Value, ServiceEvent) {
        let id = self.start().await;
        let begun = self.event().await;
        assert_eq!(begun.detail["build-status"], "IN_PROGRESS");
        let ended = self.event().await;
        (self.build(&id).await, ended)
    }

    fn log(&self, build: &Value) -> String {
        let file = self.code_build.log_file(ACCOUNT, build["id"].as_str().unwrap()).unwrap();
        fs::read_to_string(file).unwrap()
    }
}

async fn repository(folder: &Path, repositories: &Path, events: Events) -> String {
    let code_commit = CodeCommit::new(repositories.to_owned(), events);
    let made = code_commit.create(ACCOUNT, REGION, "payments").await.unwrap();
    let work = folder.join("work");
    fs::create_dir(&work).unwrap();
    fs::write(work.join("greeting.txt"), "hello\n").unwrap();
    let git = async |arguments: &[&str]| {
        let output = git_command()
            .arg("-C")
            .arg(&work)
            .args(["-c", "user.name=ana", "-c", "user.email=ana@example.com"])
            .args(arguments)
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet", "--initial-branch=main"]).await;
    git(&["add", "--all"]).await;
    git(&["commit", "--quiet", "--message", "First"]).await;
    git(&["push", "--quiet", made.path.to_str().unwrap(), "main"]).await;
    git(&["rev-parse", "HEAD"]).await
}

/// Knows one project and takes logs.
async fn emulator(buildspec: &str) -> String {
    let project = json!({
        "name": "images",
        "source": { "type": "NO_SOURCE", "buildspec": buildspec },
        "environment": {
            "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL", "privilegedMode": "true",
            "environmentVariables": [
                { "name": "STAGE", "value": "project" },
                { "name": "PLACE", "value": "project" },
            ],
        },
        "serviceRole": "arn:aws:iam::111122223333:role/project",
        "timeoutInMinutes": 60,
    });
    let answer = move |body: String| async move {
        let asked: Value = serde_json::from_str(&body).unwrap();
        let known = asked["names"] == json!(["images"]);
        json!({ "projects": if known { vec![project] } else { vec![] } }).to_string()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    format!("http://{address}")
}

fn call(action: &str, body: &Value) -> Call {
    Call {
        account: ACCOUNT.into(),
        region: REGION.into(),
        service: "codebuild".into(),
        action: action.into(),
        headers: axum::http::HeaderMap::new(),
        body: body.to_string().into(),
    }
}

fn phases(build: &Value) -> Vec<String> {
    let name = |phase: &Value| {
        format!("{} {}", phase["phaseType"].as_str().unwrap(), phase["phaseStatus"].as_str().unwrap_or("-"))
    };
    build["phases"].as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn a_build_runs_the_buildspec_on_the_commit_and_exports_variables() {
    let mut world = World::new(
        r#"
version: 0.2
env:
  variables: { STAGE: buildspec, GREETING: none, MINE: buildspec }
  exported-variables: [DIGEST, MINE, NEVER_SET]
phases:
  install:
    commands: [cd "$CODEBUILD_SRC_DIR" && mkdir below && cd below]
  build:
    commands:
      - GREETING=$(cat ../greeting.txt)
      - |
        DIGEST="sha256:$GREETING $TIDEGATE_BUILD
        second line"
      - echo "at $CODEBUILD_RESOLVED_SOURCE_VERSION stage $STAGE place $PLACE succeeding $CODEBUILD_BUILD_SUCCEEDING as $AWS_ACCESS_KEY_ID"
      - test -z "$CARGO_MANIFEST_DIR"
      - command -v docker && command -v aws && echo "$PATH"
"#,
    )
    .await;
    let (build, event) = world.build_once().await;
    let log = world.log(&build);
    assert_eq!(build["buildStatus"], "SUCCEEDED", "{log}");
    assert_eq!(
        build["exportedEnvironmentVariables"],
        json!([
            { "name": "DIGEST", "value": "sha256:hello tg-1\nsecond line" },
            { "name": "MINE", "value": "buildspec" },
        ])
    );
    assert_eq!(build["resolvedSourceVersion"], world.commit.as_str());
    assert_eq!(build["serviceRole"], "arn:aws:iam::111122223333:role/tidegate/build/payments");
    let told = format!("at {} stage project place request succeeding 1 as {ACCOUNT}", world.commit);
    assert!(log.contains(&told), "{log}");
    assert_eq!(
        phases(&build),
        [
            "SUBMITTED SUCCEEDED",
            "QUEUED SUCCEEDED",
            "PROVISIONING SUCCEEDED",
            "DOWNLOAD_SOURCE SUCCEEDED",
            "INSTALL SUCCEEDED",
            "PRE_BUILD SUCCEEDED",
            "BUILD SUCCEEDED",
            "POST_BUILD SUCCEEDED",
            "UPLOAD_ARTIFACTS SUCCEEDED",
            "FINALIZING SUCCEEDED",
            "COMPLETED -",
        ]
    );

    assert_eq!(event.source, "aws.codebuild");
    assert_eq!(event.detail_type, "CodeBuild Build State Change");
    assert_eq!(event.resources, [build["arn"].as_str().unwrap()]);
    let detail = &event.detail;
    assert_eq!(detail["build-status"], "SUCCEEDED");
    assert_eq!(detail["build-id"], build["arn"]);
    assert_eq!(detail["current-phase"], "COMPLETED");
    assert_eq!(detail["current-phase-context"], "[]");
    let information = &detail["additional-information"];
    assert_eq!(information["build-complete"], true);
    assert_eq!(information["environment"]["privileged-mode"], true);
    assert_eq!(
        information["environment"]["environment-variables"],
        json!([
            { "name": "STAGE", "type": "PLAINTEXT", "value": "project" },
            { "name": "TIDEGATE_BUILD", "type": "PLAINTEXT", "value": "tg-1" },
            { "name": "PLACE", "type": "PLAINTEXT", "value": "request" },
        ])
    );
    assert_eq!(
        information["exported-environment-variables"][1],
        json!({ "name": "MINE", "value": "buildspec" })
    );
    assert_eq!(information["phases"][6]["phase-type"], "BUILD");
    assert_eq!(information["phases"][6]["phase-context"], json!([]));
}

#[tokio::test]
async fn after_a_failed_build_phase_post_build_still_runs_and_is_told_so() {
    let mut world = World::new(
        r#"
version: 0.2
env: { exported-variables: [LATE] }
phases:
  build:
    commands: [echo first, "echo 'no such file' >&2; exit 3", echo never]
    finally: [echo "finally $CODEBUILD_BUILD_SUCCEEDING"]
  post_build:
    commands: ["LATE=post$CODEBUILD_BUILD_SUCCEEDING"]
"#,
    )
    .await;
    let (build, event) = world.build_once().await;
    assert_eq!(build["buildStatus"], "FAILED");
    assert_eq!(build["exportedEnvironmentVariables"], json!([{ "name": "LATE", "value": "post0" }]));
    let message =
        "Error while executing command: echo 'no such file' >&2; exit 3. Reason: exit status 3\nno such file";
    assert_eq!(
        build["phases"][6]["contexts"],
        json!([{ "statusCode": "COMMAND_EXECUTION_ERROR", "message": message }])
    );
    assert_eq!(
        event.detail["additional-information"]["phases"][6]["phase-context"],
        json!([format!("COMMAND_EXECUTION_ERROR: {message}")])
    );
    assert_eq!(
        phases(&build)[6..],
        [
            "BUILD FAILED",
            "POST_BUILD SUCCEEDED",
            "UPLOAD_ARTIFACTS SUCCEEDED",
            "FINALIZING SUCCEEDED",
            "COMPLETED -"
        ]
    );
    let log = world.log(&build);
    assert!(log.contains("finally 0") && !log.contains("\nnever"), "{log}");
}

#[tokio::test]
async fn what_follows_a_failure_is_the_buildspecs_to_say() {
    for (phase, on_failure, last) in [
        ("install", "", "FINALIZING"),
        ("pre_build", "", "FINALIZING"),
        ("build", "on-failure: ABORT", "FINALIZING"),
        ("pre_build", "on-failure: CONTINUE", "BUILD"),
    ] {
        let spec = format!("version: 0.2\nphases:\n  {phase}:\n    commands: ['false']\n    {on_failure}\n");
        let (build, _) = World::new(&spec).await.build_once().await;
        assert_eq!(build["buildStatus"], "FAILED", "{phase} {on_failure}");
        let phases = phases(&build);
        let failed = phases.iter().position(|phase| phase.ends_with(" FAILED")).unwrap();
        assert_eq!(phases[failed + 1], format!("{last} SUCCEEDED"), "{phase} {on_failure}");
    }
}

#[tokio::test]
async fn a_source_or_buildspec_that_is_not_there_fails_the_download() {
    let mut world = World::new("version: 0.1\nphases: {}").await;
    let (build, _) = world.build_once().await;
    assert_eq!(build["phases"][3]["contexts"][0]["statusCode"], "YAML_FILE_ERROR");

    let mut world = World::new("elsewhere.yml").await;
    let (build, _) = world.build_once().await;
    assert_eq!(build["phases"][3]["contexts"][0]["message"], "stat elsewhere.yml: no such file or directory");

    let mut world = World::new("version: 0.2\nphases: {}").await;
    world.commit = "0123456789012345678901234567890123456789".into();
    let (build, event) = world.build_once().await;
    assert_eq!(build["buildStatus"], "FAILED");
    assert_eq!(build["phases"][3]["phaseType"], "DOWNLOAD_SOURCE");
    assert_eq!(build["phases"][3]["contexts"][0]["statusCode"], "CLIENT_ERROR");
    assert_eq!(event.detail["build-status"], "FAILED");
}

#[tokio::test]
async fn a_stopped_build_leaves_no_process_behind() {
    let mut world = World::new(
        "version: 0.2\nphases: { build: { commands: ['sleep 1000 & echo $! > ../pid; sleep 1000'] } }",
    )
    .await;
    let id = world.start().await;
    let (project, uuid) = id.split_once(':').unwrap();
    let pid_file = world.folder.path().join("builds").join(ACCOUNT).join(project).join(uuid).join("pid");
    let pid = loop {
        if let Some(pid) = fs::read_to_string(&pid_file).ok().filter(|pid| pid.ends_with('\n')) {
            break pid.trim().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let told = world.ask("StopBuild", json!({ "id": id })).await;
    assert_eq!(told["build"]["buildStatus"], "STOPPED");
    assert_eq!(phases(&told["build"])[6], "BUILD STOPPED");
    world.event().await;
    assert_eq!(world.event().await.detail["build-status"], "STOPPED");
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(" Z "), "{state}");

    // Once over, a build stays as it is.
    let told = world.ask("StopBuild", json!({ "id": id })).await;
    assert_eq!(told["build"]["buildStatus"], "STOPPED");
}

#[tokio::test]
async fn a_build_that_takes_too_long_is_timed_out_and_shutdown_stops_the_others() {
    let mut world = World::new("version: 0.2\nphases: { build: { commands: [sleep 1000] } }").await;
    world.settings.minute = Duration::from_millis(5);
    let (sender, events) = mpsc::unbounded_channel();
    world.code_build = CodeBuild::new(world.settings.clone(), sender.clone()).unwrap();
    world.events = events;
    let (build, _) = world.build_once().await;
    assert_eq!(build["buildStatus"], "TIMED_OUT");
    assert_eq!(phases(&build)[6], "BUILD TIMED_OUT");

    world.settings.minute = Duration::from_secs(60);
    world.code_build = CodeBuild::new(world.settings.clone(), sender).unwrap();
    let told = world.ask("StartBuild", world.request("another")).await;
    let running = told["build"]["id"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    world.code_build.shutdown().await;
    assert_eq!(world.build(&running).await["buildStatus"], "STOPPED");
}

#[tokio::test]
async fn builds_are_found_again_after_a_restart() {
    let mut world = World::new("version: 0.2\nphases: {}").await;
    let (build, _) = world.build_once().await;
    let id = build["id"].as_str().unwrap();
    let record = world.settings.work.join(ACCOUNT).join(id.replace(':', "/")).join("build.json");
    let text = fs::read_to_string(&record).unwrap();

    let (sender, _) = mpsc::unbounded_channel();
    world.code_build = CodeBuild::new(world.settings.clone(), sender.clone()).unwrap();
    assert_eq!(world.build(id).await, build);

    fs::write(&record, text.replace("\"SUCCEEDED\",\n  \"phases\"", "\"IN_PROGRESS\",\n  \"phases\""))
        .unwrap();
    world.code_build = CodeBuild::new(world.settings.clone(), sender).unwrap();
    assert_eq!(world.build(id).await["buildStatus"], "FAULT");
}

#[tokio::test]
async fn a_repeated_token_gives_the_same_build_and_other_parameters_are_refused() {
    let mut world = World::new("version: 0.2\nphases: {}").await;
    let first = world.start().await;
    assert_eq!(world.start().await, first);
    let mut other = world.request("token");
    other["sourceVersion"] = "main".into();
    assert_eq!(world.ask("StartBuild", other).await["__type"], "InvalidInputException");
    let second = world.ask("StartBuild", world.request("second")).await["build"]["id"].clone();
    assert_ne!(second, first.as_str());

    let listed = world.ask("ListBuildsForProject", json!({ "projectName": "images" })).await;
    assert_eq!(listed, json!({ "ids": [second, first] }));
    let found = world.ask("BatchGetBuilds", json!({ "ids": [first, "images:gone"] })).await;
    assert_eq!(found["buildsNotFound"], json!(["images:gone"]));
    world.event().await;
}

#[tokio::test]
async fn what_cannot_be_started_is_refused_as_aws_does() {
    let world = World::new("version: 0.2\nphases: { build: { commands: [sleep 1000] } }").await;
    let with = |key: &str, value: Value| {
        let mut request = world.request("refused");
        request[key] = value;
        request
    };
    for (request, kind) in [
        (with("projectName", "gone".into()), "ResourceNotFoundException"),
        (with("buildspecOverride", "version: 0.2".into()), "InvalidInputException"),
        (with("timeoutInMinutesOverride", 4.into()), "InvalidInputException"),
        (
            with(
                "environmentVariablesOverride",
                json!([{ "name": "A", "value": "b", "type": "SECRETS_MANAGER" }]),
            ),
            "InvalidInputException",
        ),
    ] {
        assert_eq!(world.ask("StartBuild", request.clone()).await["__type"], kind, "{request}");
    }
    for ids in [json!([]), json!(vec!["images:1"; 101])] {
        assert_eq!(
            world.ask("BatchGetBuilds", json!({ "ids": ids })).await["__type"],
            "InvalidInputException"
        );
    }
    assert_eq!(
        world.ask("StopBuild", json!({ "id": "images:1" })).await["__type"],
        "ResourceNotFoundException"
    );

    world.code_build.limit_builds(ACCOUNT, Some(1)).await;
    world.start().await;
    let refused = world.ask("StartBuild", world.request("second")).await;
    assert_eq!(refused["__type"], "AccountLimitExceededException");
    world.code_build.limit_builds(ACCOUNT, None).await;
    assert_eq!(world.ask("StartBuild", world.request("second")).await["build"]["buildNumber"], 2);
    world.code_build.shutdown().await;
}
