//! A person's order: `{"order": "hold", "track": "payments/production", "id": …, "reason": …, "proof": {…}}`, given by invoking
//! `approval` directly, or `backups` for a drill. The proof says who gives it, and signs everything else of it; what comes by a topic has none.

use model::approval::Answer;
use model::ids::{OrderId, PipelineRequestId, ReleaseId, TrackKey};
use model::time::Timestamp;
use proof::{Installation, Proof};
use serde::Serialize;
use serde_json::Value;

use crate::unreadable::{At, Unreadable, plain};
use crate::{DrillOrder, Function, Meaning, Subject, drill};

/// What somebody wants done, as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Given {
    Answer(GivenAnswer),
    PipelineAnswer(GivenPipelineAnswer),
    Order(GivenOrder),
    Care(GivenCare),
    Drill(DrillOrder),
}

/// What is to become of a message that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenCare {
    /// Chosen by whoever sends it, and never twice: it is the proof's nonce.
    pub id: OrderId,
    #[serde(rename = "order")]
    pub care: Care,
    /// The SQS `MessageId`.
    pub letter: String,
    /// The last stop where it lies; by logical id.
    pub queue: String,
    pub about: String,
    /// Why it is there.
    pub failure: String,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Care {
    /// It is sent again.
    Redrive,
    Drop,
}

impl Care {
    pub fn verb(self) -> &'static str {
        match self {
            Care::Redrive => "redrive",
            Care::Drop => "drop",
        }
    }

    pub fn done(self) -> &'static str {
        match self {
            Care::Redrive => "sent again",
            Care::Drop => "dropped",
        }
    }
}

/// An answer to a request for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenAnswer {
    /// Chosen by whoever sends it, and never twice: it is the proof's nonce.
    pub id: OrderId,
    #[serde(rename = "order")]
    pub answer: Answer,
    pub release: ReleaseId,
    /// The fingerprint of the plan that was seen, or its first digits.
    pub plan: String,
    pub reason: String,
}

/// An answer to a request of CodePipeline for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenPipelineAnswer {
    /// Chosen by whoever sends it, and never twice: it is the proof's nonce.
    pub id: OrderId,
    #[serde(rename = "order")]
    pub answer: Answer,
    pub request: PipelineRequestId,
    pub reason: String,
}

/// An order to a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenOrder {
    /// Chosen by whoever sends it, and never twice: it is the proof's nonce.
    pub id: OrderId,
    pub track: TrackKey,
    #[serde(flatten)]
    pub wish: Wish,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "order", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Wish {
    Hold,
    Lift,
    Cancel {
        release: ReleaseId,
    },
    Retry {
        release: ReleaseId,
    },
    /// `to`: unset for what ran before.
    Rollback {
        to: Option<ReleaseId>,
    },
    Redeploy,
    Retire,
    Override {
        until: Timestamp,
    },
    /// `skip`: logical ids of resources that a rollback leaves as they are.
    Repair {
        skip: Vec<String>,
    },
}

impl Wish {
    pub fn verb(&self) -> &'static str {
        match self {
            Wish::Hold => "hold",
            Wish::Lift => "lift",
            Wish::Cancel { .. } => "cancel",
            Wish::Retry { .. } => "retry",
            Wish::Rollback { .. } => "rollback",
            Wish::Redeploy => "redeploy",
            Wish::Retire => "retire",
            Wish::Override { .. } => "override",
            Wish::Repair { .. } => "repair",
        }
    }
}

impl Given {
    pub fn id(&self) -> &OrderId {
        match self {
            Given::Answer(given) => &given.id,
            Given::PipelineAnswer(given) => &given.id,
            Given::Order(given) => &given.id,
            Given::Care(given) => &given.id,
            Given::Drill(given) => &given.id,
        }
    }

    pub fn track(&self) -> Option<&TrackKey> {
        match self {
            Given::Answer(given) => Some(&given.release.track),
            Given::Order(given) => Some(&given.track),
            Given::PipelineAnswer(_) | Given::Care(_) | Given::Drill(_) => None,
        }
    }

    /// What it is about, in words.
    pub fn of(&self) -> String {
        match self {
            Given::Answer(given) => given.release.to_string(),
            Given::PipelineAnswer(given) => given.request.to_string(),
            Given::Order(given) => given.track.to_string(),
            Given::Care(given) => format!("message {} in {}", plain(&given.letter), plain(&given.queue)),
            Given::Drill(given) => given.database.to_string(),
        }
    }

    pub fn reason(&self) -> &str {
        match self {
            Given::Answer(given) => &given.reason,
            Given::PipelineAnswer(given) => &given.reason,
            Given::Order(given) => &given.reason,
            Given::Care(given) => &given.reason,
            Given::Drill(_) => "",
        }
    }

    pub fn verb(&self) -> &'static str {
        match self {
            Given::Answer(GivenAnswer { answer, .. })
            | Given::PipelineAnswer(GivenPipelineAnswer { answer, .. }) => match answer {
                Answer::Approve => "approve",
                Answer::Reject => "reject",
            },
            Given::Order(given) => given.wish.verb(),
            Given::Care(given) => given.care.verb(),
            Given::Drill(_) => "drill",
        }
    }

    /// Who takes it, by being invoked.
    pub fn function(&self) -> Function {
        match self {
            Given::Answer(_) | Given::PipelineAnswer(_) | Given::Order(_) | Given::Care(_) => {
                Function::Approval
            }
            Given::Drill(_) => Function::Backups,
        }
    }

    /// The hash of all of it, for that installation: what its proof must have signed.
    pub fn bound(&self, installation: &Installation) -> String {
        // Written anew in the order of the types, however it came.
        proof::bound(installation, &serde_json::to_string(self).unwrap_or_default())
    }

    /// For its function alone: whoever has it may give the order for a minute.
    pub fn to_message(&self, proof: &Proof) -> Value {
        let mut message = serde_json::to_value(self).unwrap_or_default();
        message["proof"] = proof.to_json();
        message
    }
}

/// Whether whoever has the payload may order in somebody's name.
pub fn holds_a_proof(payload: &[u8]) -> bool {
    serde_json::from_slice::<Value>(payload).is_ok_and(|message| !message["proof"].is_null())
}

pub const REASON_CHARS_MAX: usize = 500;
/// As people are shown it, up to the whole fingerprint.
pub const PLAN_DIGITS: std::ops::RangeInclusive<usize> = 12..=64;
/// Resources that one repair may leave as they are.
const SKIPPED_MAX: usize = 20;
const LOGICAL_ID_CHARS_MAX: usize = 255;

pub(crate) fn read(order: &At<'_>) -> Result<Meaning, Unreadable> {
    const KEYS: [&str; 16] = [
        "order", "id", "database", "track", "release", "plan", "request", "to", "until", "letter", "queue",
        "about", "failure", "skip", "reason", "proof",
    ];
    order.only(&KEYS)?;
    let id = order.field("id").id("a name of the order")?;
    let given = match order.field("order").text("a verb")? {
        "approve" => answer(order, id, Answer::Approve)?,
        "reject" => answer(order, id, Answer::Reject)?,
        "redrive" => Given::Care(care(order, id, Care::Redrive)?),
        "drop" => Given::Care(care(order, id, Care::Drop)?),
        "drill" => Given::Drill(drill::of(order, id, &order.field("database"))?),
        verb => Given::Order(to_track(order, id, verb)?),
    };
    let proof = Box::new(Proof::read(order.field("proof").value));
    Ok(Meaning::Signal(Subject::Order { given, proof }))
}

fn answer(order: &At<'_>, id: OrderId, answer: Answer) -> Result<Given, Unreadable> {
    let request = order.field("request");
    if !request.value.is_null() {
        let request = request.id("pipeline-<16 digits>")?;
        let reason = words(order, "reason")?;
        return Ok(Given::PipelineAnswer(GivenPipelineAnswer { id, answer, request, reason }));
    }
    let release = order.field("release").id("<service>-<environment>-<n>")?;
    Ok(Given::Answer(GivenAnswer {
        id,
        answer,
        release,
        plan: plan(&order.field("plan"))?,
        reason: words(order, "reason")?,
    }))
}

fn care(order: &At<'_>, id: OrderId, care: Care) -> Result<GivenCare, Unreadable> {
    Ok(GivenCare {
        id,
        care,
        letter: words(order, "letter")?,
        queue: words(order, "queue")?,
        about: words(order, "about")?,
        failure: words(order, "failure")?,
        reason: words(order, "reason")?,
    })
}

fn to_track(order: &At<'_>, id: OrderId, verb: &str) -> Result<GivenOrder, Unreadable> {
    let track: TrackKey = order.field("track").id("<service>/<environment>")?;
    let release = |key: &str| -> Result<ReleaseId, Unreadable> {
        let field = order.field(key);
        let release: ReleaseId = field.id("<service>-<environment>-<n>")?;
        let allowed = || format!("a release of {track}");
        if release.track == track { Ok(release) } else { Err(field.unreadable(allowed())) }
    };
    let wish = match verb {
        "hold" => Wish::Hold,
        "lift" => Wish::Lift,
        "cancel" => Wish::Cancel { release: release("release")? },
        "retry" => Wish::Retry { release: release("release")? },
        "rollback" if order.field("to").value.is_null() => Wish::Rollback { to: None },
        "rollback" => Wish::Rollback { to: Some(release("to")?) },
        "redeploy" => Wish::Redeploy,
        "retire" => Wish::Retire,
        "override" => Wish::Override { until: until(&order.field("until"))? },
        "repair" => Wish::Repair { skip: skip(&order.field("skip"))? },
        _ => {
            let allowed = "approve, reject, hold, lift, cancel, retry, rollback, redeploy, retire, override, repair, redrive, drop or drill";
            return Err(order.field("order").unreadable(allowed));
        }
    };
    Ok(GivenOrder { id, track, wish, reason: words(order, "reason")? })
}

/// Not cut: what was signed is what is done.
fn words(order: &At<'_>, key: &str) -> Result<String, Unreadable> {
    let words = order.field(key);
    let said = if words.value.is_null() { Some("") } else { words.value.as_str() };
    let said = said.filter(|said| said.chars().count() <= REASON_CHARS_MAX);
    let allowed = || format!("a text of at most {REASON_CHARS_MAX} characters");
    said.map(str::to_owned).ok_or_else(|| words.unreadable(allowed()))
}

/// As people are shown it; never fewer digits.
fn plan(at: &At<'_>) -> Result<String, Unreadable> {
    let allowed = "the plan's fingerprint, or its first digits: hexadecimal, in lower case";
    let plan = at.text(allowed)?;
    let is_hex = plan.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if PLAN_DIGITS.contains(&plan.len()) && is_hex {
        Ok(plan.to_owned())
    } else {
        Err(at.unreadable(allowed))
    }
}

/// Source: CloudFormation user guide, "Template anatomy": logical ids are letters and digits.
fn skip(at: &At<'_>) -> Result<Vec<String>, Unreadable> {
    if at.value.is_null() {
        return Ok(Vec::new());
    }
    let logical_id = |at: At<'_>| {
        let allowed = "the logical id of a resource, letters and digits";
        let id = at.text(allowed)?;
        let is_id = id.len() <= LOGICAL_ID_CHARS_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_id { Ok(id.to_owned()) } else { Err(at.unreadable(allowed)) }
    };
    at.list(SKIPPED_MAX)?.map(logical_id).collect()
}

fn until(at: &At<'_>) -> Result<Timestamp, Unreadable> {
    at.value.as_u64().map(Timestamp).ok_or_else(|| at.unreadable("milliseconds since 1970"))
}
