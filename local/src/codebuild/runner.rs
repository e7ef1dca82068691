//! One build from `QUEUED` to `COMPLETED`.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    sync::Arc,
};

use tokio::{sync::watch, time::Instant};
use tracing::{error, info};

use super::{
    Shop,
    build::{Build, Context, Exported, PhaseKind, Status},
    buildspec::{self, Buildspec, OnFailure, Phase},
    command::{Ran, Shell},
    event, logs,
    project::Project,
    start::now_seconds,
    workplace,
};

/// Characters of a command that a context repeats, as CodeBuild shortens it.
const COMMAND_SHOWN_MAX: usize = 200;

pub(super) async fn run(
    shop: Arc<Shop>,
    build: Build,
    project: Project,
    stop: watch::Receiver<bool>,
    over: watch::Sender<bool>,
) {
    let arn = build.arn();
    let mut run = Run { shop: &shop, build };
    let status = run.all(&project, stop).await.unwrap_or_else(|error| {
        error!(build = %run.build.id(), %error, "the build could not be run");
        run.build.leave(
            Status::Fault,
            Some(context("INTERNAL_SERVICE_ERROR", error.to_string())),
            now_seconds(),
        );
        Status::Fault
    });
    logs::store(&shop, &run.build).await;
    workplace::tidy(&shop.settings.work, &run.build);
    run.build.complete(status, now_seconds());
    run.keep();
    info!(build = %run.build.id(), ?status, "build ended");
    // Nobody may be listening, in tests.
    let _ = shop.events.send(event::state_change(&run.build));
    shop.running.lock().await.remove(&arn);
    over.send_replace(true);
}

struct Run<'a> {
    shop: &'a Arc<Shop>,
    build: Build,
}

/// How a phase went; a phase that failed says why.
enum Went {
    Well,
    Wrong(Context),
    Stopped,
    TimedOut,
}

impl Run<'_> {
    async fn all(&mut self, project: &Project, stop: watch::Receiver<bool>) -> io::Result<Status> {
        self.leave(Status::Succeeded, None);
        self.enter(PhaseKind::Provisioning)?;
        workplace::link_tools(&self.shop.settings, &self.build)?;
        self.leave(Status::Succeeded, None);

        self.enter(PhaseKind::DownloadSource)?;
        let spec = match self.download(project).await {
            Ok(spec) => spec,
            Err(told) => {
                let (code, message) = told.split_once(": ").unwrap_or(("CLIENT_ERROR", &told));
                let context = context(code, message.to_owned());
                self.log(&format!(
                    "Phase context status code: {} Message: {}",
                    context.code, context.message
                ))?;
                self.leave(Status::Failed, Some(context));
                return self.finalize(Status::Failed);
            }
        };
        self.leave(Status::Succeeded, None);

        let mut shell = self.shell(&spec, stop);
        let status = self.phases(&spec, &mut shell).await?;
        let exported = shell.values(&spec.exported).await?;
        self.build.exported = exported.into_iter().map(|(name, value)| Exported { name, value }).collect();
        self.finalize(status)
    }

    /// The checkout, and the buildspec: the project's own text or the file that it names.
    async fn download(&mut self, project: &Project) -> Result<Buildspec, String> {
        self.build.resolved_version = workplace::check_out(&self.shop.settings, &self.build).await?;
        let stated = project.source.buildspec.as_str();
        if stated.contains('\n') || stated.trim_start().starts_with("version:") {
            return buildspec::parse(stated).map_err(|error| error.to_string());
        }
        let name = if stated.is_empty() { "buildspec.yml" } else { stated };
        let file = workplace::folder(&self.shop.settings.work, &self.build).join("src").join(name);
        let text = fs::read_to_string(&file)
            .map_err(|error| format!("YAML_FILE_ERROR: stat {name}: {}", plain(&error)))?;
        buildspec::parse(&text).map_err(|error| error.to_string())
    }

    fn shell(&self, spec: &Buildspec, stop: watch::Receiver<bool>) -> Shell {
        let settings = &self.shop.settings;
        let folder = workplace::folder(&settings.work, &self.build);
        let mut variables: BTreeMap<String, String> = BTreeMap::new();
        variables.extend(spec.variables.iter().map(|(name, value)| (name.clone(), value.clone())));
        Shell {
            environment: workplace::environment(settings, &self.build, &variables),
            source: folder.join("src"),
            state: folder.join("state"),
            log: workplace::log_file(&settings.work, &self.build),
            deadline: Instant::now()
                + settings.minute * self.build.timeout_minutes.min(u64::from(u32::MAX)) as u32,
            stop,
        }
    }

    /// The four phases in their order.
    ///
    /// Source: CodeBuild User Guide, "Build phase transitions": after a failed `BUILD`, `POST_BUILD` still runs; after
    /// a failed `INSTALL` or `PRE_BUILD` nothing does; `on-failure` says otherwise.
    async fn phases(&mut self, spec: &Buildspec, shell: &mut Shell) -> io::Result<Status> {
        let mut status = Status::Succeeded;
        for (kind, phase) in [
            (PhaseKind::Install, &spec.install),
            (PhaseKind::PreBuild, &spec.pre_build),
            (PhaseKind::Build, &spec.build),
            (PhaseKind::PostBuild, &spec.post_build),
        ] {
            self.enter(kind)?;
            let went = self.phase(phase, shell, status == Status::Succeeded).await?;
            match went {
                Went::Well => self.leave(Status::Succeeded, None),
                Went::Wrong(context) => {
                    self.log(&format!(
                        "Phase context status code: {} Message: {}",
                        context.code, context.message
                    ))?;
                    self.leave(Status::Failed, Some(context));
                    status = Status::Failed;
                    let goes_on = match phase.on_failure {
                        Some(OnFailure::Continue) => true,
                        Some(OnFailure::Abort) => false,
                        None => kind == PhaseKind::Build,
                    };
                    if !goes_on {
                        return Ok(status);
                    }
                }
                Went::Stopped => {
                    self.leave(Status::Stopped, None);
                    return Ok(Status::Stopped);
                }
                Went::TimedOut => {
                    let told = context("BUILD_TIMED_OUT", "Build has timed out. ".to_owned());
                    self.leave(Status::TimedOut, Some(told));
                    return Ok(Status::TimedOut);
                }
            }
        }
        Ok(status)
    }

    /// The commands until one fails, then the commands of `finally` whatever happened.
    async fn phase(&mut self, phase: &Phase, shell: &mut Shell, succeeding: bool) -> io::Result<Went> {
        let first = self.commands(&phase.commands, shell, succeeding).await?;
        let well_so_far = match &first {
            Went::Well => true,
            Went::Wrong(_) => false,
            Went::Stopped | Went::TimedOut => return Ok(first),
        };
        let last = self.commands(&phase.finally, shell, succeeding && well_so_far).await?;
        Ok(if well_so_far { last } else { first })
    }

    async fn commands(
        &mut self,
        commands: &[String],
        shell: &mut Shell,
        succeeding: bool,
    ) -> io::Result<Went> {
        for command in commands {
            self.log(&format!("Running command {}", command.trim_end()))?;
            match shell.run(command, succeeding).await? {
                Ran::Succeeded => {}
                Ran::Failed { reason, last_lines } => {
                    return Ok(Went::Wrong(failed(command, &reason, &last_lines)));
                }
                Ran::Stopped => return Ok(Went::Stopped),
                Ran::TimedOut => return Ok(Went::TimedOut),
            }
        }
        Ok(Went::Well)
    }

    fn finalize(&mut self, status: Status) -> io::Result<Status> {
        for kind in [PhaseKind::UploadArtifacts, PhaseKind::Finalizing] {
            // Artifacts are uploaded whenever the build got as far as trying.
            let tried = self.build.phases.iter().any(|phase| phase.kind == PhaseKind::PostBuild);
            if kind == PhaseKind::Finalizing || tried {
                self.enter(kind)?;
                self.leave(Status::Succeeded, None);
            }
        }
        Ok(status)
    }

    fn enter(&mut self, kind: PhaseKind) -> io::Result<()> {
        self.build.enter(kind, now_seconds());
        self.keep();
        self.log(&format!("Entering phase {}", name(kind)))
    }

    fn leave(&mut self, status: Status, context: Option<Context>) {
        self.build.leave(status, context, now_seconds());
        self.keep();
    }

    fn keep(&self) {
        self.shop.history.put(&self.build);
        if let Err(error) = workplace::save(&self.shop.settings.work, &self.build) {
            error!(build = %self.build.id(), %error, "the build's record is not saved");
        }
    }

    fn log(&self, line: &str) -> io::Result<()> {
        let time = jiff::Timestamp::now().strftime("%Y/%m/%d %H:%M:%S%.6f");
        let mut log = workplace::open_log(&self.shop.settings.work, &self.build)?;
        writeln!(log, "[Container] {time} {line}")
    }
}

fn context(code: &str, message: String) -> Context {
    Context { code: code.to_owned(), message }
}

/// CodeBuild's sentence; what the command last said follows it, since there is no console to look it up in.
fn failed(command: &str, reason: &str, last_lines: &str) -> Context {
    let command = command.trim_end();
    let shown: String = match command.char_indices().nth(COMMAND_SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &command[..end]),
        None => command.to_owned(),
    };
    let mut message = format!("Error while executing command: {shown}. Reason: {reason}");
    if !last_lines.is_empty() {
        message.push('\n');
        message.push_str(last_lines);
    }
    context("COMMAND_EXECUTION_ERROR", message)
}

fn name(kind: PhaseKind) -> String {
    serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Without Rust's "(os error 2)".
fn plain(error: &io::Error) -> String {
    error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase()
}
