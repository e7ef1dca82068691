use std::{path::Path, process::Command, time::Duration};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::{CodeCommit, Pushed, repository::path};
use crate::stand_in::{Call, ServiceEvent};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";

struct World {
    code_commit: CodeCommit,
    events: UnboundedReceiver<ServiceEvent>,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        let code_commit = CodeCommit::new(folder.path().join("repositories"), sender);
        code_commit.create(ACCOUNT, REGION, "payments").await.unwrap();
        Self { code_commit, events, folder }
    }

    /// A front door that only knows the hook's address.
    async fn listen(&self) {
        let code_commit = self.code_commit.clone();
        let told = |State(code_commit): State<CodeCommit>, body: String| async move {
            code_commit.pushed(&body.parse::<Pushed>().unwrap()).await.unwrap();
        };
        let app = Router::new().route("/_tidegate/pushed", post(told)).with_state(code_commit);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        self.code_commit.announce_at(&format!("http://{address}")).unwrap();
    }

    async fn event(&mut self) -> ServiceEvent {
        tokio::time::timeout(Duration::from_secs(20), self.events.recv()).await.expect("an event").unwrap()
    }

    /// Commits the file in a working copy and returns the commit's id.
    async fn commit(&self, file: &str, content: &str) -> String {
        let work = self.work();
        if !work.exists() {
            std::fs::create_dir(&work).unwrap();
            self.git(&["init", "--quiet", "--initial-branch=main"]).await;
        }
        let target = work.join(file);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::write(target, content).unwrap();
        self.git(&["add", "--all"]).await;
        self.git(&["commit", "--quiet", "--message", "A change"]).await;
        self.git(&["rev-parse", "HEAD"]).await
    }

    async fn push(&self, what: &str) {
        let target = path(&self.folder.path().join("repositories"), ACCOUNT, "payments");
        self.git(&["push", "--quiet", target.to_str().unwrap(), what]).await;
    }

    async fn git(&self, arguments: &[&str]) -> String {
        let (work, arguments) = (self.work(), arguments.iter().map(|&one| one.to_owned()).collect());
        tokio::task::spawn_blocking(move || git(&work, arguments)).await.unwrap()
    }

    fn work(&self) -> std::path::PathBuf {
        self.folder.path().join("work")
    }

    async fn ask(&self, action: &str, body: Value) -> Value {
        let answer = self.code_commit.answer(&call(action, &body)).await;
        serde_json::from_slice(&answer.body).unwrap()
    }

    async fn refusal(&self, action: &str, body: Value) -> String {
        let answer = self.code_commit.answer(&call(action, &body)).await;
        assert_eq!(answer.status, 400, "{action} {body}");
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        told["__type"].as_str().unwrap().to_owned()
    }
}

fn call(action: &str, body: &Value) -> Call {
    Call {
        account: ACCOUNT.into(),
        region: REGION.into(),
        service: "codecommit".into(),
        action: action.into(),
        headers: HeaderMap::new(),
        body: body.to_string().into(),
    }
}

fn git(work: &Path, arguments: Vec<String>) -> String {
    let output = Command::new("git")
        .current_dir(work)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["-c", "user.name=ana", "-c", "user.email=ana@example.com"])
        .args(&arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_push_sends_one_event_for_each_reference_that_moved() {
    let mut world = World::new().await;
    world.listen().await;

    let first = world.commit("Dockerfile", "FROM scratch\n").await;
    world.push("main").await;
    let created = world.event().await;
    assert_eq!(created.source, "aws.codecommit");
    assert_eq!(created.detail_type, "CodeCommit Repository State Change");
    assert_eq!(created.resources, ["arn:aws:codecommit:eu-central-1:111122223333:payments"]);
    let id = world.ask("GetRepository", json!({ "repositoryName": "payments" })).await["repositoryMetadata"]
        ["repositoryId"]
        .clone();
    assert_eq!(
        created.detail,
        json!({
            "callerUserArn": "arn:aws:iam::111122223333:user/local",
            "event": "referenceCreated",
            "referenceType": "branch",
            "referenceName": "main",
            "referenceFullName": "refs/heads/main",
            "repositoryName": "payments",
            "repositoryId": id,
            "commitId": first,
        })
    );

    let second = world.commit("größe.txt", "1").await;
    world.push("main:refs/heads/feature/größe-日本").await;
    let slashed = world.event().await.detail;
    assert_eq!(slashed["referenceName"], "feature/größe-日本");

    world.push("main").await;
    let updated = world.event().await.detail;
    assert_eq!(updated["event"], "referenceUpdated");
    assert_eq!(updated["commitId"], second.as_str());
    assert_eq!(updated["oldCommitId"], first.as_str());

    world.push("main:refs/tags/v1").await;
    assert_eq!(world.event().await.detail["referenceType"], "tag");

    world.push(":refs/tags/v1").await;
    let deleted = world.event().await.detail;
    assert_eq!(deleted["event"], "referenceDeleted");
    assert_eq!(deleted["oldCommitId"], second.as_str());
    assert_eq!(deleted.get("commitId"), None);
}

#[tokio::test]
async fn a_push_succeeds_when_nobody_listens() {
    let mut world = World::new().await;
    let commit = world.commit("Dockerfile", "FROM scratch\n").await;
    world.push("main").await;
    world.code_commit.announce_at("http://127.0.0.1:1").unwrap();
    world.push("main:other").await;
    assert!(world.events.try_recv().is_err());
    let branch = world.ask("GetBranch", json!({ "repositoryName": "payments", "branchName": "main" })).await;
    assert_eq!(branch, json!({ "branch": { "branchName": "main", "commitId": commit } }));
}

#[tokio::test]
async fn a_file_is_read_at_a_commit_a_branch_or_a_tag() {
    let world = World::new().await;
    let first = world.commit("config/service.json", "{}").await;
    let second = world.commit("config/service.json", "{\"a\":1}").await;
    world.push("main").await;
    world.push("main:refs/tags/v1").await;
    for (specifier, commit, content) in [
        (first.as_str(), &first, "e30="),
        ("main", &second, "eyJhIjoxfQ=="),
        ("v1", &second, "eyJhIjoxfQ=="),
        ("HEAD", &second, "eyJhIjoxfQ=="),
    ] {
        let asked = json!({ "repositoryName": "payments", "commitSpecifier": specifier, "filePath": "config/service.json" });
        let file = world.ask("GetFile", asked).await;
        assert_eq!(file["commitId"], commit.as_str(), "{specifier}");
        assert_eq!(file["fileContent"], content, "{specifier}");
        assert_eq!(file["fileMode"], "NORMAL");
    }
    let folder =
        world.ask("GetFolder", json!({ "repositoryName": "payments", "folderPath": "config" })).await;
    assert_eq!(folder["files"][0]["absolutePath"], "config/service.json");
    let asked = json!({ "repositoryName": "payments", "beforeCommitSpecifier": first, "afterCommitSpecifier": second });
    let differences = world.ask("GetDifferences", asked).await;
    assert_eq!(differences["differences"][0]["changeType"], "M");
    assert_eq!(differences["differences"][0]["afterBlob"]["path"], "config/service.json");
    let shown = world.ask("GetCommit", json!({ "repositoryName": "payments", "commitId": second })).await;
    assert_eq!(shown["commit"]["parents"], json!([first]));
    assert_eq!(shown["commit"]["author"]["name"], "ana");
    assert_eq!(shown["commit"]["message"], "A change\n");
}

#[tokio::test]
async fn what_is_not_there_is_named_as_aws_names_it() {
    let world = World::new().await;
    world.commit("folder/file", "1").await;
    world.push("main").await;
    let nowhere = "0123456789012345678901234567890123456789";
    let large = "x".repeat(6 * 1024 * 1024 + 1);
    world.commit("large", &large).await;
    world.push("main").await;
    let cases = [
        ("GetRepository", json!({ "repositoryName": "orders" }), "RepositoryDoesNotExistException"),
        ("GetRepository", json!({ "repositoryName": "../payments" }), "InvalidRepositoryNameException"),
        ("GetRepository", json!({}), "RepositoryNameRequiredException"),
        ("CreateRepository", json!({ "repositoryName": "payments" }), "RepositoryNameExistsException"),
        (
            "GetBranch",
            json!({ "repositoryName": "payments", "branchName": "gone" }),
            "BranchDoesNotExistException",
        ),
        (
            "GetBranch",
            json!({ "repositoryName": "payments", "branchName": "main~1" }),
            "InvalidBranchNameException",
        ),
        (
            "GetBranch",
            json!({ "repositoryName": "orders", "branchName": "main" }),
            "RepositoryDoesNotExistException",
        ),
        ("GetFile", json!({ "repositoryName": "payments", "filePath": "gone" }), "FileDoesNotExistException"),
        (
            "GetFile",
            json!({ "repositoryName": "payments", "filePath": "folder" }),
            "FileDoesNotExistException",
        ),
        ("GetFile", json!({ "repositoryName": "payments", "filePath": "large" }), "FileTooLargeException"),
        ("GetFile", json!({ "repositoryName": "payments", "filePath": "../x" }), "InvalidPathException"),
        ("GetFile", json!({ "repositoryName": "payments" }), "PathRequiredException"),
        (
            "GetFile",
            json!({ "repositoryName": "payments", "filePath": "folder/file", "commitSpecifier": nowhere }),
            "CommitDoesNotExistException",
        ),
        (
            "GetFile",
            json!({ "repositoryName": "payments", "filePath": "folder/file", "commitSpecifier": "main^" }),
            "InvalidCommitException",
        ),
        (
            "GetFolder",
            json!({ "repositoryName": "payments", "folderPath": "gone" }),
            "FolderDoesNotExistException",
        ),
        (
            "GetCommit",
            json!({ "repositoryName": "payments", "commitId": nowhere }),
            "CommitIdDoesNotExistException",
        ),
        ("GetBlob", json!({}), "UnknownOperationException"),
    ];
    for (action, body, expected) in cases {
        assert_eq!(world.refusal(action, body.clone()).await, expected, "{action} {body}");
    }
}

#[tokio::test]
async fn repositories_belong_to_an_account_and_can_be_deleted() {
    let world = World::new().await;
    let listed = world.ask("ListRepositories", json!({})).await;
    assert_eq!(listed["repositories"][0]["repositoryName"], "payments");
    let mut foreign = call("GetRepository", &json!({ "repositoryName": "payments" }));
    foreign.account = "444455556666".into();
    assert_eq!(world.code_commit.answer(&foreign).await.status, 400);

    let deleted = world.ask("DeleteRepository", json!({ "repositoryName": "payments" })).await;
    assert_eq!(deleted["repositoryId"], listed["repositories"][0]["repositoryId"]);
    assert_eq!(world.ask("DeleteRepository", json!({ "repositoryName": "payments" })).await, json!({}));
}
