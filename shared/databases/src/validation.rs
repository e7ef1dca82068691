//! Validations: what one of AWS Backup's restore tests made, looked into by the team's own check, and the result given
//! back to AWS Backup. It made the instance and deletes it: nothing of that is changed here.
//!
//! Source: AWS Backup developer guide, "Restore testing validation".

use std::fmt;

use model::database::DatabaseKey;
use model::drill::{AnswerKey, DrillId};
use model::text::excerpt;
use model::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::drill::check::{self, Standing};
use crate::drill::{BROKEN, Call, CallNews, CheckOrder, CheckRead, Instance, USABLE};
use crate::facts::Kind;
use crate::policy::Check;

/// A restore as AWS Backup describes it.
///
/// Source: AWS Backup API, DescribeRestoreJob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreJob {
    pub is_completed: bool,
    /// A restore testing plan asked for it.
    pub is_test: bool,
    /// ARN of what was backed up.
    pub source: Option<String>,
    /// ARN of what was made.
    pub created: Option<String>,
    /// Somebody gave its result.
    pub is_validated: bool,
}

/// One that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// Names runs and calls of its check, as a drill's id does.
    pub id: DrillId,
    /// AWS Backup's id of the restore.
    pub job: String,
    pub database: DatabaseKey,
    /// The instance that was made.
    pub restored: String,
    pub requested: Timestamp,
    pub check: Check,
    pub phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Checking {
        /// Of a function; runs of projects can be looked for.
        call: Option<Call>,
    },
    Reporting {
        verdict: Verdict,
    },
}

/// What AWS Backup is told. That it is being validated is not: said late, it would take back a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Successful,
    Failed { why: String },
    TimedOut { why: String },
}

/// A validation that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validated {
    pub id: DrillId,
    pub job: String,
    pub check: String,
    pub requested: Timestamp,
    pub ended: Timestamp,
    pub verdict: Verdict,
    /// Why AWS Backup did not take the verdict, if it did not.
    pub refused: Option<String>,
}

/// Why there is nothing to validate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOurs {
    NotCompleted,
    NoTest,
    Validated,
    NoInstance,
    NoCheck,
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotCompleted => "the restore is not completed",
            Self::NoTest => "no restore testing plan asked for it",
            Self::Validated => "it has its result",
            Self::NoInstance => "what was restored is no RDS instance of this account and region",
            Self::NoCheck => "the record /tidegate/databases names no check for this database",
        })
    }
}

/// What was looked at or heard, or what AWS refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Runs of the check's project, or a key that nobody ever had, should its function have to be called.
    Restored {
        job: RestoreJob,
        instance: Option<Box<Instance>>,
        runs: Vec<CheckRead>,
        fresh: AnswerKey,
    },
    Call(CallNews),
    /// AWS Backup has the verdict.
    Reported,
    Refused {
        act: Act,
        why: String,
    },
}

/// One call to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    StartCheck(CheckOrder),
    CallCheck(CheckOrder, AnswerKey),
    /// The same again changes nothing.
    Report(Verdict),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub next: Next,
    /// Carried out after `next` was written.
    pub act: Option<Act>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Stay,
    Become(Box<Validation>),
    Over(Validated),
    /// Somebody else gave the result: there is nothing to tell.
    Forgotten,
}

/// As long as a drill has, where its record says nothing else.
const VALIDATED_WITHIN: Span = Span::hours(8);
/// AWS Backup states no limit of its own; its console shows one line.
const MESSAGE_CHARS_MAX: usize = 1000;

const WAIT: Decision = Decision { next: Next::Stay, act: None };

impl RestoreJob {
    /// The database that was backed up and the instance that was made, by name.
    ///
    /// # Errors
    /// Why there is nothing to validate.
    pub fn instances(&self) -> Result<(&str, &str), NotOurs> {
        if !self.is_completed {
            return Err(NotOurs::NotCompleted);
        }
        if !self.is_test {
            return Err(NotOurs::NoTest);
        }
        if self.is_validated {
            return Err(NotOurs::Validated);
        }
        let (source, created) = (self.source.as_deref(), self.created.as_deref());
        source.and_then(instance).zip(created.and_then(instance)).ok_or(NotOurs::NoInstance)
    }
}

/// `arn:aws:rds:<region>:<account>:db:<name>`
fn instance(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':').skip(2);
    let (service, _region, _account) = (parts.next()?, parts.next()?, parts.next()?);
    let (kind, name) = (parts.next()?, parts.next()?);
    (service == "rds" && kind == "db" && !name.is_empty()).then_some(name)
}

impl Validation {
    /// # Errors
    /// For a name that no database can have.
    pub fn new(
        job: &str,
        (database, restored): (&str, &str),
        check: Check,
        now: Timestamp,
    ) -> Result<Self, model::ids::Malformed> {
        let database = DatabaseKey::new(Kind::Instance.as_str(), database)?;
        Ok(Self {
            id: DrillId::of(&database, job),
            job: job.to_owned(),
            database,
            restored: restored.to_owned(),
            requested: now,
            check,
            phase: Phase::Checking { call: None },
        })
    }

    fn is_late(&self, now: Timestamp) -> bool {
        now >= self.requested.plus(VALIDATED_WITHIN)
    }

    fn becomes(&self, phase: Phase, act: Option<Act>) -> Decision {
        Decision { next: Next::Become(Box::new(Self { phase, ..self.clone() })), act }
    }

    fn ends(&self, verdict: Verdict) -> Decision {
        self.becomes(Phase::Reporting { verdict: verdict.clone() }, Some(Act::Report(verdict)))
    }

    fn over(&self, verdict: &Verdict, refused: Option<String>, now: Timestamp) -> Decision {
        let Self { id, job, requested, check, .. } = self.clone();
        let check = check.name().to_owned();
        let verdict = verdict.clone();
        Decision {
            next: Next::Over(Validated { id, job, check, requested, ended: now, verdict, refused }),
            act: None,
        }
    }
}

impl Verdict {
    /// Source: AWS Backup API, PutRestoreValidationResult, ValidationStatus.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Successful => "SUCCESSFUL",
            Self::Failed { .. } => "FAILED",
            Self::TimedOut { .. } => "TIMED_OUT",
        }
    }

    /// What stands beside the status.
    pub fn message(&self) -> String {
        match self {
            Self::Successful => "the check found nothing wrong".to_owned(),
            Self::Failed { why } | Self::TimedOut { why } => excerpt(why, MESSAGE_CHARS_MAX),
        }
    }
}

/// Pure, and total over phases and what can be seen of them.
pub fn decide(validation: &Validation, seen: &Seen, now: Timestamp) -> Decision {
    match (&validation.phase, seen) {
        (Phase::Checking { .. }, Seen::Restored { job, .. }) if job.is_validated => {
            Decision { next: Next::Forgotten, act: None }
        }
        (Phase::Checking { call }, Seen::Restored { instance, runs, fresh, .. }) => {
            look(validation, call.as_ref(), instance.as_deref(), (runs, fresh), now)
        }
        (Phase::Checking { call: Some(call) }, Seen::Call(news)) => match call.after(news, now) {
            Some(call) => validation.becomes(Phase::Checking { call: Some(call) }, None),
            None => WAIT,
        },
        (Phase::Checking { .. }, Seen::Refused { act: Act::StartCheck(_) | Act::CallCheck(..), why }) => {
            validation.ends(Verdict::Failed { why: format!("AWS refused to start the check: {why}") })
        }
        // It is ours: the crash came after it was given.
        (Phase::Reporting { verdict }, Seen::Restored { job, .. }) if job.is_validated => {
            validation.over(verdict, None, now)
        }
        (Phase::Reporting { verdict }, Seen::Restored { .. }) => {
            Decision { next: Next::Stay, act: Some(Act::Report(verdict.clone())) }
        }
        (Phase::Reporting { verdict }, Seen::Reported) => validation.over(verdict, None, now),
        (Phase::Reporting { verdict }, Seen::Refused { act: Act::Report(_), why }) => {
            validation.over(verdict, Some(why.clone()), now)
        }
        // Another look was first, and it has moved on since.
        (
            Phase::Checking { .. } | Phase::Reporting { .. },
            Seen::Call(_) | Seen::Reported | Seen::Refused { .. },
        ) => WAIT,
    }
}

fn look(
    validation: &Validation,
    call: Option<&Call>,
    instance: Option<&Instance>,
    (runs, fresh): (&[CheckRead], &AnswerKey),
    now: Timestamp,
) -> Decision {
    let Some(instance) = instance.filter(|instance| instance.status != "deleting") else {
        return validation.ends(Verdict::TimedOut { why: DELETED.to_owned() });
    };
    if BROKEN.contains(&instance.status.as_str()) {
        let why = format!("RDS says that what was restored is {}", instance.status);
        return validation.ends(Verdict::Failed { why });
    }
    if validation.is_late(now) {
        let why = format!("it was not checked within {} h", VALIDATED_WITHIN.as_seconds() / 3600);
        return validation.ends(Verdict::TimedOut { why });
    }
    if !USABLE.contains(&instance.status.as_str()) {
        return WAIT;
    }
    let standing = match &validation.check {
        Check::Project(_) => check::of_runs(&validation.id, runs),
        Check::Function { .. } => check::of_call(call, now),
    };
    match standing {
        Standing::NotBegun => match (order(validation, instance), &validation.check) {
            // RDS does not say yet where it answers.
            (None, _) => WAIT,
            (Some(order), Check::Project(_)) => {
                Decision { next: Next::Stay, act: Some(Act::StartCheck(order)) }
            }
            (Some(order), Check::Function { .. }) => validation.becomes(
                Phase::Checking { call: Some(Call::Promised { key: fresh.hash() }) },
                Some(Act::CallCheck(order, fresh.clone())),
            ),
        },
        Standing::Runs => WAIT,
        Standing::Succeeded(_) => validation.ends(Verdict::Successful),
        Standing::Failed(why) => validation.ends(Verdict::Failed { why }),
    }
}

const DELETED: &str = "it was deleted before its check ended: the testing plan's selection needs a validation window, \
                       of some hours";

fn order(validation: &Validation, instance: &Instance) -> Option<CheckOrder> {
    let (host, port) = instance.endpoint.clone()?;
    Some(CheckOrder {
        check: validation.check.name().to_owned(),
        drill: validation.id.clone(),
        database: validation.database.clone(),
        engine: instance.engine.clone(),
        host,
        port,
        secret: instance.secret.as_ref().map(|secret| secret.arn.clone()),
    })
}
