//! `ecs-service-config.json`, carried through to the end: records, policy, rendering. Whatever it says, the
//! environment's floor holds; what is wrong is told with its place; and a config written again reads the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use ::config::limits::{CONFIG_BYTES_MAX, ENVIRONMENTS_MAX, FAULTS_MAX};
use ::config::{EnvironmentRecord, Faults, ServiceConfig, ServiceRecord, Standing};
use model::ids::{BranchName, EnvironmentName, ImageDigest};

use crate::said::is_fit_to_show;

/// One fault quotes excerpts and lists what is allowed; it does not grow with the file.
const FAULT_BYTES_MAX: usize = 10 * 1024;

/// The world that a config is checked in: one repository registered, two environments.
pub(crate) struct Platform {
    pub(crate) service: ServiceRecord,
    pub(crate) staging: EnvironmentName,
    pub(crate) environments: BTreeMap<EnvironmentName, EnvironmentRecord>,
    pub(crate) branch: BranchName,
    pub(crate) image: ImageDigest,
}

const SERVICE_RECORD: &str = include_str!("../corpus/records/service.json");
const ENVIRONMENT_RECORD: &str = include_str!("../corpus/records/environment.json");
/// Small, for it is read anew for every config.
const BASE: &str = include_str!("../corpus/template/small.yaml");

pub(crate) static PLATFORM: LazyLock<Platform> = LazyLock::new(|| {
    let read = || EnvironmentRecord::parse(ENVIRONMENT_RECORD.as_bytes()).expect("the record is right");
    let name = |name: &str| name.parse::<EnvironmentName>().expect("a name");
    Platform {
        service: ServiceRecord::parse(SERVICE_RECORD.as_bytes()).expect("the record is right"),
        staging: name("staging"),
        environments: BTreeMap::from([(name("staging"), read()), (name("production"), read())]),
        branch: "main".parse().expect("a branch"),
        image: format!("sha256:{}", "0a".repeat(32)).parse().expect("a digest"),
    }
});

pub(crate) fn service_config(bytes: &[u8]) {
    let Platform { service, environments, branch, image, .. } = &*PLATFORM;
    let meant = ::config::environments_meant(bytes, branch);
    assert!(meant.len() <= ENVIRONMENTS_MAX);
    assert_eq!(meant.iter().collect::<BTreeSet<_>>().len(), meant.len(), "{meant:?} is told twice");
    let config = match ::config::parse(bytes) {
        Ok(config) => config,
        Err(faults) => return are_told(&faults, "$"),
    };
    reads_again(&config);
    if let Err(faults) = config.environments_for(branch, environments) {
        are_told(&faults, "$");
    }
    for (name, record) in environments {
        let (policy, floor) = (config.policy(name).tightened(&record.floor.policy()), &record.floor);
        assert!(policy.required >= floor.approvals, "{policy:?} asks for less than {floor:?}");
        assert!(floor.replies || !policy.replies, "{policy:?} lets replies approve, {floor:?} does not");
        assert!(policy.expires_hours <= floor.expires_hours, "{policy:?} waits longer than {floor:?}");
        if let Err(faults) = config.check(name, service, record) {
            are_told(&faults, "$");
            continue;
        }
        let render = || ::config::render(BASE, &config, name, service, record, image, &Standing::default());
        match render() {
            Ok(rendered) => {
                assert_eq!(render().as_ref(), Ok(&rendered), "rendered twice, and differently");
                assert_eq!(rendered.parameters["Image"], format!("{}@{image}", service.image_repository_uri));
            }
            Err(faults) => are_told(&faults, ""),
        }
    }
}

/// The same config from its written form.
fn reads_again(config: &ServiceConfig) {
    let mut written = serde_json::to_value(config).expect("a config has a form in JSON");
    if let (None, Some(written)) = (&config.service, written.as_object_mut()) {
        // CodePipeline's form has these keys and no others.
        written.retain(|key, _| matches!(key.as_str(), "Parameters" | "Tags" | "StackPolicy"));
    }
    let written = written.to_string();
    if written.len() <= CONFIG_BYTES_MAX {
        assert_eq!(::config::parse(written.as_bytes()).as_ref(), Ok(config), "written again: {written}");
    }
}

/// Every fault names its place below `root`, and what is allowed; all of them together are not endless.
pub(crate) fn are_told(faults: &Faults, root: &str) {
    assert!(!faults.is_empty(), "refused without a fault");
    assert!(faults.as_slice().len() <= FAULTS_MAX);
    for fault in faults.as_slice() {
        assert!(fault.path.starts_with(root) && fault.path.contains('$'), "{:?} is no place", fault.path);
        assert!(!fault.value.is_empty() && !fault.allowed.is_empty(), "{fault:?}");
        is_fit_to_show(&fault.to_string(), FAULT_BYTES_MAX);
    }
}
