//! CodeBuild that really runs the deployed project's buildspec, on this machine, with `docker` and `aws` as links to
//! the build tool. Projects stay the emulator's: CloudFormation makes them there.

mod build;
mod buildspec;
mod command;
mod event;
mod history;
mod logs;
mod project;
mod runner;
mod start;
mod workplace;

use std::{collections::HashMap, io, path::PathBuf, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};
use tracing::warn;

use self::{build::Build, history::History};
use crate::{
    json_call::JsonClient,
    refusal::Refusal,
    stand_in::{Answer, Call, Events},
};

/// The last part of the `X-Amz-Target` prefix; the service in a signature is `codebuild`.
pub const TARGET_PREFIX: &str = "CodeBuild_20161006";

const BATCH_IDS_MAX: usize = 100;
const PAGE_BUILDS: usize = 100;
/// How long an answer waits for processes that were told to stop.
const STOP_WAIT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct Settings {
    /// The front door's URL: where a build's own calls go.
    pub endpoint: String,
    /// The emulator's URL: where the projects are.
    pub emulator: String,
    /// Where builds run and their logs and records stay.
    pub work: PathBuf,
    /// The `tidegate-build-tool` binary, which builds find as `docker` and as `aws`.
    pub tool: PathBuf,
    /// The same root that CodeCommit has.
    pub repositories: PathBuf,
    /// How long a minute of a build's timeout lasts; tests shorten it.
    pub minute: Duration,
}

/// Answers CodeBuild's API for builds and runs them.
#[derive(Debug, Clone)]
pub struct CodeBuild {
    shop: Arc<Shop>,
}

#[derive(Debug)]
struct Shop {
    settings: Settings,
    events: Events,
    emulator: JsonClient,
    history: History,
    running: Mutex<HashMap<String, Running>>,
    /// Held while a build is started, so that a token is looked up and spent in one step.
    starting: Mutex<()>,
    limits: Mutex<HashMap<String, usize>>,
}

/// How to stop a build, and to see that it has ended.
#[derive(Debug, Clone)]
struct Running {
    stop: watch::Sender<bool>,
    over: watch::Receiver<bool>,
}

impl CodeBuild {
    /// Reads what earlier runs left in the work folder. A build that was running then has ended with `FAULT`.
    pub fn new(mut settings: Settings, events: Events) -> io::Result<Self> {
        // Builds change their folder; the places they are given must not depend on it.
        std::fs::create_dir_all(&settings.work)?;
        settings.work = settings.work.canonicalize()?;
        settings.repositories = std::path::absolute(&settings.repositories)?;
        let shop = Shop {
            emulator: JsonClient::new(&settings.emulator),
            history: History::read(&settings.work)?,
            settings,
            events,
            running: Mutex::default(),
            starting: Mutex::default(),
            limits: Mutex::default(),
        };
        Ok(Self { shop: Arc::new(shop) })
    }

    /// Whether this stand-in answers the action; the emulator answers the others (projects).
    pub fn answers(action: &str) -> bool {
        matches!(
            action,
            "StartBuild" | "StopBuild" | "BatchGetBuilds" | "ListBuildsForProject" | "ListBuilds"
        )
    }

    pub async fn answer(&self, call: &Call) -> Answer {
        match self.dispatch(call).await {
            Ok(value) => Answer::json(200, &value),
            Err(refusal) => refusal.into(),
        }
    }

    /// How many builds may run at once in an account before `AccountLimitExceededException`; `None`: any number.
    pub async fn limit_builds(&self, account: &str, limit: Option<usize>) {
        let mut limits = self.shop.limits.lock().await;
        match limit {
            Some(limit) => limits.insert(account.to_owned(), limit),
            None => limits.remove(account),
        };
    }

    /// Where a build's output is kept; the id as in `BatchGetBuilds`.
    pub fn log_file(&self, account: &str, build_id: &str) -> Option<PathBuf> {
        let build = self.shop.history.find(account, build_id)?;
        Some(workplace::log_file(&self.shop.settings.work, &build))
    }

    /// Stops every build and waits until its processes are gone.
    pub async fn shutdown(&self) {
        let running: Vec<Running> = self.shop.running.lock().await.values().cloned().collect();
        for one in &running {
            one.stop.send_replace(true);
        }
        for one in running {
            wait_until_over(one).await;
        }
    }

    async fn dispatch(&self, call: &Call) -> Result<Value, Refusal> {
        match call.action.as_str() {
            "StartBuild" => {
                let build = start::start(&self.shop, call).await?;
                Ok(json!({ "build": build.told() }))
            }
            "StopBuild" => self.stop(call).await,
            "BatchGetBuilds" => self.batch_get(call),
            "ListBuildsForProject" => self.list(call).await,
            "ListBuilds" => {
                let asked: List = read(call)?;
                page(&self.shop.history.of_account(&call.account, &call.region), &asked)
            }
            other => Err(invalid(format!("the local CodeBuild runs builds; {other} is not part of it"))),
        }
    }

    async fn stop(&self, call: &Call) -> Result<Value, Refusal> {
        let asked: Stop = read(call)?;
        let missing =
            || Refusal::new("ResourceNotFoundException", format!("Build {} does not exist", asked.id));
        let build = self.shop.history.find(&call.account, &asked.id).ok_or_else(missing)?;
        let running = self.shop.running.lock().await.get(&build.arn()).cloned();
        if let Some(running) = running {
            running.stop.send_replace(true);
            wait_until_over(running).await;
        }
        let build = self.shop.history.find(&call.account, &asked.id).ok_or_else(missing)?;
        Ok(json!({ "build": build.told() }))
    }

    fn batch_get(&self, call: &Call) -> Result<Value, Refusal> {
        let asked: BatchGet = read(call)?;
        if !(1..=BATCH_IDS_MAX).contains(&asked.ids.len()) {
            return Err(invalid(format!("{} ids given; 1 to {BATCH_IDS_MAX} are allowed", asked.ids.len())));
        }
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for id in &asked.ids {
            match self.shop.history.find(&call.account, id) {
                Some(build) => found.push(build.told()),
                None => missing.push(id),
            }
        }
        Ok(json!({ "builds": found, "buildsNotFound": missing }))
    }

    async fn list(&self, call: &Call) -> Result<Value, Refusal> {
        let asked: List = read(call)?;
        let name =
            asked.project_name.as_deref().ok_or_else(|| invalid("Project name is required".to_owned()))?;
        let project = project::deployed(&self.shop.emulator, &call.account, &call.region, name).await?;
        let mut builds = self.shop.history.of_account(&call.account, &call.region);
        builds.retain(|build| build.project == project.name);
        page(&builds, &asked)
    }
}

/// One page of ids, newest first unless asked otherwise; a token is the number of ids already told.
fn page(oldest_first: &[Build], asked: &List) -> Result<Value, Refusal> {
    let mut ids: Vec<String> = oldest_first.iter().map(Build::id).collect();
    if asked.sort_order.as_deref() != Some("ASCENDING") {
        ids.reverse();
    }
    let told = match &asked.next_token {
        Some(token) => token.parse().map_err(|_| invalid(format!("nextToken {token:?} is not ours")))?,
        None => 0,
    };
    let page: Vec<&String> = ids.iter().skip(told).take(PAGE_BUILDS).collect();
    let mut answer = json!({ "ids": page });
    if told + PAGE_BUILDS < ids.len() {
        answer["nextToken"] = (told + PAGE_BUILDS).to_string().into();
    }
    Ok(answer)
}

async fn wait_until_over(mut running: Running) {
    // An error is a runner that is gone, which is as good.
    if tokio::time::timeout(STOP_WAIT, running.over.wait_for(|over| *over)).await.is_err() {
        warn!(seconds = STOP_WAIT.as_secs(), "a stopped build is still running");
    }
}

fn invalid(message: String) -> Refusal {
    Refusal::new("InvalidInputException", message)
}

fn read<'a, T: Deserialize<'a>>(call: &'a Call) -> Result<T, Refusal> {
    serde_json::from_slice(&call.body).map_err(|error| invalid(format!("{}: {error}", call.action)))
}

#[derive(Deserialize)]
struct Stop {
    id: String,
}

#[derive(Deserialize)]
struct BatchGet {
    ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    project_name: Option<String>,
    sort_order: Option<String>,
    next_token: Option<String>,
}

#[cfg(test)]
mod tests;
