//! `tidegate init`: a service's first config, from flags, a few questions and the Dockerfile.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

use crate::{MISUSED, fail};

const FILE: &str = "ecs-service-config.json";
const INVALID: u8 = 1;
const PORT_UNKNOWN: u16 = 8080;

#[derive(clap::Args)]
pub(crate) struct Init {
    /// The service's repository.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Its name; the folder's unless told otherwise.
    #[arg(long)]
    service: Option<String>,
    /// web, worker or job.
    #[arg(long)]
    kind: Option<String>,
    /// The port that the container listens on; the Dockerfile's EXPOSE unless told otherwise.
    #[arg(long)]
    port: Option<u16>,
    /// A path pattern that comes to it; `/<service>` and `/<service>/*` unless told otherwise. May be repeated.
    #[arg(long = "path")]
    paths: Vec<String>,
    /// Place among the load balancer's rules.
    #[arg(long)]
    priority: Option<u32>,
    /// When a job runs: minute, hour, day of month, month, day of week.
    #[arg(long)]
    cron: Option<String>,
    /// The time zone of `--cron`.
    #[arg(long)]
    time_zone: Option<String>,
    /// The environment that pushes are deployed to.
    #[arg(long)]
    environment: Option<String>,
    /// The branch whose pushes are.
    #[arg(long)]
    branch: Option<String>,
    /// Ask nothing.
    #[arg(long)]
    yes: bool,
    /// Write over a config that is there.
    #[arg(long)]
    force: bool,
}

/// Writes the file only if it is a valid config.
pub(crate) fn init(arguments: &Init) -> ExitCode {
    let file = arguments.folder.join(FILE);
    if file.exists() && !arguments.force {
        return fail(MISUSED, format!("{} is there already; --force writes over it", file.display()));
    }
    let asks = !arguments.yes && std::io::stdin().is_terminal();
    let mut questions = Questions { asks, input: std::io::stdin().lock() };
    let Composed { written, assumed } = match compose(arguments, &mut questions) {
        Ok(composed) => composed,
        Err(why) => return fail(MISUSED, why),
    };
    if let Err(faults) = config::parse(written.as_bytes()) {
        return fail(INVALID, format!("nothing is written, as it would not be valid:\n{faults}"));
    }
    if let Err(error) = std::fs::write(&file, &written) {
        return fail(MISUSED, format!("cannot write {}: {error}", file.display()));
    }
    println!("{} is written; `tidegate check` says whether it stays valid", file.display());
    if let Some(assumed) = assumed {
        println!("{assumed}");
    }
    ExitCode::SUCCESS
}

/// What was not told by a flag is asked, where somebody sits at a terminal; or else it is what is most likely meant.
struct Questions<R> {
    asks: bool,
    input: R,
}

impl<R: BufRead> Questions<R> {
    fn ask(&mut self, what: &str, likely: &str) -> Result<String, String> {
        if !self.asks {
            return Ok(likely.to_owned());
        }
        eprint!("{what} [{likely}]: ");
        let mut line = String::new();
        let read = std::io::stderr().flush().and_then(|()| self.input.read_line(&mut line));
        read.map_err(|error| format!("cannot read the answer: {error}"))?;
        let answer = line.trim();
        Ok(if answer.is_empty() { likely.to_owned() } else { answer.to_owned() })
    }

    fn or_ask<T: ToString>(&mut self, told: Option<&T>, what: &str, likely: &str) -> Result<String, String> {
        match told {
            Some(told) => Ok(told.to_string()),
            None => self.ask(what, likely),
        }
    }
}

struct Composed {
    written: String,
    /// What nobody said, and where it is from.
    assumed: Option<String>,
}

fn compose<R: BufRead>(arguments: &Init, questions: &mut Questions<R>) -> Result<Composed, String> {
    let service = questions.or_ask(arguments.service.as_ref(), "Service", &folder_name(&arguments.folder))?;
    let kind = questions.or_ask(arguments.kind.as_ref(), "Kind (web, worker, job)", "web")?;
    let mut lines = vec![entry("service", &service.as_str().into()), entry("kind", &kind.as_str().into())];
    let mut assumed = None;
    match kind.as_str() {
        "web" => {
            let (likely, whence) = match exposed_port(&arguments.folder)? {
                Some(exposed) => (exposed, "the first that the Dockerfile exposes"),
                None => (PORT_UNKNOWN, "only assumed, as no Dockerfile exposes one"),
            };
            let question = format!("Port of the container; {likely} is {whence}");
            let port = questions.or_ask(arguments.port.as_ref(), &question, &likely.to_string())?;
            if arguments.port.is_none() && !questions.asks {
                assumed = Some(format!("its port {likely} is {whence}; --port says another"));
            }
            let paths = if arguments.paths.is_empty() {
                let path = questions.ask("Path", &format!("/{service}"))?;
                let below = format!("{}/*", path.trim_end_matches('/'));
                if path == "/" { vec!["/*".to_owned()] } else { vec![path, below] }
            } else {
                arguments.paths.clone()
            };
            let priority =
                questions.or_ask(arguments.priority.as_ref(), "Priority of its rule, 1 to 50000", "100")?;
            let paths = paths.iter().map(|path| Value::from(path.as_str()).to_string()).collect::<Vec<_>>();
            lines.push(format!(
                r#"  "routing": {{ "paths": [{}], "priority": {} }}"#,
                paths.join(", "),
                number(&priority, "a priority")?
            ));
            lines.push(format!(
                r#"  "container": {{ "port": {}, "cpu": 256, "memoryMiB": 512 }}"#,
                number(&port, "a port")?
            ));
        }
        "job" => {
            let cron = questions.or_ask(arguments.cron.as_ref(), "Cron", "0 3 * * ?")?;
            let zone = questions.or_ask(arguments.time_zone.as_ref(), "Time zone", "UTC")?;
            lines.push(format!(
                r#"  "schedule": {{ "cron": {}, "timeZone": {} }}"#,
                Value::from(cron),
                Value::from(zone)
            ));
            lines.push(r#"  "container": { "cpu": 256, "memoryMiB": 512 }"#.to_owned());
        }
        // What is no kind is told by the check of the whole.
        _ => lines.push(r#"  "container": { "cpu": 256, "memoryMiB": 512 }"#.to_owned()),
    }
    let environment = questions.or_ask(arguments.environment.as_ref(), "Environment", "production")?;
    let branch = questions.or_ask(arguments.branch.as_ref(), "Branch that is deployed there", "main")?;
    lines.push(format!(
        "  \"environments\": {{\n    {}: {{ \"branch\": {}, \"approval\": {{ \"required\": 1 }} }}\n  }}",
        Value::from(environment),
        Value::from(branch)
    ));
    Ok(Composed { written: format!("{{\n{}\n}}\n", lines.join(",\n")), assumed })
}

fn entry(key: &str, value: &Value) -> String {
    format!("  \"{key}\": {value}")
}

fn number(text: &str, what: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is not {what}"))
}

/// A folder's name as a service's: what a service's name cannot hold becomes a hyphen.
fn folder_name(folder: &Path) -> String {
    let absolute = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let name = absolute.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// The first port that the Dockerfile exposes, if there is one.
fn exposed_port(folder: &Path) -> Result<Option<u16>, String> {
    let file = folder.join("Dockerfile");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot read {}: {error}", file.display())),
    };
    let ports = ::local::images::exposed_ports(&text).map_err(|why| format!("{}: {why}", file.display()))?;
    Ok(ports.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(folder: &Path) -> Init {
        Init {
            folder: folder.to_owned(),
            service: Some("payments".to_owned()),
            kind: None,
            port: None,
            paths: Vec::new(),
            priority: None,
            cron: None,
            time_zone: None,
            environment: None,
            branch: None,
            yes: false,
            force: false,
        }
    }

    /// What is written when these lines are typed, none of them when nothing is asked.
    fn written(arguments: &Init, typed: Option<&str>) -> String {
        let mut questions = Questions { asks: typed.is_some(), input: typed.unwrap_or_default().as_bytes() };
        let Composed { written, .. } = compose(arguments, &mut questions).unwrap();
        config::parse(written.as_bytes()).unwrap_or_else(|faults| panic!("{faults}\nin {written}"));
        written
    }

    #[test]
    fn a_first_config_takes_its_port_from_the_dockerfile() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Dockerfile"), "FROM a\nEXPOSE 3000\n").unwrap();
        assert_eq!(
            written(&arguments(folder.path()), None),
            r#"{
  "service": "payments",
  "kind": "web",
  "routing": { "paths": ["/payments", "/payments/*"], "priority": 100 },
  "container": { "port": 3000, "cpu": 256, "memoryMiB": 512 },
  "environments": {
    "production": { "branch": "main", "approval": { "required": 1 } }
  }
}
"#
        );
    }

    #[test]
    fn where_a_port_is_from_is_told_unless_somebody_said_it() {
        let folder = tempfile::tempdir().unwrap();
        let assumed = |arguments: &Init, asks: bool| {
            let mut questions = Questions { asks, input: "".as_bytes() };
            compose(arguments, &mut questions).unwrap().assumed
        };
        let unsaid = arguments(folder.path());
        let told = assumed(&unsaid, false).unwrap();
        assert_eq!(told, "its port 8080 is only assumed, as no Dockerfile exposes one; --port says another");
        std::fs::write(folder.path().join("Dockerfile"), "FROM a\nEXPOSE 3000-3005\n").unwrap();
        let told = assumed(&unsaid, false).unwrap();
        assert_eq!(told, "its port 3000 is the first that the Dockerfile exposes; --port says another");
        assert_eq!(assumed(&unsaid, true), None);
        assert_eq!(assumed(&Init { port: Some(7), ..arguments(folder.path()) }, false), None);
    }

    #[test]
    fn answers_are_asked_for_what_no_flag_told_and_empty_ones_take_what_is_likely() {
        let folder = tempfile::tempdir().unwrap();
        let asked = written(&arguments(folder.path()), Some("web\n\n/shop\n7\nstaging\n\n"));
        assert!(asked.contains(r#""paths": ["/shop", "/shop/*"], "priority": 7"#), "{asked}");
        assert!(
            asked.contains(r#""port": 8080"#) && asked.contains(r#""staging": { "branch": "main""#),
            "{asked}"
        );
        let all = written(&arguments(folder.path()), Some("\n\n/\n"));
        assert!(all.contains(r#""paths": ["/*"]"#), "{all}");
    }

    #[test]
    fn a_worker_has_no_route_and_a_job_has_a_schedule() {
        let folder = tempfile::tempdir().unwrap();
        let worker = Init { kind: Some("worker".to_owned()), ..arguments(folder.path()) };
        assert!(!written(&worker, None).contains("routing"));
        let job = Init {
            kind: Some("job".to_owned()),
            cron: Some("0 16 ? * FRI".to_owned()),
            time_zone: Some("Asia/Kolkata".to_owned()),
            ..arguments(folder.path())
        };
        let job = written(&job, None);
        assert!(
            job.contains(r#""schedule": { "cron": "0 16 ? * FRI", "timeZone": "Asia/Kolkata" }"#),
            "{job}"
        );
    }

    #[test]
    fn a_folders_name_becomes_a_services() {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("My_Card.API");
        std::fs::create_dir(&named).unwrap();
        assert_eq!(folder_name(&named), "my-card-api");
    }

    #[test]
    fn an_answer_that_is_no_number_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut questions = Questions { asks: true, input: "web\neighty\n\n\n".as_bytes() };
        let why = compose(&arguments(folder.path()), &mut questions).err();
        assert_eq!(why.as_deref(), Some(r#""eighty" is not a port"#));
    }
}
