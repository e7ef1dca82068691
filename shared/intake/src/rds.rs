//! RDS events: by EventBridge, or by an SNS event subscription. Neptune and DocumentDB share the source.
//!
//! Source: EventBridge events reference, "Amazon RDS events"; RDS user guide, "Amazon RDS event categories and event
//! messages"; Lambda guide, "Using Lambda with Amazon RDS" (the form by SNS).

use crate::unreadable::{At, Unreadable, plain};
use crate::{Database, DatabaseKind, Meaning, Subject, arn};

/// `RDS … Event`.
pub(crate) fn event(kind: &str, detail: &At<'_>) -> Result<Meaning, Unreadable> {
    let kind = match kind {
        "RDS DB Instance Event" => DatabaseKind::Instance,
        "RDS DB Cluster Event" => DatabaseKind::Cluster,
        "RDS DB Snapshot Event" => DatabaseKind::Snapshot,
        "RDS DB Cluster Snapshot Event" => DatabaseKind::ClusterSnapshot,
        "RDS DB Parameter Group Event" => DatabaseKind::ParameterGroup,
        "RDS DB Security Group Event" => DatabaseKind::SecurityGroup,
        "RDS DB Proxy Event" => DatabaseKind::Proxy,
        "RDS Blue Green Deployment Event" => DatabaseKind::BlueGreenDeployment,
        "RDS Custom Engine Version Event" => DatabaseKind::CustomEngineVersion,
        "RDS DB Shard Group Event" => DatabaseKind::ShardGroup,
        "RDS Zero ETL Event" | "RDS Zero-ETL Integration Event" => DatabaseKind::ZeroEtl,
        _ => DatabaseKind::Other,
    };
    detail.object()?;
    news(Fields {
        kind,
        arn: detail.field("SourceArn"),
        identifier: detail.field("SourceIdentifier"),
        event: detail.field("EventID"),
        at: detail.field("Date"),
        categories: categories(&detail.field("EventCategories")),
        message: detail.field("Message"),
    })
}

/// The JSON text that an RDS event subscription sends to its topic; its keys hold blanks.
pub(crate) fn notification(message: &At<'_>) -> Result<Meaning, Unreadable> {
    let source = message.field("Event Source");
    let kind = match source.text("a kind of source, such as db-instance")? {
        "db-instance" => DatabaseKind::Instance,
        "db-cluster" => DatabaseKind::Cluster,
        "db-snapshot" => DatabaseKind::Snapshot,
        "db-cluster-snapshot" => DatabaseKind::ClusterSnapshot,
        "db-parameter-group" => DatabaseKind::ParameterGroup,
        "db-security-group" => DatabaseKind::SecurityGroup,
        "db-proxy" => DatabaseKind::Proxy,
        "blue-green-deployment" => DatabaseKind::BlueGreenDeployment,
        "custom-engine-version" => DatabaseKind::CustomEngineVersion,
        "db-shard-group" => DatabaseKind::ShardGroup,
        "zero-etl" => DatabaseKind::ZeroEtl,
        _ => DatabaseKind::Other,
    };
    news(Fields {
        kind,
        arn: message.field("Source ARN"),
        identifier: message.field("Source ID"),
        event: message.field("Event ID"),
        at: message.field("Event Time"),
        categories: Vec::new(),
        message: message.field("Event Message"),
    })
}

struct Fields<'a> {
    kind: DatabaseKind,
    arn: At<'a>,
    identifier: At<'a>,
    event: At<'a>,
    at: At<'a>,
    categories: Vec<String>,
    message: At<'a>,
}

fn news(fields: Fields<'_>) -> Result<Meaning, Unreadable> {
    let arn = fields.arn.hint();
    // `db:<name>`; an automated snapshot's own name starts with "rds:".
    let by_arn = arn.as_deref().and_then(|arn| arn::resource(arn, "rds")).and_then(|r| r.split_once(':'));
    let name = match by_arn {
        Some((_, name)) if !name.is_empty() => name.to_owned(),
        Some(_) | None => identifier(fields.kind, &fields.identifier)?,
    };
    Ok(Meaning::Signal(Subject::Database(Database {
        kind: fields.kind,
        name,
        arn,
        event: event_id(&fields.event),
        event_type: None,
        at: fields.at.hint(),
        categories: fields.categories,
        message: fields.message.hint(),
    })))
}

/// Without an ARN only the identifier is left, which carries "rds:" also where the name does not.
fn identifier(kind: DatabaseKind, at: &At<'_>) -> Result<String, Unreadable> {
    let text = at.text("the name of what the event is about, where SourceArn does not tell it")?;
    let keeps_prefix = matches!(kind, DatabaseKind::Snapshot | DatabaseKind::ClusterSnapshot);
    let name = if keeps_prefix { text } else { text.strip_prefix("rds:").unwrap_or(text) };
    Ok(name.to_owned())
}

/// `RDS-EVENT-0049`, by SNS at the end of a documentation page's address. Older events have none; one of another form is
/// kept as it stands, and decides nothing.
pub(crate) fn event_id(at: &At<'_>) -> Option<String> {
    let text = at.hint().or_else(|| at.value.as_u64().map(|number| number.to_string()))?;
    let id = text.rsplit('#').next().unwrap_or(&text).trim().to_ascii_uppercase();
    (!id.is_empty()).then(|| plain(&id))
}

/// RDS has under twenty categories, and an event one or two.
const CATEGORIES_MAX: usize = 32;

fn categories(at: &At<'_>) -> Vec<String> {
    at.list(CATEGORIES_MAX)
        .map(|list| list.filter_map(|category| category.hint()).collect())
        .unwrap_or_default()
}
