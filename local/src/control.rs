//! What a test or a person may ask of the local AWS: mishaps as they really happen, and bad post.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::faults::{Fault, Faults, FunctionCall, Kills, Tally, Weather};

/// How long a service deployment takes unless told otherwise.
const DEPLOYMENT_TIME: Duration = Duration::from_secs(2);

/// How an account's service events are delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// How often each event arrives; 0 drops them all.
    pub copies: u32,
    pub order: Order,
    pub delay: Duration,
    /// Sources such as `aws.ecr` whose events never come.
    pub suppressed: BTreeSet<String>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { copies: 1, order: Order::AsSent, delay: Duration::ZERO, suppressed: BTreeSet::new() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    AsSent,
    /// Every copy waits a time of its own, drawn from the seed, so that later ones overtake earlier ones.
    Shuffled {
        seed: u64,
    },
}

/// What befalls the next deployment of a stack's service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mishap {
    /// The tasks do not start: the circuit breaker opens, ECS goes back and the stack rolls back.
    DeploymentFails,
    /// CloudFormation cannot even ask for it: the resource fails at once and the stack rolls back.
    ResourceFails { reason: String },
    /// The stack reports success and the service goes on running its old task definition.
    RunsTheOldImage,
}

/// How the next task of a family ends that is started by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEnd {
    Exits {
        code: i32,
        /// What it writes before.
        log: Vec<String>,
    },
    /// It runs until it is stopped.
    Hangs,
}

/// Test controls, one set for each account. Clones steer the same local AWS.
#[derive(Debug, Clone, Default)]
pub struct Control {
    accounts: Arc<Mutex<BTreeMap<String, Wishes>>>,
}

#[derive(Debug, Clone)]
struct Wishes {
    delivery: Delivery,
    mishaps: BTreeMap<String, VecDeque<Mishap>>,
    task_ends: BTreeMap<String, VecDeque<TaskEnd>>,
    holds_deployments: bool,
    deployment_time: Duration,
    weather: Weather,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            delivery: Delivery::default(),
            mishaps: BTreeMap::new(),
            task_ends: BTreeMap::new(),
            holds_deployments: false,
            deployment_time: DEPLOYMENT_TIME,
            weather: Weather::default(),
        }
    }
}

impl Control {
    pub fn deliver(&self, account: &str, delivery: Delivery) {
        self.account(account, |wishes| wishes.delivery = delivery);
    }

    /// Queues what befalls the next deployment of that stack (by name), once.
    pub fn next_deployment(&self, account: &str, stack: &str, mishap: Mishap) {
        self.account(account, |wishes| wishes.mishaps.entry(stack.to_owned()).or_default().push_back(mishap));
    }

    /// Queues how the next task of that family ends; all others exit with 0.
    pub fn next_task(&self, account: &str, family: &str, end: TaskEnd) {
        self.account(account, |wishes| wishes.task_ends.entry(family.to_owned()).or_default().push_back(end));
    }

    /// From now on deployments of the account run until they are released.
    pub fn hold_deployments(&self, account: &str) {
        self.account(account, |wishes| wishes.holds_deployments = true);
    }

    pub fn release_deployments(&self, account: &str) {
        self.account(account, |wishes| wishes.holds_deployments = false);
    }

    pub fn deployments_take(&self, account: &str, time: Duration) {
        self.account(account, |wishes| wishes.deployment_time = time);
    }

    /// From now on the calls of the account's functions suffer these; none for no faults any more.
    pub fn faults(&self, account: &str, faults: Option<Faults>) {
        self.account(account, |wishes| wishes.weather.set_faults(faults));
    }

    /// From now on functions of the account are killed; none for no more kills.
    pub fn kills(&self, account: &str, kills: Option<Kills>) {
        self.account(account, |wishes| wishes.weather.set_kills(kills));
    }

    /// What has gone wrong on purpose so far.
    pub fn tally(&self, account: &str) -> Tally {
        self.account(account, |wishes| wishes.weather.tally().clone())
    }

    pub(crate) fn befalls(&self, account: &str, call: &FunctionCall) -> Option<Fault> {
        self.account(account, |wishes| wishes.weather.befalls(call))
    }

    pub(crate) fn dies_in(&self, account: &str) -> Option<Duration> {
        self.account(account, |wishes| wishes.weather.dies_in())
    }

    pub(crate) fn was_killed(&self, account: &str, function: &str, in_the_middle: bool) {
        self.account(account, |wishes| wishes.weather.was_killed(function, in_the_middle));
    }

    pub(crate) fn delivery(&self, account: &str) -> Delivery {
        self.account(account, |wishes| wishes.delivery.clone())
    }

    pub(crate) fn holds_deployments(&self, account: &str) -> bool {
        self.account(account, |wishes| wishes.holds_deployments)
    }

    pub(crate) fn deployment_time(&self, account: &str) -> Duration {
        self.account(account, |wishes| wishes.deployment_time)
    }

    /// Takes the next mishap of that stack if it is one of those that `due` names.
    pub(crate) fn take_mishap(&self, account: &str, stack: &str, due: fn(&Mishap) -> bool) -> Option<Mishap> {
        self.account(account, |wishes| {
            let queue = wishes.mishaps.get_mut(stack)?;
            if queue.front().is_some_and(due) { queue.pop_front() } else { None }
        })
    }

    pub(crate) fn take_task_end(&self, account: &str, family: &str) -> Option<TaskEnd> {
        self.account(account, |wishes| wishes.task_ends.get_mut(family)?.pop_front())
    }

    fn account<T>(&self, account: &str, change: impl FnOnce(&mut Wishes) -> T) -> T {
        let mut accounts: MutexGuard<'_, _> = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        change(accounts.entry(account.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_of_one_account_do_not_reach_another() {
        let control = Control::default();
        control.hold_deployments("111111111111");
        assert!(control.holds_deployments("111111111111"));
        assert!(!control.holds_deployments("222222222222"));
        control.release_deployments("111111111111");
        assert!(!control.holds_deployments("111111111111"));
    }

    #[test]
    fn a_mishap_befalls_its_stack_once_and_in_turn() {
        let control = Control::default();
        control.next_deployment("1", "tidegate-payments-staging", Mishap::RunsTheOldImage);
        control.next_deployment("1", "tidegate-payments-staging", Mishap::DeploymentFails);
        let is_failure = |mishap: &Mishap| *mishap == Mishap::DeploymentFails;
        assert_eq!(control.take_mishap("1", "tidegate-payments-staging", is_failure), None);
        assert_eq!(control.take_mishap("1", "tidegate-orders-staging", |_| true), None);
        assert_eq!(
            control.take_mishap("1", "tidegate-payments-staging", |_| true),
            Some(Mishap::RunsTheOldImage)
        );
        assert_eq!(
            control.take_mishap("1", "tidegate-payments-staging", is_failure),
            Some(Mishap::DeploymentFails)
        );
        assert_eq!(control.take_mishap("1", "tidegate-payments-staging", |_| true), None);
    }
}
