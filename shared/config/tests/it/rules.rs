use config::ServiceRecord;
use model::listener::{Clash, Wanted};
use serde_json::{Value, json};

use crate::support::{config, first_form, name, service, service_record, with};

fn wanted(written: &Value) -> Option<Wanted> {
    config(written).wanted_rule(&name("production"))
}

/// `priority hosts paths, target groups`
fn in_words(written: &Value) -> String {
    wanted(written).map_or("no rule".to_owned(), |wanted| {
        let Wanted { priority, matching, target_groups } = wanted;
        format!("{priority:?} {:?} {:?}, {target_groups}", matching.hosts, matching.paths)
    })
}

fn granted(service_name: &str, paths: &[&str], hosts: &[&str]) -> ServiceRecord {
    let record = with(service_record(), "/service", json!(service_name));
    service(&with(with(record, "/paths", json!(paths)), "/hosts", json!(hosts)))
}

#[test]
fn a_web_service_wants_what_its_routing_says() {
    assert_eq!(in_words(&first_form()), r#"At(120) [] ["/payments", "/payments/*"], 1"#);
    let auto = with(first_form(), "/routing/priority", json!("auto"));
    assert_eq!(in_words(&auto), r#"Auto [] ["/payments", "/payments/*"], 1"#);
    let hosts = with(first_form(), "/routing", json!({"hosts": ["shop.example.com"], "priority": 7}));
    assert_eq!(in_words(&hosts), r#"At(7) ["shop.example.com"] [], 1"#);
    let shifts = with(first_form(), "/deployment", json!({"strategy": "blueGreen"}));
    assert_eq!(in_words(&shifts), r#"At(120) [] ["/payments", "/payments/*"], 2"#);
    let shifts = with(first_form(), "/Parameters", json!({"Strategy": "CANARY"}));
    assert_eq!(in_words(&shifts), r#"At(120) [] ["/payments", "/payments/*"], 2"#);
    let here = json!({"branch": "main", "routing": {"priority": 8}});
    let overridden = with(first_form(), "/environments/production", here);
    assert_eq!(in_words(&overridden), r#"At(8) [] ["/payments", "/payments/*"], 1"#);
}

#[test]
fn only_what_has_a_place_among_the_rules_wants_one() {
    let pipeline = json!({"Parameters": {"Paths": "/payments, /payments/*", "Priority": "7"}});
    assert_eq!(in_words(&pipeline), r#"At(7) [] ["/payments", "/payments/*"], 1"#);
    assert_eq!(in_words(&json!({"Parameters": {"Paths": "/payments"}})), "no rule");
    assert_eq!(in_words(&json!({})), "no rule");
    let worker =
        json!({"service": "payments", "kind": "worker", "container": {"cpu": 256, "memoryMiB": 512}});
    assert_eq!(in_words(&worker), "no rule");
}

#[test]
fn a_clash_is_told_of_the_place_that_asks_for_it() {
    let holder = || "ledger/production".parse().unwrap();
    let told = |written: &Value, clash: Clash| config(written).clash(&name("production"), &clash);
    let taken = || Clash::Priority { priority: 120, holder: holder(), free: Some(119) };
    insta::assert_snapshot!(told(&first_form(), taken()), @"$.routing.priority: priority 120 is held by ledger/production; 119 is free");
    let here = with(
        first_form(),
        "/environments/production",
        json!({"branch": "main", "routing": {"priority": 120}}),
    );
    insta::assert_snapshot!(told(&here, taken()), @"$.environments.production.routing.priority: priority 120 is held by ledger/production; 119 is free");
    let pipeline = json!({"Parameters": {"Paths": "/payments", "Priority": "120"}});
    insta::assert_snapshot!(told(&pipeline, taken()), @"$.Parameters.Priority: priority 120 is held by ledger/production; 119 is free");
    let overlap = Clash::Overlap { own: "/payments/*".into(), theirs: "/*/refunds".into(), holder: holder() };
    insta::assert_snapshot!(told(&first_form(), overlap), @"$.routing.paths: /payments/* takes requests that /*/refunds of ledger/production takes as well");
    let full = Clash::TooMany { what: "target groups", limit: 100 };
    insta::assert_snapshot!(told(&first_form(), full), @"$.routing: the load balancer has 100 target groups already, which is its limit");
}

#[test]
fn what_another_service_was_granted_is_not_to_be_had() {
    let told = |paths: &[&str], own: &ServiceRecord, other: &ServiceRecord| {
        let config = config(&with(first_form(), "/routing/paths", json!(paths)));
        let checked = config.check_others_grant(&name("production"), own, other);
        checked.map_or_else(|fault| fault.to_string(), |()| "may be had".to_owned())
    };
    let own = granted("payments", &["/payments"], &[]);
    let apart = granted("ledger", &["/ledger"], &[]);
    assert_eq!(told(&["/payments", "/payments/*"], &own, &apart), "may be had");
    let equal = granted("copy", &["/payments"], &[]);
    insta::assert_snapshot!(told(&["/payments/*"], &own, &equal), @"$.routing.paths is /payments/*, which takes requests of /payments/*; allowed: patterns apart from what copy was granted");
    // Its own, under another repository.
    assert_eq!(told(&["/payments/*"], &own, &granted("payments", &["/payments"], &[])), "may be had");
    // The more specific grant is the one that counts.
    let refunds = granted("refunds", &["/payments/refunds"], &[]);
    assert_eq!(told(&["/payments/refunds/*"], &refunds, &own), "may be had");
    insta::assert_snapshot!(told(&["/payments/refunds/*"], &own, &refunds), @"$.routing.paths is /payments/refunds/*, which takes requests of /payments/refunds/*; allowed: patterns apart from what refunds was granted");
    insta::assert_snapshot!(told(&["/payments/*/list"], &own, &refunds), @"$.routing.paths is /payments/*/list, which takes requests of /payments/refunds/*; allowed: patterns apart from what refunds was granted");
    // All of it: the rule comes after the other's.
    assert_eq!(told(&["/payments/*"], &own, &refunds), "may be had");
    assert_eq!(told(&["/*"], &granted("frontend", &["/"], &[]), &own), "may be had");
    insta::assert_snapshot!(told(&["/payments/*"], &granted("frontend", &["/"], &[]), &own), @"$.routing.paths is /payments/*, which takes requests of /payments/*; allowed: patterns apart from what payments was granted");
}

#[test]
fn two_grants_of_the_same_are_told_and_one_within_the_other_is_not() {
    let shared = |own: (&[&str], &[&str]), other: (&[&str], &[&str])| {
        granted("one", own.0, own.1).shares_a_grant(&granted("other", other.0, other.1))
    };
    assert_eq!(shared((&["/payments"], &[]), (&["/payments/"], &[])), Some("/payments".to_owned()));
    assert_eq!(shared((&["/payments"], &[]), (&["/ledger", "/pay"], &[])), None);
    assert_eq!(shared((&["/payments"], &[]), (&["/"], &[])), None);
    assert_eq!(shared((&["/payments/refunds"], &[]), (&["/payments"], &[])), None);
    let host = Some("shop.example.com/payments".to_owned());
    assert_eq!(
        shared((&["/payments"], &["shop.example.com"]), (&["/payments"], &["Shop.example.com"])),
        host
    );
    assert_eq!(shared((&["/"], &["shop.example.com"]), (&["/"], &["pay.example.com"])), None);
    assert_eq!(shared((&[], &[]), (&["/"], &[])), None);
}
