//! A stack operation, step by step, to the end that was drawn for it.

use engine::failure::Failure;
use engine::ports::{ChangeSetKind, ResourceSignal, RolloutState, StackEvent};
use model::ids::{EffectKey, StackName};

use crate::checks::{self, Invariant};
use crate::faults::Fault;
use crate::services::Service;
use crate::stacks::{Props, Stack, Step};
use crate::world::{HOUR, Happening, MINUTE, SECOND, World};

/// AWS gives DeleteStack no condition: a creation may complete after it was read as running and before it is deleted,
/// both by one invocation of at most this long. Nobody may have been told that it is live.
const CROSSING_MS: u64 = 30 * SECOND;

#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) stack: String,
    /// The change set's name.
    pub(crate) token: String,
    pub(crate) props: Props,
    pub(crate) kind: ChangeSetKind,
    pub(crate) becomes: Becomes,
    /// It was told to stop, and under what token that is told of.
    pub(crate) stopped: Option<String>,
    pub(crate) verify: Option<Verify>,
    /// The stack's last status in this operation.
    pub(crate) ended: Option<&'static str>,
    /// Others deleted its stack, and its events with it, while its release was still looked at.
    pub(crate) unread: bool,
}

/// What the operation must be told before it completes.
#[derive(Debug, Clone)]
pub(crate) struct Verify {
    /// Logical id of the wait condition.
    pub(crate) condition: String,
    timeout_ms: u64,
    pub(crate) verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    NotAwaited,
    Awaited,
    Well,
    Unwell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Becomes {
    Completed,
    /// Hours, as when tasks hardly start.
    Slow,
    RolledBack,
    RollbackFailed,
    /// The stack is complete before its service is.
    RolloutLags,
    /// The stack is complete and the service's deployment then fails.
    RolloutFails,
    /// The stack is complete, and somebody put the old task definition back.
    OldDigest,
}

impl Verify {
    /// What the template says of a wait condition, if it has one.
    pub(crate) fn of(template: &str) -> Option<Self> {
        let template: serde_json::Value = serde_json::from_str(template).ok()?;
        let is_condition =
            |(_, resource): &(_, &serde_json::Value)| resource["Type"] == config::WAIT_CONDITION;
        let (condition, resource) = template["Resources"].as_object()?.iter().find(is_condition)?;
        let timeout = resource["CreationPolicy"]["ResourceSignal"]["Timeout"].as_str()?;
        let minutes: u64 = timeout.strip_prefix("PT")?.strip_suffix('M')?.parse().ok()?;
        let verdict = Verdict::NotAwaited;
        Some(Self { condition: condition.clone(), timeout_ms: minutes * MINUTE, verdict })
    }
}

/// The step at which a verdict is no longer waited for.
const TOO_LATE: u32 = 5;

impl Operation {
    /// Whether all of it is in place, and it waits to be told whether that may stay.
    pub(crate) fn awaits_verdict(&self) -> bool {
        self.ended.is_none() && self.verify.as_ref().is_some_and(|verify| verify.verdict == Verdict::Awaited)
    }

    fn told_under(&self) -> &str {
        self.stopped.as_deref().unwrap_or(&self.token)
    }
}

impl World {
    /// Source: CloudFormation API, CancelUpdateStack: only stacks in UPDATE_IN_PROGRESS; others refuse, which the port
    /// takes for done.
    pub(crate) fn cancel_update(&mut self, stack: &StackName, token: &EffectKey) {
        let name = stack.as_str();
        if self.stacks.all.get(name).is_none_or(|stack| stack.status != "UPDATE_IN_PROGRESS") {
            return;
        }
        let running = self.stacks.operations.iter_mut().rev().find(|operation| operation.stack == name);
        let Some(operation) = running.filter(|operation| operation.ended.is_none()) else { return };
        operation.becomes = Becomes::RolledBack;
        operation.stopped = Some(token.to_string());
        let executed = operation.token.clone();
        checks::interruption(self, &executed);
        self.coverage.hit("operation", "cancelled");
        self.say(format_args!("{executed} is cancelled"));
        self.step_in(name, &executed, 2, (SECOND, MINUTE));
    }

    /// Source: CloudFormation API, `SignalResource`: what does not wait refuses, which the port takes for done.
    pub(crate) fn signal_resource(&mut self, stack: &StackName, logical_id: &str, signal: &ResourceSignal) {
        let name = stack.as_str();
        let awaits = |operation: &&mut Operation| {
            operation.stack == name
                && operation.awaits_verdict()
                && operation.verify.as_ref().is_some_and(|verify| verify.condition == logical_id)
        };
        let Some(operation) = self.stacks.operations.iter_mut().find(awaits) else { return };
        let token = operation.token.clone();
        let verdict = if signal.is_well { Verdict::Well } else { Verdict::Unwell };
        if let Some(verify) = &mut operation.verify {
            verify.verdict = verdict;
        }
        if !signal.is_well {
            operation.becomes = Becomes::RolledBack;
        }
        checks::verdict(self, &signal.id, signal.is_well);
        self.coverage.hit("verdict", &format!("{verdict:?}"));
        self.say(format_args!("{token} is told that it is {verdict:?}"));
        self.step_in(name, &token, 2, (SECOND, MINUTE));
    }

    /// Whether it waits, from now on if it did not before.
    fn waits_for_verdict(&mut self, operation: &Operation) -> bool {
        let Some(verify) = &operation.verify else { return false };
        match verify.verdict {
            Verdict::Well | Verdict::Unwell => return false,
            Verdict::Awaited => return true,
            Verdict::NotAwaited => {}
        }
        let (stack, condition) = (operation.stack.as_str(), verify.condition.clone());
        let step = Step { token: operation.token.clone(), number: TOO_LATE };
        self.later(verify.timeout_ms, Happening::StackMoves { stack: stack.to_owned(), step });
        let running = self.stacks.operations.iter_mut().find(|running| running.token == operation.token);
        if let Some(verify) = running.and_then(|running| running.verify.as_mut()) {
            verify.verdict = Verdict::Awaited;
        }
        self.say(format_args!("{} waits for its verdict", operation.token));
        if let Some(stack) = self.stacks.all.get_mut(stack) {
            stack.events.push(StackEvent {
                token: Some(operation.token.clone()),
                of_stack: false,
                logical_id: condition,
                resource_type: config::WAIT_CONDITION.to_owned(),
                status: "CREATE_IN_PROGRESS".to_owned(),
                reason: None,
            });
        }
        true
    }

    fn verdict_is_late(&mut self, token: &str) {
        let running = self.stacks.operations.iter_mut().find(|operation| operation.token == token);
        let Some(operation) = running.filter(|operation| operation.awaits_verdict()) else { return };
        operation.becomes = Becomes::RolledBack;
        let stack = operation.stack.clone();
        self.coverage.hit("verdict", "too late");
        self.step_in(&stack, token, 2, (SECOND, MINUTE));
    }

    /// What it was making goes with it.
    pub(crate) fn delete_stack(&mut self, id: &str, token: &str) -> Result<(), Failure> {
        let Some((name, found)) = self.stacks.all.iter().find(|(_, stack)| stack.id == id) else {
            return Ok(());
        };
        let name = &name.clone();
        if found.status == "DELETE_IN_PROGRESS" {
            return Ok(());
        }
        if found.is_busy() && found.status != "CREATE_IN_PROGRESS" {
            let why = format!("ValidationError: Stack:{} is in {} state", found.id, found.status);
            self.coverage.hit("refused", "DeleteStack, the stack is busy");
            return Err(Failure::NoCapacity { call: "DeleteStack", why });
        }
        let (id, was_completed) = (found.id.clone(), found.completed_at.is_some());
        if found.status == "CREATE_IN_PROGRESS" {
            let runs = |operation: &&Operation| operation.stack == *name && operation.ended.is_none();
            let running = self.stacks.operations.iter().find(runs).map(|operation| operation.token.clone());
            running.iter().for_each(|executed| checks::interruption(self, executed));
        }
        let is_live = self
            .table
            .tracks
            .values()
            .any(|track| track.key.stack().as_str() == name && track.live.is_some());
        let completed_at = self.stacks.all.get(name).and_then(|stack| stack.completed_at);
        let crosses = !is_live && completed_at.is_some_and(|at| self.now < at + CROSSING_MS);
        let is_retired = checks::retirement(self, name, &id, token);
        if was_completed && !crosses && !is_retired {
            self.violation(
                Invariant::I2,
                format_args!("{name} is deleted, though a deployment to it was completed"),
            );
        }
        for operation in self.stacks.operations.iter_mut().filter(|operation| operation.stack == *name) {
            if operation.ended.is_none() || crosses {
                operation.becomes = Becomes::RolledBack;
                operation.ended = Some("DELETE_COMPLETE");
            }
        }
        self.coverage.hit("operation", if is_retired { "retired" } else { "deleted" });
        self.uses_token(token, "DeleteStack");
        self.stack_is(name, "DELETE_IN_PROGRESS", token);
        let fails = is_retired && self.strikes(Fault::StackFails, "deletion of a stack");
        let wait = self.random.between(SECOND, 10 * MINUTE);
        let token = token.to_owned();
        self.later(
            wait,
            if fails { Happening::DeletionFails { id, token } } else { Happening::StackDeleted { id } },
        );
        Ok(())
    }

    /// Something of it cannot be deleted: what hangs on it is somebody else's.
    pub(crate) fn deletion_fails(&mut self, id: &str, token: &str) {
        let going = |stack: &Stack| stack.id == id && stack.status == "DELETE_IN_PROGRESS";
        let Some((name, stack)) = self.stacks.all.iter_mut().find(|(_, stack)| going(stack)) else { return };
        let name = name.clone();
        stack.events.push(StackEvent {
            token: Some(token.to_owned()),
            of_stack: false,
            logical_id: "TaskSecurityGroup".to_owned(),
            resource_type: "AWS::EC2::SecurityGroup".to_owned(),
            status: "DELETE_FAILED".to_owned(),
            reason: Some("resource sg-0123456789abcdef0 has a dependent object".to_owned()),
        });
        self.coverage.hit("operation", "retirement failed");
        self.stack_is(&name, "DELETE_FAILED", token);
        self.repair_later(&name);
    }

    /// Source: CloudFormation API, ContinueUpdateRollback: only stacks in UPDATE_ROLLBACK_FAILED.
    pub(crate) fn continue_rollback(
        &mut self,
        id: &str,
        token: &str,
        skip: &[String],
    ) -> Result<(), Failure> {
        if self.stacks.tokens.contains_key(token) {
            return Ok(());
        }
        let Some((name, found)) = self.stacks.all.iter().find(|(_, stack)| stack.id == id) else {
            return Ok(());
        };
        let name = &name.clone();
        if found.status != "UPDATE_ROLLBACK_FAILED" {
            let why =
                format!("ValidationError: Stack:{id} is in {} state and can not be updated", found.status);
            self.coverage.hit("refused", "ContinueUpdateRollback, the stack does not hang");
            return Err(Failure::Refused { call: "ContinueUpdateRollback", why });
        }
        let how = if skip.is_empty() { "rollback continued" } else { "rollback continued, skipping" };
        self.coverage.hit("operation", how);
        self.uses_token(token, "ContinueUpdateRollback");
        self.stack_is(name, "UPDATE_ROLLBACK_IN_PROGRESS", token);
        self.step_in(name, token, 1, (SECOND, 20 * MINUTE));
        Ok(())
    }

    /// What could not be put back is, or still cannot be.
    fn rollback_ends(&mut self, stack: &str, token: &str) {
        let status = if self.random_of(stack).chance(300) {
            "UPDATE_ROLLBACK_FAILED"
        } else {
            "UPDATE_ROLLBACK_COMPLETE"
        };
        self.stack_is(stack, status, token);
        if status == "UPDATE_ROLLBACK_FAILED" {
            self.repair_later(stack);
        }
    }

    /// Source: CloudFormation API, "TokenAlreadyExistsException": a token names one operation.
    pub(crate) fn uses_token(&mut self, token: &str, operation: &'static str) {
        let before = *self.stacks.tokens.entry(token.to_owned()).or_insert(operation);
        if before != operation {
            self.violation(Invariant::Aws, format_args!("{operation} has the token of {before}: {token}"));
        }
    }

    pub(crate) fn deletion_ends(&mut self, id: &str) {
        let gone = |stack: &Stack| stack.id == id && stack.status == "DELETE_IN_PROGRESS";
        let Some(name) = self.stacks.all.iter().find(|(_, stack)| gone(stack)).map(|(name, _)| name.clone())
        else {
            return;
        };
        self.say(format_args!("{name} is gone"));
        self.stacks.all.remove(&name);
        self.emit_stack(id, "DELETE_COMPLETE", "");
    }

    pub(crate) fn stack_moves(&mut self, stack: &str, step: &Step) {
        let operation =
            self.stacks.operations.iter().find(|operation| operation.token == step.token).cloned();
        let Some(operation) = operation else {
            return match self.stacks.tokens.get(&step.token) {
                Some(&"ContinueUpdateRollback") => self.rollback_ends(stack, &step.token),
                Some(_) | None => self.others_operation_ends(stack, &step.token),
            };
        };
        if operation.ended.is_some() && step.number <= 3 {
            return;
        }
        if step.number == TOO_LATE {
            return self.verdict_is_late(&step.token);
        }
        let goes_well = !matches!(operation.becomes, Becomes::RolledBack | Becomes::RollbackFailed);
        if step.number == 2 && goes_well && self.waits_for_verdict(&operation) {
            return;
        }
        match (operation.becomes, step.number) {
            (_, 1) => {
                self.roll_out(&operation);
                let wait = if operation.becomes == Becomes::Slow {
                    (4 * HOUR, 6 * HOUR)
                } else {
                    (30 * SECOND, 20 * MINUTE)
                };
                self.step_in(stack, &step.token, 2, wait);
            }
            (Becomes::RolledBack | Becomes::RollbackFailed, 2) => self.roll_back(&operation),
            (Becomes::RolledBack | Becomes::RollbackFailed, _) => self.rolled_back(&operation),
            (Becomes::Completed | Becomes::Slow, 2) => {
                self.rollout_is(stack, RolloutState::Completed);
                self.complete(&operation, 3);
            }
            (Becomes::RolloutLags | Becomes::RolloutFails, 2) => self.complete(&operation, 3),
            (Becomes::OldDigest, 2) => {
                self.put_back(stack);
                self.complete(&operation, 3);
            }
            (Becomes::Completed | Becomes::Slow | Becomes::OldDigest, 3) => self.completed(&operation),
            (Becomes::RolloutLags | Becomes::RolloutFails, 3) => {
                self.completed(&operation);
                self.step_in(stack, &step.token, 4, (10 * SECOND, 10 * MINUTE));
            }
            (Becomes::RolloutLags, _) => self.rollout_is(stack, RolloutState::Completed),
            (Becomes::RolloutFails, _) => self.rollout_is(stack, RolloutState::Failed),
            (Becomes::Completed | Becomes::Slow | Becomes::OldDigest, _) => {}
        }
    }

    /// Somebody else's operation: it changes tags and comes to its end, or hangs in its rollback.
    fn others_operation_ends(&mut self, stack: &str, token: &str) {
        if self.strikes(Fault::StackFails, "somebody else's stack operation") {
            self.stack_is(stack, "UPDATE_ROLLBACK_FAILED", token);
            self.repair_later(stack);
        } else {
            self.stack_is(stack, "UPDATE_COMPLETE", token);
        }
    }

    /// The stack makes the task definition and tells the service.
    fn roll_out(&mut self, operation: &Operation) {
        let number = self.id();
        let image = operation.props.parameters.get("Image").cloned().unwrap_or_default();
        let family = operation.stack.clone();
        let task_definition = format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/{family}:{number}");
        self.stacks.task_definitions.insert(task_definition.clone(), image);
        let now = self.now;
        if let Some(stack) = self.stacks.all.get_mut(&operation.stack) {
            let service =
                stack.service.get_or_insert_with(|| Service::new(&operation.stack, &operation.props));
            service.becomes(now, task_definition, RolloutState::InProgress);
        }
        self.tell_rollout(&operation.stack, "SERVICE_DEPLOYMENT_IN_PROGRESS");
    }

    fn roll_back(&mut self, operation: &Operation) {
        let stack = operation.stack.as_str();
        if self.stacks.all.get(stack).is_some_and(|stack| stack.status.contains("ROLLBACK")) {
            return;
        }
        self.resource_failed(operation);
        self.tell_rollout(stack, "SERVICE_DEPLOYMENT_FAILED");
        let status = match operation.kind {
            ChangeSetKind::Create => "ROLLBACK_IN_PROGRESS",
            ChangeSetKind::Update => "UPDATE_ROLLBACK_IN_PROGRESS",
        };
        self.put_back(stack);
        self.stack_is(stack, status, operation.told_under());
        self.step_in(stack, &operation.token, 3, (10 * SECOND, 10 * MINUTE));
    }

    fn rolled_back(&mut self, operation: &Operation) {
        let stack = operation.stack.as_str();
        let status = match (operation.kind, operation.becomes) {
            (ChangeSetKind::Create, _) => "ROLLBACK_COMPLETE",
            (ChangeSetKind::Update, Becomes::RollbackFailed) => "UPDATE_ROLLBACK_FAILED",
            (ChangeSetKind::Update, _) => "UPDATE_ROLLBACK_COMPLETE",
        };
        self.ends(operation, status);
        if status != "UPDATE_ROLLBACK_COMPLETE" {
            self.repair_later(stack);
        }
    }

    fn complete(&mut self, operation: &Operation, next: u32) {
        if operation.kind == ChangeSetKind::Update {
            self.stack_is(&operation.stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", &operation.token);
        }
        self.step_in(&operation.stack, &operation.token, next, (SECOND, MINUTE));
    }

    fn completed(&mut self, operation: &Operation) {
        let now = self.now;
        if let Some(stack) = self.stacks.all.get_mut(&operation.stack) {
            stack.props = Some(operation.props.clone());
            stack.completed_at.get_or_insert(now);
        }
        let status = match operation.kind {
            ChangeSetKind::Create => "CREATE_COMPLETE",
            ChangeSetKind::Update => "UPDATE_COMPLETE",
        };
        self.ends(operation, status);
    }

    fn ends(&mut self, operation: &Operation, status: &'static str) {
        if let Some(ended) = self.stacks.operations.iter_mut().find(|other| other.token == operation.token) {
            ended.ended = Some(status);
        }
        let completed = matches!(status, "CREATE_COMPLETE" | "UPDATE_COMPLETE");
        self.executed_is(
            &operation.stack,
            &operation.token,
            if completed { "EXECUTE_COMPLETE" } else { "EXECUTE_FAILED" },
        );
        if self.random_of(&operation.stack).chance(500) {
            self.forget_executed(&operation.stack);
        }
        self.stack_is(&operation.stack, status, operation.told_under());
    }

    fn resource_failed(&mut self, operation: &Operation) {
        let Some(stack) = self.stacks.all.get_mut(&operation.stack) else { return };
        stack.events.push(StackEvent {
            token: Some(operation.token.clone()),
            of_stack: false,
            logical_id: "Service".to_owned(),
            resource_type: "AWS::ECS::Service".to_owned(),
            status: "UPDATE_FAILED".to_owned(),
            reason: Some("ECS Deployment Circuit Breaker was triggered".to_owned()),
        });
    }
}
