use std::collections::BTreeSet;

use config::{ChannelsRecord, Route};
use model::about::About;
use model::ids::{ChannelId, NamePattern};
use model::severity::Severity;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::with;

fn record() -> Value {
    json!({
        "routes": [
            { "channel": "C0PAYMENTS", "services": ["payments", "pay-*"], "environments": ["production"], "severity": "info" },
            { "channel": "C0LEDGER", "services": ["ledger"], "databases": ["ledger-*"], "pipelines": ["ledger-*"],
              "severity": "info" },
            { "channel": "C0ONCALL", "severity": "high" },
        ],
    })
}

fn read(written: &Value) -> ChannelsRecord {
    ChannelsRecord::parse(written.to_string().as_bytes()).unwrap()
}

fn about(what: &str) -> About {
    match what.split_once(' ') {
        Some(("database", key)) => About::Database(key.parse().unwrap()),
        Some(("pipeline", name)) => About::Pipeline(name.to_owned()),
        Some(_) => unreachable!("{what}"),
        None if what == "installation" => About::Installation,
        None => About::Track(what.parse().unwrap()),
    }
}

#[test]
fn every_message_has_its_channels() {
    let record = read(&record());
    for (what, severity, home, channels) in [
        ("payments/production", Severity::Info, "C0PAYMENTS", &["C0PAYMENTS"][..]),
        ("payments/production", Severity::High, "C0PAYMENTS", &["C0PAYMENTS", "C0ONCALL"]),
        ("pay-later/production", Severity::Info, "C0PAYMENTS", &["C0PAYMENTS"]),
        ("pay/production", Severity::Info, "C0ONCALL", &[]),
        ("payments/staging", Severity::Warning, "C0ONCALL", &[]),
        ("ledger/staging", Severity::Critical, "C0LEDGER", &["C0LEDGER", "C0ONCALL"]),
        ("database instance/ledger-1", Severity::Info, "C0LEDGER", &["C0LEDGER"]),
        ("database instance/payments", Severity::High, "C0ONCALL", &["C0ONCALL"]),
        ("database instance/ledger", Severity::Warning, "C0ONCALL", &[]),
        ("pipeline ledger-production", Severity::Warning, "C0LEDGER", &["C0LEDGER"]),
        ("pipeline payments", Severity::High, "C0ONCALL", &["C0ONCALL"]),
        ("installation", Severity::Warning, "C0ONCALL", &[]),
        ("installation", Severity::High, "C0ONCALL", &["C0ONCALL"]),
    ] {
        let about = about(what);
        assert_eq!(record.home(&about).map(ChannelId::as_str), Some(home), "{what}");
        let heard: Vec<&str> = record.channels(&about, severity).into_iter().map(ChannelId::as_str).collect();
        assert_eq!(heard, channels, "{what}, {severity}");
    }
}

#[test]
fn a_route_of_an_environment_takes_its_services_and_nothing_that_is_in_none() {
    let record = read(&json!({ "routes": [{ "channel": "C0PROD", "environments": ["production"] }] }));
    assert!(record.home(&about("payments/production")).is_some());
    for other in ["payments/staging", "database instance/payments", "pipeline payments", "installation"] {
        assert_eq!(record.home(&about(other)), None, "{other}");
    }
}

#[test]
fn what_a_record_leaves_out_narrows_nothing() {
    assert_eq!(ChannelsRecord::parse(b"{}").unwrap(), ChannelsRecord::default());
    assert_eq!(ChannelsRecord::default().home(&About::Installation), None);
    assert_eq!(serde_json::to_value(read(&record())).unwrap(), record());
    assert_eq!(serde_json::from_value::<ChannelsRecord>(record()).unwrap(), read(&record()));
}

fn told(pointer: &str, value: Value) -> String {
    let written = with(record(), pointer, value).to_string();
    ChannelsRecord::parse(written.as_bytes()).expect_err(&written).to_string()
}

#[test]
fn a_wrong_record_is_told() {
    insta::assert_snapshot!(told("/route", json!([])), @"record of channels: $.route is an unknown key; allowed: routes; did you mean record of channels: $.routes?");
    insta::assert_snapshot!(told("/routes", json!({})), @"record of channels: $.routes is an object; allowed: a list of 0 to 50 routes");
    insta::assert_snapshot!(told("/routes/0/channel", Value::Null), @"record of channels: $.routes[0].channel is missing; allowed: the id of a channel in Slack");
    insta::assert_snapshot!(told("/routes/0/channel", json!("#payments")), @r##"record of channels: $.routes[0].channel is "#payments"; allowed: a Slack channel: the channel's id, as its details in Slack show it: C0123456789 or G0123456789"##);
    insta::assert_snapshot!(told("/routes/0/servces", json!(["payments"])), @"record of channels: $.routes[0].servces is an unknown key; allowed: channel, services, environments, databases, pipelines, severity; did you mean record of channels: $.routes[0].services?");
    insta::assert_snapshot!(told("/routes/0/services", json!([])), @"record of channels: $.routes[0].services is a list of 0; allowed: a list of 1 to 50 names");
    insta::assert_snapshot!(told("/routes/0/services", json!(["pay*ments", "payments"])), @r#"record of channels: $.routes[0].services[0] is "pay*ments"; allowed: a name: payments, or payments-* for all that begin so: 1 to 255 of letters, digits, '.', '_', '@', ':' and '-'; '*' at the end alone"#);
    insta::assert_snapshot!(told("/routes/0/severity", json!("error")), @r#"record of channels: $.routes[0].severity is "error"; allowed: a severity: info, warning, high or critical"#);
    insta::assert_snapshot!(told("/routes/2", json!({"channel": "C1", "environments": ["production"], "databases": ["ledger"]})), @"record of channels: $.routes[2].environments is without services; allowed: a route that names services too: databases and pipelines are in no environment");
}

fn any_names() -> impl Strategy<Value = Vec<NamePattern>> {
    let name = prop::sample::select(vec!["payments", "pay*", "ledger", "*", "production"]);
    prop::collection::vec(name.prop_map(|name| name.parse().unwrap()), 0..3)
}

fn any_severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(Severity::ALL.to_vec())
}

fn any_route() -> impl Strategy<Value = Route> {
    let channel = prop::sample::select(vec!["C1", "C2", "G3"]);
    (channel, any_names(), any_names(), any_names(), any_names(), any_severity()).prop_map(
        |(channel, services, environments, databases, pipelines, severity)| Route {
            channel: channel.parse().unwrap(),
            services,
            environments,
            databases,
            pipelines,
            severity,
        },
    )
}

fn any_about() -> impl Strategy<Value = About> {
    let what = [
        "payments/production",
        "ledger/staging",
        "database instance/ledger",
        "pipeline payments",
        "installation",
    ];
    prop::sample::select(what.to_vec()).prop_map(about)
}

proptest! {
    #[test]
    fn no_channel_hears_twice_and_none_that_asks_for_more(
        routes in prop::collection::vec(any_route(), 0..6), about in any_about(), severity in any_severity(),
    ) {
        let record = ChannelsRecord { routes };
        let heard = record.channels(&about, severity);
        prop_assert_eq!(heard.iter().collect::<BTreeSet<_>>().len(), heard.len());
        for channel in &heard {
            let least = record.routes.iter().filter(|route| route.channel == **channel).map(|route| route.severity);
            prop_assert!(least.min() <= Some(severity));
        }
        // What matters more is heard wherever less is.
        let worst = record.channels(&about, Severity::Critical);
        prop_assert!(heard.iter().all(|channel| worst.contains(channel)));
        // Nobody hears of what nobody would show, and what is shown has a channel that hears of the worst.
        prop_assert_eq!(record.home(&about).is_some(), !worst.is_empty());
        prop_assert!(record.home(&about).is_none_or(|home| worst.contains(&home)));
    }

    #[test]
    fn the_order_of_routes_decides_where_a_release_is_shown_and_nothing_else(
        routes in prop::collection::vec(any_route(), 0..6), about in any_about(), severity in any_severity(),
    ) {
        let backwards = ChannelsRecord { routes: routes.iter().rev().cloned().collect() };
        let record = ChannelsRecord { routes };
        let set = |record: &ChannelsRecord| -> BTreeSet<ChannelId> {
            record.channels(&about, severity).into_iter().cloned().collect()
        };
        prop_assert_eq!(set(&record), set(&backwards));
        prop_assert_eq!(record.home(&about).is_some(), backwards.home(&about).is_some());
    }

    #[test]
    fn a_route_that_names_nothing_takes_everything(about in any_about(), routes in prop::collection::vec(any_route(), 0..4)) {
        let all = Route {
            channel: "C9".parse().unwrap(), services: vec![], environments: vec![], databases: vec![], pipelines: vec![],
            severity: Severity::Info,
        };
        let record = ChannelsRecord { routes: routes.into_iter().chain([all]).collect() };
        prop_assert!(record.channels(&about, Severity::Info).iter().any(|channel| channel.as_str() == "C9"));
    }
}
