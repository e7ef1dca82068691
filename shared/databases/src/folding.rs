//! Events of one database become stories: a failover's five events are two messages, and what ends a trouble tells how
//! long it lasted. What is kept is a set of events, so that their order of arrival and their copies change nothing (I4).

use model::severity::Severity;
use model::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::story::{Part, Story};

/// An event that was heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub id: String,
    pub at: Timestamp,
    pub severity: Severity,
    pub part: Part,
    /// Whether people were told because of it.
    pub told: bool,
}

/// What people are told because of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Telling {
    /// It stands for itself, or begins a story.
    Happened,
    /// It ends a story that lasted this long; `None` when its beginning was not heard of.
    Ended(Option<Span>),
}

/// Events of one database that are remembered. A failover has five; a busy day some dozens.
pub const HEARD_MAX: usize = 64;
/// An event can be a day late. Source: EventBridge user guide, "Event delivery from AWS services".
const REMEMBERED: Span = Span::hours(48);
/// What goes on is told again when it comes up again after this time.
const AGAIN: Span = Span::hours(12);
/// What comes so soon after the end of a story belongs to it.
const SETTLES: Span = Span::minutes(10);
/// RDS sends "shutdown" and "restarted" by themselves, and as steps of other stories.
const RESTARTS: [&str; 2] = ["RDS-EVENT-0004", "RDS-EVENT-0006"];
const WITH_RESTARTS: [Story; 3] = [Story::Failover, Story::Maintenance, Story::Recovery];

/// Adds an event to those heard before, and says what to tell because of it.
pub fn fold(heard: &mut Vec<Heard>, alert: &Alert, now: Timestamp) -> Option<Telling> {
    if heard.iter().any(|old| old.id == alert.id && old.at == alert.at) {
        return None;
    }
    let new =
        Heard { id: alert.id.clone(), at: alert.at, severity: alert.severity, part: alert.part, told: false };
    let telling = match alert.part.story() {
        None => (alert.severity >= Severity::Warning).then_some(Telling::Happened),
        Some(story) => {
            let whole = whole(heard, story, &new);
            let is_step = is_step_of_another(heard, &new) && !whole.iter().any(|event| event.told);
            if is_step { None } else { tell(&whole, &new) }
        }
    };
    heard.push(Heard { told: telling.is_some(), ..new });
    heard.sort_by(order);
    forget(heard, now);
    telling
}

/// The stories that have not ended, and since when.
pub fn open(heard: &[Heard], now: Timestamp) -> Vec<(Story, Timestamp)> {
    let kinds: std::collections::BTreeSet<Story> =
        heard.iter().filter_map(|event| event.part.story()).collect();
    kinds
        .into_iter()
        .filter_map(|story| {
            let whole = segments(of(heard, story), story).pop()?;
            let (first, last) = (whole.first()?, whole.last()?);
            let is_open = now.since(last.at) <= story.silence_max()
                && !whole.iter().any(closes)
                && whole.iter().any(|event| event.severity >= Severity::Warning);
            is_open.then_some((story, first.at))
        })
        .collect()
}

fn of(heard: &[Heard], story: Story) -> Vec<Heard> {
    heard.iter().filter(|event| event.part.story() == Some(story)).cloned().collect()
}

fn order(a: &Heard, b: &Heard) -> std::cmp::Ordering {
    let rank = |event: &Heard| match event.part {
        Part::Opens(_) => 0,
        Part::Alone | Part::Continues(_) => 1,
        Part::Closes(_) => 2,
    };
    (a.at, rank(a), &a.id).cmp(&(b.at, rank(b), &b.id))
}

fn closes(event: &Heard) -> bool {
    matches!(event.part, Part::Closes(_))
}

/// The story that the new event belongs to, with it.
fn whole(heard: &[Heard], story: Story, new: &Heard) -> Vec<Heard> {
    let mut events = of(heard, story);
    events.push(new.clone());
    events.sort_by(order);
    segments(events, story).into_iter().find(|segment| segment.contains(new)).unwrap_or_default()
}

/// Whether it is a restart that comes with a failover, a recovery or maintenance that people know of.
fn is_step_of_another(heard: &[Heard], new: &Heard) -> bool {
    RESTARTS.contains(&new.id.as_str())
        && WITH_RESTARTS.iter().any(|story| {
            segments(of(heard, *story), *story).iter().any(|whole| {
                let end = whole.iter().find(|event| closes(event));
                let (Some(first), Some(last)) = (whole.first(), whole.last()) else { return false };
                let until = end.map_or(last.at.plus(story.silence_max()), |end| end.at.plus(SETTLES));
                whole.iter().any(|event| event.told) && first.at <= new.at.plus(SETTLES) && new.at <= until
            })
        })
}

/// Sorted events of one kind, as stories after each other.
fn segments(events: Vec<Heard>, story: Story) -> Vec<Vec<Heard>> {
    let mut stories: Vec<Vec<Heard>> = Vec::new();
    for event in events {
        let goes_on = stories.last().is_some_and(|last| {
            let ended = last.iter().find(|e| closes(e)).map(|e| e.at);
            match ended {
                Some(end) if matches!(event.part, Part::Opens(_)) => event.at <= end,
                Some(end) => event.at.since(end) <= SETTLES,
                None => last.last().is_some_and(|last| event.at.since(last.at) <= story.silence_max()),
            }
        });
        match stories.last_mut() {
            Some(last) if goes_on => last.push(event),
            Some(_) | None => stories.push(vec![event]),
        }
    }
    stories
}

fn tell(whole: &[Heard], new: &Heard) -> Option<Telling> {
    let told = |event: &&Heard| event.told;
    let began = whole.iter().find(|event| !closes(event)).map(|event| event.at);
    let end = whole.iter().find(|event| closes(event));
    match (closes(new), end) {
        (true, _) => {
            let told_end = whole.iter().filter(|event| closes(event)).filter(told).map(|e| e.severity).max();
            let is_news = match told_end {
                None => new.severity >= Severity::Warning || whole.iter().any(|event| event.told),
                // A second end is the same news, unless it is the worst.
                Some(worst) => new.severity == Severity::Critical && worst < Severity::Critical,
            };
            is_news.then(|| Telling::Ended(began.map(|began| new.at.since(began))))
        }
        // It is over already, and whoever was told of its end knows.
        (false, Some(end)) => {
            let is_news = new.severity >= Severity::Warning && !whole.iter().any(|event| event.told);
            is_news.then(|| Telling::Ended(began.map(|began| end.at.since(began))))
        }
        (false, None) => {
            let is_critical = new.severity == Severity::Critical;
            let is_news = match whole.iter().filter(told).map(|event| (event.severity, event.at)).max() {
                None => new.severity >= Severity::Warning,
                // It got worse; or another thing that nobody may miss; or it still is, or is again.
                Some((worst, at)) => {
                    (new.severity > worst && (is_critical || new.at >= at))
                        || (is_critical && !whole.iter().any(|event| event.told && event.id == new.id))
                        || (matches!(new.part, Part::Opens(_)) && is_long_since(whole, new.at))
                }
            };
            is_news.then_some(Telling::Happened)
        }
    }
}

fn is_long_since(whole: &[Heard], at: Timestamp) -> bool {
    let last = whole.iter().filter(|event| event.told).map(|event| event.at).max();
    last.is_some_and(|last| at.since(last) > AGAIN)
}

/// Keeps what copies can still come of, and stories that have not ended.
fn forget(heard: &mut Vec<Heard>, now: Timestamp) {
    let open = open(heard, now);
    heard.retain(|event| {
        let is_open = event
            .part
            .story()
            .is_some_and(|story| open.iter().any(|(kind, since)| *kind == story && event.at >= *since));
        is_open || now.since(event.at) <= REMEMBERED
    });
    if heard.len() > HEARD_MAX {
        heard.drain(..heard.len() - HEARD_MAX);
    }
}
