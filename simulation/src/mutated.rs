//! What stands between a function and its ports: nothing, or one mutation of the product.

use std::cell::RefCell;
use std::collections::BTreeMap;

use databases::facts::{AutomatedBackup, Database, Kind};
use databases::watch::Watch;
use engine::failure::Failure;
use engine::ports::{
    Agenda, BuildOrder, BuildRead, BuildService, BuildStatus, Builds, Callers, ChangeSetCreated,
    ChangeSetOrder, ChangeSetRead, Channels, Clock, Commit, CommitOnce, CommitRead, Databases, Errands,
    Executed, Images, Letters, Listeners, Logs, Membership, Message, NoticeQueue, Once, Page, Patrol, People,
    Place, Posted, Quarantine, Queues, Records, Registry, ReplyKey, ResourceSignal, RolloutState, Secrets,
    ServiceRead, Services, Slack, SlackApp, SlackBoard, Sources, StackEvent, StackRead, StackResource,
    Stacks, StoppedTask, Stored, TaskFamily, TaskOrder, TaskRead, Templates, Tracks, Watches,
};
use engine::show::Shown;
use intake::Care;
use intake::dead_letter::Dropped;
use model::build::Build;
use model::database::DatabaseKey;
use model::decide::Advance;
use model::effect::{Effect, Hand, Notice};
use model::ids::{
    BranchName, BuildFamily, BuildId, ChannelId, EffectKey, EnvironmentName, ImageDigest, ReleaseId,
    RepositoryName, Revision, ServiceName, SlackUser, StackName, TrackKey,
};
use model::listener::Listener;
use model::release::{Phase, Release};
use model::time::{Span, Timestamp};
use model::track::{Newest, Track};
use serde_json::Value;

use crate::altered;
use crate::channels;
use crate::mutation::Mutation;
use crate::ports::Ports;
use crate::world::{Function, Invocation, World};

type Answer<T> = Result<T, Failure>;

/// The ports of one invocation.
pub(crate) struct Mutated {
    ports: Ports,
    function: Function,
    mutation: Option<Mutation>,
    seen: RefCell<Seen>,
}

/// What this invocation has seen so far.
#[derive(Default)]
struct Seen {
    /// The track that was last loaded.
    track: Option<Track>,
    /// Commits that others were faster than.
    races: u32,
    /// The commit that the push event told of.
    told: Option<Revision>,
    /// The head that was first read.
    head: Option<Option<Revision>>,
    /// The newest release of each service's track that was first loaded.
    newest: BTreeMap<ServiceName, Newest>,
}

/// What the functions remember from one invocation to the next.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// Each environment's record when it was first read.
    floors: BTreeMap<String, Stored>,
}

impl Mutated {
    pub(crate) fn new(ports: Ports, invocation: &Invocation) -> Self {
        let mutation = ports.world.borrow().mutation;
        let seen = Seen { told: told_commit(invocation), ..Seen::default() };
        Self { ports, function: invocation.function, mutation, seen: RefCell::new(seen) }
    }

    /// What the function gets to read.
    pub(crate) fn payload(&self, invocation: &Invocation) -> Vec<u8> {
        if !self.is(Mutation::AnyTokenTaken) || self.function != Function::Approval {
            return invocation.payload.clone();
        }
        let mut text = String::from_utf8_lossy(&invocation.payload).into_owned();
        for request in &self.ports.world.borrow().people.requests {
            let guessed = format!("{} {}", request.release, "0".repeat(32));
            text = text.replace(&guessed, &format!("{} {}", request.release, request.token));
        }
        text.into_bytes()
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn stored_version(&self, key: &TrackKey) -> u64 {
        self.ports.world.borrow().table.tracks.get(key).map_or(0, |track| track.version)
    }

    fn count_race(&self) {
        let races = &mut self.seen.borrow_mut().races;
        *races += 1;
        let table = &mut self.ports.world.borrow_mut().table;
        table.races_of_one = table.races_of_one.max(*races);
    }

    /// Takes the announcement off the track that was last loaded.
    async fn forget_announcement(&self, message: &Message) -> Answer<()> {
        let json: Value = serde_json::from_str(&message.json).unwrap_or_default();
        let Some(mut track) = self.seen.borrow().track.clone() else { return Ok(()) };
        let notice = match json["notice"].as_str() {
            Some("approvalRequested") => Notice::ApprovalRequested,
            Some("ended") => Notice::Ended,
            Some(_) | None => return Ok(()),
        };
        track.outbox.retain(|promise| {
            promise.effect != Effect::Announce { notice }
                || json["release"] != promise.key.release.to_string()
        });
        track.version += 1;
        self.ports.commit_track(&Advance { track, changed: Vec::new() }).await.map(|_| ())
    }
}

fn told_commit(invocation: &Invocation) -> Option<Revision> {
    let event: Value = serde_json::from_slice(&invocation.payload).ok()?;
    event["detail"]["commitId"].as_str()?.parse().ok()
}

impl Letters for Mutated {
    async fn note_care(&self, care: Care, letter: &Dropped, once: &Once) -> Answer<CommitOnce> {
        self.ports.note_care(care, letter, once).await
    }
}

impl Callers for Mutated {
    fn installation(&self) -> Answer<proof::Installation> {
        self.ports.installation()
    }

    async fn ask_sts(&self, request: &proof::Request) -> Answer<proof::Answered> {
        self.ports.ask_sts(request).await
    }
}

impl Clock for Mutated {
    fn now(&self) -> Timestamp {
        self.ports.now()
    }
}

impl Tracks for Mutated {
    async fn load_track(&self, key: &TrackKey) -> Answer<Option<Track>> {
        let mut track = self.ports.load_track(key).await?;
        let seen = &mut *self.seen.borrow_mut();
        seen.track.clone_from(&track);
        let Some(newest) = track.as_mut().and_then(|track| track.newest.as_mut()) else { return Ok(track) };
        if self.is(Mutation::HeadNotRecognised) && self.function == Function::Push {
            newest.revision = altered::no_revision();
        }
        if self.is(Mutation::OneTrackProvesAll) && self.function == Function::Sweep {
            newest.revision =
                seen.newest.entry(key.service.clone()).or_insert(newest.clone()).revision.clone();
        }
        Ok(track)
    }

    async fn commit_track(&self, advance: &Advance) -> Answer<Commit> {
        let mut advance = advance.clone();
        let before =
            self.seen.borrow().track.clone().unwrap_or_else(|| Track::new(advance.track.key.clone()));
        if let Some(mutation) = self.mutation {
            altered::decision(mutation, &self.ports.world.borrow().sources, &before, &mut advance);
        }
        if self.is(Mutation::VersionUnchecked) {
            loop {
                advance.track.version = self.stored_version(&advance.track.key) + 1;
                if self.ports.commit_track(&advance).await? == Commit::Written {
                    return Ok(Commit::Written);
                }
            }
        }
        let committed = self.ports.commit_track(&advance).await?;
        if committed == Commit::Lost {
            self.count_race();
        }
        Ok(if self.is(Mutation::LostRaceIgnored) { Commit::Written } else { committed })
    }

    /// What people order is mutated like every other decision; that it is taken once is not.
    async fn commit_track_once(&self, advance: &Advance, once: &Once) -> Answer<CommitOnce> {
        let mut advance = advance.clone();
        let before =
            self.seen.borrow().track.clone().unwrap_or_else(|| Track::new(advance.track.key.clone()));
        if let Some(mutation) = self.mutation {
            altered::decision(mutation, &self.ports.world.borrow().sources, &before, &mut advance);
        }
        let committed = self.ports.commit_track_once(&advance, once).await?;
        if committed == CommitOnce::Lost {
            self.count_race();
        }
        Ok(committed)
    }

    async fn load_release(&self, id: &ReleaseId) -> Answer<Option<Release>> {
        self.ports.load_release(id).await
    }
}

impl Databases for Mutated {
    async fn databases(&self, kind: Kind, name: Option<&str>, page: Option<&str>) -> Answer<Page<Database>> {
        let mut read = self.ports.databases(kind, name, page).await?;
        if self.is(Mutation::BackupsTakenForGranted) {
            let now = self.now();
            read.items.iter_mut().for_each(|database| database.restorable = Some(now));
        }
        Ok(read)
    }

    async fn automated_backups(
        &self,
        instance: Option<&str>,
        page: Option<&str>,
    ) -> Answer<Page<AutomatedBackup>> {
        self.ports.automated_backups(instance, page).await
    }
}

impl Watches for Mutated {
    async fn load_watch(&self, key: &DatabaseKey) -> Answer<Option<Watch>> {
        self.ports.load_watch(key).await
    }

    async fn commit_watch(&self, watch: &Watch) -> Answer<Commit> {
        self.ports.commit_watch(watch).await
    }

    async fn watches(&self, page: Option<&str>) -> Answer<Page<Watch>> {
        self.ports.watches(page).await
    }
}

impl NoticeQueue for Mutated {
    async fn wake_to_tell(&self, key: &DatabaseKey, version: u64) -> Answer<()> {
        self.ports.wake_to_tell(key, version).await
    }
}

impl Listeners for Mutated {
    async fn load_listener(&self, arn: &str) -> Answer<Listener> {
        self.ports.load_listener(arn).await
    }

    async fn commit_listener(&self, arn: &str, listener: &Listener) -> Answer<Commit> {
        let mut listener = listener.clone();
        if self.is(Mutation::PlacesOverwritten) {
            let stored = |world: &World| world.table.listeners.get(arn).map_or(0, |stored| stored.version);
            listener.version = stored(&self.ports.world.borrow()) + 1;
        }
        self.ports.commit_listener(arn, &listener).await
    }
}

impl Agenda for Mutated {
    async fn due_tracks(&self, until: Timestamp, limit: u32) -> Answer<Vec<TrackKey>> {
        let until = if self.is(Mutation::LeaseIgnored) { self.now().plus(Span::hours(24)) } else { until };
        let mut keys = self.ports.due_tracks(until, limit).await?;
        if self.is(Mutation::NobodySwept) {
            keys.clear();
        }
        if self.is(Mutation::DeadlinesUnswept) {
            let world = self.ports.world.borrow();
            let owes = |track: &Track| track.outbox.iter().any(|promise| promise.due <= until);
            keys.retain(|key| world.table.tracks.get(key).is_some_and(owes));
        }
        Ok(keys)
    }

    async fn load_patrol(&self) -> Answer<Option<String>> {
        self.ports.load_patrol().await
    }

    async fn save_patrol(&self, next: Option<&str>) -> Answer<()> {
        self.ports.save_patrol(next).await
    }
}

impl Sources for Mutated {
    async fn branch_head(
        &self,
        repository: &RepositoryName,
        branch: &BranchName,
    ) -> Answer<Option<Revision>> {
        let head = self.ports.branch_head(repository, branch).await?;
        let seen = &mut *self.seen.borrow_mut();
        if self.is(Mutation::EventTrusted) && seen.told.is_some() {
            return Ok(seen.told.clone());
        }
        if self.is(Mutation::HeadReadOnce) && self.function == Function::Push {
            return Ok(seen.head.get_or_insert(head).clone());
        }
        Ok(head)
    }

    async fn file(
        &self,
        repository: &RepositoryName,
        revision: &Revision,
        path: &str,
    ) -> Answer<Option<Vec<u8>>> {
        self.ports.file(repository, revision, path).await
    }

    async fn commit(&self, repository: &RepositoryName, revision: &Revision) -> Answer<Option<CommitRead>> {
        self.ports.commit(repository, revision).await
    }
}

impl BuildService for Mutated {
    async fn start_build(&self, order: &BuildOrder) -> Answer<String> {
        if self.is(Mutation::TokenUnsent) {
            self.ports.world.borrow_mut().forget_build_tokens();
        }
        self.ports.start_build(order).await
    }

    async fn read_builds(&self, arns: &[String]) -> Answer<Vec<BuildRead>> {
        let mut reads = self.ports.read_builds(arns).await?;
        if self.is(Mutation::ExportUnread) {
            let world = self.ports.world.borrow();
            for read in reads.iter_mut().filter(|read| read.status == BuildStatus::Succeeded) {
                read.exported_digest = read.id.as_ref().and_then(|id| world.pushed_under(id));
            }
        }
        Ok(reads)
    }

    async fn recent_builds(&self) -> Answer<Vec<String>> {
        self.ports.recent_builds().await
    }

    async fn stop_build(&self, arn: &str) -> Answer<()> {
        self.ports.stop_build(arn).await
    }
}

impl Records for Mutated {
    async fn service_record(&self, repository: &RepositoryName) -> Answer<Option<Stored>> {
        self.ports.service_record(repository).await
    }

    async fn environment_record(&self, environment: &EnvironmentName) -> Answer<Option<Stored>> {
        let read = self.ports.environment_record(environment).await?;
        let World { remembered, .. } = &mut *self.ports.world.borrow_mut();
        let first = read.clone().map(|read| remembered.floors.entry(environment.to_string()).or_insert(read));
        let answers = self.function == Function::Approval;
        Ok(if self.is(Mutation::FloorRemembered) && answers { first.cloned() } else { read })
    }

    async fn people_record(&self) -> Answer<Option<Stored>> {
        self.ports.people_record().await
    }

    async fn environment_records(&self, page: Option<&str>) -> Answer<Page<(String, Stored)>> {
        self.ports.environment_records(page).await
    }
}

impl Registry for Mutated {
    async fn service_records(&self, page: Option<&str>) -> Answer<Page<(String, Stored)>> {
        let read = self.ports.service_records(page).await?;
        let nothing = Page { items: Vec::new(), next: None };
        Ok(if self.is(Mutation::PatrolSkipped) { nothing } else { read })
    }
}

impl Stacks for Mutated {
    async fn stack(&self, name: &StackName) -> Answer<Option<StackRead>> {
        let read = self.ports.stack(name).await?;
        let is_going = |read: &StackRead| read.status == "DELETE_IN_PROGRESS";
        Ok(read.filter(|read| !self.is(Mutation::DeletionUnread) || !is_going(read)))
    }

    async fn stack_resources(&self, id: &str, page: Option<&str>) -> Answer<Page<StackResource>> {
        self.ports.stack_resources(id, page).await
    }

    async fn stack_template(&self, id: &str) -> Answer<String> {
        self.ports.stack_template(id).await
    }

    async fn stack_events(&self, name: &StackName, page: Option<&str>) -> Answer<Page<StackEvent>> {
        let mut read = self.ports.stack_events(name, page).await?;
        if self.is(Mutation::RollbackUnread) {
            read.items.iter_mut().for_each(|event| event.status = event.status.replace("ROLLBACK_", ""));
        }
        Ok(read)
    }

    async fn create_change_set(&self, order: &ChangeSetOrder) -> Answer<ChangeSetCreated> {
        self.ports.create_change_set(order).await
    }

    async fn change_set(
        &self,
        stack: &StackName,
        name: &EffectKey,
        page: Option<&str>,
    ) -> Answer<Option<ChangeSetRead>> {
        self.ports.change_set(stack, name, page).await
    }

    async fn delete_change_set(&self, stack: &StackName, name: &EffectKey) -> Answer<()> {
        self.ports.delete_change_set(stack, name).await
    }

    async fn set_stack_policy(&self, stack: &StackName, policy: &str) -> Answer<()> {
        self.ports.set_stack_policy(stack, policy).await
    }

    async fn cancel_update(&self, stack: &StackName, token: &EffectKey) -> Answer<()> {
        self.ports.cancel_update(stack, token).await
    }

    async fn signal_resource(
        &self,
        stack: &StackName,
        logical_id: &str,
        signal: &ResourceSignal,
    ) -> Answer<()> {
        let is_well = signal.is_well || self.is(Mutation::AlwaysWell);
        self.ports.signal_resource(stack, logical_id, &ResourceSignal { is_well, ..signal.clone() }).await
    }

    async fn delete_stack(&self, id: &str, token: &str) -> Answer<()> {
        self.ports.delete_stack(id, token).await
    }

    async fn continue_rollback(&self, id: &str, token: &str, skip: &[String]) -> Answer<()> {
        self.ports.continue_rollback(id, token, skip).await
    }

    async fn execute_change_set(&self, stack: &StackName, name: &EffectKey) -> Answer<Executed> {
        match self.ports.execute_change_set(stack, name).await {
            Err(Failure::Unknown { call, .. }) if self.is(Mutation::TimeoutIsRefusal) => {
                Err(Failure::refused(call, "timed out"))
            }
            answer => answer,
        }
    }
}

impl Services for Mutated {
    async fn service(&self, cluster: &str, service: &str) -> Answer<Option<ServiceRead>> {
        let mut read = self.ports.service(cluster, service).await?;
        if let Some(read) = read.as_mut().filter(|_| self.is(Mutation::RolloutUnread)) {
            read.rollout = RolloutState::Completed;
        }
        Ok(read)
    }

    async fn task_images(&self, task_definition: &str) -> Answer<BTreeMap<String, String>> {
        let mut images = self.ports.task_images(task_definition).await?;
        if self.is(Mutation::DigestUnread)
            && let Some(planned) = self.seen.borrow().track.as_ref().and_then(being_deployed)
        {
            images.values_mut().for_each(|image| *image = format!("registry.example@{planned}"));
        }
        Ok(images)
    }

    async fn stopped_tasks(&self, cluster: &str, family: &str) -> Answer<Vec<StoppedTask>> {
        self.ports.stopped_tasks(cluster, family).await
    }

    async fn target_group(&self, revision: &str) -> Answer<Option<String>> {
        self.ports.target_group(revision).await
    }
}

impl Errands for Mutated {
    async fn tasks(&self, cluster: &str, family: &str) -> Answer<Vec<TaskRead>> {
        let mut read = self.ports.tasks(cluster, family).await?;
        if self.is(Mutation::ExitCodeUnread) {
            let ran = read.iter_mut().flat_map(|task| &mut task.ended.containers);
            ran.for_each(|container| container.exit_code = container.exit_code.map(|_| 0));
        }
        let running = self.seen.borrow().track.as_ref().is_some_and(errand_runs);
        Ok(if self.is(Mutation::TaskTokenUnsent) && !running { Vec::new() } else { read })
    }

    async fn register_task(&self, family: &TaskFamily) -> Answer<String> {
        self.ports.register_task(family).await
    }

    async fn run_task(&self, order: &TaskOrder) -> Answer<()> {
        if self.is(Mutation::TaskTokenUnsent) {
            self.ports.world.borrow_mut().forget_task_tokens();
        }
        self.ports.run_task(order).await
    }

    async fn stop_task(&self, cluster: &str, arn: &str, why: &str) -> Answer<()> {
        self.ports.stop_task(cluster, arn, why).await
    }
}

impl Logs for Mutated {
    async fn log_tail(&self, log_group: &str, stream: &str, lines: u32) -> Answer<Vec<String>> {
        self.ports.log_tail(log_group, stream, lines).await
    }
}

fn errand_runs(track: &Track) -> bool {
    let runs =
        |phase: &Phase| matches!(phase, Phase::Deploying { errand: Some(errand), .. } if errand.started);
    track.in_flight.iter().any(|release| runs(&release.phase))
}

fn being_deployed(track: &Track) -> Option<&ImageDigest> {
    let deploying = track.in_flight.iter().find(|release| matches!(release.phase, Phase::Deploying { .. }));
    deploying.and_then(|release| release.phase.image())
}

impl People for Mutated {
    async fn publish(&self, message: &Message) -> Answer<()> {
        if self.is(Mutation::DoneBeforeDone) {
            self.forget_announcement(message).await?;
        }
        let mut message = message.clone();
        if self.is(Mutation::EndingUnread) {
            let mut json: Value = serde_json::from_str(&message.json).unwrap_or_default();
            json["ending"] = Value::from("Deployed");
            message.json = json.to_string();
        }
        self.ports.publish(&message).await
    }

    async fn post_to_slack(&self, text: &str) -> Answer<()> {
        self.ports.post_to_slack(text).await
    }
}

impl Channels for Mutated {
    async fn channels_record(&self) -> Answer<Option<Stored>> {
        self.ports.channels_record().await
    }

    async fn say_in_slack(&self, channel: Option<&ChannelId>, text: &str) -> Answer<Posted> {
        let mixed_up = self.is(Mutation::NewsMixedUp).then(channels::team).flatten();
        self.ports.say_in_slack(mixed_up.as_ref().or(channel), text).await
    }

    async fn trouble_told(&self) -> Answer<Option<i64>> {
        self.ports.trouble_told().await
    }

    async fn remember_trouble_told(&self, version: i64) -> Answer<()> {
        self.ports.remember_trouble_told(version).await
    }
}

impl SlackBoard for Mutated {
    async fn shown(&self, release: &ReleaseId) -> Answer<Option<Shown>> {
        self.ports.shown(release).await
    }

    async fn remember_shown(&self, release: &ReleaseId, shown: &Shown) -> Answer<()> {
        self.ports.remember_shown(release, shown).await
    }

    async fn post_message(&self, channel: Option<&ChannelId>, message: &Value) -> Answer<Posted> {
        let channel = channel.filter(|_| !self.is(Mutation::RoutesIgnored));
        self.ports.post_message(channel, message).await
    }

    async fn update_in_slack(&self, place: &Place, message: &Value) -> Answer<Posted> {
        self.ports.update_in_slack(place, message).await
    }

    async fn reply_in_slack(&self, place: &Place, message: &Value) -> Answer<Posted> {
        self.ports.reply_in_slack(place, message).await
    }

    async fn repeat_in_slack(&self, place: &Place, text: &str, urgent: bool) -> Answer<Posted> {
        self.ports.repeat_in_slack(place, text, urgent).await
    }
}

impl Slack for Mutated {
    async fn slack_app(&self) -> Answer<Option<SlackApp>> {
        self.ports.slack_app().await
    }

    async fn slack_member(&self, user: &SlackUser) -> Answer<Membership> {
        let member = self.ports.slack_member(user).await?;
        Ok(if self.is(Mutation::GuestsTaken) { Membership::Full } else { member })
    }

    async fn answer_in_slack(&self, to: &slack::AnswerTo, text: &str) -> Answer<()> {
        self.ports.answer_in_slack(to, text).await
    }
}

/// Ports that no mutation touches.
macro_rules! passed_on {
    ($($port:ident { $(fn $call:ident($($name:ident: $kind:ty),*) -> $answer:ty;)+ })+) => { $(
        impl $port for Mutated {
            $(async fn $call(&self, $($name: $kind),*) -> Answer<$answer> {
                self.ports.$call($($name),*).await
            })+
        }
    )+ };
}

passed_on! {
    Builds {
        fn load_build(family: &BuildFamily) -> Option<Build>;
        fn commit_build(build: &Build) -> Commit;
    }
    Queues {
        fn wake(hand: Hand, track: &TrackKey, version: u64, delay: Span) -> ();
    }
    Patrol {
        fn send_to_push(repository: &RepositoryName, branch: &BranchName) -> ();
    }
    Quarantine {
        fn quarantine(function: &str, why: &str, payload: Option<&[u8]>) -> ();
    }
    Images {
        fn image_digest(repository: &str, tag: &BuildId) -> Option<ImageDigest>;
    }
    Secrets {
        fn secret_exists(name: &str) -> bool;
    }
    Templates {
        fn base_template(key: &str) -> Option<String>;
        fn store_template(sha256: &str, body: &str) -> String;
    }
    ReplyKey {
        fn reply_key() -> Vec<u8>;
    }
}
