//! People: whom to tell, and who speaks.

use model::about::About;
use model::ids::{ChannelId, ReleaseId, SlackUser};
use model::place::Place;
use model::severity::Severity;
use model::time::{Span, Timestamp};

use super::{Answer, Stored};
use crate::show::Shown;

/// What subscriptions filter by, and routes choose by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// What kind of message it is: `ended`, `databaseAlert`, …
    pub notice: &'static str,
    pub severity: Severity,
    pub about: About,
}

/// A message to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub attributes: Attributes,
    /// At most 99 printable ASCII characters. Source: SNS API, Publish.
    pub subject: String,
    pub text: String,
    /// How to answer it with the token of a request, as the last paragraph; empty for whatever is no request. For the
    /// topic alone: it is never shown in Slack, where whoever reads it may answer as themselves (I9).
    pub reply: String,
    /// The same for machines, with the token: a JSON object.
    pub json: String,
}

impl Message {
    /// What the topic is told.
    pub fn in_full(&self) -> String {
        format!("{}{}", self.text, self.reply)
    }
}

pub trait People {
    /// To the notifications topic.
    async fn publish(&self, message: &Message) -> Answer<()>;
    /// To the Slack webhook, where one is configured.
    async fn post_to_slack(&self, text: &str) -> Answer<()>;
}

/// The record `/tidegate/channels`, and the channels that it names.
pub trait Channels {
    /// `None` also where no app posts: only its bot can reach a channel by its id.
    async fn channels_record(&self) -> Answer<Option<Stored>>;
    /// A message by itself, in that channel or in the installation's own. `Nowhere` where no app posts. What Slack puts off
    /// for a moment is said again within the call.
    async fn say_in_slack(&self, channel: Option<&ChannelId>, text: &str) -> Answer<Posted>;
    /// The version of that record which people were last told of that it counts for nothing.
    async fn trouble_told(&self) -> Answer<Option<i64>>;
    async fn remember_trouble_told(&self, version: i64) -> Answer<()>;
}

/// The key that reply tokens are made with.
pub trait ReplyKey {
    async fn reply_key(&self) -> Answer<Vec<u8>>;
}

/// The Slack app of this installation. Source: the app's "Basic Information" at api.slack.com.
#[derive(Clone, PartialEq, Eq)]
pub struct SlackApp {
    /// The workspace's id: `T…`.
    pub team: String,
    /// The app's id: `A…`.
    pub app: String,
    pub signing_secret: Vec<u8>,
}

impl std::fmt::Debug for SlackApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SlackApp {{ team: {}, app: {} }}", self.team, self.app)
    }
}

/// What somebody is in the workspace. Source: docs.slack.dev, "User object".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    Full,
    /// Of one channel or of several: `is_restricted`, `is_ultra_restricted`.
    Guest,
    /// Here by a shared channel.
    OtherWorkspace,
    Bot,
    Deactivated,
}

pub trait Slack {
    /// `None` where no Slack app is configured.
    async fn slack_app(&self) -> Answer<Option<SlackApp>>;
    async fn slack_member(&self, user: &SlackUser) -> Answer<Membership>;
    /// To the one person who spoke.
    async fn answer_in_slack(&self, to: &slack::AnswerTo, text: &str) -> Answer<()>;
}

/// Who calls, as AWS says.
pub trait Callers {
    /// This installation; proofs for others are worth nothing here.
    fn installation(&self) -> Answer<proof::Installation>;
    /// Sends this one request, over TLS, to nowhere else and without following anybody elsewhere. Busy or broken, STS is a
    /// transient failure; whatever else it answers is given as it came.
    async fn ask_sts(&self, request: &proof::Request) -> Answer<proof::Answered>;
}

/// What the function behind the URL may do: nothing but hand on.
pub trait Door {
    /// Whether nobody took something of this id before; remembered until then.
    async fn take_once(&self, id: &str, until: Timestamp) -> Answer<bool>;
    async fn hand_to_approval(&self, message: &str) -> Answer<()>;
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    There(Place),
    /// No channel is configured.
    Nowhere,
    /// Slack asks to be left alone for so long.
    Later {
        after: Span,
    },
}

/// The messages in Slack that are edited in place, and where each release's stands.
pub trait SlackBoard {
    async fn shown(&self, release: &ReleaseId) -> Answer<Option<Shown>>;
    async fn remember_shown(&self, release: &ReleaseId, shown: &Shown) -> Answer<()>;
    /// In that channel, or in the installation's own. `message` has `text` and `blocks`.
    async fn post_message(&self, channel: Option<&ChannelId>, message: &serde_json::Value) -> Answer<Posted>;
    async fn update_in_slack(&self, place: &Place, message: &serde_json::Value) -> Answer<Posted>;
    /// Below that message, in its thread.
    async fn reply_in_slack(&self, place: &Place, message: &serde_json::Value) -> Answer<Posted>;
    /// Below that message, where its channel sees it too; before others, where a channel for that is configured and it
    /// is `urgent`. What Slack puts off for a moment is said again within the call.
    async fn repeat_in_slack(&self, place: &Place, text: &str, urgent: bool) -> Answer<Posted>;
}
