//! The record `/tidegate/databases`.

use databases::facts::Kind;
use databases::policy::{Check, Policies, Policy};
use databases::rules::Rule;
use model::time::Timestamp;

use crate::rules::sound;

fn parse(text: &str) -> Result<Policies, String> {
    Policies::parse(text.as_bytes()).map_err(|bad| bad.to_string())
}

#[test]
fn the_first_policy_that_matches_counts_and_the_default_where_none_does() {
    let policies = parse(
        r#"{"policies": [
            {"match": {"tags": {"environment": "test"}}, "require": {"multiAz": false}},
            {"match": {"name": "payments*"}, "require": {"retentionDays": 35}}
        ]}"#,
    )
    .unwrap();
    let mut database = sound();
    assert_eq!(policies.policy(&database).retention_days, 35);
    database.tags.insert("environment".to_owned(), "test".to_owned());
    assert_eq!(policies.policy(&database), Policy { multi_az: false, ..Policy::default() });
    database.tags.clear();
    database.name = "orders".to_owned();
    assert_eq!(policies.policy(&database), Policy::default());
}

#[test]
fn a_waiver_counts_to_the_end_of_its_last_day() {
    let policies = parse(
        r#"{"waivers": [{"kind": "instance", "database": "payments", "rule": "single-az",
            "owner": "ana", "reason": "moves to a cluster", "until": "2026-03-02"}]}"#,
    )
    .unwrap();
    let midnight = Timestamp(1_772_496_000_000); // 2026-03-03T00:00:00Z
    let waived = |rule, ms| policies.waiver(Kind::Instance, "payments", rule, Timestamp(ms)).is_some();
    assert!(waived(Rule::SingleAz, midnight.0 - 1));
    assert!(!waived(Rule::SingleAz, midnight.0));
    assert!(!waived(Rule::BackupsOff, midnight.0 - 1));
    assert!(policies.waiver(Kind::Cluster, "payments", Rule::SingleAz, Timestamp(0)).is_none());
}

#[test]
fn a_check_is_a_project_by_its_name_or_a_function() {
    let check = |check: &str| {
        let record =
            format!(r#"{{"policies": [{{"match": {{}}, "require": {{"drill": {{"check": {check}}}}}}}]}}"#);
        parse(&record).unwrap().policies[0].require.drill.clone().unwrap().check.unwrap()
    };
    let name = "tidegate-drill-check-payments";
    let project = check(&format!("{name:?}"));
    assert_eq!(project, Check::Project(name.to_owned()));
    let function = check(&format!(r#"{{"function": {name:?}}}"#));
    assert_eq!(function, Check::Function { function: name.to_owned() });
    // Drills under way are stored with theirs.
    for check in [project, function] {
        let stored = serde_json::to_value(&check).unwrap();
        assert_eq!(serde_json::from_value::<Check>(stored).unwrap(), check);
    }
}

#[test]
fn a_bad_record_is_told_by_place_value_and_what_is_allowed() {
    let waiver = |changed: &str| {
        let waiver = r#"{"kind":"instance","database":"payments","rule":"single-az","owner":"ana","reason":"r","until":"2027-01-31"}"#;
        let (from, to) = changed.split_once("=>").unwrap();
        parse(&format!("{{\"waivers\":[{}]}}", waiver.replace(from, to))).unwrap_err()
    };
    let policy = |require: &str| {
        parse(&format!("{{\"policies\":[{{\"match\":{{}},\"require\":{require}}}]}}")).unwrap_err()
    };
    let said = [
        policy(r#"{"retentionDays": 0}"#),
        policy(r#"{"retentionDays": 36}"#),
        policy(r#"{"retention": 7}"#),
        waiver("ana=> "),
        waiver("2027-01-31=>2027-02-30"),
        waiver("single-az=>single"),
        policy(r#"{"drill": {"everyDays": 30}}"#),
        policy(r#"{"drill": {"everyDays": 0}}"#),
        policy(r#"{"drill": {"check": "deploy-production"}}"#),
        policy(r#"{"drill": {"check": {"function": "deploy-production"}}}"#),
        policy(r#"{"drill": {"check": {"functions": "tidegate-drill-check-payments"}}}"#),
        policy(r#"{"drill": {"check": ["tidegate-drill-check-payments"]}}"#),
        policy(r#"{"drill": {"check": 7}}"#),
        policy(r#"{"drill": {"class": "t3.medium"}}"#),
        policy(r#"{"drill": [30]}"#),
        parse(r#"{"drills": {"subnetGroup": "isolated", "securityGroup": " "}}"#).unwrap_err(),
        parse(r#"{"drills": {"subnetGroup": "isolated", "securityGroup": "sg-1", "atOnce": 21}}"#)
            .unwrap_err(),
        parse(r#"{"drills": {"subnetGroup": "isolated"}}"#).unwrap_err(),
        parse(r#"{"may": {"drill": ["ana"]}}"#).unwrap_err(),
        parse(r#"{"may": [["user:ana"]]}"#).unwrap_err(),
        parse(r#"{"may": {}}"#).unwrap_err(),
        parse("{}}").unwrap_err(),
        parse("[]").unwrap_err(),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn every_rule_is_named_in_waivers_as_it_is_told() {
    for rule in Rule::ALL {
        assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
    }
}

/// `UPDATE_SCHEMAS=1` writes it anew.
#[test]
fn the_published_schema_is_that_of_the_types_and_takes_what_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/databases-record.schema.json");
    let generated = databases::policy::schema();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(kept, generated, "the schema is old: run UPDATE_SCHEMAS=1 cargo test -p databases");

    let schema: serde_json::Value = serde_json::from_str(&generated).unwrap();
    let rules = schema["$defs"]["Rule"].to_string();
    assert!(Rule::ALL.iter().all(|rule| rules.contains(&format!("\"{}\"", rule.as_str()))), "{rules}");
    let require = &schema["$defs"]["Policy"];
    for (key, default) in [("retentionDays", 7), ("restorableMinutes", 15), ("snapshotHours", 26)] {
        let said = &require["properties"][key];
        assert_eq!(said["default"], default, "{key}");
        let max = said["maximum"].as_u64().unwrap();
        let with =
            |n: u64| parse(&format!(r#"{{"policies": [{{"match": {{}}, "require": {{"{key}": {n}}}}}]}}"#));
        assert!(with(max).is_ok() && with(max + 1).is_err() && with(0).is_err(), "{key}: {max}");
    }
}
