//! Payloads that are nobody's of ours: samples of every source, whole or mangled, and bytes that are nothing at all.
//! They are to be ignored or quarantined, and nothing else may come of them; a sample that happens to speak of a track
//! is a hint like any other, and may tell lies.

use std::fmt;

use intake::{Meaning, Subject};

use crate::events;
use crate::random::Random;
use crate::world::Function;

#[derive(Debug, Clone)]
pub(crate) struct Foreign {
    pub(crate) to: Receiver,
    pub(crate) payload: Vec<u8>,
    /// Where it comes from, in words.
    words: String,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Receiver {
    Ear(Function),
    Queue(&'static str),
}

const RECEIVERS: [Receiver; 9] = [
    Receiver::Ear(Function::Push),
    Receiver::Ear(Function::Build),
    Receiver::Ear(Function::Image),
    Receiver::Ear(Function::Approval),
    Receiver::Ear(Function::Stack),
    Receiver::Queue("BuilderQueue"),
    Receiver::Queue("DeployerQueue"),
    Receiver::Queue("NotifyQueue.fifo"),
    Receiver::Queue("PatrolQueue"),
];

/// Bytes of a payload that is nothing at all.
const NOISE_BYTES_MAX: u64 = 200;

impl Foreign {
    pub(crate) fn drawn(random: &mut Random) -> Self {
        let to = *random.pick(&RECEIVERS);
        let (name, sample) = *random.pick(SAMPLES);
        let mut payload = sample.to_vec();
        let at = random.between(0, payload.len() as u64 - 1) as usize;
        let words = match random.between(1, 8) {
            1 => {
                payload.truncate(at);
                format!("{name}, cut after {at} bytes")
            }
            2 => {
                payload[at] ^= 1 << random.between(0, 7);
                format!("{name} with byte {at} spoiled")
            }
            3 => {
                let length = random.between(0, NOISE_BYTES_MAX);
                payload = (0..length).map(|_| random.next() as u8).collect();
                format!("{length} bytes of noise")
            }
            _ => name.to_owned(),
        };
        Self { to, payload, words }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is sent {}", self.to, self.words)
    }
}

/// What must become of a foreign payload, and what has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate {
    /// It speaks of nothing that any track could be moved by.
    pub(crate) inert: bool,
    /// It cannot be understood and has to reach the quarantine (I7).
    pub(crate) unreadable: bool,
    pub(crate) quarantined: bool,
    pub(crate) dead_lettered: bool,
}

impl Fate {
    /// Of a payload as the function gets it.
    pub(crate) fn of(payload: &[u8], to: Receiver) -> Self {
        let readings = intake::read(payload);
        let is_signal = |meaning: &Meaning| matches!(meaning, Meaning::Signal(_));
        let unreadable = |meaning: &Meaning| match to {
            Receiver::Ear(_) | Receiver::Queue("PatrolQueue") => matches!(meaning, Meaning::Quarantine(_)),
            // A hand's queue carries nothing but wakes.
            Receiver::Queue(_) => !matches!(meaning, Meaning::Signal(Subject::Wake { .. })),
        };
        Self {
            inert: !readings.iter().any(|reading| is_signal(&reading.meaning)),
            unreadable: readings.iter().any(|reading| unreadable(&reading.meaning)),
            quarantined: false,
            dead_lettered: false,
        }
    }
}

impl Receiver {
    /// The payload as it reaches the function; `id` is the message's.
    pub(crate) fn payload(self, bytes: &[u8], id: u64) -> Vec<u8> {
        match self {
            Self::Ear(_) => bytes.to_vec(),
            Self::Queue(queue) => events::queued(queue, id, &String::from_utf8_lossy(bytes)),
        }
    }
}

macro_rules! samples {
    ($($name:literal)*) => {
        /// Every sample of `events/`.
        const SAMPLES: &[(&str, &[u8])] = &[$(($name, include_bytes!(concat!("../../events/", $name)))),*];
    };
}

samples! {
    "backup/job-failed.json"
    "backup/notification.json"
    "backup/restore-completed.json"
    "cloudformation/changed-by-hand.json"
    "cloudformation/cleanup-in-progress.json"
    "cloudformation/create-complete.json"
    "cloudformation/nested-stack.json"
    "cloudformation/notification-resource.json"
    "cloudformation/notification-stack.json"
    "cloudformation/others-stack.json"
    "cloudformation/resource.json"
    "cloudformation/rollback-complete.json"
    "cloudformation/unknown-status.json"
    "cloudformation/update-complete.json"
    "cloudformation/update-in-progress.json"
    "cloudformation/update-rollback-complete.json"
    "cloudformation/update-rollback-failed.json"
    "cloudwatch/alarm-notification.json"
    "cloudwatch/alarm.json"
    "codebuild/failed.json"
    "codebuild/fault.json"
    "codebuild/in-progress.json"
    "codebuild/others-build.json"
    "codebuild/phase-change.json"
    "codebuild/stopped.json"
    "codebuild/succeeded.json"
    "codebuild/timed-out.json"
    "codebuild/unreadable-build-id.json"
    "codebuild/without-variables.json"
    "codecommit/branch-created.json"
    "codecommit/branch-deleted.json"
    "codecommit/branch-with-slashes.json"
    "codecommit/merge.json"
    "codecommit/pull-request-created.json"
    "codecommit/push.json"
    "codecommit/tag-created.json"
    "codecommit/tag-deleted.json"
    "codecommit/trigger-several-references.json"
    "codecommit/trigger.json"
    "codecommit/unknown-event.json"
    "codecommit/unreferenced-merge.json"
    "codepipeline/approval-body.json"
    "codepipeline/approval.json"
    "codepipeline/pipeline-failed.json"
    "dms/notification.json"
    "dms/serverless-replication-failed.json"
    "dms/task-failed.json"
    "ecr/delete.json"
    "ecr/enhanced-scan.json"
    "ecr/push-failed.json"
    "ecr/push-multi-platform.json"
    "ecr/push-others-tag.json"
    "ecr/push-untagged-child.json"
    "ecr/push.json"
    "ecr/replication.json"
    "ecr/scan-untagged.json"
    "ecr/scan.json"
    "ecr/storage-class.json"
    "ecr/unknown-action.json"
    "ecs/action-deployment-failed.json"
    "ecs/action-steady-state.json"
    "ecs/deployment-completed.json"
    "ecs/deployment-failed.json"
    "ecs/deployment-in-progress.json"
    "ecs/others-service.json"
    "ecs/task-stopped.json"
    "function-url/browser.json"
    "function-url/slack-command.json"
    "function-url/unsigned-post.json"
    "others/not-json.json"
    "others/object-created.json"
    "others/unknown-shape.json"
    "rds/automated-snapshot.json"
    "rds/backups-disabled.json"
    "rds/cluster-failover-failed.json"
    "rds/failover-completed.json"
    "rds/notification.json"
    "rds/unknown-kind.json"
    "rds/without-event-id.json"
    "scheduled/scheduler.json"
    "scheduled/sweep.json"
    "sns/approve-as-json.json"
    "sns/approve-signed-mail.json"
    "sns/approve.json"
    "sns/conditional-approval.json"
    "sns/malformed-json-reply.json"
    "sns/malformed-reply.json"
    "sns/no-records.json"
    "sns/plain-text.json"
    "sns/reject-as-json.json"
    "sns/reject.json"
    "sns/relayed-push.json"
    "sqs/not-json.json"
    "sqs/patrol.json"
    "sqs/queued-notification.json"
    "sqs/wake-builder.json"
    "sqs/wake-deployer.json"
    "sqs/wake-notify.json"
    "sqs/wake-unreadable.json"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_foreign_payload_is_drawn() {
        let mut random = Random::new(1);
        let fates: Vec<Fate> = (0..1000)
            .map(|_| Foreign::drawn(&mut random))
            .map(|foreign| Fate::of(&foreign.to.payload(&foreign.payload, 1), foreign.to))
            .collect();
        assert!(fates.iter().any(|fate| fate.unreadable));
        assert!(fates.iter().any(|fate| fate.inert && !fate.unreadable));
        assert!(fates.iter().any(|fate| !fate.inert && !fate.unreadable));
    }
}
