//! Nothing that anybody pushes makes the reader panic.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

/// JSON that often uses our own keys, so that it gets past the first check.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        prop::sample::select(vec![
            "service",
            "kind",
            "schedule",
            "cron",
            "timeZone",
            "routing",
            "hosts",
            "healthCheck",
            "paths",
            "priority",
            "container",
            "port",
            "cpu",
            "memoryMiB",
            "environment",
            "secrets",
            "command",
            "sidecars",
            "logRouter",
            "scaling",
            "min",
            "max",
            "spotPercent",
            "deployment",
            "strategy",
            "canary",
            "alarms",
            "before",
            "verify",
            "taskRole",
            "managedPolicies",
            "environments",
            "after",
            "freeze",
            "requires",
            "approvers",
            "staging",
            "branch",
            "approval",
            "required",
            "Parameters",
            "Paths",
            "Priority",
            "Cpu",
            "Tags",
            "StackPolicy",
            "floor",
            "may",
            "caps",
            "cluster",
            "subnets",
        ])
        .prop_map(str::to_owned),
        ".{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| json!(float)),
        ".{0,40}".prop_map(Value::from),
        prop::sample::select(vec![
            "web",
            "worker",
            "job",
            "auto",
            "canary",
            "0 16 ? * FRI",
            "Asia/Kolkata",
            "user:ana",
            "payments/db",
            "payments",
            "/payments/*",
            "main",
            "256",
            "{{resolve:ssm:a:",
            "é{{"
        ])
        .prop_map(Value::from),
        (0_u32..70_000).prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(key.clone(), inner, 0..8).prop_map(|map| json!(map)),
        ]
    })
}

fn first_form() -> Value {
    serde_json::from_slice(include_bytes!("../../corpus/config/first-form.json")).unwrap()
}

/// Reads `bytes` as everything that people write in JSON.
fn read_all(bytes: &[u8]) {
    (fuzz::target("config").check)(bytes);
    (fuzz::target("records").check)(bytes);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn any_json_is_read_without_a_panic(value in any_json()) {
        read_all(value.to_string().as_bytes());
    }

    #[test]
    fn a_config_with_one_part_replaced_is_read_without_a_panic(
        at in prop::sample::select(vec!["/service", "/kind", "/routing", "/routing/paths", "/routing/priority",
            "/container", "/container/cpu", "/environments", "/environments/staging", "/environments/staging/branch"]),
        value in any_json(),
    ) {
        let mut written = first_form();
        *written.pointer_mut(at).unwrap() = value;
        read_all(written.to_string().as_bytes());
    }

    #[test]
    fn a_config_cut_or_changed_anywhere_is_read_without_a_panic(cut in 0_usize..400, byte in any::<u8>()) {
        let mut bytes = first_form().to_string().into_bytes();
        let cut = cut.min(bytes.len() - 1);
        read_all(&bytes[..cut]);
        bytes[cut] = byte;
        read_all(&bytes);
    }

    #[test]
    fn any_text_is_rendered_or_refused_without_a_panic(base in "[ -~\n]{0,200}", tag in "[A-Za-z]{0,8}") {
        (fuzz::target("template").check)(base.as_bytes());
        (fuzz::target("template").check)(format!("Resources: {{a: !{tag} {base}}}").as_bytes());
    }
}
