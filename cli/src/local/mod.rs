//! `tidegate local`: a push all the way, on this machine.

mod answers;
mod build;
mod running;
mod sample;
mod show;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use aws::{Aws, Settings};
use local::{Environment, Inbox, LocalAws, Service};
use model::ids::Revision;
use model::release::{Ending, Phase, Release};

use crate::fail;
use answers::{Answer, Answers};
use running::Running;
use sample::{BRANCH, ENVIRONMENT, REPOSITORY, SERVICE, Sample};
use show::Screen;
use watch::{News, Watch};

pub(crate) use running::running;

/// How often the table is read.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The account that everything here runs in; on the local AWS an access key of twelve digits is the account.
pub(crate) const ACCOUNT: &str = "000000000001";
/// Who may be spoken as: `local` may do everything here, and somebody else may approve.
const PEOPLE: [&str; 2] = [::local::people::LOCAL_USER, "ana"];
const NOT_DEPLOYED: u8 = 1;
/// What a shell reports of a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Approve by itself, and exit with the ending of the first push.
    #[arg(long)]
    yes: bool,
    /// A JSON line per step, and one with the ending.
    #[arg(long)]
    json: bool,
    /// Keep repositories, tables and stacks here between runs.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(crate) async fn local(options: Options) -> ExitCode {
    run(&options).await.unwrap_or_else(|why| fail(NOT_DEPLOYED, why))
}

async fn run(options: &Options) -> Result<ExitCode, String> {
    let project = build::project()?;
    let home = project.join(".tidegate");
    let binaries = build::binaries(&project)?;
    let local = LocalAws::start(local::Settings {
        project,
        binaries,
        state: options.keep.clone(),
        home: home.clone(),
        progress: Box::new(|what| eprintln!("{what}")),
    })
    .await
    .map_err(said)?;
    let outcome = tokio::select! {
        outcome = Session::run(&local, options, &home) => outcome,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(INTERRUPTED)),
    };
    // Also after a failure: nothing goes on running, and what is kept is whole.
    eprintln!("stopping the local AWS");
    local.stop().await.map_err(said)?;
    outcome
}

/// One run: what was pushed, who is told, who is asked.
struct Session<'a> {
    options: &'a Options,
    aws: Aws,
    screen: Screen,
    watch: Watch,
    inbox: Inbox,
    /// What other shells read; gone with it.
    _running: Running,
    /// What `--yes` waits for.
    pushed: Revision,
    answers: Answers,
    /// Requests that nobody has answered yet, oldest first.
    open: Vec<Request>,
}

struct Request {
    release: String,
    token: String,
    text: String,
    asked: bool,
}

impl<'a> Session<'a> {
    async fn run(local: &LocalAws, options: &'a Options, home: &Path) -> Result<ExitCode, String> {
        let account = local.account(ACCOUNT).await;
        eprintln!("deploying template.yaml");
        let outputs = account.install().await.map_err(said)?;
        eprintln!("making environment {ENVIRONMENT} and registering service {SERVICE}");
        account.add_environment(&environment()).await.map_err(said)?;
        let url = account.add_service(&service()).await.map_err(said)?;
        account.knows_people(&PEOPLE).await.map_err(said)?;
        let output = |name: &str| {
            outputs.get(name).cloned().ok_or_else(|| format!("template.yaml has no output {name}"))
        };
        let settings = Settings::default().with("TIDEGATE_TABLE", &output("TableName")?);
        let running = Running::begin(
            home,
            local.endpoint().to_owned(),
            output("TableName")?,
            Path::new(&url).parent().map(Path::to_owned).unwrap_or_default(),
        )?;
        let folder = options.keep.as_deref().unwrap_or(home).join("sample").join(REPOSITORY);
        if options.keep.is_none() && folder.exists() {
            std::fs::remove_dir_all(&folder)
                .map_err(|error| format!("cannot clear {}: {error}", folder.display()))?;
        }
        let sample = Sample::open(&folder, &url)?;
        let mut session = Self {
            options,
            aws: Aws::new(account.sdk(), settings),
            screen: Screen::new(options.json),
            watch: Watch::default(),
            inbox: Inbox::open(&account).await.map_err(said)?,
            _running: running,
            pushed: sample.commit_next_version()?.parse().map_err(said)?,
            answers: Answers::listen(),
            open: Vec::new(),
        };
        session.watch.catch_up(&session.aws).await.map_err(said)?;
        eprintln!("local AWS on {}; repository {}", local.endpoint(), url);
        eprintln!("pushing {} to {BRANCH}", session.pushed.short());
        sample.push()?;
        session.follow(&sample.folder).await
    }

    async fn follow(&mut self, sample: &Path) -> Result<ExitCode, String> {
        loop {
            let mut ended = None;
            for news in self.watch.news(&self.aws).await.map_err(said)? {
                self.say(&news);
                if news.is_ending_of(&self.pushed) {
                    ended = Some(news.release);
                }
            }
            if let Some(release) = ended {
                self.screen.ending(&release);
                if self.options.yes {
                    return Ok(exit_code(&release));
                }
                eprintln!("\nPush again from another shell: {}", sample.display());
                eprintln!("Ctrl-C ends everything.");
            }
            self.hear().await?;
            self.ask().await?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn say(&mut self, news: &News) {
        for step in &news.release.steps[news.first_new.min(news.release.steps.len())..] {
            self.screen.step(&news.release, step);
        }
        if !matches!(news.release.phase, Phase::AwaitingApproval { .. }) {
            let id = news.release.id.to_string();
            self.open.retain(|request| request.release != id);
        }
    }

    /// Takes in what the notifications topic tells.
    async fn hear(&mut self) -> Result<(), String> {
        for notice in self.inbox.read().await.map_err(said)? {
            let Some((release, token)) = notice.request() else { continue };
            self.open.retain(|request| request.release != release);
            self.open.push(Request {
                release: release.to_owned(),
                token: token.to_owned(),
                text: notice.text.clone(),
                asked: false,
            });
        }
        Ok(())
    }

    /// Asks for the oldest open request, or answers it by `--yes`; always through the approval topic.
    async fn ask(&mut self) -> Result<(), String> {
        let Some(request) = self.open.first_mut() else { return Ok(()) };
        if !request.asked {
            request.asked = true;
            self.screen.plan(&request.text);
            if !self.options.yes {
                self.screen.ask(&request.release);
            }
        }
        let answer = if self.options.yes { Some(Answer::Yes) } else { self.answers.next() };
        if answer.is_some() {
            self.screen.answered();
        }
        let (release, token) = (request.release.clone(), request.token.clone());
        match answer {
            None => return Ok(()),
            Some(Answer::Yes) => self.inbox.approve(&release, &token).await.map_err(said)?,
            Some(Answer::No) => {
                self.inbox.reject(&release, &token, "rejected in the terminal").await.map_err(said)?;
            }
            Some(Answer::Details) => {
                self.screen.details(&request.text);
                self.screen.ask(&release);
                return Ok(());
            }
            Some(Answer::Unclear) => {
                self.screen.ask(&release);
                return Ok(());
            }
        }
        self.open.remove(0);
        Ok(())
    }
}

fn environment() -> Environment {
    Environment {
        name: ENVIRONMENT.to_owned(),
        branch: Some(BRANCH.to_owned()),
        approvals: 1,
        replies: true,
        // Whoever tries it out pushes and approves.
        self_approval: true,
        operators: vec![format!("user:{}", ::local::people::LOCAL_USER)],
    }
}

fn service() -> Service {
    Service {
        name: SERVICE.to_owned(),
        repository: REPOSITORY.to_owned(),
        branches: vec![BRANCH.to_owned()],
        paths: vec![format!("/{SERVICE}")],
    }
}

fn exit_code(release: &Release) -> ExitCode {
    match release.ending() {
        Some(Ending::Deployed { .. }) => ExitCode::SUCCESS,
        _ => ExitCode::from(NOT_DEPLOYED),
    }
}

fn said(problem: impl std::fmt::Display) -> String {
    problem.to_string()
}
