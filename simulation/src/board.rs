//! Channels in Slack: messages that are posted once and edited, and a limit on how many.

use std::collections::BTreeMap;

use engine::ports::{Place, Posted};
use engine::show::{Shown, UNANSWERED_MAX};
use model::ids::{ChannelId, ReleaseId};
use model::release::{Ending, Phase, Release};
use model::time::Span;
use serde_json::Value;

use crate::checks::{Invariant, Wrong};
use crate::faults::Fault;
use crate::world::World;

/// The installation's own.
pub(crate) const CHANNEL: &str = "C0001";

#[derive(Debug, Default)]
pub(crate) struct Board {
    /// What the table remembers.
    pub(crate) shown: BTreeMap<ReleaseId, Shown>,
    /// What stands in the channels, by its `ts`.
    messages: BTreeMap<String, Standing>,
    /// What was said by itself, and in which channel.
    pub(crate) said: Vec<(String, String)>,
}

#[derive(Debug)]
struct Standing {
    channel: String,
    message: Value,
}

impl Board {
    /// The channel and the headline of each message.
    #[cfg(test)]
    pub(crate) fn standing(&self) -> impl Iterator<Item = (&str, &str)> {
        self.messages.values().map(|standing| {
            (standing.channel.as_str(), standing.message["text"].as_str().unwrap_or_default())
        })
    }

    /// As if it had been shown.
    pub(crate) fn shows(&mut self, release: &Release) {
        let place = Place { channel: CHANNEL.to_owned(), ts: release.id.to_string() };
        let standing = Standing { channel: CHANNEL.to_owned(), message: slack::message(release) };
        self.messages.insert(place.ts.clone(), standing);
        let shown = Shown { place: Some(place), ..Shown::default() };
        self.shown.insert(release.id.clone(), shown);
    }
}

impl World {
    pub(crate) fn post_in_slack(&mut self, channel: Option<&ChannelId>, message: &Value) -> Posted {
        self.slack_is_told_no_secret(&message.to_string());
        if let Some(later) = self.too_many() {
            return later;
        }
        let channel = channel.map_or(CHANNEL, ChannelId::as_str).to_owned();
        self.is_shown_where_it_belongs(&channel, message["text"].as_str().unwrap_or_default());
        let ts = format!("{}.{:06}", self.now / 1000, self.id());
        let standing = Standing { channel: channel.clone(), message: message.clone() };
        self.board.messages.insert(ts.clone(), standing);
        Posted::There(Place { channel, ts })
    }

    pub(crate) fn say_in_slack(&mut self, channel: Option<&ChannelId>, text: &str) -> Posted {
        self.slack_is_told_no_secret(text);
        if let Some(later) = self.too_many() {
            return later;
        }
        let channel = channel.map(ChannelId::as_str);
        self.is_told_where_it_belongs(channel, text);
        let channel = channel.unwrap_or(CHANNEL).to_owned();
        self.coverage.hit("told", if channel == CHANNEL { "in its own channel" } else { "in a channel" });
        self.board.said.push((channel.clone(), text.to_owned()));
        let ts = format!("{}.{:06}", self.now / 1000, self.id());
        Posted::There(Place { channel, ts })
    }

    pub(crate) fn update_in_slack(&mut self, place: &Place, message: &Value) -> Posted {
        self.slack_is_told_no_secret(&message.to_string());
        if let Some(later) = self.too_many() {
            return later;
        }
        match self.board.messages.get_mut(&place.ts) {
            Some(there) if there.channel == place.channel => there.message = message.clone(),
            Some(_) | None => self
                .violation(Invariant::Aws, format_args!("a message that is not there is edited: {place:?}")),
        }
        Posted::There(place.clone())
    }

    pub(crate) fn reply_in_slack(&mut self, place: &Place, message: &Value) -> Posted {
        self.slack_is_told_no_secret(&message.to_string());
        if let Some(later) = self.too_many() {
            return later;
        }
        if !self.board.messages.contains_key(&place.ts) {
            self.violation(Invariant::Aws, format_args!("a thread of no message: {place:?}, {message}"));
        }
        let ts = format!("{}.{:06}", self.now / 1000, self.id());
        Posted::There(Place { channel: place.channel.clone(), ts })
    }

    fn too_many(&mut self) -> Option<Posted> {
        self.strikes(Fault::SlackAsksToWait, "Slack").then(|| Posted::Later { after: Span::seconds(30) })
    }

    /// I3: whatever ended is shown as it ended, in the message that is remembered.
    pub(crate) fn ended_as_shown(&self, wrong: &mut Wrong) {
        for (id, release) in &self.table.releases {
            let Phase::Over(ending) = &release.phase else { continue };
            let shown = self.board.shown.get(id);
            let place = shown.and_then(|shown| shown.place.as_ref());
            let there = place.and_then(|place| self.board.messages.get(&place.ts));
            let is_given_up = shown.is_some_and(|shown| shown.unanswered >= UNANSWERED_MAX);
            let is_true = match there {
                Some(standing) => standing.message == slack::message(release),
                None => is_given_up || matches!(ending, Ending::Superseded { .. }),
            };
            if !is_true {
                wrong.push((
                    Invariant::I3,
                    format!("{id} ended {}, and Slack shows {there:?}", ending.name()),
                ));
            }
        }
    }
}
