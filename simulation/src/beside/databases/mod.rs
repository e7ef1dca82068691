//! Databases' events and findings in a world of their own: functions `database`, `backups` and `notify` over an RDS whose
//! instances fail over, fill up, lose their backups and are changed, and whose events are lost, late, reordered or come
//! twice; crashes at any pause. What people hear of it keeps I10.

mod elsewhere;
mod ports;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use databases::alert::Alert;
use databases::folding::{Telling, open};
use databases::rules::Rule;
use databases::story::Story;
use databases::time::shown;
use databases::watch::{News, Watch};
use databases::words;
use engine::functions;
use model::database::DatabaseKey;
use model::time::{Span, Timestamp};
use serde_json::json;

use super::ports::Ports;
use super::{Base, Beside, Nature, Report, Step, step};
use crate::executor::Task;
use crate::random::Random;
use crate::trace::Keep;
use crate::world::{HOUR, MINUTE, SECOND, START_MS};

/// What could be wrong with what people hear; each breaks I10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchFlaw {
    /// What was heard before is not remembered: copies of events are news.
    CopiesTold,
    /// What could not be published is taken for published.
    PublishTakenForGranted,
    /// Findings that people know of are not remembered.
    FindingsForgotten,
}

impl WatchFlaw {
    pub const ALL: [Self; 3] = [Self::CopiesTold, Self::PublishTakenForGranted, Self::FindingsForgotten];
}

/// What a long run must meet, by kind and name.
pub(crate) const WATCHES_MEET: &[(&str, &[&str])] = &[
    ("watch news", &["appeared", "gone", "happened", "over", "over, its beginning unheard"]),
    ("watch race", &["watch"]),
    (
        "watch fault",
        &["answer lost", "crash", "event late", "event lost", "event twice", "slow", "throttled"],
    ),
    (
        "watch call",
        &["commit_watch", "databases", "load_watch", "publish", "snapshots", "wake_to_tell", "watches"],
    ),
];

const NAMES: [&str; 2] = ["ledger", "payments"];
/// Kind of story, the event that opens it and the one that closes it. Source: `databases`' table of RDS's events.
const STORIES: [(Story, u16, u16); 3] =
    [(Story::Failover, 13, 49), (Story::Storage, 7, 17), (Story::Backups, 28, 32)];
/// As `template.yaml` says.
const FUNCTION_MS_MAX: u64 = 600 * SECOND;
const SCHEDULE_MS: u64 = 15 * MINUTE;
/// Lambda's, of an event; a queue's are more.
const ATTEMPTS_MAX: u32 = 3;
const QUIET_FROM_MS: u64 = 10 * HOUR;
const ENDS_WITHIN_MS: u64 = 20 * HOUR;

/// One run.
pub fn watch_world(seed: u64, flaw: Option<WatchFlaw>) -> Report {
    play(seed, flaw, Keep::Nothing)
}

pub(crate) fn play(seed: u64, flaw: Option<WatchFlaw>, keep: Keep) -> Report {
    let world = Rc::new(RefCell::new(World::new(seed, flaw)));
    world.borrow_mut().base.keep(keep);
    let mut tasks: BTreeMap<u64, (Task, u64, Invocation)> = BTreeMap::new();
    loop {
        let Some((id, what)) = world.borrow_mut().base.next() else { break };
        let now = world.borrow().base.now;
        match what {
            What::Invoke(invocation) => {
                let ports = Ports::of(&world);
                let (bytes, to) = (invocation.payload.clone().into_bytes(), invocation.to);
                let task = Task::new(async move {
                    match to {
                        To::Database => functions::database(&ports, &bytes).await,
                        To::Backups => functions::backups(&ports, &bytes).await,
                        To::Notify => functions::notify(&ports, &bytes).await,
                    }
                });
                tasks.insert(id, (task, now + FUNCTION_MS_MAX, invocation));
                world.borrow_mut().base.later(0, What::Poll(id));
            }
            What::Poll(id) => {
                let Some((task, until, invocation)) = tasks.get_mut(&id) else { continue };
                let step = step(&world, task, *until, What::Poll(id));
                if step.failed() {
                    world.borrow_mut().again(invocation);
                }
                if !matches!(step, Step::Pauses) {
                    tasks.remove(&id);
                }
            }
            What::Clock => world.borrow_mut().clock(),
            What::Happens { name, event } => world.borrow_mut().happens(name, event),
            What::Changes(name) => world.borrow_mut().changes(name),
        }
    }
    let world = &mut *world.borrow_mut();
    world.rest();
    world.base.report()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Database,
    Backups,
    Notify,
}

#[derive(Debug, Clone)]
struct Invocation {
    to: To,
    payload: String,
    attempt: u32,
}

#[derive(Debug)]
enum What {
    Invoke(Invocation),
    Poll(u64),
    Clock,
    Happens {
        name: &'static str,
        event: u16,
    },
    /// Somebody takes an instance's standby or gives it one.
    Changes(&'static str),
}

/// What happened to an instance, from an event to an event.
struct Trouble {
    name: &'static str,
    story: Story,
    opened: (u16, Timestamp),
    closed: (u16, Timestamp),
}

struct World {
    base: Base<What, WatchFlaw>,
    troubles: Vec<Trouble>,
    /// Instances without a standby.
    alone: BTreeSet<&'static str>,
    watches: BTreeMap<DatabaseKey, Watch>,
    /// Every event that a watch ever had: database, event, time.
    heard: BTreeSet<(String, String, Timestamp)>,
    /// All that was ever to be told, in its order.
    news: Vec<(String, News)>,
    published: BTreeSet<String>,
}

const NATURE: Nature = Nature {
    invariant: "I10",
    fault: "watch fault",
    call: "watch call",
    trouble_per_mille: 15,
    slow: (10, 4 * MINUTE),
    quiet_from_ms: QUIET_FROM_MS,
    ends_within_ms: ENDS_WITHIN_MS,
};

impl Beside for World {
    type What = What;
    type Flaw = WatchFlaw;

    fn base(&mut self) -> &mut Base<What, WatchFlaw> {
        &mut self.base
    }
}

impl World {
    fn new(seed: u64, flaw: Option<WatchFlaw>) -> Self {
        let mut world = Self {
            base: Base::new(NATURE, flaw, Random::new(seed ^ 0x3a7c)),
            troubles: Vec::new(),
            alone: BTreeSet::new(),
            watches: BTreeMap::new(),
            heard: BTreeSet::new(),
            news: Vec::new(),
            published: BTreeSet::new(),
        };
        world.base.later(0, What::Clock);
        for name in NAMES {
            for (story, opens, closes) in STORIES {
                world.trouble(name, story, (opens, closes));
            }
            for _ in 0..world.base.random.between(0, 4) {
                let at = world.base.random.between(0, 9 * HOUR);
                world.base.later(at, What::Changes(name));
            }
        }
        world
    }

    /// One of a kind at most: where an end is lost, what comes after it belongs to the same story. Events tell whole seconds.
    fn trouble(&mut self, name: &'static str, story: Story, (opens, closes): (u16, u16)) {
        if !self.base.random.chance(700) {
            return;
        }
        let begins = self.base.random.between(1, 420) * MINUTE;
        let ends = begins + self.base.random.between(30, 7200) * SECOND;
        let at = |ms: u64| Timestamp((START_MS + ms) / SECOND * SECOND);
        self.base.later(begins, What::Happens { name, event: opens });
        self.base.later(ends, What::Happens { name, event: closes });
        let (opened, closed) = ((opens, at(begins)), (closes, at(ends)));
        self.troubles.push(Trouble { name, story, opened, closed });
    }

    fn invoke(&mut self, delay_ms: u64, to: To, payload: String) {
        self.base.later(delay_ms, What::Invoke(Invocation { to, payload, attempt: 1 }));
    }

    fn again(&mut self, Invocation { to, payload, attempt }: &Invocation) {
        if *attempt < ATTEMPTS_MAX {
            let again = Invocation { to: *to, payload: payload.clone(), attempt: attempt + 1 };
            self.base.later(u64::from(*attempt) * MINUTE, What::Invoke(again));
        }
    }

    fn clock(&mut self) {
        let payload = json!({ "source": "aws.events", "detail-type": "Scheduled Event", "detail": {} });
        self.invoke(0, To::Backups, payload.to_string());
        if self.base.now < START_MS + QUIET_FROM_MS + 2 * HOUR {
            self.base.later(SCHEDULE_MS, What::Clock);
        }
    }

    fn happens(&mut self, name: &'static str, event: u16) {
        let at = Timestamp(self.base.now / SECOND * SECOND);
        self.emit(name, event, at);
    }

    fn changes(&mut self, name: &'static str) {
        if !self.alone.remove(name) {
            self.alone.insert(name);
        }
        // A change is complete.
        let at = Timestamp(self.base.now / SECOND * SECOND);
        self.emit(name, 12, at);
    }

    /// EventBridge: on best effort, late and more than once; each rule has its own fate.
    fn emit(&mut self, name: &str, event: u16, at: Timestamp) {
        let payload = json!({
            "source": "aws.rds",
            "detail-type": "RDS DB Instance Event",
            "detail": {
                "SourceArn": format!("arn:aws:rds:eu-west-1:123456789012:db:{name}"),
                "SourceIdentifier": name,
                "EventID": format!("RDS-EVENT-{event:04}"),
                "Date": shown(at),
            },
        });
        for to in [To::Database, To::Backups] {
            if self.base.strikes("event lost", 100) {
                continue;
            }
            let copies = if self.base.strikes("event twice", 200) { 2 } else { 1 };
            for _ in 0..copies {
                let late = self.base.strikes("event late", 200);
                let delay = self.base.random.between(SECOND, if late { 5 * HOUR } else { 3 * SECOND });
                self.invoke(delay, to, payload.to_string());
            }
        }
    }

    /// What a commit says is to be told, and what of that it takes as told.
    fn committed(&mut self, before: Option<&Watch>, after: &Watch) {
        let known = before.map_or(0, |watch| watch.last_notice);
        for heard in &after.heard {
            self.heard.insert((after.key.to_string(), heard.id.clone(), heard.at));
        }
        for notice in after.notices.iter().filter(|notice| notice.n > known) {
            self.promised(&after.key, &notice.news);
        }
        let Some(before) = before else { return };
        let there: BTreeSet<u64> = after.notices.iter().map(|notice| notice.n).collect();
        for notice in before.notices.iter().filter(|notice| !there.contains(&notice.n)) {
            let said = words::of(before, &notice.news).text;
            if !self.published.contains(&said) {
                self.base.wrong(format!("forgotten before people heard it: {said}"));
            }
        }
    }

    fn promised(&mut self, key: &DatabaseKey, news: &News) {
        self.base.coverage.hit("checked", "I10");
        let name = match news {
            News::Appeared { .. } => "appeared",
            News::Gone { .. } => "gone",
            News::Alert { telling: Telling::Happened, .. } => "happened",
            News::Alert { telling: Telling::Ended(Some(_)), .. } => "over",
            News::Alert { telling: Telling::Ended(None), .. } => "over, its beginning unheard",
            News::Drilled { .. } | News::Validated { .. } => "of a drill",
        };
        self.base.coverage.hit("watch news", name);
        if let Some((rule, appears)) = finding(news) {
            let last = self.news.iter().rev().filter(|(of, _)| of == key.as_str());
            let last = last.filter_map(|(_, news)| finding(news)).find(|(other, _)| *other == rule);
            if last.map_or(!appears, |(_, appeared)| appeared == appears) {
                self.base
                    .wrong(format!("{key}: {} is told as {name} twice in a row, or first", rule.as_str()));
            }
        }
        self.news.push((key.to_string(), news.clone()));
    }

    fn rest(&mut self) {
        for watch in self.watches.values().cloned().collect::<Vec<_>>() {
            if !watch.notices.is_empty() {
                self.base.wrong(format!(
                    "{} has {} notices that nobody heard",
                    watch.key,
                    watch.notices.len()
                ));
            }
        }
        for name in NAMES {
            self.findings_are_true(name);
        }
        for trouble in std::mem::take(&mut self.troubles) {
            self.is_told(&trouble);
        }
    }

    fn findings_are_true(&mut self, name: &str) {
        let key = format!("instance/{name}");
        let of_it = self.news.iter().rev().filter(|(of, _)| *of == key);
        let mut findings = of_it.filter_map(|(_, news)| finding(news));
        let told = findings.find(|(rule, _)| *rule == Rule::SingleAz).is_some_and(|(_, there)| there);
        let is_alone = self.alone.contains(name);
        if told != is_alone {
            self.base.wrong(format!("{key} is without a standby: {is_alone}, and people heard: {told}"));
        }
    }

    /// Once that it happened, at most; once that it is over, with how long it lasted; and what has no end stays open.
    fn is_told(&mut self, trouble: &Trouble) {
        let key = format!("instance/{}", trouble.name);
        let heard = |(event, at): (u16, Timestamp)| {
            self.heard.contains(&(key.clone(), format!("RDS-EVENT-{event:04}"), at))
        };
        let (opened, closed) = (heard(trouble.opened), heard(trouble.closed));
        let (from, to) = (trouble.opened.1, trouble.closed.1);
        let is_of_it =
            |alert: &Alert| alert.part.story() == Some(trouble.story) && (from..=to).contains(&alert.at);
        let tellings: Vec<&Telling> = self
            .news
            .iter()
            .filter(|(of, _)| *of == key)
            .filter_map(|(_, news)| match news {
                News::Alert { alert, telling } if is_of_it(alert) => Some(telling),
                News::Alert { .. }
                | News::Appeared { .. }
                | News::Gone { .. }
                | News::Drilled { .. }
                | News::Validated { .. } => None,
            })
            .collect();
        let happened = tellings.iter().filter(|telling| ***telling == Telling::Happened).count();
        let ended: Vec<Option<Span>> = tellings
            .iter()
            .filter_map(|telling| match telling {
                Telling::Ended(span) => Some(*span),
                Telling::Happened => None,
            })
            .collect();
        let is_true = match (opened, closed) {
            (false, false) => happened == 0 && ended.is_empty(),
            (true, false) => happened == 1 && ended.is_empty(),
            (false, true) => happened == 0 && ended.iter().all(Option::is_none) && ended.len() <= 1,
            // Its end may have come first.
            (true, true) => {
                happened <= 1 && ended.len() == 1 && ended[0].is_none_or(|span| span == to.since(from))
            }
        };
        let is_open = self.watches.get(&key.parse::<DatabaseKey>().expect("a key")).is_some_and(|watch| {
            open(&watch.heard, to).iter().any(|(story, since)| *story == trouble.story && *since == from)
        });
        let said = format!(
            "{key}: {} from {} to {} (heard: {opened}, {closed}) is told so: {tellings:?}, open: {is_open}",
            trouble.story.as_str(),
            shown(from),
            shown(to)
        );
        if !is_true || is_open != (opened && !closed) {
            self.base.wrong(said);
        }
    }
}

/// The rule that a finding breaks, and whether it appeared.
fn finding(news: &News) -> Option<(Rule, bool)> {
    match news {
        News::Appeared { finding } => Some((finding.rule, true)),
        News::Gone { finding, .. } => Some((finding.rule, false)),
        News::Alert { .. } | News::Drilled { .. } | News::Validated { .. } => None,
    }
}
