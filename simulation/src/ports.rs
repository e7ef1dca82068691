//! The engine's ports on the world. Each call pauses before and after its effect, so that everything else may happen
//! there, a crash of the caller included; a call may be turned away, or lose its answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use databases::facts::{AutomatedBackup, Database, Kind as DatabaseKind};
use databases::watch::Watch;
use engine::failure::Failure;
use engine::ports::{
    Agenda, BuildOrder, BuildRead, BuildService, Builds, Callers, ChangeSetCreated, ChangeSetOrder,
    ChangeSetRead, Channels, Clock, Commit, CommitOnce, CommitRead, Databases, Errands, Executed, Images,
    Letters, Listeners, Logs, Membership, Message, NoticeQueue, Once, Page, Patrol, People, Place, Posted,
    Quarantine, Queues, Records, Registry, ReplyKey, ResourceSignal, Secrets, ServiceRead, Services, Slack,
    SlackApp, SlackBoard, Sources, StackEvent, StackRead, StackResource, Stacks, StoppedContainer,
    StoppedTask, Stored, TaskFamily, TaskOrder, TaskRead, Templates, Tracks, Watches,
};
use engine::show::Shown;
use intake::Care;
use intake::dead_letter::Dropped;
use model::build::Build;
use model::database::DatabaseKey;
use model::decide::Advance;
use model::effect::Hand;
use model::ids::{
    BranchName, BuildFamily, BuildId, ChannelId, EffectKey, EnvironmentName, ImageDigest, ReleaseId,
    RepositoryName, Revision, SlackUser, StackName, TrackKey,
};
use model::listener::Listener;
use model::release::Release;
use model::time::{Span, Timestamp};
use model::track::Track;

use crate::callers;
use crate::checks::Invariant;
use crate::crash::{Moment, survive};
use crate::events;
use crate::executor::pause;
use crate::faults::Fault;
use crate::mutation::Mutation;
use crate::sources::BRANCH;
use crate::witness;
use crate::world::{MINUTE, World};

/// Source: SQS developer guide, "FIFO queues": deduplication interval.
const DEDUPLICATED_MS: u64 = 5 * MINUTE;

/// What reply tokens are made with.
pub(crate) const REPLY_KEY: &[u8] = b"the key of the simulated secret";

type Answer<T> = Result<T, Failure>;

/// What one invocation of a function sees.
pub(crate) struct Ports {
    pub(crate) world: Rc<RefCell<World>>,
    /// How much this machine's clock is ahead.
    pub(crate) ahead_ms: i64,
    /// The payload that the function was invoked with.
    pub(crate) came: Rc<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
}

impl Ports {
    async fn read<T>(&self, call: &'static str, answer: impl FnOnce(&mut World) -> T) -> Answer<T> {
        self.call(call, Kind::Read, |world| Ok(answer(world))).await
    }

    async fn write<T>(&self, call: &'static str, effect: impl FnOnce(&mut World) -> Answer<T>) -> Answer<T> {
        self.call(call, Kind::Write, effect).await
    }

    async fn call<T>(
        &self,
        call: &'static str,
        kind: Kind,
        effect: impl FnOnce(&mut World) -> Answer<T>,
    ) -> Answer<T> {
        pause().await;
        let number = self.world.borrow_mut().crash.count_call();
        survive(&self.world, call, number, Moment::BeforeItsEffect).await;
        let (answer, lost) = {
            let world = &mut *self.world.borrow_mut();
            world.coverage.hit("call", call);
            if world.throttles(call) || world.strikes(Fault::Throttle, call) {
                world.coverage.hit("throttled", call);
                return Err(Failure::transient(call, "ThrottlingException: Rate exceeded"));
            }
            if world.strikes(Fault::Unreachable, call) {
                world.coverage.hit("unreachable", call);
                return Err(Failure::transient(call, "dispatch failure: connection reset"));
            }
            let answer = effect(world);
            let lost = answer.is_ok() && world.strikes(Fault::AnswerLost, call);
            if lost {
                world.coverage.hit("answer lost", call);
            }
            (answer, lost)
        };
        survive(&self.world, call, number, Moment::AfterItsEffect).await;
        pause().await;
        match (lost, kind) {
            (false, _) => answer,
            (true, Kind::Read) => Err(Failure::transient(call, "timed out")),
            (true, Kind::Write) => Err(Failure::Unknown { call, source: "timed out".into() }),
        }
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        Timestamp(self.world.borrow().now.saturating_add_signed(self.ahead_ms))
    }
}

impl Tracks for Ports {
    async fn load_track(&self, key: &TrackKey) -> Answer<Option<Track>> {
        self.read("load_track", |world| world.table.tracks.get(key).cloned()).await
    }

    async fn commit_track(&self, advance: &Advance) -> Answer<Commit> {
        self.write("commit_track", |world| Ok(world.commit_track(advance))).await
    }

    async fn commit_track_once(&self, advance: &Advance, once: &Once) -> Answer<CommitOnce> {
        self.write("commit_track_once", |world| Ok(world.commit_track_once(advance, once))).await
    }

    async fn load_release(&self, id: &ReleaseId) -> Answer<Option<Release>> {
        self.read("load_release", |world| world.table.releases.get(id).cloned()).await
    }
}

impl Builds for Ports {
    async fn load_build(&self, family: &BuildFamily) -> Answer<Option<Build>> {
        self.read("load_build", |world| world.table.builds.get(family).cloned()).await
    }

    async fn commit_build(&self, build: &Build) -> Answer<Commit> {
        self.write("commit_build", |world| Ok(world.commit_build(build))).await
    }
}

impl Listeners for Ports {
    async fn load_listener(&self, arn: &str) -> Answer<Listener> {
        self.read("load_listener", |world| world.table.listeners.get(arn).cloned().unwrap_or_default()).await
    }

    async fn commit_listener(&self, arn: &str, listener: &Listener) -> Answer<Commit> {
        self.write("commit_listener", |world| Ok(world.commit_listener(arn, listener))).await
    }
}

impl Agenda for Ports {
    async fn due_tracks(&self, until: Timestamp, limit: u32) -> Answer<Vec<TrackKey>> {
        self.read("due_tracks", |world| {
            witness::sweep(world, until);
            world.due_tracks(until, limit)
        })
        .await
    }

    async fn load_patrol(&self) -> Answer<Option<String>> {
        self.read("load_patrol", |world| world.table.patrol.clone()).await
    }

    async fn save_patrol(&self, next: Option<&str>) -> Answer<()> {
        self.write("save_patrol", |world| {
            world.table.patrol = next.map(str::to_owned);
            Ok(())
        })
        .await
    }
}

impl Queues for Ports {
    async fn wake(&self, hand: Hand, track: &TrackKey, version: u64, delay: Span) -> Answer<()> {
        self.write("wake", |world| {
            world.wake(hand, track, version, delay);
            Ok(())
        })
        .await
    }
}

impl Databases for Ports {
    async fn databases(
        &self,
        kind: DatabaseKind,
        name: Option<&str>,
        _: Option<&str>,
    ) -> Answer<Page<Database>> {
        self.read("databases", |world| Page {
            items: world.database(kind, name).into_iter().collect(),
            next: None,
        })
        .await
    }

    async fn automated_backups(&self, _: Option<&str>, _: Option<&str>) -> Answer<Page<AutomatedBackup>> {
        self.read("automated_backups", |_| Page { items: Vec::new(), next: None }).await
    }
}

/// No database of this world sends events yet: the notifier finds nothing to tell of them.
impl Watches for Ports {
    async fn load_watch(&self, key: &DatabaseKey) -> Answer<Option<Watch>> {
        self.read("load_watch", |world| world.table.watches.get(key).cloned()).await
    }

    async fn commit_watch(&self, watch: &Watch) -> Answer<Commit> {
        self.write("commit_watch", |world| Ok(world.commit_watch(watch))).await
    }

    async fn watches(&self, _page: Option<&str>) -> Answer<Page<Watch>> {
        self.read("watches", |world| Page {
            items: world.table.watches.values().cloned().collect(),
            next: None,
        })
        .await
    }
}

impl NoticeQueue for Ports {
    async fn wake_to_tell(&self, key: &DatabaseKey, _version: u64) -> Answer<()> {
        self.write("wake_to_tell", |world| {
            let body = serde_json::json!({ "database": key.as_str() }).to_string();
            world.send(events::queue_of(Hand::Notify), body, Some(key.group()), 0);
            Ok(())
        })
        .await
    }
}

impl World {
    fn wake(&mut self, hand: Hand, track: &TrackKey, version: u64, delay: Span) {
        self.coverage.hit("woken", &format!("{hand:?}"));
        if delay > engine::ports::DELAY_MAX {
            self.violation(Invariant::Aws, format!("SQS refuses a delay of {delay:?}"));
        }
        let (group, delay_ms) = match hand {
            Hand::Notify => {
                let name = format!("{track} {version} {}", self.now / MINUTE);
                let sent = self.deduplicated.insert(name.clone(), self.now);
                if let Some(sent) = sent.filter(|sent| self.now < sent + DEDUPLICATED_MS) {
                    self.deduplicated.insert(name, sent);
                    return;
                }
                (Some(track.to_string()), 0)
            }
            Hand::Builder | Hand::Deployer => (None, delay.0),
        };
        self.send(events::queue_of(hand), events::wake(&track.to_string()), group, delay_ms);
    }
}

impl Patrol for Ports {
    async fn send_to_push(&self, repository: &RepositoryName, branch: &BranchName) -> Answer<()> {
        self.write("send_to_push", |world| {
            world.coverage.hit("woken", "push, by the patrol");
            world.send("PatrolQueue", events::patrol(repository.as_str(), branch.as_str()), None, 0);
            Ok(())
        })
        .await
    }
}

impl Quarantine for Ports {
    async fn quarantine(&self, function: &str, why: &str, kept: Option<&[u8]>) -> Answer<()> {
        self.write("quarantine", |world| {
            world.quarantine(function, why, &self.came, kept);
            Ok(())
        })
        .await
    }
}

impl Sources for Ports {
    async fn branch_head(
        &self,
        repository: &RepositoryName,
        branch: &BranchName,
    ) -> Answer<Option<Revision>> {
        let is_known = branch.as_str() == BRANCH;
        self.read("branch_head", |world| {
            world.sources.heads.get(repository.as_str()).filter(|_| is_known).cloned()
        })
        .await
    }

    async fn file(
        &self,
        _repository: &RepositoryName,
        revision: &Revision,
        path: &str,
    ) -> Answer<Option<Vec<u8>>> {
        self.read("file", |world| world.file(revision, path)).await
    }

    async fn commit(&self, repository: &RepositoryName, revision: &Revision) -> Answer<Option<CommitRead>> {
        self.read("commit", |world| world.read_commit(repository.as_str(), revision)).await
    }
}

impl BuildService for Ports {
    async fn start_build(&self, order: &BuildOrder) -> Answer<String> {
        self.write("start_build", |world| world.start_build(order)).await
    }

    async fn read_builds(&self, arns: &[String]) -> Answer<Vec<BuildRead>> {
        self.read("read_builds", |world| world.read_builds(arns)).await
    }

    async fn recent_builds(&self) -> Answer<Vec<String>> {
        self.read("recent_builds", |world| world.recent_builds()).await
    }

    async fn stop_build(&self, arn: &str) -> Answer<()> {
        self.write("stop_build", |world| {
            world.stop_build(arn);
            Ok(())
        })
        .await
    }
}

impl Images for Ports {
    async fn image_digest(&self, repository: &str, tag: &BuildId) -> Answer<Option<ImageDigest>> {
        self.read("image_digest", |world| world.image_digest(repository, tag)).await
    }
}

impl Records for Ports {
    async fn service_record(&self, repository: &RepositoryName) -> Answer<Option<Stored>> {
        self.read("service_record", |world| world.platform.service_record(repository.as_str(), world.now))
            .await
    }

    async fn environment_record(&self, environment: &EnvironmentName) -> Answer<Option<Stored>> {
        self.read("environment_record", |world| world.platform.environment_record(environment.as_str())).await
    }

    async fn people_record(&self) -> Answer<Option<Stored>> {
        self.read("people_record", |world| world.platform.people_record()).await
    }

    async fn environment_records(&self, page: Option<&str>) -> Answer<Page<(String, Stored)>> {
        self.read("environment_records", |world| {
            let names = world.platform.environments();
            one_page(&names, world.platform.page, page, |name| world.platform.environment_record(name))
        })
        .await
    }
}

impl Registry for Ports {
    async fn service_records(&self, page: Option<&str>) -> Answer<Page<(String, Stored)>> {
        self.read("service_records", |world| {
            let platform = &world.platform;
            one_page(platform.services(), platform.page, page, |name| {
                platform.service_record(name, world.now)
            })
        })
        .await
    }
}

/// `size` names from where `page` says.
fn one_page(
    names: &[String],
    size: usize,
    page: Option<&str>,
    read: impl Fn(&str) -> Option<Stored>,
) -> Page<(String, Stored)> {
    let at = page.and_then(|page| page.parse::<usize>().ok()).unwrap_or(0);
    let items =
        names.iter().skip(at).take(size).filter_map(|name| Some((name.clone(), read(name)?))).collect();
    Page { items, next: (at + size < names.len()).then(|| (at + size).to_string()) }
}

impl Stacks for Ports {
    async fn stack(&self, name: &StackName) -> Answer<Option<StackRead>> {
        self.read("stack", |world| world.read_stack(name)).await
    }

    async fn stack_resources(&self, id: &str, page: Option<&str>) -> Answer<Page<StackResource>> {
        self.read("stack_resources", |world| {
            let all = world.stack_resources(id);
            let (items, next) = match page {
                None if all.len() > 1 => (all[..1].to_vec(), Some("2".to_owned())),
                None => (all, None),
                Some(_) => (all.into_iter().skip(1).collect(), None),
            };
            Page { items, next }
        })
        .await
    }

    async fn stack_template(&self, id: &str) -> Answer<String> {
        self.call("stack_template", Kind::Read, |world| world.stack_template(id)).await
    }

    async fn stack_events(&self, name: &StackName, page: Option<&str>) -> Answer<Page<StackEvent>> {
        self.read("stack_events", |world| {
            let (items, next) = world.stack_events(name, page);
            Page { items, next }
        })
        .await
    }

    async fn create_change_set(&self, order: &ChangeSetOrder) -> Answer<ChangeSetCreated> {
        self.write("create_change_set", |world| world.create_change_set(order)).await
    }

    async fn change_set(
        &self,
        stack: &StackName,
        name: &EffectKey,
        page: Option<&str>,
    ) -> Answer<Option<ChangeSetRead>> {
        self.read("change_set", |world| world.change_set(stack, name, page)).await
    }

    async fn delete_change_set(&self, stack: &StackName, name: &EffectKey) -> Answer<()> {
        self.write("delete_change_set", |world| {
            world.delete_change_set(stack, name);
            Ok(())
        })
        .await
    }

    async fn set_stack_policy(&self, stack: &StackName, policy: &str) -> Answer<()> {
        self.write("set_stack_policy", |world| world.set_stack_policy(stack, policy)).await
    }

    async fn cancel_update(&self, stack: &StackName, token: &EffectKey) -> Answer<()> {
        self.write("cancel_update", |world| {
            world.cancel_update(stack, token);
            Ok(())
        })
        .await
    }

    async fn signal_resource(
        &self,
        stack: &StackName,
        logical_id: &str,
        signal: &ResourceSignal,
    ) -> Answer<()> {
        self.write("signal_resource", |world| {
            world.signal_resource(stack, logical_id, signal);
            Ok(())
        })
        .await
    }

    async fn delete_stack(&self, id: &str, token: &str) -> Answer<()> {
        self.write("delete_stack", |world| world.delete_stack(id, token)).await
    }

    async fn continue_rollback(&self, id: &str, token: &str, skip: &[String]) -> Answer<()> {
        self.write("continue_rollback", |world| world.continue_rollback(id, token, skip)).await
    }

    async fn execute_change_set(&self, stack: &StackName, name: &EffectKey) -> Answer<Executed> {
        self.write("execute_change_set", |world| world.execute_change_set(stack, name)).await
    }
}

impl Services for Ports {
    async fn service(&self, cluster: &str, service: &str) -> Answer<Option<ServiceRead>> {
        self.read("service", |world| world.service(cluster, service)).await
    }

    async fn stopped_tasks(&self, _cluster: &str, _family: &str) -> Answer<Vec<StoppedTask>> {
        self.read("stopped_tasks", |_| {
            let container = StoppedContainer { name: "app".to_owned(), exit_code: Some(1), reason: None };
            let reason = Some("Essential container in task exited".to_owned());
            vec![StoppedTask { created_at: None, stop_code: None, reason, containers: vec![container] }]
        })
        .await
    }

    async fn target_group(&self, _revision: &str) -> Answer<Option<String>> {
        // No service here shifts its traffic.
        self.read("target_group", |_| None).await
    }

    async fn task_images(&self, task_definition: &str) -> Answer<BTreeMap<String, String>> {
        self.read("task_images", |world| world.task_images(task_definition)).await
    }
}

impl Errands for Ports {
    async fn tasks(&self, cluster: &str, family: &str) -> Answer<Vec<TaskRead>> {
        self.read("tasks", |world| world.tasks(cluster, family)).await
    }

    async fn register_task(&self, family: &TaskFamily) -> Answer<String> {
        self.write("register_task", |world| Ok(world.register_task(family))).await
    }

    async fn run_task(&self, order: &TaskOrder) -> Answer<()> {
        self.write("run_task", |world| world.run_task(order)).await
    }

    async fn stop_task(&self, _cluster: &str, arn: &str, _why: &str) -> Answer<()> {
        self.write("stop_task", |world| {
            world.stop_task(arn);
            Ok(())
        })
        .await
    }
}

impl Logs for Ports {
    async fn log_tail(&self, _log_group: &str, _stream: &str, _lines: u32) -> Answer<Vec<String>> {
        self.read("log_tail", |_| vec!["column orders.total does not exist".to_owned()]).await
    }
}

impl Secrets for Ports {
    async fn secret_exists(&self, _name: &str) -> Answer<bool> {
        self.read("secret_exists", |_| true).await
    }
}

impl Templates for Ports {
    async fn base_template(&self, key: &str) -> Answer<Option<String>> {
        self.read("base_template", |world| world.platform.base_template(key)).await
    }

    async fn store_template(&self, sha256: &str, body: &str) -> Answer<String> {
        let url = format!("https://artifacts.s3.eu-west-1.amazonaws.com/templates/{sha256}.json");
        self.write("store_template", |world| {
            world.platform.templates.insert(url.clone(), body.to_owned());
            Ok(url)
        })
        .await
    }
}

impl People for Ports {
    async fn publish(&self, message: &Message) -> Answer<()> {
        self.write("publish", |world| {
            world.publish(message);
            Ok(())
        })
        .await
    }

    async fn post_to_slack(&self, text: &str) -> Answer<()> {
        self.write("post_to_slack", |world| {
            world.slack_is_told_no_secret(text);
            Ok(())
        })
        .await
    }
}

/// What failed is sent again by the world itself: nobody orders it here.
impl Letters for Ports {
    async fn note_care(&self, _: Care, _: &Dropped, once: &Once) -> Answer<CommitOnce> {
        let spent = !self.world.borrow_mut().table.spent.insert(once.id.clone());
        Ok(if spent { CommitOnce::Spent } else { CommitOnce::Written })
    }
}

impl Callers for Ports {
    fn installation(&self) -> Answer<proof::Installation> {
        callers::installation()
    }

    async fn ask_sts(&self, request: &proof::Request) -> Answer<proof::Answered> {
        let unchecked = self.world.borrow().mutation == Some(Mutation::AnySignatureTaken);
        self.read("ask_sts", |world| world.answer_sts(request, unchecked)).await
    }
}

impl Slack for Ports {
    async fn slack_app(&self) -> Answer<Option<SlackApp>> {
        self.read("slack_app", |_| Some(crate::voters::app())).await
    }

    async fn slack_member(&self, user: &SlackUser) -> Answer<Membership> {
        self.read("slack_member", |_| crate::voters::membership(user)).await
    }

    async fn answer_in_slack(&self, _to: &slack::AnswerTo, text: &str) -> Answer<()> {
        self.write("answer_in_slack", |world| {
            world.slack_is_told_no_secret(text);
            Ok(())
        })
        .await
    }
}

impl SlackBoard for Ports {
    async fn shown(&self, release: &ReleaseId) -> Answer<Option<Shown>> {
        self.read("shown", |world| world.board.shown.get(release).cloned()).await
    }

    async fn remember_shown(&self, release: &ReleaseId, shown: &Shown) -> Answer<()> {
        self.write("remember_shown", |world| {
            world.board.shown.insert(release.clone(), shown.clone());
            Ok(())
        })
        .await
    }

    async fn post_message(&self, channel: Option<&ChannelId>, message: &serde_json::Value) -> Answer<Posted> {
        self.write("post_message", |world| Ok(world.post_in_slack(channel, message))).await
    }

    async fn update_in_slack(&self, place: &Place, message: &serde_json::Value) -> Answer<Posted> {
        self.write("update_in_slack", |world| Ok(world.update_in_slack(place, message))).await
    }

    async fn reply_in_slack(&self, place: &Place, message: &serde_json::Value) -> Answer<Posted> {
        self.write("reply_in_slack", |world| Ok(world.reply_in_slack(place, message))).await
    }

    async fn repeat_in_slack(&self, place: &Place, text: &str, urgent: bool) -> Answer<Posted> {
        self.write("repeat_in_slack", |world| {
            world.slack_is_told_no_secret(text);
            world.coverage.hit("told", if urgent { "urgently in Slack" } else { "again in Slack" });
            Ok(Posted::There(place.clone()))
        })
        .await
    }
}

impl Channels for Ports {
    async fn channels_record(&self) -> Answer<Option<Stored>> {
        self.read("channels_record", |world| world.platform.channels.record()).await
    }

    async fn say_in_slack(&self, channel: Option<&ChannelId>, text: &str) -> Answer<Posted> {
        self.write("say_in_slack", |world| Ok(world.say_in_slack(channel, text))).await
    }

    async fn trouble_told(&self) -> Answer<Option<i64>> {
        self.read("trouble_told", |world| world.platform.channels.trouble_told).await
    }

    async fn remember_trouble_told(&self, version: i64) -> Answer<()> {
        self.write("remember_trouble_told", |world| {
            world.platform.channels.trouble_told = Some(version);
            Ok(())
        })
        .await
    }
}

impl ReplyKey for Ports {
    async fn reply_key(&self) -> Answer<Vec<u8>> {
        self.read("reply_key", |_| REPLY_KEY.to_vec()).await
    }
}
