//! `tidegate check`: a config by itself, without AWS.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use config::{Faults, ServiceConfig};
use serde_json::json;

use crate::{MISUSED, fail};

const INVALID: u8 = 1;

#[derive(clap::Args)]
pub(crate) struct Check {
    /// The config.
    #[arg(default_value = "ecs-service-config.json")]
    file: PathBuf,
    /// Says it for programs: every fault with its path, value, what is allowed and what was probably meant.
    #[arg(long)]
    json: bool,
}

/// Exits with 0 when the file is valid, with 1 after telling every fault, and with 2 when it cannot be read.
pub(crate) fn check(arguments: &Check) -> ExitCode {
    let bytes = match std::fs::read(&arguments.file) {
        Ok(bytes) => bytes,
        Err(error) => return fail(MISUSED, format!("cannot read {}: {error}", arguments.file.display())),
    };
    let read = config::parse(&bytes);
    if arguments.json {
        println!("{}", for_programs(&read));
    } else {
        println!("{}", for_people(&arguments.file, &read));
    }
    if read.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(INVALID) }
}

fn for_programs(read: &Result<ServiceConfig, Faults>) -> serde_json::Value {
    match read {
        Ok(_) => json!({ "valid": true, "faults": [] }),
        Err(faults) => json!({ "valid": false, "faults": faults.as_slice(), "untold": faults.untold() }),
    }
}

fn for_people(file: &Path, read: &Result<ServiceConfig, Faults>) -> String {
    let file = file.display();
    let config = match read {
        Ok(config) => config,
        Err(faults) => return format!("{file} is not valid:\n{faults}"),
    };
    let Some(service) = &config.service else {
        return format!("{file} is valid: CodePipeline's template configuration");
    };
    let environments: Vec<&str> = config.environments.keys().map(|name| name.as_str()).collect();
    let place = match &environments[..] {
        [] => "wherever a record names the pushed branch".to_owned(),
        names => names.join(", "),
    };
    format!("{file} is valid: {service}, a {}, deployed to {place}", config.kind.noun())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (String, String) {
        let read = config::parse(text.as_bytes());
        (for_people(Path::new("ecs-service-config.json"), &read), for_programs(&read).to_string())
    }

    #[test]
    fn a_valid_config_is_told_with_what_it_is() {
        let (people, programs) = told(
            r#"{"service": "payments", "routing": {"paths": ["/payments"], "priority": 1}, "container": {"port": 80},
                "environments": {"staging": {}, "production": {"after": "staging"}}}"#,
        );
        assert_eq!(
            people,
            "ecs-service-config.json is valid: payments, a web service, deployed to production, staging"
        );
        assert_eq!(programs, r#"{"faults":[],"valid":true}"#);
        let (people, _) = told(r#"{"Parameters": {"Paths": "/payments"}}"#);
        assert_eq!(people, "ecs-service-config.json is valid: CodePipeline's template configuration");
        let (people, _) = told(r#"{"service": "payments", "kind": "worker"}"#);
        assert_eq!(
            people,
            "ecs-service-config.json is valid: payments, a worker, deployed to wherever a record names the pushed branch"
        );
    }

    #[test]
    fn every_fault_is_told_with_place_value_what_is_allowed_and_what_was_meant() {
        let (people, programs) =
            told(r#"{"service": "payments", "kind": "worker", "scaling": {"mim": 0, "max": 0}}"#);
        assert_eq!(
            people,
            "ecs-service-config.json is not valid:\n\
             $.scaling.mim is an unknown key; allowed: min, max, cpuPercent, requestsPerTarget, spotPercent; \
             did you mean $.scaling.min?\n\
             $.scaling.max is 0; allowed: a whole number from 1 to 5000"
        );
        let programs: serde_json::Value = serde_json::from_str(&programs).unwrap();
        assert_eq!(
            programs["faults"][0],
            json!({
                "path": "$.scaling.mim", "value": "an unknown key",
                "allowed": "min, max, cpuPercent, requestsPerTarget, spotPercent", "nearest": "$.scaling.min"
            })
        );
        assert_eq!((&programs["valid"], &programs["untold"]), (&json!(false), &json!(0)));
    }
}
