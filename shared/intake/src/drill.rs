//! Orders to restore a database for real, by invoking `backups`: what comes by a topic or a queue is none. One with a proof
//! is read where all of them are (`order.rs`); one without counts only where the record lets whoever may invoke order it.

use model::database::DatabaseKey;
use model::ids::OrderId;
use model::time::Timestamp;
use serde::Serialize;

use crate::unreadable::{At, Unreadable};
use crate::{Meaning, Subject};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "order", rename = "drill", rename_all = "camelCase")]
pub struct DrillOrder {
    pub id: OrderId,
    pub database: DatabaseKey,
    /// The time to restore to; the newest where none is given.
    pub to: Option<Timestamp>,
}

/// `{"drill": "instance/payments", "id": …, "to": milliseconds or null}`
pub(crate) fn read(order: &At<'_>) -> Result<Meaning, Unreadable> {
    const KEYS: [&str; 3] = ["drill", "id", "to"];
    order.only(&KEYS)?;
    let id = order.field("id").id("a name of the order")?;
    Ok(Meaning::Signal(Subject::Drill(of(order, id, &order.field("drill"))?)))
}

pub(crate) fn of(order: &At<'_>, id: OrderId, database: &At<'_>) -> Result<DrillOrder, Unreadable> {
    let allowed = "instance/<name> or cluster/<name>";
    let key: DatabaseKey = database.id(allowed)?;
    if !matches!(key.kind(), "instance" | "cluster") {
        return Err(database.unreadable(allowed));
    }
    let to = order.field("to");
    let to = match to.value.is_null() {
        true => None,
        false => Some(to.value.as_u64().ok_or_else(|| to.unreadable("milliseconds since 1970"))?),
    };
    Ok(DrillOrder { id, database: key, to: to.map(Timestamp) })
}

pub(crate) fn by_topic(order: &At<'_>) -> Unreadable {
    order.field("drill").unreadable("given by invoking `backups`: nothing else proves who may give it")
}
