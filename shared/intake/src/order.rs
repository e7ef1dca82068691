//! A person's order: `{"order": "hold", "track": "payments/production", "id": …, "by": "ana", "reason": …}`, given by
//! invoking `approval` directly. Whoever may do that is believed about the name, so an order that comes by a topic, where
//! anybody may publish, is none.

use model::ids::{OrderId, ReleaseId, TrackKey};
use model::time::Timestamp;
use serde::Serialize;

use crate::unreadable::{At, Unreadable};
use crate::{Meaning, Subject};

/// An order as it was given: a wish, and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenOrder {
    pub id: OrderId,
    pub track: TrackKey,
    #[serde(flatten)]
    pub wish: Wish,
    /// Who gives it, as the invoker says.
    pub by: String,
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
    Override {
        until: Timestamp,
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
            Wish::Override { .. } => "override",
        }
    }
}

const NAME_CHARS_MAX: usize = 64;
const REASON_CHARS_MAX: usize = 500;

pub(crate) fn read(order: &At<'_>) -> Result<Meaning, Unreadable> {
    const KEYS: [&str; 8] = ["order", "id", "track", "release", "to", "until", "by", "reason"];
    if let Some(unknown) = order.object()?.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(Unreadable::new(unknown.clone(), "set", format!("one of {}", KEYS.join(", "))));
    }
    let track: TrackKey = order.field("track").id("<service>/<environment>")?;
    let release = |key: &str| -> Result<ReleaseId, Unreadable> {
        let field = order.field(key);
        let release: ReleaseId = field.id("<service>-<environment>-<n>")?;
        let allowed = || format!("a release of {track}");
        if release.track == track { Ok(release) } else { Err(field.unreadable(allowed())) }
    };
    let wish = match order.field("order").text("a verb")? {
        "hold" => Wish::Hold,
        "lift" => Wish::Lift,
        "cancel" => Wish::Cancel { release: release("release")? },
        "retry" => Wish::Retry { release: release("release")? },
        "rollback" if order.field("to").value.is_null() => Wish::Rollback { to: None },
        "rollback" => Wish::Rollback { to: Some(release("to")?) },
        "redeploy" => Wish::Redeploy,
        "override" => Wish::Override { until: until(&order.field("until"))? },
        _ => {
            let allowed = "hold, lift, cancel, retry, rollback, redeploy or override";
            return Err(order.field("order").unreadable(allowed));
        }
    };
    let by = order.field("by");
    let allowed =
        format!("the name of a person: at most {NAME_CHARS_MAX} characters without control characters");
    let name = by.text(&allowed)?;
    if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(by.unreadable(allowed));
    }
    let reason = order.field("reason");
    let reason = if reason.value.is_null() { "" } else { reason.text("a text")? };
    Ok(Meaning::Signal(Subject::Order(GivenOrder {
        id: order.field("id").id("a name of the order")?,
        track,
        wish,
        by: name.to_owned(),
        reason: reason.chars().take(REASON_CHARS_MAX).collect(),
    })))
}

fn until(at: &At<'_>) -> Result<Timestamp, Unreadable> {
    at.value.as_u64().map(Timestamp).ok_or_else(|| at.unreadable("milliseconds since 1970"))
}
