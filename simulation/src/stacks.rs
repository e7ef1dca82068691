//! CloudFormation and ECS: stacks that are busy, refuse, roll back, and services that move after them.

use std::collections::{BTreeMap, BTreeSet};

use engine::failure::Failure;
use engine::ports::{
    ChangeSetCreated, ChangeSetKind, ChangeSetOrder, ChangeSetRead, Executed, ResourceChange, StackEvent,
    StackRead, StackResource,
};
use model::ids::{EffectKey, StackName};

use crate::checks;
use crate::events::{ACCOUNT, REGION};
use crate::faults::Fault;
use crate::operations::{Becomes, Operation, Verify};
use crate::services::Service;
use crate::world::{HOUR, Happening, MINUTE, SECOND, World};

#[derive(Debug, Default)]
pub(crate) struct Stacks {
    pub(crate) all: BTreeMap<String, Stack>,
    /// Every operation that ever began, oldest first.
    pub(crate) operations: Vec<Operation>,
    /// Image by task definition.
    pub(crate) task_definitions: BTreeMap<String, String>,
    /// Stacks that others have deleted at some time.
    pub(crate) deleted: BTreeSet<String>,
    /// What each client request token was used for.
    pub(crate) tokens: BTreeMap<String, &'static str>,
}

#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub(crate) id: String,
    pub(crate) status: String,
    /// What it was last brought to.
    pub(crate) props: Option<Props>,
    /// When an operation on it first completed.
    pub(crate) completed_at: Option<u64>,
    pub(crate) change_sets: BTreeMap<String, ChangeSet>,
    /// Oldest first.
    pub(crate) events: Vec<StackEvent>,
    pub(crate) service: Option<Service>,
    /// Others have changed it behind our back: what it runs is no longer ours alone to say.
    pub(crate) touched: bool,
    pub(crate) policy: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Props {
    pub(crate) template_url: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub(crate) struct ChangeSet {
    props: Props,
    kind: ChangeSetKind,
    ready_at: u64,
    has_changes: bool,
    execution: &'static str,
}

/// What happens to a stack next, and in whose operation.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) token: String,
    pub(crate) number: u32,
}

const NO_TEMPLATE: &str = "CreateChangeSet, there is no such template";
const NO_CAPABILITY: &str = "CreateChangeSet, a capability is missing";
const NO_STACK: &str = "CreateChangeSet, there is no stack to update";
const HANGS: &str = "CreateChangeSet, the stack hangs or never came to be";
const OTHER_KIND: &str = "CreateChangeSet of the other kind";

/// Events per page: few, so that paging is met.
const EVENTS_PAGE: usize = 4;

impl Props {
    /// The listener and the priority of the stack's rule, where it has one.
    pub(crate) fn place(&self) -> Option<(&str, &str)> {
        Some((self.parameters.get("ListenerArn")?, self.parameters.get("Priority")?))
    }
}

impl Stack {
    pub(crate) fn is_busy(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }
}

impl World {
    pub(crate) fn create_change_set(&mut self, order: &ChangeSetOrder) -> Result<ChangeSetCreated, Failure> {
        let Some(template) = self.platform.templates.get(&order.template_url) else {
            let why = format!("ValidationError: S3 error: {} does not exist", order.template_url);
            return self.refuses(NO_TEMPLATE, why);
        };
        if let Some(missing) = missing_capability(template, &order.capabilities) {
            let why = format!("InsufficientCapabilitiesException: Requires capabilities : [{missing}]");
            return self.refuses(NO_CAPABILITY, why);
        }
        let name = order.stack.as_str();
        let Some(stack) = self.stacks.all.get(name) else {
            if order.kind == ChangeSetKind::Update {
                return self.refuses(NO_STACK, format!("ValidationError: Stack [{name}] does not exist"));
            }
            self.new_stack(name, &order.name);
            return Ok(self.make_change_set(order));
        };
        let in_review = stack.status == "REVIEW_IN_PROGRESS";
        let state = format!("ValidationError: Stack:{} is in {} state", stack.id, stack.status);
        if stack.is_busy() {
            self.coverage.hit("refused", "CreateChangeSet, the stack is busy");
            return Err(Failure::NoCapacity { call: "CreateChangeSet", why: state });
        }
        if ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"].contains(&stack.status.as_str()) {
            return self.refuses(HANGS, state);
        }
        if in_review != (order.kind == ChangeSetKind::Create) {
            let why = format!("ValidationError: a change set of type {:?} in {}", order.kind, stack.status);
            return self.refuses(OTHER_KIND, why);
        }
        Ok(self.make_change_set(order))
    }

    fn refuses<T>(&mut self, what: &'static str, why: String) -> Result<T, Failure> {
        self.coverage.hit("refused", what);
        Err(Failure::Refused { call: "CreateChangeSet", why })
    }

    fn make_change_set(&mut self, order: &ChangeSetOrder) -> ChangeSetCreated {
        let name = order.stack.as_str();
        let (now, wait) = (self.now, self.takes(name, SECOND, 8 * SECOND));
        let Some(stack) = self.stacks.all.get_mut(name) else { unreachable!("{name} is there") };
        let key = order.name.to_string();
        if stack.change_sets.contains_key(&key) {
            self.coverage.hit("refused", "CreateChangeSet again under its name");
            return ChangeSetCreated::Exists;
        }
        let props = Props {
            template_url: order.template_url.clone(),
            parameters: order.parameters.clone(),
            tags: order.tags.clone(),
        };
        let has_changes = stack.props.as_ref() != Some(&props);
        let set =
            ChangeSet { props, kind: order.kind, ready_at: now + wait, has_changes, execution: "AVAILABLE" };
        stack.change_sets.insert(key, set);
        self.say(format_args!("change set {} is made, with changes: {has_changes}", order.name));
        ChangeSetCreated::Created
    }

    fn new_stack(&mut self, name: &str, token: &EffectKey) {
        let number = self.id();
        let id = format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/{number}");
        let stack = Stack {
            id,
            status: "REVIEW_IN_PROGRESS".to_owned(),
            props: None,
            completed_at: None,
            change_sets: BTreeMap::new(),
            events: Vec::new(),
            service: None,
            touched: false,
            policy: None,
        };
        self.stacks.all.insert(name.to_owned(), stack);
        self.stack_is(name, "REVIEW_IN_PROGRESS", &token.to_string());
    }

    pub(crate) fn change_set(
        &self,
        name_of_stack: &StackName,
        name: &EffectKey,
        page: Option<&str>,
    ) -> Option<ChangeSetRead> {
        let stack = self.stacks.all.get(name_of_stack.as_str())?;
        let set = stack.change_sets.get(&name.to_string())?;
        let made = set.ready_at <= self.now;
        let (status, reason, execution) = match (made, set.has_changes) {
            (false, _) => ("CREATE_IN_PROGRESS", None, "UNAVAILABLE"),
            (true, true) => ("CREATE_COMPLETE", None, set.execution),
            (true, false) => {
                let reason = "The submitted information didn't contain changes. Submit different information to \
                              create a change set.";
                ("FAILED", Some(reason.to_owned()), "UNAVAILABLE")
            }
        };
        let mut changes = if made && set.has_changes { changes(set.kind, stack.touched) } else { Vec::new() };
        if let Some(Verify { condition, .. }) =
            self.new_condition(name_of_stack.as_str(), &set.props).filter(|_| made)
        {
            changes.push(ResourceChange {
                logical_id: condition,
                resource_type: config::WAIT_CONDITION.to_owned(),
                action: "Add".to_owned(),
                replacement: String::new(),
                policy: String::new(),
                properties: Vec::new(),
            });
        }
        let (changes, next) = match page {
            None if changes.len() > 1 => (changes[..1].to_vec(), Some("2".to_owned())),
            None => (changes, None),
            Some(_) => (changes.into_iter().skip(1).collect(), None),
        };
        Some(ChangeSetRead {
            status: status.to_owned(),
            reason,
            execution: execution.to_owned(),
            parameters: set.props.parameters.clone(),
            changes,
            next,
        })
    }

    pub(crate) fn delete_change_set(&mut self, stack: &StackName, name: &EffectKey) {
        if let Some(stack) = self.stacks.all.get_mut(stack.as_str()) {
            let deletable = |set: &ChangeSet| set.execution != "EXECUTE_IN_PROGRESS";
            if stack.change_sets.get(&name.to_string()).is_some_and(deletable) {
                stack.change_sets.remove(&name.to_string());
            }
        }
    }

    pub(crate) fn execute_change_set(
        &mut self,
        name: &StackName,
        key: &EffectKey,
    ) -> Result<Executed, Failure> {
        let token = key.to_string();
        let again = self.random_of(name.as_str()).chance(500);
        let Some(stack) = self.stacks.all.get_mut(name.as_str()) else {
            return Ok(self.is_stale("ExecuteChangeSet, the stack is gone", "the stack does not exist"));
        };
        let Some(set) = stack.change_sets.get(&token).cloned() else {
            let why = "ChangeSetNotFoundException: the change set does not exist";
            return Ok(self.is_stale("ExecuteChangeSet, it is gone", why));
        };
        if set.execution != "AVAILABLE" {
            self.coverage.hit("refused", "ExecuteChangeSet again");
            // AWS documents the token for safe repeats, and the status check for all others.
            let started = again && set.execution == "EXECUTE_IN_PROGRESS";
            let why = format!("InvalidChangeSetStatusException: the change set is in [{}]", set.execution);
            return if started { Ok(Executed::Started) } else { Ok(Executed::Stale { why }) };
        }
        if stack.is_busy() {
            let why = format!("ValidationError: Stack:{} is in {} state", stack.id, stack.status);
            self.coverage.hit("refused", "ExecuteChangeSet, the stack is busy");
            return Err(Failure::NoCapacity { call: "ExecuteChangeSet", why });
        }
        if set.ready_at > self.now || !set.has_changes {
            let why = "InvalidChangeSetStatusException: the change set is not CREATE_COMPLETE";
            return Ok(self.is_stale("ExecuteChangeSet, it is not complete", why));
        }
        stack.change_sets.retain(|other, _| *other == token);
        if let Some(set) = stack.change_sets.get_mut(&token) {
            set.execution = "EXECUTE_IN_PROGRESS";
        }
        self.begin(name, key, set.props, set.kind);
        Ok(Executed::Started)
    }

    fn is_stale(&mut self, what: &'static str, why: &str) -> Executed {
        self.coverage.hit("refused", what);
        Executed::Stale { why: why.to_owned() }
    }

    fn begin(&mut self, name: &StackName, key: &EffectKey, props: Props, kind: ChangeSetKind) {
        checks::execution(self, name, key, &props, kind);
        let becomes = self.operation_becomes(name.as_str(), kind);
        let verify = self.new_condition(name.as_str(), &props);
        let token = key.to_string();
        self.uses_token(&token, "ExecuteChangeSet");
        self.coverage.hit("operation", &format!("{kind:?} {becomes:?}"));
        self.say(format_args!("{token} is executed and will be {becomes:?}"));
        self.stacks.operations.push(Operation {
            stack: name.as_str().to_owned(),
            token: token.clone(),
            props,
            kind,
            becomes,
            stopped: None,
            verify,
            ended: None,
            unread: false,
        });
        let status = if kind == ChangeSetKind::Create { "CREATE_IN_PROGRESS" } else { "UPDATE_IN_PROGRESS" };
        self.stack_is(name.as_str(), status, &token);
        self.step_in(name.as_str(), &token, 1, (SECOND, MINUTE));
    }

    /// CloudFormation waits only for what the stack has not had.
    fn new_condition(&self, stack: &str, props: &Props) -> Option<Verify> {
        let of = |props: &Props| Verify::of(self.platform.templates.get(&props.template_url)?);
        let has = self.stacks.all.get(stack).and_then(|stack| stack.props.as_ref()).and_then(of);
        of(props).filter(|new| has.is_none_or(|has| has.condition != new.condition))
    }

    fn operation_becomes(&mut self, stack: &str, kind: ChangeSetKind) -> Becomes {
        if let Some(script) = &mut self.script {
            return script.operations.pop_front().unwrap_or(Becomes::Completed);
        }
        if !self.strikes(Fault::StackFails, "stack operation") {
            return Becomes::Completed;
        }
        *self.random_of(stack).pick(match kind {
            ChangeSetKind::Create => &[Becomes::RolledBack, Becomes::Slow, Becomes::RolloutLags][..],
            ChangeSetKind::Update => &[
                Becomes::RolledBack,
                Becomes::RolledBack,
                Becomes::RollbackFailed,
                Becomes::RolloutLags,
                Becomes::RolloutFails,
                Becomes::OldDigest,
                Becomes::Slow,
            ][..],
        })
    }

    pub(crate) fn step_in(&mut self, stack: &str, token: &str, number: u32, between: (u64, u64)) {
        let delay = self.takes(stack, between.0, between.1);
        let step = Step { token: token.to_owned(), number };
        self.later(delay, Happening::StackMoves { stack: stack.to_owned(), step });
    }

    /// The stack enters a status: an event in its list, and one on the bus.
    pub(crate) fn stack_is(&mut self, name: &str, status: &str, token: &str) {
        let Some(stack) = self.stacks.all.get_mut(name) else { return };
        stack.status = status.to_owned();
        stack.events.push(StackEvent {
            token: Some(token.to_owned()),
            of_stack: true,
            logical_id: name.to_owned(),
            resource_type: "AWS::CloudFormation::Stack".to_owned(),
            status: status.to_owned(),
            reason: None,
        });
        let id = stack.id.clone();
        self.say(format_args!("{name} is {status}"));
        self.emit_stack(&id, status, token);
    }

    pub(crate) fn read_stack(&self, name: &StackName) -> Option<StackRead> {
        let stack = self.stacks.all.get(name.as_str())?;
        let mut outputs = BTreeMap::new();
        if let Some(service) = &stack.service {
            outputs.insert("ServiceArn".to_owned(), service.arn.clone());
            outputs.insert("ClusterName".to_owned(), service.cluster.clone());
        }
        let parameters = stack.props.as_ref().map(|props| props.parameters.clone()).unwrap_or_default();
        Some(StackRead {
            id: stack.id.clone(),
            status: stack.status.clone(),
            reason: None,
            outputs,
            parameters,
            is_protected: false,
        })
    }

    /// Everything of the stack of that id that is there. What others have changed shows.
    pub(crate) fn stack_resources(&self, id: &str) -> Vec<StackResource> {
        let Some(stack) = self.stacks.all.values().find(|stack| stack.id == id) else { return Vec::new() };
        let resource = |logical_id: &str, physical_id: &str, resource_type: &str| StackResource {
            logical_id: logical_id.to_owned(),
            physical_id: physical_id.to_owned(),
            resource_type: resource_type.to_owned(),
        };
        let mut resources = Vec::new();
        if let Some(service) = &stack.service {
            resources.push(resource("Service", &service.arn, "AWS::ECS::Service"));
            let running = service.history.last().map_or("", |running| &running.task_definition);
            resources.push(resource("TaskDefinition", running, "AWS::ECS::TaskDefinition"));
        }
        if stack.touched {
            resources.push(resource("LogGroup", "console", "AWS::Logs::LogGroup"));
        }
        resources
    }

    /// Source: CloudFormation API, GetTemplate: a stack in review has none.
    pub(crate) fn stack_template(&self, id: &str) -> Result<String, Failure> {
        let stack = self.stacks.all.values().find(|stack| stack.id == id);
        let template = stack.and_then(|stack| {
            let running =
                self.stacks.operations.iter().rev().find(|operation| {
                    self.stacks.all.get(&operation.stack).is_some_and(|of| of.id == stack.id)
                });
            let props = stack.props.as_ref().or(running.map(|operation| &operation.props))?;
            self.platform.templates.get(&props.template_url).cloned()
        });
        template.ok_or_else(|| {
            let why = format!("ValidationError: Stack with id {id} does not exist");
            Failure::Refused { call: "GetTemplate", why }
        })
    }

    /// Newest first; a page's token is how many were read.
    pub(crate) fn stack_events(
        &self,
        name: &StackName,
        page: Option<&str>,
    ) -> (Vec<StackEvent>, Option<String>) {
        let Some(stack) = self.stacks.all.get(name.as_str()) else { return (Vec::new(), None) };
        let read: usize = page.and_then(|page| page.parse().ok()).unwrap_or(0);
        let items: Vec<StackEvent> =
            stack.events.iter().rev().skip(read).take(EVENTS_PAGE).cloned().collect();
        let reached = read + items.len();
        (items, (reached < stack.events.len()).then(|| reached.to_string()))
    }

    /// Another tool updates the stack: ours have to wait, and their plans are stale.
    pub(crate) fn stack_touched(&mut self, name: &str) {
        let token = format!("console-{}", self.id());
        let Some(stack) = self.stacks.all.get_mut(name) else { return };
        if stack.is_busy() || !stack.status.ends_with("_COMPLETE") || stack.status == "ROLLBACK_COMPLETE" {
            return;
        }
        stack.change_sets.clear();
        stack.touched = true;
        self.stack_is(name, "UPDATE_IN_PROGRESS", &token);
        self.step_in(name, &token, 1, (MINUTE, 30 * MINUTE));
    }

    /// Another tool deletes the stack with its service. One that moves is left alone.
    pub(crate) fn stack_deleted(&mut self, name: &str) {
        if self.stacks.all.get(name).is_some_and(|stack| !stack.is_busy()) {
            self.stacks.all.remove(name);
            self.stacks.deleted.insert(name.to_owned());
        }
    }

    pub(crate) fn set_stack_policy(&mut self, name: &StackName, policy: &str) -> Result<(), Failure> {
        match self.stacks.all.get_mut(name.as_str()) {
            Some(stack) => {
                stack.policy = Some(policy.to_owned());
                Ok(())
            }
            None => {
                let why = format!("ValidationError: Stack [{name}] does not exist");
                Err(Failure::Refused { call: "SetStackPolicy", why })
            }
        }
    }

    /// A stack that never came to be is deleted; one that hangs in its rollback is brought back.
    pub(crate) fn stack_repaired(&mut self, name: &str) {
        let token = format!("repair-{}", self.id());
        match self.stacks.all.get(name).map(|stack| stack.status.as_str()) {
            Some("ROLLBACK_COMPLETE") => {
                self.say(format_args!("{name} is deleted by an operator"));
                self.stacks.all.remove(name);
                let tracks = &self.table.tracks;
                for operation in self.stacks.operations.iter_mut().filter(|it| it.stack == name) {
                    let key = operation.token.parse::<EffectKey>();
                    operation.unread |= key.is_ok_and(|EffectKey { release, .. }| {
                        tracks.get(&release.track).is_some_and(|track| track.release(release.n).is_some())
                    });
                }
            }
            Some("UPDATE_ROLLBACK_FAILED") => self.stack_is(name, "UPDATE_ROLLBACK_COMPLETE", &token),
            Some("DELETE_FAILED") => {
                self.say(format_args!("{name} is deleted by an operator"));
                self.stack_deleted(name);
            }
            Some(_) | None => {}
        }
    }

    pub(crate) fn repair_later(&mut self, stack: &str) {
        let delay = self.takes(stack, 10 * MINUTE, 2 * HOUR);
        self.later(delay, Happening::StackRepaired { stack: stack.to_owned() });
    }

    pub(crate) fn executed_is(&mut self, name: &str, token: &str, execution: &'static str) {
        let stack = self.stacks.all.get_mut(name);
        if let Some(set) = stack.and_then(|stack| stack.change_sets.get_mut(token)) {
            set.execution = execution;
        }
    }

    pub(crate) fn forget_executed(&mut self, name: &str) {
        if let Some(stack) = self.stacks.all.get_mut(name) {
            stack.change_sets.clear();
        }
    }
}

/// Source: CloudFormation API, CreateChangeSet (`Capabilities`): a role needs one, a role with a name of its own another.
fn missing_capability(template: &str, given: &[String]) -> Option<&'static str> {
    let gives = |capability: &str| given.iter().any(|known| known == capability);
    let has_role = template.contains("AWS::IAM::Role");
    let has_named_role = has_role && template.contains("RoleName");
    if has_named_role && !gives("CAPABILITY_NAMED_IAM") {
        return Some("CAPABILITY_NAMED_IAM");
    }
    (has_role && !gives("CAPABILITY_IAM") && !gives("CAPABILITY_NAMED_IAM")).then_some("CAPABILITY_IAM")
}

/// `touched`: what others have changed is changed back.
fn changes(kind: ChangeSetKind, touched: bool) -> Vec<ResourceChange> {
    let change = |logical_id: &str, resource_type: &str, replacement: &str| ResourceChange {
        logical_id: logical_id.to_owned(),
        resource_type: resource_type.to_owned(),
        action: if kind == ChangeSetKind::Create { "Add" } else { "Modify" }.to_owned(),
        replacement: if kind == ChangeSetKind::Create { "" } else { replacement }.to_owned(),
        policy: String::new(),
        properties: Vec::new(),
    };
    let mut changes = vec![
        change("TaskDefinition", "AWS::ECS::TaskDefinition", "True"),
        change("Service", "AWS::ECS::Service", "False"),
    ];
    if touched {
        changes.push(change("LogGroup", "AWS::Logs::LogGroup", "False"));
    }
    changes
}
