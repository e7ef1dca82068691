//! What the platform asks of databases, and who took which exception upon themselves: the record `/tidegate/databases`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::time::{Span, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::facts::{Database, Kind};
use crate::rules::Rule;

/// Parameter `/tidegate/databases`: what databases must keep, and exceptions. Without it, the defaults count for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "Record of databases")]
pub struct Policies {
    /// The first that matches counts; where none does, the defaults.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub policies: Vec<Matched>,
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub waivers: Vec<Waiver>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Matched {
    #[serde(rename = "match")]
    pub matches: Match,
    pub require: Policy,
}

/// Every part that is given must match; one that gives none matches every database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Match {
    /// `payments`, or `payments-*` for all that begin so.
    pub name: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// What a database must keep.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Policy {
    /// 1 to 35: RDS keeps automated backups no longer.
    #[schemars(range(min = 1, max = 35))]
    pub retention_days: u32,
    /// The most that the restorable time may trail. RDS uploads logs every five minutes.
    #[schemars(range(min = 1, max = 10_080))]
    pub restorable_minutes: u32,
    /// The most that the newest snapshot may be old. RDS takes one a day, somewhere in a window.
    #[schemars(range(min = 1, max = 840))]
    pub snapshot_hours: u32,
    pub multi_az: bool,
    pub encrypted: bool,
    pub deletion_protection: bool,
    /// Accounts that snapshots may be shared with.
    pub shared_with: BTreeSet<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            retention_days: 7,
            restorable_minutes: 15,
            snapshot_hours: 26,
            multi_az: true,
            encrypted: true,
            deletion_protection: true,
            shared_with: BTreeSet::new(),
        }
    }
}

/// An exception for one rule of one database, that somebody answers for, until a day.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Waiver {
    pub kind: Kind,
    #[schemars(length(min = 1))]
    pub database: String,
    pub rule: Rule,
    #[schemars(length(min = 1))]
    pub owner: String,
    #[schemars(length(min = 1))]
    pub reason: String,
    /// The last day, in UTC: `2027-01-31`.
    #[serde(deserialize_with = "day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub until: Date,
}

/// Why the record is not valid: the place, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct BadPolicies {
    pub place: String,
    pub why: String,
}

const POLICIES_MAX: usize = 100;
const WAIVERS_MAX: usize = 500;
/// Source: RDS API, ModifyDBInstance, BackupRetentionPeriod.
const RETENTION_DAYS_MAX: u32 = 35;
/// A week: longer than any database that is watched may go without.
const RESTORABLE_MINUTES_MAX: u32 = 7 * 24 * 60;
const SNAPSHOT_HOURS_MAX: u32 = RETENTION_DAYS_MAX * 24;

/// Published as `schemas/databases-record.schema.json`.
pub fn schema() -> String {
    // serde_json's maps are sorted by key, so that the order is always the same.
    format!("{:#}\n", Value::from(schemars::schema_for!(Policies)))
}

impl Policies {
    pub fn parse(body: &[u8]) -> Result<Self, BadPolicies> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let policies: Self = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| bad(error.path().to_string(), error.inner().to_string()))?;
        reader.end().map_err(|error| bad("after the record", error.to_string()))?;
        only_objects(body)?;
        policies.checked()
    }

    fn checked(self) -> Result<Self, BadPolicies> {
        at_most("policies", self.policies.len(), POLICIES_MAX)?;
        at_most("waivers", self.waivers.len(), WAIVERS_MAX)?;
        for (n, Matched { require, .. }) in self.policies.iter().enumerate() {
            let limits = [
                ("retentionDays", require.retention_days, RETENTION_DAYS_MAX),
                ("restorableMinutes", require.restorable_minutes, RESTORABLE_MINUTES_MAX),
                ("snapshotHours", require.snapshot_hours, SNAPSHOT_HOURS_MAX),
            ];
            for (field, value, max) in limits {
                if !(1..=max).contains(&value) {
                    let why = format!("{value} is not allowed: it must be 1 to {max}");
                    return Err(bad(format!("policies[{n}].require.{field}"), why));
                }
            }
        }
        for (n, waiver) in self.waivers.iter().enumerate() {
            for (field, value) in
                [("database", &waiver.database), ("owner", &waiver.owner), ("reason", &waiver.reason)]
            {
                if value.trim().is_empty() {
                    return Err(bad(
                        format!("waivers[{n}].{field}"),
                        "it is empty: somebody must answer for it",
                    ));
                }
            }
        }
        Ok(self)
    }

    /// What counts for this database.
    pub fn policy(&self, database: &Database) -> Policy {
        self.by(&database.name, &database.tags)
    }

    /// The same for a database of which only the name is left.
    pub fn policy_of_name(&self, name: &str) -> Policy {
        self.by(name, &BTreeMap::new())
    }

    fn by(&self, name: &str, tags: &BTreeMap<String, String>) -> Policy {
        let found = self.policies.iter().find(|policy| policy.matches.fits(name, tags));
        found.map_or_else(Policy::default, |matched| matched.require.clone())
    }

    /// The waiver that counts now.
    pub fn waiver(&self, kind: Kind, database: &str, rule: Rule, now: Timestamp) -> Option<&Waiver> {
        self.waivers
            .iter()
            .find(|w| w.kind == kind && w.database == database && w.rule == rule && w.counts(now))
    }
}

impl Match {
    fn fits(&self, name: &str, tags: &BTreeMap<String, String>) -> bool {
        let by_name = self.name.as_deref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == wanted,
        });
        by_name && self.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
    }
}

impl Waiver {
    /// To the end of its last day. A day that no clock reaches has no end.
    fn counts(&self, now: Timestamp) -> bool {
        let end = self.until.to_zoned(TimeZone::UTC).map(|day| day.timestamp().as_millisecond());
        match end {
            Ok(begins) => u64::try_from(begins).is_ok_and(|ms| now < Timestamp(ms).plus(Span::hours(24))),
            Err(_) => true,
        }
    }
}

/// A struct can be read from a list too, by position: nobody means that.
fn only_objects(body: &[u8]) -> Result<(), BadPolicies> {
    let whole: Value = serde_json::from_slice(body).map_err(|error| bad("the record", error.to_string()))?;
    let object = |place: String, value: &Value| match value {
        Value::Object(_) => Ok(()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(bad(place, "it must be an object"))
        }
    };
    let list = |key: &str| whole[key].as_array().map_or(&[][..], Vec::as_slice);
    object("the record".to_owned(), &whole)?;
    for (n, policy) in list("policies").iter().enumerate() {
        object(format!("policies[{n}]"), policy)?;
        object(format!("policies[{n}].match"), &policy["match"])?;
        object(format!("policies[{n}].require"), &policy["require"])?;
    }
    for (n, waiver) in list("waivers").iter().enumerate() {
        object(format!("waivers[{n}]"), waiver)?;
    }
    Ok(())
}

fn day<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Date, D::Error> {
    let text = String::deserialize(reader)?;
    let no_day = |_| serde::de::Error::custom(format!("{text:?} is not a day: it must be yyyy-mm-dd"));
    text.parse().map_err(no_day)
}

fn bad(place: impl Into<String>, why: impl Into<String>) -> BadPolicies {
    BadPolicies { place: place.into(), why: why.into() }
}

fn at_most(place: &str, len: usize, max: usize) -> Result<(), BadPolicies> {
    if len > max { Err(bad(place, format!("{len} are too many: at most {max}"))) } else { Ok(()) }
}
