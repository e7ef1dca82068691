//! The value of a template parameter, dynamic references and all. A value may be a secret, so no fault quotes it; and
//! every reference that is let through names its version and lies below the service's own name.

use serde_json::json;

use crate::config::{PLATFORM, are_told};

/// Parameters of the template that are no secrets and so may be quoted.
const PLAIN: [&str; 5] = ["Paths", "Priority", "ContainerPort", "Cpu", "MemoryMiB"];
/// Any other.
const SECRET: &str = "Password";

/// Stands in the place of `SECRET` in a value.
const HIDDEN: &str = "hunter2-correct-horse";

/// The first byte chooses the parameter, the rest is its value.
pub(crate) fn value(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let name = PLAIN.get(usize::from(choice % 8)).copied().unwrap_or(SECRET);
    let text = text.replace("SECRET", HIDDEN);
    let written = json!({ "Parameters": { name: text, "Paths": "/payments", "Priority": "1" } });

    let hides = name == SECRET && !text.contains("{{resolve:");
    let told = |faults: &config::Faults| {
        are_told(faults, "$");
        assert!(!hides || !faults.to_string().contains(HIDDEN), "the value is quoted: {faults}");
    };
    let config = match config::parse(written.to_string().as_bytes()) {
        Ok(config) => config,
        Err(faults) => return told(&faults),
    };
    match config.check(&PLATFORM.staging, &PLATFORM.service, &PLATFORM.environments[&PLATFORM.staging]) {
        Ok(()) => config.parameters.values().for_each(|value| only_own_references(value)),
        Err(faults) => told(&faults),
    }
}

/// Written apart from the product's own reading: what CloudFormation would take for a reference.
///
/// Source: CloudFormation user guide, "Get values stored in other services using dynamic references".
fn only_own_references(value: &str) {
    for after in value.split("{{resolve:").skip(1) {
        let inner = after.split_once("}}").unwrap_or_else(|| panic!("not closed: {value:?}")).0;
        let (service, rest) = inner.split_once(':').unwrap_or_else(|| panic!("of no service: {value:?}"));
        let name = rest.strip_prefix('/').unwrap_or(rest);
        assert!(name.starts_with("payments/"), "somebody else's: {value:?}");
        let versioned = match service {
            "ssm" | "ssm-secure" => rest.rsplit(':').next().is_some_and(is_number),
            "secretsmanager" => rest.rsplit(':').next().is_some_and(|version| !version.is_empty()),
            other => panic!("of service {other:?}: {value:?}"),
        };
        assert!(versioned, "what it means could change after approval: {value:?}");
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
