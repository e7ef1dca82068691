//! ECS: tasks that run once, to the end that was drawn for each.

use engine::failure::Failure;
use engine::ports::{StoppedContainer, StoppedTask, TaskFamily, TaskOrder, TaskRead};

use crate::checks;
use crate::events::{ACCOUNT, REGION};
use crate::faults::Fault;
use crate::world::{HOUR, Happening, MINUTE, SECOND, World};

/// ECS lists a stopped task, and knows its token, for so long.
///
/// Source: ECS API, "Ensuring idempotency" and `ListTasks`.
const REMEMBERED_MS: u64 = HOUR;
/// Source: ECS API, `StopTask`: SIGTERM, and SIGKILL after thirty seconds.
const STOPPING_MS: (u64, u64) = (SECOND, 40 * SECOND);

#[derive(Debug, Default)]
pub(crate) struct Tasks {
    pub(crate) all: Vec<Task>,
    definitions: Vec<TaskFamily>,
}

#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) arn: String,
    cluster: String,
    pub(crate) family: String,
    pub(crate) started_by: String,
    container: String,
    becomes: Becomes,
    pub(crate) ended: Option<Ended>,
    is_told_to_stop: bool,
    /// Its token starts another one: ECS no longer knows it, or a mutation does not send it.
    is_forgotten: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    at: u64,
    /// `None` when its container never ran.
    pub(crate) exit_code: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Becomes {
    Succeeds,
    Fails,
    /// Its image cannot be pulled.
    NeverRuns,
    /// Until it is stopped.
    Hangs,
}

impl Task {
    fn is_remembered(&self, now: u64) -> bool {
        self.ended.is_none_or(|ended| now < ended.at + REMEMBERED_MS)
    }

    fn read(&self) -> TaskRead {
        let exit_code = self.ended.and_then(|ended| ended.exit_code);
        let reason = match (self.ended, exit_code) {
            (None, _) => None,
            (Some(_), Some(_)) => Some("Essential container in task exited".to_owned()),
            (Some(_), None) => {
                Some("CannotPullContainerError: pull image manifest has been retried".to_owned())
            }
        };
        let container = StoppedContainer { name: self.container.clone(), exit_code, reason: None };
        TaskRead {
            arn: self.arn.clone(),
            started_by: Some(self.started_by.clone()),
            status: if self.ended.is_some() { "STOPPED" } else { "RUNNING" }.to_owned(),
            ended: StoppedTask { created_at: None, stop_code: None, reason, containers: vec![container] },
        }
    }
}

impl World {
    pub(crate) fn tasks(&self, cluster: &str, family: &str) -> Vec<TaskRead> {
        let of_family = |task: &&Task| task.cluster == cluster && task.family == family;
        let listed = |task: &&Task| of_family(task) && task.is_remembered(self.now);
        self.tasks.all.iter().filter(listed).map(Task::read).collect()
    }

    pub(crate) fn register_task(&mut self, family: &TaskFamily) -> String {
        self.tasks.definitions.push(family.clone());
        let revision = self.tasks.definitions.len();
        format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{}:{revision}", family.name)
    }

    pub(crate) fn run_task(&mut self, order: &TaskOrder) -> Result<(), Failure> {
        let now = self.now;
        let token = order.started_by.to_string();
        let known = |task: &Task| task.started_by == token && task.is_remembered(now) && !task.is_forgotten;
        if self.tasks.all.iter().any(known) {
            self.coverage.hit("refused", "RunTask again under its token");
            return Ok(());
        }
        let number = order.definition.rsplit(':').next().and_then(|number| number.parse::<usize>().ok());
        let Some(family) = number.and_then(|number| self.tasks.definitions.get(number - 1)).cloned() else {
            let why = format!("ClientException: TaskDefinition not found: {}", order.definition);
            return Err(Failure::Refused { call: "RunTask", why });
        };
        checks::errand(self, order, &family);
        let becomes = self.task_becomes(&family.name);
        self.coverage.hit("task", &format!("{becomes:?}"));
        let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task/{}/{:032x}", order.cluster, self.id());
        self.say(format_args!("{token} runs as a task that {becomes:?}"));
        self.tasks.all.push(Task {
            arn: arn.clone(),
            cluster: order.cluster.clone(),
            family: family.name.clone(),
            started_by: token,
            container: family.definition.name.clone(),
            becomes,
            ended: None,
            is_told_to_stop: false,
            is_forgotten: false,
        });
        if becomes != Becomes::Hangs {
            let takes = self.takes(&family.name, 5 * SECOND, 5 * MINUTE);
            self.later(takes, Happening::TaskEnds { arn });
        }
        Ok(())
    }

    fn task_becomes(&mut self, family: &str) -> Becomes {
        if let Some(script) = &mut self.script {
            return script.tasks.pop_front().unwrap_or(Becomes::Succeeds);
        }
        if !self.strikes(Fault::TaskFails, "a task") {
            return Becomes::Succeeds;
        }
        *self.random_of(family).pick(&[Becomes::Fails, Becomes::NeverRuns, Becomes::Hangs, Becomes::Hangs])
    }

    pub(crate) fn stop_task(&mut self, arn: &str) {
        let Some(task) = self.tasks.all.iter_mut().find(|task| task.arn == arn) else { return };
        if task.ended.is_some() || task.is_told_to_stop {
            return;
        }
        task.is_told_to_stop = true;
        self.coverage.hit("task", "stopped");
        self.say(format_args!("{arn} is told to stop"));
        let takes = self.random.between(STOPPING_MS.0, STOPPING_MS.1);
        self.later(takes, Happening::TaskEnds { arn: arn.to_owned() });
    }

    pub(crate) fn task_ends(&mut self, arn: &str) {
        const TERMINATED: i32 = 143;
        let now = self.now;
        let Some(task) = self.tasks.all.iter_mut().find(|task| task.arn == arn && task.ended.is_none())
        else {
            return;
        };
        let exit_code = match task.becomes {
            _ if task.is_told_to_stop => Some(TERMINATED),
            Becomes::Succeeds => Some(0),
            Becomes::Fails => Some(1),
            Becomes::NeverRuns => None,
            Becomes::Hangs => Some(TERMINATED),
        };
        task.ended = Some(Ended { at: now, exit_code });
        self.say(format_args!("{arn} ends with {exit_code:?}"));
    }

    /// As if no token had been sent with any task so far.
    pub(crate) fn forget_task_tokens(&mut self) {
        self.tasks.all.iter_mut().for_each(|task| task.is_forgotten = true);
    }
}
