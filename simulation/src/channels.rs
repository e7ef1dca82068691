//! The record of channels, and which of them may hear of what: in other words than the product's.

use engine::ports::Stored;
use model::ids::{ChannelId, ReleaseId, TrackKey};
use serde_json::json;

use crate::board::CHANNEL;
use crate::checks::Invariant;
use crate::random::Random;
use crate::world::World;

/// The team's of `card-api`, and the one's that hears what is bad of everything.
const TEAM: &str = "C0CARDS";
const ON_CALL: &str = "C0ONCALL";

/// How the record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Routing {
    Absent,
    /// It names a channel by its name.
    Unreadable,
    /// The team hears of its service, in production or everywhere; others may hear what is bad of everything.
    Routed {
        production_only: bool,
        on_call: bool,
    },
}

/// Every record that was in force, the newest last; their versions begin with 1.
#[derive(Debug, Clone)]
pub(crate) struct Channels {
    records: Vec<Routing>,
    /// What the table remembers.
    pub(crate) trouble_told: Option<i64>,
}

impl Channels {
    pub(crate) fn new(routing: Routing) -> Self {
        Self { records: vec![routing], trouble_told: None }
    }

    pub(crate) fn change(&mut self, routing: Routing) {
        self.records.push(routing);
    }

    pub(crate) fn record(&self) -> Option<Stored> {
        let body = self.records.last()?.body()?;
        Some(Stored { body, version: self.records.len() as i64 })
    }

    /// Whether the one message of a release may be posted there. Whoever posts may have read any of them.
    fn may_show(&self, track: &TrackKey, channel: &str) -> bool {
        self.records.iter().any(|record| record.shows(track) == channel)
    }

    fn may_tell(&self, track: &TrackKey, channel: &str) -> bool {
        self.records.iter().any(|record| match record {
            Routing::Absent | Routing::Unreadable => false,
            Routing::Routed { on_call: true, .. } if channel == ON_CALL => true,
            Routing::Routed { .. } => channel == TEAM && record.shows(track) == TEAM,
        })
    }
}

impl Routing {
    pub(crate) fn drawn(random: &mut Random) -> Self {
        match random.between(1, 5) {
            1 => Self::Absent,
            2 => Self::Unreadable,
            _ => Self::Routed { production_only: random.chance(500), on_call: random.chance(500) },
        }
    }

    fn body(self) -> Option<String> {
        let record = match self {
            Self::Absent => return None,
            Self::Unreadable => json!({ "routes": [{ "channel": "#cards", "services": ["card-*"] }] }),
            Self::Routed { production_only, on_call } => {
                let mut team = json!({ "channel": TEAM, "services": ["card-*"] });
                if production_only {
                    team["environments"] = json!(["production"]);
                }
                let mut routes = vec![team];
                if on_call {
                    routes.push(json!({ "channel": ON_CALL, "severity": "high" }));
                }
                json!({ "routes": routes })
            }
        };
        Some(record.to_string())
    }

    fn shows(self, track: &TrackKey) -> &'static str {
        let Self::Routed { production_only, on_call } = self else { return CHANNEL };
        let is_here = !production_only || track.environment.as_str() == "production";
        if track.service.as_str() == "card-api" && is_here {
            TEAM
        } else if on_call {
            ON_CALL
        } else {
            CHANNEL
        }
    }
}

impl World {
    /// I14: a release is shown where its record says.
    pub(crate) fn is_shown_where_it_belongs(&mut self, channel: &str, text: &str) {
        self.coverage.hit("checked", "I14");
        match track_of(text) {
            Some(track) if self.platform.channels.may_show(&track, channel) => {
                self.coverage.hit("channel", if channel == CHANNEL { "own" } else { "routed" });
            }
            Some(_) | None => {
                self.violation(Invariant::I14, format_args!("shown in {channel}: {text}"));
            }
        }
    }

    /// I14: news come to channels that the record sends them to; only that it counts for nothing comes to the
    /// installation's own.
    pub(crate) fn is_told_where_it_belongs(&mut self, channel: Option<&str>, text: &str) {
        self.coverage.hit("checked", "I14");
        let is_right = match (channel, track_of(text)) {
            (Some(channel), Some(track)) => self.platform.channels.may_tell(&track, channel),
            (None, None) => self.platform.channels.records.contains(&Routing::Unreadable),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_right {
            self.violation(Invariant::I14, format_args!("told in {channel:?}: {text}"));
        }
    }
}

/// The team's channel.
pub(crate) fn team() -> Option<ChannelId> {
    TEAM.parse().ok()
}

/// What is shown or told begins with the release, or the track, that it is about.
fn track_of(text: &str) -> Option<TrackKey> {
    let first = text.split_whitespace().next()?.trim_end_matches(':');
    let of_release = first.parse::<ReleaseId>().ok().map(|release| release.track);
    of_release.or_else(|| first.parse().ok())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use engine::ports::BuildStatus;

    use super::*;
    use crate::script::Scripted;
    use crate::sources::CommitKind;
    use crate::trace::Keep;
    use crate::{builds, operations};

    /// How often each channel has something that begins with this, shown and said.
    fn heard(world: &World, about: &str) -> BTreeMap<String, (usize, usize)> {
        let mut heard: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let is_about = |text: &str| text.split([' ', ':']).next() == Some(about);
        for (channel, _) in world.board.standing().filter(|(_, text)| is_about(text)) {
            heard.entry(channel.to_owned()).or_default().0 += 1;
        }
        for (channel, _) in world.board.said.iter().filter(|(_, text)| is_about(text)) {
            heard.entry(channel.clone()).or_default().1 += 1;
        }
        heard
    }

    /// The first release is deployed, the second is rolled back, of the third the build fails.
    fn three_releases(service: &str, routing: Routing) -> std::rc::Rc<std::cell::RefCell<World>> {
        let mut scripted = Scripted::new(&[service.to_owned()], &["production"])
            .pushes(0, service, CommitKind::Good)
            .pushes(60, service, CommitKind::Good)
            .pushes(120, service, CommitKind::Good)
            .scripted(|script| {
                let failed = builds::Becomes::Failed(BuildStatus::Failed);
                script.builds.extend([builds::Becomes::Succeeded, builds::Becomes::Succeeded, failed]);
                script.operations.extend([operations::Becomes::Completed, operations::Becomes::RolledBack]);
            });
        scripted.story.platform.channels.change(routing);
        let world = scripted.play(scripted.world(1, Keep::Nothing, None));
        assert_eq!(world.borrow().violations, Vec::<String>::new());
        world
    }

    #[test]
    fn a_release_is_one_message_where_it_belongs_and_its_failure_one_more_to_each_who_asked() {
        let routed = Routing::Routed { production_only: true, on_call: true };
        let world = three_releases("card-api", routed);
        let one = |release: &str| heard(&world.borrow(), release);
        assert_eq!(one("card-api-production-1"), [(TEAM.to_owned(), (1, 0))].into());
        let failed = [(TEAM.to_owned(), (1, 0)), (ON_CALL.to_owned(), (0, 1))];
        assert_eq!(one("card-api-production-2"), failed.clone().into());
        assert_eq!(one("card-api-production-3"), failed.into());
    }

    #[test]
    fn whoever_is_shown_a_release_is_not_told_of_its_failure_too() {
        let world = three_releases("payments", Routing::Routed { production_only: false, on_call: true });
        for release in ["payments-production-1", "payments-production-2", "payments-production-3"] {
            assert_eq!(heard(&world.borrow(), release), [(ON_CALL.to_owned(), (1, 0))].into(), "{release}");
        }
    }

    #[test]
    fn what_no_route_takes_is_shown_where_it_always_was() {
        for routing in [Routing::Absent, Routing::Routed { production_only: false, on_call: false }] {
            let world = three_releases("payments", routing);
            let shown = [(CHANNEL.to_owned(), (1, 0))].into();
            assert_eq!(heard(&world.borrow(), "payments-production-2"), shown, "{routing:?}");
            assert_eq!(world.borrow().board.said, Vec::new(), "{routing:?}");
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_holds_nothing_up_and_is_told_once() {
        let world = three_releases("card-api", Routing::Unreadable);
        let world = world.borrow();
        assert_eq!(heard(&world, "card-api-production-1"), [(CHANNEL.to_owned(), (1, 0))].into());
        let [(channel, said)] = &world.board.said[..] else { panic!("{:?}", world.board.said) };
        assert_eq!(channel, CHANNEL);
        let begins = "/tidegate/channels counts for nothing: it is not valid: record of channels: $.routes[0].channel is";
        assert!(said.starts_with(begins), "{said}");
        assert_eq!(world.coverage.times("told", "channels count for nothing"), 1);
    }
}
