//! What is remembered of a database: its events, its findings, and what people have yet to be told.

use model::database::DatabaseKey;
use model::severity::Severity;
use model::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::drill::Report;
use crate::facts::Family;
use crate::folding::{Heard, Telling, fold};
use crate::rules::{Finding, Judged, Rule};
use crate::story::Part;
use crate::validation::Validated;

/// One stored item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub key: DatabaseKey,
    /// 0 before it is first written.
    pub version: u64,
    /// Known once it was looked at.
    #[serde(default)]
    pub family: Option<Family>,
    #[serde(default)]
    pub heard: Vec<Heard>,
    #[serde(default)]
    pub findings: Vec<Held>,
    #[serde(default)]
    pub looked: Option<Looked>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_drill: Option<Report>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_validation: Option<Validated>,
    /// In their order; taken out when they were told.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// The number of the last notice.
    #[serde(default)]
    pub last_notice: u64,
    /// Of the record `/tidegate/databases` alone, which has a watch of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}

/// What is remembered of the record of databases.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The last that was valid.
    pub valid: Option<String>,
    /// The version that people were told counts for nothing.
    pub told: Option<i64>,
}

/// A finding that people know of, or are about to be told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub finding: Finding,
    pub since: Timestamp,
}

/// How the database stood when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    pub at: Timestamp,
    pub newest_snapshot: Option<Timestamp>,
    pub restorable: Option<Timestamp>,
    /// Rules that are broken and waived, with whom to ask.
    pub waived: Vec<(Rule, String)>,
}

/// Something to tell people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub n: u64,
    pub news: News,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    Alert { alert: Alert, telling: Telling },
    Appeared { finding: Finding },
    Gone { finding: Finding, lasted: Span, why: Gone },
    Drilled { report: Report },
    Validated { report: Validated },
}

/// Why a finding is no longer there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gone {
    Mended,
    Waived { owner: String, until: String, reason: String },
    DatabaseGone,
}

impl Watch {
    pub fn new(key: DatabaseKey) -> Self {
        Self {
            key,
            version: 0,
            family: None,
            heard: Vec::new(),
            findings: Vec::new(),
            looked: None,
            last_drill: None,
            last_validation: None,
            notices: Vec::new(),
            last_notice: 0,
            record: None,
        }
    }

    /// Whether nothing would be lost without it.
    pub fn is_idle(&self) -> bool {
        self.findings.is_empty() && self.notices.is_empty() && self.looked.is_none() && self.record.is_none()
    }

    pub fn hear(&mut self, alert: &Alert, now: Timestamp) -> Option<Telling> {
        let telling = fold(&mut self.heard, alert, now)?;
        self.note(News::Alert { alert: alert.clone(), telling: telling.clone() });
        Some(telling)
    }

    /// Takes over how it stands now, with a notice for every finding that came or went (I10).
    pub fn look(&mut self, judged: &Judged, now: Timestamp) {
        let found = |rule: Rule| judged.findings.iter().find(|finding| finding.rule == rule);
        let before = std::mem::take(&mut self.findings);
        for Held { finding, since } in before.iter().filter(|held| found(held.finding.rule).is_none()) {
            if !judged.is_whole {
                self.findings.push(Held { finding: finding.clone(), since: *since });
                continue;
            }
            let waiver = judged.waived.iter().find(|(rule, _)| *rule == finding.rule);
            let why = waiver.map_or(Gone::Mended, |(_, waiver)| Gone::Waived {
                owner: waiver.owner.clone(),
                until: waiver.until.to_string(),
                reason: waiver.reason.clone(),
            });
            self.note(News::Gone { finding: finding.clone(), lasted: now.since(*since), why });
        }
        for finding in &judged.findings {
            let since = before.iter().find(|held| held.finding.rule == finding.rule).map(|held| held.since);
            if since.is_none() {
                self.note(News::Appeared { finding: finding.clone() });
            }
            // Its words tell ages, so they are taken over each time.
            self.findings.push(Held { finding: finding.clone(), since: since.unwrap_or(now) });
        }
        if judged.is_whole {
            self.family = Some(judged.family);
        }
        self.looked = Some(Looked {
            at: now,
            newest_snapshot: judged.newest_snapshot,
            restorable: judged.restorable,
            waived: judged.waived.iter().map(|(rule, waiver)| (*rule, waiver.owner.clone())).collect(),
        });
    }

    /// The record was read and is valid, or there is none: what is wrong with it from now on is told again.
    pub fn read(&mut self, body: Option<String>) {
        self.record = body.map(|body| Record { valid: Some(body), told: None });
    }

    /// A version of the record counts for nothing: told once, however often it is read.
    pub fn could_not_read(&mut self, version: i64, why: &str, now: Timestamp) {
        let record = self.record.get_or_insert_default();
        if record.told == Some(version) {
            return;
        }
        record.told = Some(version);
        let meanwhile =
            if record.valid.is_some() { "the last that was valid counts" } else { "the defaults count" };
        let alert = Alert {
            id: format!("version {version}"),
            at: now,
            about: "/tidegate/databases".to_owned(),
            severity: Severity::Warning,
            part: Part::Alone,
            means: format!("The record counts for nothing: {why}. Until it is mended, {meanwhile}."),
            act: "Mend the record; no drill can be ordered until then.".to_owned(),
            said: None,
        };
        self.note(News::Alert { alert, telling: Telling::Happened });
    }

    /// A drill of it is over: told once, however often it is said.
    pub fn drilled(&mut self, report: &Report) {
        if self.last_drill.as_ref().is_some_and(|last| last.id == report.id) {
            return;
        }
        self.last_drill = Some(report.clone());
        self.note(News::Drilled { report: report.clone() });
    }

    /// A validation of one of its backups is over: told once, however often it is said.
    pub fn validated(&mut self, report: &Validated) {
        if self.last_validation.as_ref().is_some_and(|last| last.id == report.id) {
            return;
        }
        self.last_validation = Some(report.clone());
        self.note(News::Validated { report: report.clone() });
    }

    /// The database is not there any more, and none of its snapshots either.
    pub fn vanish(&mut self, now: Timestamp) {
        for Held { finding, since } in std::mem::take(&mut self.findings) {
            self.note(News::Gone { lasted: now.since(since), finding, why: Gone::DatabaseGone });
        }
        self.looked = None;
    }

    /// Takes out what was told.
    pub fn told(&mut self, numbers: &[u64]) {
        self.notices.retain(|notice| !numbers.contains(&notice.n));
    }

    fn note(&mut self, news: News) {
        self.last_notice += 1;
        self.notices.push(Notice { n: self.last_notice, news });
    }
}
