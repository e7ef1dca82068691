use model::approval::Policy;
use serde_json::{Value, json};

use crate::support::{config, environment, environment_record, first_form, name, with};

fn policy(wished: Option<u32>, floor: Value) -> Policy {
    let record = environment(&with(environment_record(), "/floor", floor));
    let approval = wished.map_or(json!({}), |required| json!({ "required": required }));
    let written = with(first_form(), "/environments/production/approval", approval);
    config(&written).policy(&name("production")).tightened(&record.floor.policy())
}

#[test]
fn the_larger_of_wish_and_floor_is_required_and_unset_means_at_least_one() {
    for (wished, floor, required) in [
        (None, 0, 1),
        (None, 1, 1),
        (None, 3, 3),
        (Some(0), 0, 0),
        (Some(0), 1, 1),
        (Some(1), 2, 2),
        (Some(2), 1, 2),
        (Some(10), 10, 10),
    ] {
        let policy = policy(wished, json!({ "approvals": floor }));
        assert_eq!(policy.required, required, "wished {wished:?}, floor {floor}");
    }
}

#[test]
fn an_unset_floor_is_one_approval_no_replies_three_days() {
    let unset = Policy {
        required: 1,
        replies: false,
        expires_hours: 72,
        approvers: Vec::new(),
        self_approval: false,
    };
    assert_eq!(policy(Some(0), json!({})), unset);
    assert_eq!(policy(Some(0), Value::Null), unset);
}

#[test]
fn replies_expiry_and_self_approval_are_the_floors() {
    let floor = json!({"approvals": 1, "replies": true, "expiresHours": 4, "selfApproval": true});
    let expected =
        Policy { required: 2, replies: true, expires_hours: 4, approvers: Vec::new(), self_approval: true };
    assert_eq!(policy(Some(2), floor), expected);
}

#[test]
fn a_config_that_does_not_name_the_environment_gets_the_floor_and_at_least_one() {
    assert_eq!(config(&json!({})).policy(&name("production")).required, 1);
    assert_eq!(config(&first_form()).policy(&name("other")).required, 1);
}

#[test]
fn a_config_may_shorten_how_long_a_request_is_open_but_not_lengthen_it() {
    for (wished, floor, expires) in [(24, 72, 24), (100, 72, 72)] {
        let record = environment(&with(environment_record(), "/floor", json!({ "expiresHours": floor })));
        let written =
            with(first_form(), "/environments/production/approval", json!({ "expiresHours": wished }));
        let both = config(&written).policy(&name("production")).tightened(&record.floor.policy());
        assert_eq!(both.expires_hours, expires);
    }
}

#[test]
fn approvers_are_read() {
    let approvers = |value: Value| {
        let written = with(first_form(), "/environments/production/approval", json!({ "approvers": value }));
        match config::parse(written.to_string().as_bytes()) {
            Ok(config) => format!("{:?}", config.environments[&name("production")].approval.approvers),
            Err(faults) => faults.to_string(),
        }
    };
    insta::assert_snapshot!(approvers(json!(["group:release-managers", "user:ana"])), @r#"[Group("release-managers"), User("ana")]"#);
    insta::assert_snapshot!(approvers(json!([])), @"$.environments.production.approval.approvers is a list of 0; allowed: a list of 1 to 50 people and groups");
    insta::assert_snapshot!(approvers(json!(["role:admin", 7])), @r#"
    $.environments.production.approval.approvers[0] is "role:admin"; allowed: a person or group: "user:<name>" or "group:<name>", the name 1 to 64 of letters, digits, '.', '_', '@' and '-'
    $.environments.production.approval.approvers[1] is 7; allowed: a person or group: "user:<name>" or "group:<name>", the name 1 to 64 of letters, digits, '.', '_', '@' and '-'
    "#);
}

#[test]
fn what_must_be_restorable_is_read_with_safe_choices() {
    let requires = |value: Value| {
        let written = with(first_form(), "/environments/production/requires", value);
        match config::parse(written.to_string().as_bytes()) {
            Ok(config) => {
                format!("{:?}", config.environments[&name("production")].requires.as_ref().unwrap())
            }
            Err(faults) => faults.to_string(),
        }
    };
    insta::assert_snapshot!(requires(json!({"database": "collections"})), @r#"Requires { database: "collections", restorable_within_minutes: 15, on_failure: Refuse }"#);
    insta::assert_snapshot!(requires(json!({"database": "collections", "restorableWithinMinutes": 60, "onFailure": "warn"})), @r#"Requires { database: "collections", restorable_within_minutes: 60, on_failure: Warn }"#);
    insta::assert_snapshot!(requires(json!({"restorableWithinMinutes": 4, "onFailure": "ignore"})), @r#"
    $.environments.production.requires.database is missing; allowed: the identifier of a database: 1 to 63 letters, digits and hyphens, starting with a letter
    $.environments.production.requires.restorableWithinMinutes is 4; allowed: a whole number from 5 to 1440
    $.environments.production.requires.onFailure is "ignore"; allowed: "refuse" or "warn"
    "#);
    insta::assert_snapshot!(requires(json!({"database": "my_db"})), @r#"$.environments.production.requires.database is "my_db"; allowed: the identifier of a database: 1 to 63 letters, digits and hyphens, starting with a letter"#);
}
