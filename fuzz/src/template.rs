//! An environment's template, as YAML: rendered to JSON that CloudFormation can take and that hashes to what is said,
//! or refused with the place; never larger than CloudFormation's limit, whatever aliases it has.

use config::limits::TEMPLATE_BYTES_MAX;
use config::{ServiceConfig, Standing};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

use crate::config::{PLATFORM, Platform, are_told};

static CONFIG: LazyLock<ServiceConfig> = LazyLock::new(|| {
    config::parse(include_bytes!("../corpus/config/first-form.json")).expect("the config is right")
});

pub(crate) fn base(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Platform { service, staging, environments, image, .. } = &*PLATFORM;
    let render = |base: &str| {
        config::render(base, &CONFIG, staging, service, &environments[staging], image, &Standing::default())
    };
    let rendered = match render(text) {
        Ok(rendered) => rendered,
        Err(faults) => return are_told(&faults, ""),
    };
    assert!(rendered.template.len() <= TEMPLATE_BYTES_MAX);
    let value: Value = serde_json::from_str(&rendered.template).expect("a rendered template is JSON");
    assert_eq!(config::canonical_json(&value), rendered.template, "not canonical");
    let sha256: String =
        Sha256::digest(&rendered.template).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(rendered.sha256, sha256);
    assert!(value["Resources"].is_object(), "a template without resources");
    // JSON is YAML, but for keys of more than 1,024 characters and characters that YAML calls unprintable.
    if let Ok(again) = render(&rendered.template) {
        assert_eq!(again, rendered, "rendered from its own result");
    }
}
