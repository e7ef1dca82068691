//! What stories are told in: a developer pushes, a person answers, and AWS is asked how things stand.

use std::time::{Duration, Instant};

use aws::Aws;
use engine::ports::{
    BuildRead, BuildService, BuildStatus, Errands, Records, Services, StackEvent, StackRead, Stacks,
    TaskRead, Tracks,
};
use local::{Account, Control, Environment, LocalAws, Mishap, Notice, Outputs, Service, Slack, TaskEnd};
use model::ids::{BuildId, ImageDigest, ReleaseId, Revision, StackName, TrackKey};
use model::release::{ErrandKind, Phase, Release};
use model::track::Track;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::people::{Person, as_read};
use crate::raw_call::RawCalls;
use crate::working_copy::{BRANCH, WorkingCopy, sample_config};
use crate::world;

const SERVICE: &str = "payments";
const REPOSITORY: &str = "payments";
pub(crate) const ENVIRONMENT: &str = "production";

/// Everything a story waits for happens within this on a busy machine, and in a few seconds on an idle one.
const LIMIT: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const ANSWER_AGAIN: Duration = Duration::from_secs(20);
/// ECS takes minutes; a story need not.
const DEPLOYMENT_TIME: Duration = Duration::from_millis(300);

pub(crate) struct Story {
    pub(crate) aws: Aws,
    pub(crate) control: Control,
    pub(crate) calls: RawCalls,
    pub(crate) person: Person,
    pub(crate) outputs: Outputs,
    pub(crate) slack: Slack,
    pub(crate) account: Account,
    copy: WorkingCopy,
    /// Removed with the story.
    _folder: TempDir,
    track: TrackKey,
    /// How many releases the pushes so far have made.
    pub(crate) releases: u32,
    versions: u32,
    orders: u32,
    /// Everything that the story waits for happens within this.
    pub(crate) limit: Duration,
    /// What goes on beside the story until it ends.
    pub(crate) meanwhile: JoinSet<()>,
}

impl Story {
    /// A new account with Tidegate, an environment and a registered service with an empty repository.
    pub(crate) async fn begin(local: &LocalAws) -> Self {
        let account = local.account(&world::new_account()).await;
        told(account.install().await);
        told(account.add_environment(&environment(ENVIRONMENT, Some(BRANCH))).await);
        told(account.knows_people(&["ana", "ben", local::people::LOCAL_USER]).await);
        let service = Service {
            name: SERVICE.to_owned(),
            repository: REPOSITORY.to_owned(),
            branches: vec![BRANCH.to_owned()],
            paths: vec!["/payments".to_owned()],
        };
        let remote = told(account.add_service(&service).await);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = WorkingCopy::new(folder.path(), &remote);
        let story = Self::of(local, account, copy, folder).await;
        story.control.deployments_take(story.account.id(), DEPLOYMENT_TIME);
        story
    }

    async fn of(local: &LocalAws, account: Account, copy: WorkingCopy, folder: TempDir) -> Self {
        let outputs = told(account.outputs().await);
        let settings = aws::Settings::default()
            .with("TIDEGATE_TABLE", &outputs["TableName"])
            .with("TIDEGATE_BUILD_PROJECT", &outputs["BuildProjectName"]);
        Self {
            aws: Aws::new(account.sdk(), settings),
            control: local.control().clone(),
            slack: local.slack().clone(),
            calls: RawCalls {
                endpoint: local.endpoint().to_owned(),
                account: account.id().to_owned(),
                http: reqwest::Client::builder().no_proxy().build().expect("an HTTP client"),
            },
            person: Person::subscribe(&account).await,
            outputs,
            account,
            copy,
            _folder: folder,
            track: format!("{SERVICE}/{ENVIRONMENT}").parse().expect("a track"),
            releases: 0,
            versions: 0,
            orders: 0,
            limit: LIMIT,
            meanwhile: JoinSet::new(),
        }
    }

    /// The same story on a local AWS that was started again with the state of the one before.
    pub(crate) async fn goes_on_at(self, local: &LocalAws) -> Self {
        let account = local.account(self.account.id()).await;
        let (releases, versions) = (self.releases, self.versions);
        let story = Self::of(local, account, self.copy, self._folder).await;
        story.control.deployments_take(story.account.id(), DEPLOYMENT_TIME);
        Self { releases, versions, ..story }
    }

    pub(crate) fn account(&self) -> &str {
        self.account.id()
    }

    /// For clients of one's own.
    pub(crate) fn sdk(&self) -> &aws::client::SdkConfig {
        self.account.sdk()
    }

    pub(crate) fn track_key(&self) -> String {
        self.track.to_string()
    }

    // ---- the developer

    /// The next version of the service: one file differs.
    pub(crate) fn pushes_a_version(&mut self) -> Revision {
        self.versions += 1;
        let version = format!("Version {}", self.versions);
        self.copy.write("public/version.txt", &format!("{version}\n"));
        self.pushes(&version)
    }

    pub(crate) fn pushes_config(&mut self, config: &Value) -> Revision {
        self.copy.write_config(config);
        self.pushes_a_version()
    }

    /// Nothing else differs, and so neither does the image.
    pub(crate) fn pushes_config_alone(&mut self, config: &Value) -> Revision {
        self.copy.write_config(config);
        self.pushes("Config")
    }

    pub(crate) fn pushes_file(&mut self, name: &str, text: &str) -> Revision {
        self.copy.write(name, text);
        self.pushes_a_version()
    }

    /// A commit without any change.
    pub(crate) fn pushes_nothing_new(&mut self) -> Revision {
        self.pushes("Nothing new")
    }

    pub(crate) fn pushes_again(&mut self, revision: &Revision) {
        self.copy.reset_to(revision);
        self.copy.push();
        self.releases += 1;
    }

    fn pushes(&mut self, message: &str) -> Revision {
        let revision = self.copy.commit(message);
        self.copy.push();
        self.releases += 1;
        revision
    }

    // ---- the person

    /// The next version, approved and deployed.
    pub(crate) async fn deploys_a_version(&mut self) -> Release {
        self.pushes_a_version();
        self.approves().await;
        self.ends("Deployed").await
    }

    /// Waits for the newest release's request and approves it.
    pub(crate) async fn approves(&mut self) -> Notice {
        self.answers(async |person, release, token| person.approve(release, token).await).await
    }

    /// Replies to the newest release's request, whatever comes of it.
    pub(crate) async fn replies_once(&mut self) {
        let request = self.is_asked().await;
        let (release, token) = request.request().expect("a request has a release and a token");
        self.person.approve(release, token).await;
    }

    pub(crate) async fn rejects(&mut self, reason: &str) {
        self.answers(async |person, release, token| person.reject(release, token, reason).await).await;
    }

    /// Answers again while nothing comes of it, as people do: an answer can be lost like any other event.
    async fn answers(&mut self, answer: impl AsyncFn(&Person, &str, &str)) -> Notice {
        let begun = Instant::now();
        loop {
            let request = self.is_asked().await;
            let (release, token) = request.request().expect("a request has a release and a token");
            answer(&self.person, release, token).await;
            if self.is_answered(&self.id(self.releases)).await {
                return request;
            }
            if begun.elapsed() > self.limit {
                panic!("the answer was not taken.\n{}", self.report().await);
            }
            // A plan that was made again has another token.
            self.person.listen().await;
        }
    }

    /// Whether the release stops waiting for an answer within the time in which one expects it to.
    async fn is_answered(&self, id: &ReleaseId) -> bool {
        let asked = Instant::now();
        while asked.elapsed() < ANSWER_AGAIN {
            let release = self.aws.load_release(id).await.ok().flatten();
            if release.is_some_and(|release| !matches!(release.phase, Phase::AwaitingApproval { .. })) {
                return true;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        false
    }

    /// Waits for the newest release's request for approval.
    pub(crate) async fn is_asked(&mut self) -> Notice {
        self.hears(self.releases, "approvalRequested").await
    }

    /// How the newest release ended, as people read it.
    pub(crate) async fn hears_the_ending(&mut self) -> String {
        as_read(&self.hears(self.releases, "ended").await)
    }

    /// What became of the last repair, as people read it; nothing of it waits any more then.
    pub(crate) async fn hears_of_the_repair(&mut self) -> String {
        let is_over = async || {
            let track = self.aws.load_track(&self.track).await.ok().flatten()?;
            (track.repairing().is_none() && track.outbox.is_empty()).then_some(())
        };
        self.until("the repair is over and told", is_over).await;
        let begun = Instant::now();
        let heard =
            |person: &Person| person.heard.iter().rposition(|heard| heard.json["notice"] == "repaired");
        while heard(&self.person).is_none() && begun.elapsed() < self.limit {
            self.person.listen().await;
        }
        let at = heard(&self.person).expect("a repair is told of");
        as_read(&self.person.heard.remove(at))
    }

    async fn hears(&mut self, n: u32, notice: &str) -> Notice {
        self.hears_of(&self.id(n).to_string(), notice).await
    }

    async fn hears_of(&mut self, release: &str, notice: &str) -> Notice {
        let begun = Instant::now();
        loop {
            if let Some(heard) = self.person.heard_of(release, notice) {
                return heard.clone();
            }
            if begun.elapsed() > self.limit {
                panic!("{notice} of {release} was not announced.\n{}", self.report().await);
            }
            self.person.listen().await;
        }
    }

    /// Gives an order and waits for the answer. `ana` gives it, unless it says who.
    pub(crate) async fn orders(&mut self, order: &Value) -> String {
        let mut order = order.clone();
        order["track"] = self.track.to_string().into();
        let by = order.as_object_mut().and_then(|order| order.remove("by"));
        let by = by.as_ref().and_then(Value::as_str).unwrap_or("ana");
        let message = self.signs(&order, by).await;
        self.gives(&message).await
    }

    /// Orders again for as long as it failed, as people do.
    pub(crate) async fn has_ordered(&mut self, order: &Value) {
        let begun = Instant::now();
        loop {
            let said = self.orders(order).await;
            if !said.starts_with("failed") {
                return;
            }
            assert!(begun.elapsed() < self.limit, "{order}: {said}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What that person's command line would invoke `approval` with.
    pub(crate) async fn signs(&mut self, order: &Value, by: &str) -> Value {
        self.orders += 1;
        let mut order = order.clone();
        order["id"] = format!("story-{}", self.orders).into();
        let meaning = intake::read(order.to_string().as_bytes()).remove(0).meaning;
        let intake::Meaning::Signal(intake::Subject::Order { given, .. }) = meaning else {
            panic!("{order} is no order: {meaning:?}")
        };
        let key = local::people::access_key(self.account(), by);
        let config = aws::client::load(Some(&self.calls.endpoint), Some(&key)).await;
        let installation = self.installation().await;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let now_s = u32::try_from(now.as_secs()).expect("before 2106");
        let proof = told(aws::sign(&config, &installation, &given.bound(&installation), now_s).await);
        given.to_message(&proof)
    }

    /// Invokes `approval`, and gives its answer.
    pub(crate) async fn gives(&self, message: &Value) -> String {
        let answer = told(self.calls.invoke(&self.outputs["ApprovalFunctionName"], message).await);
        let answer: Value = serde_json::from_str(&answer).expect("functions answer JSON");
        answer["handled"][0].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    pub(crate) async fn installation(&self) -> proof::Installation {
        let stacks = aws::sdk::cloudformation::Client::new(self.sdk());
        let described = stacks.describe_stacks().stack_name(local::account::STACK).send().await;
        let described = described.expect("the stack is there");
        let id = described.stacks().first().and_then(|stack| stack.stack_id());
        told(id.expect("a stack has an id").parse())
    }

    /// The newest release is one that no push has made.
    pub(crate) fn expects_release(&mut self, n: u32) {
        self.releases = n;
    }

    /// Whoever runs the platform adds an environment.
    pub(crate) async fn has_environment(&self, name: &str) {
        told(self.account.add_environment(&environment(name, None)).await);
    }

    /// Whoever runs the platform registers another service, with a repository like the first one's.
    pub(crate) async fn has_service(&self, name: &str, path: &str) -> Neighbour {
        let service = Service {
            name: name.to_owned(),
            repository: name.to_owned(),
            branches: vec![BRANCH.to_owned()],
            paths: vec![path.to_owned()],
        };
        let remote = told(self.account.add_service(&service).await);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = WorkingCopy::new(folder.path(), &remote);
        Neighbour { name: name.to_owned(), copy, _folder: folder, releases: 0 }
    }

    /// Waits for that release, on whichever track, to ask for approval.
    pub(crate) async fn release_is_asked_for(&mut self, release: &str) {
        self.hears_of(release, "approvalRequested").await;
    }

    /// How that release ended, on whichever track, as people read it.
    pub(crate) async fn hears_the_ending_of(&mut self, release: &str) -> String {
        as_read(&self.hears_of(release, "ended").await)
    }

    /// Waits for the request of that release, on whichever track, and approves it.
    pub(crate) async fn approves_release(&mut self, release: &str) -> Notice {
        let request = self.hears_of(release, "approvalRequested").await;
        let (release, token) = request.request().expect("a request has a release and a token");
        self.person.approve(release, token).await;
        request
    }

    /// Waits for that release, on whichever track, to end like this.
    pub(crate) async fn release_ends(&self, release: &str, ending: &str) -> Release {
        let id: ReleaseId = release.parse().expect("a release");
        let release = self
            .until(&format!("{id} is over"), async || {
                let release = self.aws.load_release(&id).await.ok().flatten();
                release.filter(|release| release.ending().is_some())
            })
            .await;
        if release.phase.name() != ending {
            panic!("{id} is {} and not {ending}.\n{}", release.phase.name(), self.report().await);
        }
        release
    }

    // ---- what becomes of it

    /// Waits for the newest release to end, and to have ended like this.
    pub(crate) async fn ends(&self, ending: &str) -> Release {
        self.nth_ends(self.releases, ending).await
    }

    pub(crate) async fn nth_ends(&self, n: u32, ending: &str) -> Release {
        let release = self.nth_is(n, "over", |release| release.ending().is_some()).await;
        if release.phase.name() != ending {
            panic!("{} is {} and not {ending}.\n{}", release.id, release.phase.name(), self.report().await);
        }
        release
    }

    /// Waits for the newest release to come that far.
    pub(crate) async fn reaches(&self, phase: &str) -> Release {
        self.nth_is(self.releases, phase, |release| release.phase.name() == phase).await
    }

    async fn nth_is(&self, n: u32, what: &str, is_so: impl Fn(&Release) -> bool) -> Release {
        let id = self.id(n);
        self.until(&format!("{id} is {what}"), async || {
            self.aws.load_release(&id).await.ok().flatten().filter(&is_so)
        })
        .await
    }

    /// Looks until there is something, or fails and says how everything stands.
    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if begun.elapsed() > self.limit {
                panic!("not within {} s: {what}.\n{}", self.limit.as_secs(), self.report().await);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) fn id(&self, n: u32) -> ReleaseId {
        ReleaseId { track: self.track.clone(), n }
    }

    pub(crate) async fn track(&self) -> Track {
        told(self.aws.load_track(&self.track).await).expect("the track exists")
    }

    /// Waits until nothing is promised any more: what comes after the ending is done too.
    pub(crate) async fn comes_to_rest(&self) -> Track {
        self.until("nothing is in flight or promised", async || {
            let track = self.aws.load_track(&self.track).await.ok().flatten()?;
            (track.in_flight.is_empty() && track.outbox.is_empty()).then_some(track)
        })
        .await
    }

    // ---- AWS, asked directly

    pub(crate) async fn stack(&self) -> StackRead {
        told(self.aws.stack(&self.track.stack()).await).expect("the service's stack exists")
    }

    pub(crate) async fn stack_status(&self) -> Option<String> {
        told(self.aws.stack(&self.track.stack()).await).map(|stack| stack.status)
    }

    /// The image that the service's task definition names.
    pub(crate) async fn running_image(&self) -> String {
        let outputs = self.stack().await.outputs;
        let service = told(self.aws.service(&outputs["ClusterName"], &outputs["ServiceArn"]).await);
        let service = service.expect("the service exists");
        told(self.aws.task_images(&service.task_definition).await)[SERVICE].clone()
    }

    pub(crate) async fn running_digest(&self) -> ImageDigest {
        let image = self.running_image().await;
        let (_, digest) =
            image.rsplit_once('@').unwrap_or_else(|| panic!("{image} is not named by its digest"));
        digest.parse().expect("a digest")
    }

    /// Every build there was, newest first.
    pub(crate) async fn builds(&self) -> Vec<BuildRead> {
        let arns = told(self.aws.recent_builds().await);
        if arns.is_empty() { Vec::new() } else { told(self.aws.read_builds(&arns).await) }
    }

    /// Waits for the newest build to end well; its tag.
    pub(crate) async fn build_succeeds(&self) -> BuildId {
        self.until("the build has succeeded", async || {
            let newest = self.builds().await.into_iter().next()?;
            newest.id.filter(|_| newest.status == BuildStatus::Succeeded)
        })
        .await
    }

    /// What somebody else with rights on the registry could do: the tag now names an image of theirs.
    pub(crate) async fn somebody_else_pushes(&self, tag: &BuildId) {
        let record = told(self.aws.service_record(&REPOSITORY.parse().expect("a repository")).await);
        let record: Value = serde_json::from_str(&record.expect("the record exists").body).expect("JSON");
        let repository = &record["imageRepository"];
        let ecr = async |action: &str, input: Value| {
            told(
                self.calls
                    .json("ecr", &format!("AmazonEC2ContainerRegistry_V20150921.{action}"), &input)
                    .await,
            )
        };
        ecr(
            "PutImageTagMutability",
            json!({ "repositoryName": repository, "imageTagMutability": "MUTABLE" }),
        )
        .await;
        let image = json!({ "repositoryName": repository, "imageIds": [{ "imageTag": tag.as_str() }] });
        let read = ecr("BatchGetImage", image).await;
        let manifest = read["images"][0]["imageManifest"].as_str().expect("the build's image has a manifest");
        let mut manifest: Value = serde_json::from_str(manifest).expect("a manifest is JSON");
        manifest["layers"].as_array_mut().expect("it has layers").pop();
        let theirs = json!({
            "repositoryName": repository,
            "imageTag": tag.as_str(),
            "imageManifest": manifest.to_string(),
        });
        ecr("PutImage", theirs).await;
    }

    /// A tag of the service's stack.
    pub(crate) async fn stack_tag(&self, key: &str) -> Option<String> {
        let client = aws::sdk::cloudformation::Client::new(self.account.sdk());
        let described = client.describe_stacks().stack_name(self.track.stack().as_str()).send().await;
        let described = described.expect("the service's stack exists");
        let tags = described.stacks().first().map(|stack| stack.tags()).unwrap_or_default();
        tags.iter().find(|tag| tag.key() == Some(key)).and_then(|tag| tag.value().map(str::to_owned))
    }

    /// Change sets executed on the service's stack: each begins one operation.
    pub(crate) async fn deployments(&self) -> usize {
        let begins = |event: &&StackEvent| {
            event.of_stack && matches!(event.status.as_str(), "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS")
        };
        self.stack_events().await.iter().filter(begins).count()
    }

    pub(crate) async fn stack_events(&self) -> Vec<StackEvent> {
        let mut events = Vec::new();
        let mut page = None;
        loop {
            let read = told(self.aws.stack_events(&self.track.stack(), page.as_deref()).await);
            events.extend(read.items);
            page = read.next;
            if page.is_none() {
                return events;
            }
        }
    }

    /// Runs the sweep now, as its schedule does every minute.
    pub(crate) async fn sweeps(&self) {
        told(self.calls.invoke(&self.outputs["SweepFunctionName"], &json!({})).await);
    }

    /// An event reaches `push`.
    pub(crate) async fn push_hears(&self, event: &Value) {
        told(self.calls.invoke(&self.outputs["PushFunctionName"], event).await);
    }

    /// What befalls the next deployment.
    pub(crate) fn next_deployment(&self, mishap: Mishap) {
        self.control.next_deployment(self.account.id(), self.track.stack().as_str(), mishap);
    }

    /// The tasks of releases of their own, which ran or run.
    pub(crate) async fn errands(&self, kind: ErrandKind) -> Vec<TaskRead> {
        let record = told(self.aws.environment_record(&self.track.environment).await);
        let record: Value = serde_json::from_str(&record.expect("the record exists").body).expect("JSON");
        let cluster = record["cluster"].as_str().expect("a record names a cluster");
        told(self.aws.tasks(cluster, &self.errand_family(kind)).await)
    }

    pub(crate) async fn runs_errand(&self, kind: ErrandKind) {
        let runs = async || {
            let tasks = self.errands(kind).await;
            tasks.iter().any(|task| task.status == "RUNNING").then_some(())
        };
        self.until("the task runs", runs).await;
    }

    fn errand_family(&self, kind: ErrandKind) -> String {
        format!("{}-{}", self.track.stack(), kind.as_str())
    }

    /// How the next such task ends.
    pub(crate) fn next_errand(&self, kind: ErrandKind, end: TaskEnd) {
        self.control.next_task(self.account.id(), &self.errand_family(kind), end);
    }

    /// Phases in the order they were entered.
    pub(crate) fn phases(release: &Release) -> Vec<&str> {
        let mut phases: Vec<&str> = release.steps.iter().map(|step| step.phase.as_str()).collect();
        phases.dedup();
        phases
    }

    /// A digest that the release deployed.
    pub(crate) fn deployed_image(release: &Release) -> &ImageDigest {
        match &release.phase {
            Phase::Over(_) => release.phase.image().expect("it was deployed"),
            Phase::Building { .. }
            | Phase::Planning { .. }
            | Phase::AwaitingApproval { .. }
            | Phase::Ready { .. }
            | Phase::Deploying { .. } => panic!("{} is not over", release.id),
        }
    }
}

/// Another service of the same account.
pub(crate) struct Neighbour {
    name: String,
    copy: WorkingCopy,
    /// Removed with the story.
    _folder: TempDir,
    releases: u32,
}

impl Neighbour {
    /// Pushes with this routing; the release that it makes.
    pub(crate) fn pushes(&mut self, routing: &Value) -> String {
        self.releases += 1;
        let mut config = sample_config();
        config["service"] = self.name.as_str().into();
        config["routing"] = routing.clone();
        self.copy.write_config(&config);
        self.copy.write("public/version.txt", &format!("Version {}\n", self.releases));
        self.copy.commit(&format!("Version {}", self.releases));
        self.copy.push();
        format!("{}-{ENVIRONMENT}-{}", self.name, self.releases)
    }

    pub(crate) fn stack(&self) -> StackName {
        let track: TrackKey = format!("{}/{ENVIRONMENT}", self.name).parse().expect("a track");
        track.stack()
    }
}

fn environment(name: &str, branch: Option<&str>) -> Environment {
    Environment {
        name: name.to_owned(),
        branch: branch.map(str::to_owned),
        approvals: 1,
        replies: true,
        self_approval: true,
        operators: vec!["user:ana".to_owned()],
    }
}

fn told<T, E: std::fmt::Display>(answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|failure| panic!("{failure}"))
}
