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
