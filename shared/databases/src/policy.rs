//! What the platform asks of databases, and who took which exception upon themselves: the record `/tidegate/databases`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::pattern::names;
use model::text::excerpt;
use model::time::{Span, Timestamp};
use model::who::Who;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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
    /// Where restore drills happen; without it there are none.
    pub drills: Option<Isolation>,
    /// Who may order what. Without it, whoever may invoke `backups` may, which is IAM's to say.
    pub may: Option<May>,
}

/// Whom the directory of people knows by their AWS identity, and who proves it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct May {
    /// `user:…` and `group:…`: who may have a database drilled; nobody where it is empty.
    #[schemars(with = "Vec<String>", length(max = 100))]
    pub drill: Vec<Who>,
}

/// Where copies are restored to, and the most that they may cost.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Isolation {
    /// A DB subnet group from which nothing else is reached.
    #[schemars(length(min = 1))]
    pub subnet_group: String,
    /// `sg-…`: lets in whoever checks copies, and nobody else.
    #[schemars(length(min = 1))]
    pub security_group: String,
    /// Copies at once.
    #[serde(default = "at_once")]
    #[schemars(range(min = 1, max = 20))]
    pub at_once: u32,
    /// After so long a copy is deleted, whatever became of it.
    #[serde(default = "hours")]
    #[schemars(range(min = 1, max = 48))]
    pub hours: u32,
    /// Databases with more storage are not restored.
    #[serde(default = "storage_gib", rename = "storageGiB")]
    #[schemars(range(min = 1, max = 65_536))]
    pub storage_gib: u32,
}

fn at_once() -> u32 {
    2
}

fn hours() -> u32 {
    8
}

fn storage_gib() -> u32 {
    1000
}

/// How a database is drilled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DrillPolicy {
    /// Days from one drill to the next; without it only people begin one.
    #[schemars(range(min = 1, max = 366))]
    pub every_days: Option<u32>,
    /// Class of the copy, such as `db.t3.medium`; a small one for the engine where none is named.
    #[schemars(regex(pattern = r"^db\.[a-z0-9-]+\.[a-z0-9]+$"))]
    pub class: Option<String>,
    /// What looks into the copy; without one, that it opens is all that is proven.
    pub check: Option<Check>,
    /// The copy's option group; the original's, or the default one, where none is named.
    #[schemars(length(min = 1))]
    pub option_group: Option<String>,
}

/// The team's own check of a copy: the name of a CodeBuild project, or a Lambda function. Either is called
/// `tidegate-drill-check-…`: the role in `template.yaml` runs nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "it must be the name of a CodeBuild project, or {\"function\": …}"
)]
pub enum Check {
    Project(#[schemars(regex(pattern = r"^tidegate-drill-check-[A-Za-z0-9_-]+$"))] String),
    /// A function whose asynchronous invocations all end as events of the account's default bus.
    Function {
        #[schemars(regex(pattern = r"^tidegate-drill-check-[A-Za-z0-9_-]+$"))]
        function: String,
    },
}

impl Check {
    pub fn name(&self) -> &str {
        match self {
            Self::Project(name) | Self::Function { function: name } => name,
        }
    }
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
    pub drill: Option<DrillPolicy>,
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
            drill: None,
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
const NAMED_MAX: usize = 100;
/// Source: RDS API, ModifyDBInstance, BackupRetentionPeriod.
const RETENTION_DAYS_MAX: u32 = 35;
/// A week: longer than any database that is watched may go without.
const RESTORABLE_MINUTES_MAX: u32 = 7 * 24 * 60;
const SNAPSHOT_HOURS_MAX: u32 = RETENTION_DAYS_MAX * 24;
const DRILLS_AT_ONCE_MAX: u32 = 20;
pub(crate) const DRILL_HOURS_MAX: u32 = 48;
/// Source: RDS user guide, "Amazon RDS DB instance storage".
const DRILL_STORAGE_GIB_MAX: u32 = 65_536;
const DRILL_DAYS_MAX: u32 = 366;
/// The role in `template.yaml` starts no build of another name.
const CHECK_PREFIX: &str = "tidegate-drill-check-";

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
        at_most("may.drill", self.may.as_ref().map_or(0, |may| may.drill.len()), NAMED_MAX)?;
        for (n, Matched { require, .. }) in self.policies.iter().enumerate() {
            let limits = [
                ("retentionDays", require.retention_days, RETENTION_DAYS_MAX),
                ("restorableMinutes", require.restorable_minutes, RESTORABLE_MINUTES_MAX),
                ("snapshotHours", require.snapshot_hours, SNAPSHOT_HOURS_MAX),
            ];
            for (field, value, max) in limits {
                between_one_and(format!("policies[{n}].require.{field}"), value, max)?;
            }
        }
        for (n, Matched { require, .. }) in self.policies.iter().enumerate() {
            if let Some(drill) = &require.drill {
                let place = format!("policies[{n}].require.drill");
                drill.checked(&place)?;
                if drill.every_days.is_some() && self.drills.is_none() {
                    return Err(bad(
                        place,
                        "the record has no `drills`, which says where copies are restored to",
                    ));
                }
            }
        }
        if let Some(drills) = &self.drills {
            drills.checked()?;
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
        self.policy_of(&database.name, &database.tags)
    }

    /// The same by name and tags; a database of which only the name is left has none.
    pub fn policy_of(&self, name: &str, tags: &BTreeMap<String, String>) -> Policy {
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

impl Isolation {
    fn checked(&self) -> Result<(), BadPolicies> {
        for (field, value, max) in [
            ("atOnce", self.at_once, DRILLS_AT_ONCE_MAX),
            ("hours", self.hours, DRILL_HOURS_MAX),
            ("storageGiB", self.storage_gib, DRILL_STORAGE_GIB_MAX),
        ] {
            between_one_and(format!("drills.{field}"), value, max)?;
        }
        for (field, value) in [("subnetGroup", &self.subnet_group), ("securityGroup", &self.security_group)] {
            if value.trim().is_empty() {
                return Err(bad(format!("drills.{field}"), "it is empty: a copy must be kept apart"));
            }
        }
        Ok(())
    }
}

impl DrillPolicy {
    fn checked(&self, place: &str) -> Result<(), BadPolicies> {
        if let Some(days) = self.every_days {
            between_one_and(format!("{place}.everyDays"), days, DRILL_DAYS_MAX)?;
        }
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if let Some(check) = self.check.as_ref().map(Check::name)
            && !check.strip_prefix(CHECK_PREFIX).is_some_and(|rest| !rest.is_empty() && plain(rest))
        {
            let why = format!(
                "{check:?} is no name of a check: it must be {CHECK_PREFIX} and letters, digits, hyphens and underscores"
            );
            return Err(bad(format!("{place}.check"), why));
        }
        if let Some(class) = &self.class
            && !class.strip_prefix("db.").is_some_and(|rest| {
                rest.split('.').filter(|part| !part.is_empty() && plain(part)).count() == 2
            })
        {
            let why = format!("{class:?} is no class: it must be such as db.t3.medium");
            return Err(bad(format!("{place}.class"), why));
        }
        Ok(())
    }
}

impl Match {
    fn fits(&self, name: &str, tags: &BTreeMap<String, String>) -> bool {
        let by_name = self.name.as_deref().is_none_or(|wanted| names(wanted, name));
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
    let given = |place: String, value: &Value| if value.is_null() { Ok(()) } else { object(place, value) };
    let list = |key: &str| whole[key].as_array().map_or(&[][..], Vec::as_slice);
    object("the record".to_owned(), &whole)?;
    for (n, policy) in list("policies").iter().enumerate() {
        object(format!("policies[{n}]"), policy)?;
        object(format!("policies[{n}].match"), &policy["match"])?;
        object(format!("policies[{n}].require"), &policy["require"])?;
        given(format!("policies[{n}].require.drill"), &policy["require"]["drill"])?;
    }
    given("drills".to_owned(), &whole["drills"])?;
    given("may".to_owned(), &whole["may"])?;
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

/// Keys and values of the record stand in both: what cannot be seen is not shown as it is.
fn bad(place: impl Into<String>, why: impl Into<String>) -> BadPolicies {
    const CHARS_MAX: usize = 1000;
    let shown = |text: String| excerpt(&text, CHARS_MAX);
    BadPolicies { place: shown(place.into()), why: shown(why.into()) }
}

fn between_one_and(place: String, value: u32, max: u32) -> Result<(), BadPolicies> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    Err(bad(place, format!("{value} is not allowed: it must be 1 to {max}")))
}

fn at_most(place: &str, len: usize, max: usize) -> Result<(), BadPolicies> {
    if len > max { Err(bad(place, format!("{len} are too many: at most {max}"))) } else { Ok(()) }
}
