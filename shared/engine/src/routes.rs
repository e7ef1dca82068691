//! Which channel in Slack hears of what: the record `/tidegate/channels`, read anew for each message. The topic has
//! everything already, so that trouble here is noted and holds nothing up; without a record, and for what no route
//! takes, people hear where they did before there were any.

use config::ChannelsRecord;
use model::about::About;
use model::ids::ChannelId;
use model::place::Place;
use model::severity::Severity;
use serde_json::json;

use crate::announce::message;
use crate::failure::Failure;
use crate::ports::{Attributes, Channels, Message, People, Posted};

/// Versions of parameters begin with 1: this is the one of a record that could not be read at all.
const UNREAD: i64 = 0;

/// News, to every channel that a route sends it to.
pub(crate) async fn tell_news<P: Channels + People>(ports: &P, message: &Message) {
    let routes = routes_or_none(ports).await;
    say(ports, message, &routes.channels(&message.attributes.about, message.attributes.severity)).await;
}

/// What the one message in Slack shows as well, which stands at `shown` or will be posted: only other channels are
/// told.
pub(crate) async fn tell_others<P: Channels + People>(ports: &P, message: &Message, shown: Option<&Place>) {
    let routes = routes_or_none(ports).await;
    let Attributes { about, severity, .. } = &message.attributes;
    let Some(home) = routes.home(about) else { return tell_by_webhook(ports, message).await };
    let there = shown.map_or(home.as_str(), |place| &place.channel);
    let others: Vec<&ChannelId> =
        routes.channels(about, *severity).into_iter().filter(|channel| channel.as_str() != there).collect();
    if !others.is_empty() {
        say(ports, message, &others).await;
    }
}

/// What the one message in Slack shows as well, and nobody else has to hear.
pub(crate) async fn tell_unless_shown<P: Channels + People>(ports: &P, message: &Message) {
    if routes_or_none(ports).await.home(&message.attributes.about).is_none() {
        tell_by_webhook(ports, message).await;
    }
}

/// What no channel takes, its id being wrong or the app not in it, goes where it went without routes.
async fn say<P: Channels + People>(ports: &P, message: &Message, channels: &[&ChannelId]) {
    let mut reached = false;
    for channel in channels {
        match ports.say_in_slack(Some(channel), &message.text).await {
            Ok(Posted::There(_)) => reached = true,
            Ok(Posted::Nowhere) => {}
            Ok(Posted::Later { .. }) => {
                tracing::warn!(%channel, subject = %message.subject, "Slack takes no more for now");
            }
            Err(failure) => {
                tracing::warn!(%channel, subject = %message.subject, %failure, "the channel was not told");
            }
        }
    }
    if !reached {
        tell_by_webhook(ports, message).await;
    }
}

async fn tell_by_webhook<P: People>(ports: &P, message: &Message) {
    if let Err(failure) = ports.post_to_slack(&message.text).await {
        tracing::warn!(subject = %message.subject, %failure, "Slack was not told");
    }
}

/// Where the one message about it is to be posted; `None` is the channel of the installation.
///
/// # Errors
/// When the record cannot be read for now: a message stays for ever where it was posted first.
pub(crate) async fn home<P: Channels + People>(
    ports: &P,
    about: &About,
) -> Result<Option<ChannelId>, Failure> {
    Ok(routes(ports).await?.home(about).cloned())
}

async fn routes_or_none<P: Channels + People>(ports: &P) -> ChannelsRecord {
    routes(ports).await.unwrap_or_else(|failure| {
        tracing::warn!(%failure, "told as without routes");
        ChannelsRecord::default()
    })
}

/// None where there is no record, or one that counts for nothing, which people are told of.
///
/// # Errors
/// When it cannot be read for now.
async fn routes<P: Channels + People>(ports: &P) -> Result<ChannelsRecord, Failure> {
    let (version, why) = match ports.channels_record().await {
        Ok(None) => return Ok(ChannelsRecord::default()),
        Ok(Some(stored)) => match ChannelsRecord::parse(stored.body.as_bytes()) {
            Ok(record) => return Ok(record),
            Err(faults) => (stored.version, format!("it is not valid: {faults}")),
        },
        Err(failure @ Failure::Refused { .. }) => (UNREAD, failure.to_string()),
        Err(failure @ (Failure::Transient { .. } | Failure::Unknown { .. } | Failure::NoCapacity { .. })) => {
            return Err(failure);
        }
    };
    tracing::error!(version, %why, "/tidegate/channels counts for nothing");
    if let Err(failure) = tell_of_trouble(ports, version, &why).await {
        tracing::warn!(version, %failure, "people were not told that /tidegate/channels counts for nothing");
    }
    Ok(ChannelsRecord::default())
}

/// Once for each version of the record; a crash in between tells it again.
async fn tell_of_trouble<P: Channels + People>(ports: &P, version: i64, why: &str) -> Result<(), Failure> {
    if ports.trouble_told().await? == Some(version) {
        return Ok(());
    }
    let subject = "/tidegate/channels counts for nothing";
    let text = format!(
        "{subject}: {why}.\n\nUntil it is mended, everything is told where it is without routes. Nothing is lost, and no \
         release waits.\n"
    );
    let attributes =
        Attributes { notice: "channelsUnread", severity: Severity::Warning, about: About::Installation };
    let message = message(attributes, subject, text, json!({ "version": version, "why": why }));
    ports.publish(&message).await?;
    ports.remember_trouble_told(version).await?;
    match ports.say_in_slack(None, &message.text).await? {
        Posted::There(_) => {}
        Posted::Nowhere | Posted::Later { .. } => tell_by_webhook(ports, &message).await,
    }
    Ok(())
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
