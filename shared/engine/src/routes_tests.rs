//! Where messages go over ports that answer at once: by routes, without them, and when Slack or the record fails.

use std::cell::{Cell, RefCell};

use futures_util::FutureExt;
use model::ids::ReleaseId;
use serde_json::Value;

use super::*;
use crate::ports::{SlackBoard, Stored};
use crate::show::{Shown, post};

const ROUTES: &str = r##"{ "routes": [
    { "channel": "C0PAYMENTS", "services": ["payments"] },
    { "channel": "C0ORDERS", "databases": ["orders"], "severity": "warning" },
    { "channel": "C0ONCALL", "severity": "high" }
] }"##;

#[derive(Default)]
struct World {
    record: RefCell<Option<Stored>>,
    record_fails: RefCell<Option<fn() -> Failure>>,
    /// Channels that the app is not in.
    closed: Vec<&'static str>,
    trouble: Cell<Option<i64>>,
    published: RefCell<Vec<String>>,
    /// Channel or `webhook`, and how the text begins.
    told: RefCell<Vec<(String, String)>>,
}

impl World {
    fn with(body: &str) -> Self {
        let stored = Stored { body: body.to_owned(), version: 3 };
        Self { record: RefCell::new(Some(stored)), ..Self::default() }
    }

    fn tell(&self, channel: &str, text: &str) {
        self.told.borrow_mut().push((channel.to_owned(), text.split(' ').next().unwrap().to_owned()));
    }

    /// Where it was told, and nothing else was.
    fn heard(&self) -> Vec<String> {
        self.told.take().into_iter().map(|(channel, _)| channel).collect()
    }

    fn news(&self, about: About, severity: Severity) -> Vec<String> {
        tell_news(self, &of(about, severity)).now_or_never().expect("nothing waits");
        self.heard()
    }

    fn others(&self, severity: Severity, shown: Option<&str>) -> Vec<String> {
        let place = shown.map(|channel| Place { channel: channel.to_owned(), ts: "1".to_owned() });
        let message = of(payments(), severity);
        tell_others(self, &message, place.as_ref()).now_or_never().expect("nothing waits");
        self.heard()
    }

    fn post(&self) -> Result<Posted, Failure> {
        post(self, &payments(), &Value::Null).now_or_never().expect("nothing waits")
    }
}

fn of(about: About, severity: Severity) -> Message {
    let attributes = Attributes { notice: "test", severity, about };
    message(attributes, "subject", "text".to_owned(), json!({}))
}

fn payments() -> About {
    About::Track("payments/production".parse().unwrap())
}

fn orders() -> About {
    About::Database("instance/orders".parse().unwrap())
}

fn there(channel: &str) -> Posted {
    Posted::There(Place { channel: channel.to_owned(), ts: "1".to_owned() })
}

impl People for World {
    async fn publish(&self, message: &Message) -> Result<(), Failure> {
        self.published.borrow_mut().push(message.in_full());
        Ok(())
    }

    async fn post_to_slack(&self, text: &str) -> Result<(), Failure> {
        self.tell("webhook", text);
        Ok(())
    }
}

impl Channels for World {
    async fn channels_record(&self) -> Result<Option<Stored>, Failure> {
        match *self.record_fails.borrow() {
            Some(failure) => Err(failure()),
            None => Ok(self.record.borrow().clone()),
        }
    }

    async fn say_in_slack(&self, channel: Option<&ChannelId>, text: &str) -> Result<Posted, Failure> {
        let channel = channel.map_or("own", ChannelId::as_str);
        if self.closed.contains(&channel) {
            return Err(Failure::refused("slack chat.postMessage", "Slack says not_in_channel"));
        }
        self.tell(channel, text);
        Ok(there(channel))
    }

    async fn trouble_told(&self) -> Result<Option<i64>, Failure> {
        Ok(self.trouble.get())
    }

    async fn remember_trouble_told(&self, version: i64) -> Result<(), Failure> {
        self.trouble.set(Some(version));
        Ok(())
    }
}

impl SlackBoard for World {
    async fn shown(&self, _: &ReleaseId) -> Result<Option<Shown>, Failure> {
        unreachable!("nothing was posted before")
    }

    async fn remember_shown(&self, _: &ReleaseId, _: &Shown) -> Result<(), Failure> {
        unreachable!("whoever posts remembers")
    }

    async fn post_message(&self, channel: Option<&ChannelId>, _: &Value) -> Result<Posted, Failure> {
        self.say_in_slack(channel, "shown").await
    }

    async fn update_in_slack(&self, _: &Place, _: &Value) -> Result<Posted, Failure> {
        unreachable!("nothing was posted before")
    }

    async fn reply_in_slack(&self, _: &Place, _: &Value) -> Result<Posted, Failure> {
        unreachable!("nothing was posted before")
    }

    async fn repeat_in_slack(&self, _: &Place, _: &str, _: bool) -> Result<Posted, Failure> {
        unreachable!("nothing was posted before")
    }
}

#[test]
fn news_go_to_every_route_that_takes_them_or_where_they_always_went() {
    let world = World::with(ROUTES);
    assert_eq!(world.news(payments(), Severity::Info), ["C0PAYMENTS"]);
    assert_eq!(world.news(payments(), Severity::High), ["C0PAYMENTS", "C0ONCALL"]);
    assert_eq!(world.news(orders(), Severity::Info), ["webhook"]);
    assert_eq!(world.news(orders(), Severity::Critical), ["C0ORDERS", "C0ONCALL"]);
    assert_eq!(World::default().news(payments(), Severity::High), ["webhook"]);
}

#[test]
fn the_channel_that_shows_it_is_not_told_too_wherever_it_was_posted() {
    let world = World::with(ROUTES);
    assert_eq!(world.others(Severity::High, None), ["C0ONCALL"]);
    assert_eq!(world.others(Severity::High, Some("C0PAYMENTS")), ["C0ONCALL"]);
    // It was posted when the routes were others.
    assert_eq!(world.others(Severity::High, Some("C0ONCALL")), ["C0PAYMENTS"]);
    assert_eq!(world.others(Severity::Info, None), [""; 0]);
    assert_eq!(World::default().others(Severity::High, Some("own")), ["webhook"]);
}

#[test]
fn a_channel_that_the_app_is_not_in_loses_nothing() {
    let world = World { closed: vec!["C0PAYMENTS"], ..World::with(ROUTES) };
    assert_eq!(world.post().unwrap(), there("own"));
    assert_eq!(world.heard(), ["own"]);
    assert_eq!(world.news(payments(), Severity::High), ["C0ONCALL"]);
    assert_eq!(world.news(payments(), Severity::Info), ["webhook"]);
}

#[test]
fn a_record_that_is_not_valid_is_told_once_for_each_version_and_counts_for_nothing() {
    let world = World::with(r##"{ "routes": [{ "channel": "#payments" }] }"##);
    assert_eq!(world.post().unwrap(), there("own"));
    assert_eq!(world.told.take()[0], ("own".to_owned(), "/tidegate/channels".to_owned()));
    assert_eq!(world.published.borrow().len(), 1);
    assert!(world.published.borrow()[0].contains(r##"$.routes[0].channel is "#payments""##));
    assert_eq!(world.news(payments(), Severity::High), ["webhook"]);
    world.record.borrow_mut().as_mut().unwrap().version = 4;
    assert_eq!(world.news(payments(), Severity::High), ["own", "webhook"]);
    assert_eq!((world.trouble.get(), world.published.borrow().len()), (Some(4), 2));
}

#[test]
fn a_record_that_may_not_be_read_is_told_as_that() {
    let world = World::with(ROUTES);
    let refused = || Failure::refused("ssm GetParameter", "AccessDeniedException");
    *world.record_fails.borrow_mut() = Some(refused);
    assert_eq!(world.news(payments(), Severity::High), ["own", "webhook"]);
    assert!(world.published.borrow()[0].contains("AccessDeniedException"));
}

#[test]
fn while_the_record_cannot_be_read_news_go_without_it_and_what_stays_where_it_is_posted_waits() {
    let world = World::with(ROUTES);
    *world.record_fails.borrow_mut() = Some(|| Failure::transient("ssm GetParameter", "throttled"));
    assert_eq!(world.news(payments(), Severity::High), ["webhook"]);
    assert!(matches!(world.post(), Err(Failure::Transient { .. })));
    assert_eq!((world.heard(), world.published.borrow().len()), (vec![], 0));
}
