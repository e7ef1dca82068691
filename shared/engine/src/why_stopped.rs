//! Why a service's tasks stopped, in a sentence that says what to look at.
//!
//! Source: ECS developer guide, "Amazon ECS stopped tasks error messages".

use model::time::Timestamp;

use crate::ports::{StoppedContainer, StoppedTask};

/// A process that the kernel killed: it took more memory than its task has, or did not end when it was told to.
const KILLED: i32 = 137;
/// A process that ended when it was told to.
const TERMINATED: i32 = 143;
const EXECUTABLE_MISSING: i32 = 127;

/// ECS stopped it by itself, to have fewer, others or healthier ones.
const BY_THE_SCHEDULER: &str = "ServiceSchedulerInitiated";

/// What most of all explains why `tasks` stopped; `None` when nothing tells anything.
pub(crate) fn explain(tasks: &[StoppedTask]) -> Option<String> {
    most(tasks.iter())
}

/// What most of all explains a failed deployment that began at `since`, by the tasks that were made for it.
pub(crate) fn explain_since(since: Timestamp, tasks: &[StoppedTask]) -> Option<String> {
    most(tasks.iter().filter(|task| task.created_at.is_none_or(|created| since <= created)))
}

fn most<'t>(tasks: impl Iterator<Item = &'t StoppedTask>) -> Option<String> {
    tasks.filter_map(cause).min().map(|(_, words)| words)
}

/// Ordered: the cause that explains most comes first. Unhealthy tasks are stopped because of something else as well, and
/// whatever is stopped ends by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    ImagePull,
    SecretOrNetwork,
    OutOfMemory,
    Exit,
    HealthCheck,
    Signal,
}

fn cause(task: &StoppedTask) -> Option<(Cause, String)> {
    let reason = task.reason.as_deref().unwrap_or_default();
    let said = |container: &StoppedContainer| container.reason.clone().unwrap_or_default();
    let pull = |text: &str| text.contains("CannotPull") || text.contains("pull image");
    if let Some(container) = task.containers.iter().find(|container| pull(&said(container))) {
        let words = format!("the image cannot be pulled: {}", said(container));
        return Some((Cause::ImagePull, words));
    }
    if pull(reason) {
        return Some((Cause::ImagePull, format!("the image cannot be pulled: {reason}")));
    }
    if reason.contains("ResourceInitializationError") {
        let words = format!("a task could not be set up (its secrets, log or network): {reason}");
        return Some((Cause::SecretOrNetwork, words));
    }
    if let Some(container) = task.containers.iter().find(|container| said(container).contains("OutOfMemory"))
    {
        let words = format!("{} ran out of memory: give it more memoryMiB", container.name);
        return Some((Cause::OutOfMemory, words));
    }
    if reason.contains("health check") {
        return Some((Cause::HealthCheck, format!("tasks failed their health checks: {reason}")));
    }
    if task.stop_code.as_deref() == Some(BY_THE_SCHEDULER) {
        return None;
    }
    let ended = task.containers.iter().find_map(|container| Some((container, container.exit_code?)));
    let (container, code) = ended.filter(|(_, code)| *code != 0 || reason.contains("Essential container"))?;
    let name = &container.name;
    let words = match code {
        KILLED => {
            format!("{name} was killed (exit code {KILLED}): it did not stop in time, or ran out of memory")
        }
        EXECUTABLE_MISSING => {
            format!("{name} exited with code {EXECUTABLE_MISSING}: its command is not in the image")
        }
        code => format!("{name} exited with code {code}: its log tells why"),
    };
    let cause = if matches!(code, KILLED | TERMINATED) { Cause::Signal } else { Cause::Exit };
    Some((cause, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(reason: &str, exit_code: Option<i32>, of_container: &str) -> StoppedTask {
        let container = StoppedContainer {
            name: "payments".to_owned(),
            exit_code,
            reason: Some(of_container.to_owned()).filter(|reason| !reason.is_empty()),
        };
        StoppedTask {
            created_at: None,
            stop_code: None,
            reason: Some(reason.to_owned()),
            containers: vec![container],
        }
    }

    const SCALING: &str = "Scaling activity initiated by (deployment ecs-svc/1234567890123456789)";

    #[test]
    fn memory_image_health_and_exit_codes_are_told_apart() {
        let essential = "Essential container in task exited";
        let unhealthy = "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:x)";
        let table = [
            (
                task(essential, Some(137), "OutOfMemoryError: Container killed due to memory usage"),
                "payments ran out of memory: give it more memoryMiB",
            ),
            (
                task("", None, "CannotPullContainerError: manifest unknown"),
                "the image cannot be pulled: CannotPullContainerError: manifest unknown",
            ),
            (
                task("CannotPullContainerError: access denied", None, ""),
                "the image cannot be pulled: CannotPullContainerError: access denied",
            ),
            (
                task("ResourceInitializationError: unable to pull secrets or registry auth", None, ""),
                "a task could not be set up (its secrets, log or network): ResourceInitializationError: unable to pull \
                 secrets or registry auth",
            ),
            (
                task(unhealthy, Some(143), ""),
                "tasks failed their health checks: Task failed ELB health checks in (target-group \
                 arn:aws:elasticloadbalancing:x)",
            ),
            (task(essential, Some(1), ""), "payments exited with code 1: its log tells why"),
            (task(essential, Some(0), ""), "payments exited with code 0: its log tells why"),
            (
                task(essential, Some(127), ""),
                "payments exited with code 127: its command is not in the image",
            ),
            (
                task(essential, Some(137), ""),
                "payments was killed (exit code 137): it did not stop in time, or ran out of memory",
            ),
        ];
        for (task, words) in table {
            assert_eq!(explain(std::slice::from_ref(&task)).as_deref(), Some(words), "{task:?}");
        }
    }

    #[test]
    fn what_explains_most_is_told_and_an_orderly_end_explains_nothing() {
        let unhealthy = task("Task failed container health checks", Some(143), "");
        let memory = task("Essential container in task exited", Some(137), "OutOfMemoryError: killed");
        assert_eq!(
            explain(&[unhealthy, memory]).as_deref(),
            Some("payments ran out of memory: give it more memoryMiB")
        );
        assert_eq!(explain(&[task("Scaling activity initiated by deployment", Some(0), "")]), None);
        assert_eq!(explain(&[]), None);
    }

    #[test]
    fn what_ecs_stops_by_itself_explains_nothing_but_bad_health() {
        let scheduled = |reason: &str, code: i32| StoppedTask {
            stop_code: Some("ServiceSchedulerInitiated".to_owned()),
            ..task(reason, Some(code), "")
        };
        let (scaled, killed) = (scheduled(SCALING, 143), scheduled(SCALING, 137));
        assert_eq!(explain(&[scaled.clone(), killed.clone()]), None);
        let unhealthy = scheduled("Task failed ELB health checks in (target-group x)", 137);
        assert_eq!(
            explain(&[scaled, killed, unhealthy]).as_deref(),
            Some("tasks failed their health checks: Task failed ELB health checks in (target-group x)")
        );
    }

    #[test]
    fn bad_health_explains_more_than_the_signal_that_ended_a_task_and_less_than_its_own_exit() {
        let unhealthy = task("Task failed ELB health checks in (target-group x)", Some(143), "");
        let ended = |code: i32| task("Essential container in task exited", Some(code), "");
        for code in [137, 143] {
            let told = explain(&[ended(code), unhealthy.clone()]).unwrap();
            assert!(told.starts_with("tasks failed their health checks"), "{told}");
        }
        let told = explain(&[ended(1), unhealthy]).unwrap();
        assert_eq!(told, "payments exited with code 1: its log tells why");
    }

    #[test]
    fn a_task_of_an_earlier_deployment_explains_nothing_of_this_one() {
        let exited = |at: u64, code: i32| StoppedTask {
            created_at: Some(Timestamp(at)),
            ..task("Essential container in task exited", Some(code), "")
        };
        let (old, new) = (exited(999, 2), exited(1_000, 3));
        let told = |tasks: &[StoppedTask]| explain_since(Timestamp(1_000), tasks);
        assert_eq!(told(std::slice::from_ref(&old)), None);
        assert_eq!(told(&[old, new]).as_deref(), Some("payments exited with code 3: its log tells why"));
    }
}
