//! A manual approval that CodePipeline waits for: what was asked, who answered, and how it ended. Shares nothing with
//! tracks but the rules of who may approve.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::approval::{Answer, Bar, Directory, Ground, Involved, Nudged, Quorum, Voice, Vote};
use crate::ids::{Fingerprint, PipelineRequestId};
use crate::place::Place;
use crate::time::{Span, Timestamp};
use crate::who::Who;

/// Source: CodePipeline API, ApprovalResult.
pub const SUMMARY_CHARS_MAX: usize = 512;
/// How long CodePipeline waits where the action says nothing else. Source: CodePipeline user guide, "Quotas in AWS
/// CodePipeline".
const WAITS: Span = Span::hours(7 * 24);

/// Where a pipeline waits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gate {
    pub pipeline: String,
    pub stage: String,
    pub action: String,
}

impl Gate {
    /// What one request for approval is known by. The token itself is stored nowhere: whoever looks at the pipeline finds
    /// it there for as long as it is good for something.
    pub fn fingerprint(&self, token: &str) -> Fingerprint {
        // No name has a line break. Source: CodePipeline API, PutApprovalResult.
        let text = format!("{}\n{}\n{}\n{token}", self.pipeline, self.stage, self.action);
        Fingerprint::of(&Sha256::digest(text).into())
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.pipeline, self.stage, self.action)
    }
}

/// One approval that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub id: PipelineRequestId,
    pub version: u64,
    pub gate: Gate,
    pub fingerprint: Fingerprint,
    /// CodePipeline's ids of the execution, and of the action within it.
    pub execution: String,
    pub action_execution: String,
    /// Who started the execution, as CodePipeline names them; an event starts most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// What the pipeline's author wrote for whoever approves; may be empty.
    pub words: Vec<String>,
    pub asked_at: Timestamp,
    /// When CodePipeline gives up waiting; unknown of a request that was asked for without its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Voices needed, as last counted.
    pub required: u32,
    /// Of whom, as last read: every list must name the person. No list: everybody in the directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<BTreeSet<Who>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    #[serde(default, skip_serializing_if = "Nudged::is_not_yet")]
    pub nudged: Nudged,
    pub phase: Phase,
    pub told: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
    /// Posts that Slack did not answer: each of them may be there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unanswered: u32,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Phase {
    Open,
    /// It is decided; CodePipeline is told, and told again until it says what became of it.
    Answering {
        answer: Answer,
        by: Voice,
        reason: String,
    },
    Over {
        ending: Ending,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Ending {
    Approved,
    Rejected {
        by: Voice,
        reason: String,
    },
    /// In CodePipeline itself.
    AnsweredThere {
        answer: Answer,
        by: Option<String>,
    },
    Expired,
    /// CodePipeline names nobody who refused it, and it is not known until when it would have waited.
    RefusedOrExpired,
    /// The execution went no further: superseded, or stopped.
    Abandoned {
        why: String,
    },
    /// CodePipeline no longer knows of it.
    Gone,
}

/// What people heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub asked: bool,
    #[serde(default, skip_serializing_if = "Nudged::is_not_yet")]
    pub nudged: Nudged,
    pub ended: bool,
}

/// Where it is shown in Slack, and what stood there last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub place: Place,
    /// Of the message.
    pub sha256: String,
}

/// What CodePipeline says of the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Waits,
    Ended(End),
    Gone,
}

/// How it ended, as CodePipeline tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub how: How,
    /// What whoever answered wrote.
    pub summary: Option<String>,
    pub by: Option<String>,
    pub at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    Succeeded,
    Failed,
    Abandoned { why: String },
}

/// Why an answer changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error("{0}")]
    Over(String),
    #[error("it is being answered already")]
    BeingAnswered,
    #[error("you answered it before")]
    AlreadyDone,
    #[error("{0}")]
    Bar(Bar),
}

impl Request {
    /// What a look makes of it. An ending stays what it is.
    #[must_use]
    pub fn after(&self, seen: &Seen, now: Timestamp) -> Self {
        let ending = match (&self.phase, seen) {
            (Phase::Over { .. }, _) | (Phase::Answering { .. }, Seen::Waits) => return self.clone(),
            (Phase::Open, Seen::Waits) => return self.waiting(now),
            (Phase::Open | Phase::Answering { .. }, Seen::Gone) => Ending::Gone,
            (Phase::Answering { answer, .. }, Seen::Ended(end)) if self.is_ours(*answer, end) => {
                return self.taken(now);
            }
            (Phase::Open | Phase::Answering { .. }, Seen::Ended(end)) => self.ended_there(end),
        };
        self.over(ending, now)
    }

    /// Nobody answered yet: those who are asked are told again, and then others.
    fn waiting(&self, now: Timestamp) -> Self {
        let until = self.expires.unwrap_or(self.asked_at.plus(WAITS));
        if now >= until {
            return self.clone();
        }
        let nudged = self.nudged.after(until.since(self.asked_at), now.since(self.asked_at));
        Self { nudged, ..self.clone() }
    }

    /// CodePipeline took the answer.
    #[must_use]
    pub fn taken(&self, now: Timestamp) -> Self {
        match &self.phase {
            Phase::Answering { answer: Answer::Approve, .. } => self.over(Ending::Approved, now),
            Phase::Answering { answer: Answer::Reject, by, reason } => {
                self.over(Ending::Rejected { by: by.clone(), reason: reason.clone() }, now)
            }
            Phase::Open | Phase::Over { .. } => self.clone(),
        }
    }

    /// Counts a voice; what is decided by it is promised, and done after it is stored.
    ///
    /// # Errors
    /// Why it changes nothing.
    pub fn answered(
        &self,
        answer: Answer,
        voice: &Voice,
        reason: &str,
        ground: &Ground,
        now: Timestamp,
    ) -> Result<Self, Unanswered> {
        match &self.phase {
            Phase::Over { .. } => return Err(Unanswered::Over(self.headline())),
            Phase::Answering { .. } => return Err(Unanswered::BeingAnswered),
            Phase::Open => {}
        }
        let mut next = self.clone();
        let spoke_before = self.votes.iter().any(|vote| vote.voice.is_same(voice));
        // A token is good for one reply.
        if spoke_before && (*voice == Voice::Reply || answer == Answer::Approve) {
            return Err(Unanswered::AlreadyDone);
        }
        let answering = || Phase::Answering { answer, by: voice.clone(), reason: reason.to_owned() };
        if answer == Answer::Reject {
            next.phase = answering();
            return Ok(next);
        }
        let involved = self.involved(&ground.directory);
        let quorum = Quorum { policy: &ground.record, directory: &ground.directory, involved: &involved };
        quorum.may_approve(voice).map_err(Unanswered::Bar)?;
        let reason_given = reason.to_owned();
        let fingerprint = self.fingerprint.clone();
        next.votes.push(Vote { voice: voice.clone(), fingerprint, at: now, reason: reason_given });
        next.required = quorum.required();
        next.approvers.clone_from(&ground.record.approvers);
        if quorum.missing(&next.votes, &self.fingerprint) == 0 {
            next.phase = answering();
        }
        Ok(next)
    }

    /// Voices that are needed now.
    pub fn required(&self, ground: &Ground) -> u32 {
        let involved = self.involved(&ground.directory);
        let quorum = Quorum { policy: &ground.record, directory: &ground.directory, involved: &involved };
        // CodePipeline waits for somebody, whatever the record asks for.
        quorum.required().max(1)
    }

    /// Of those who stand too close to it only who started it is known.
    fn involved(&self, directory: &Directory) -> Involved {
        let starter = self.started_by.as_ref().and_then(|said| directory.person_of_git(said)).cloned();
        Involved { by_a_stranger: starter.is_none(), pusher: starter, ..Involved::default() }
    }

    fn over(&self, ending: Ending, at: Timestamp) -> Self {
        Self { phase: Phase::Over { ending, at }, ..self.clone() }
    }

    /// Whether it is our own answer that was taken.
    fn is_ours(&self, answer: Answer, end: &End) -> bool {
        let same =
            matches!((answer, &end.how), (Answer::Approve, How::Succeeded) | (Answer::Reject, How::Failed));
        // Somebody may have said the same in CodePipeline's console.
        same && end.summary.as_ref().is_some_and(|summary| summary.ends_with(&self.signature()))
    }

    fn ended_there(&self, end: &End) -> Ending {
        let by = end.by.clone();
        match &end.how {
            How::Succeeded => Ending::AnsweredThere { answer: Answer::Approve, by },
            How::Failed if self.expires.is_some_and(|until| end.at.is_some_and(|at| at >= until)) => {
                Ending::Expired
            }
            How::Failed if self.expires.is_none() && by.is_none() => Ending::RefusedOrExpired,
            How::Failed => Ending::AnsweredThere { answer: Answer::Reject, by },
            How::Abandoned { why } => Ending::Abandoned { why: why.clone() },
        }
    }

    fn signature(&self) -> String {
        format!("(Tidegate {})", self.id)
    }

    /// What CodePipeline is told beside the answer; empty unless it is being answered. It knows the function's role alone,
    /// so the people stand here.
    pub fn summary(&self) -> String {
        let Phase::Answering { answer, by, reason } = &self.phase else { return String::new() };
        let who = match answer {
            Answer::Approve => format!("Approved by {}", self.voices()),
            Answer::Reject => format!("Rejected by {by}"),
        };
        let said = if reason.is_empty() { who } else { format!("{who}: {reason}") };
        let signature = self.signature();
        let room = SUMMARY_CHARS_MAX - signature.chars().count() - 1;
        format!("{} {signature}", said.chars().take(room).collect::<String>())
    }

    pub fn voices(&self) -> String {
        self.votes.iter().map(|vote| vote.voice.to_string()).collect::<Vec<_>>().join(", ")
    }

    pub fn still_needed(&self) -> u32 {
        self.required.saturating_sub(u32::try_from(self.votes.len()).unwrap_or(u32::MAX))
    }

    /// What it still waits for, in words.
    pub fn needs(&self) -> String {
        let of = |list: &BTreeSet<Who>| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let of: Vec<String> = self.approvers.iter().map(of).collect();
        let of =
            if of.is_empty() { "anybody in the record of people".to_owned() } else { of.join("; also of ") };
        format!("{} of {} approval(s) still needed, of {of}", self.still_needed(), self.required)
    }

    /// How it stands, in one sentence.
    pub fn headline(&self) -> String {
        let Self { id, gate, .. } = self;
        match &self.phase {
            Phase::Open => format!("{id}: {gate} asks for approval"),
            Phase::Answering { .. } => format!("{id}: {gate} is being answered"),
            Phase::Over { ending, .. } => match ending {
                Ending::Approved => format!("{id}: {gate} was approved by {}", self.voices()),
                Ending::Rejected { by, reason } if reason.is_empty() => {
                    format!("{id}: {gate} was rejected by {by}")
                }
                Ending::Rejected { by, reason } => format!("{id}: {gate} was rejected by {by}: {reason}"),
                Ending::AnsweredThere { answer, by } => {
                    let done = match answer {
                        Answer::Approve => "approved",
                        Answer::Reject => "rejected",
                    };
                    let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                    format!("{id}: {gate} was {done} in CodePipeline{by}")
                }
                Ending::Expired => format!("{id}: {gate} expired: nobody answered in time"),
                Ending::RefusedOrExpired => {
                    format!(
                        "{id}: {gate} expired, or was rejected in CodePipeline by somebody whom it does not name"
                    )
                }
                Ending::Abandoned { why } => format!("{id}: {gate} waits no longer: {why}"),
                Ending::Gone => {
                    format!("{id}: {gate} waits no longer: CodePipeline does not know it any more")
                }
            },
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over { .. })
    }

    /// Whether there is something that people were not told.
    pub fn is_untold(&self) -> bool {
        match self.phase {
            Phase::Open => !self.told.asked || self.told.nudged < self.nudged,
            Phase::Answering { .. } => !self.told.asked,
            Phase::Over { .. } => !self.told.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::{Identities, Policy};

    const NOW: Timestamp = Timestamp(1_000);

    fn open() -> Request {
        let gate = Gate { pipeline: "payments".into(), stage: "Approve".into(), action: "Release".into() };
        let fingerprint = gate.fingerprint("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d");
        Request {
            id: PipelineRequestId::of(&fingerprint),
            version: 1,
            gate,
            fingerprint,
            execution: "e1".into(),
            action_execution: "a1".into(),
            started_by: Some("arn:aws:iam::123456789012:user/cleo".into()),
            words: Vec::new(),
            asked_at: Timestamp(0),
            expires: Some(Timestamp(10_000)),
            required: 1,
            approvers: Vec::new(),
            votes: Vec::new(),
            nudged: Nudged::NotYet,
            phase: Phase::Open,
            told: Told::default(),
            shown: None,
            unanswered: 0,
        }
    }

    fn ground(required: u32, replies: bool) -> Ground {
        let person = |git: &[&str]| Identities {
            git: git.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<_>>(),
            ..Identities::default()
        };
        let people = [
            ("ana", person(&[])),
            ("ben", person(&[])),
            ("cleo", person(&["arn:aws:iam::123456789012:user/cleo"])),
        ];
        Ground {
            record: Policy {
                required,
                replies,
                expires_hours: 24,
                approvers: Vec::new(),
                self_approval: false,
            },
            directory: Directory {
                people: people.map(|(name, known)| (name.parse().unwrap(), known)).into(),
                ..Directory::default()
            },
        }
    }

    fn voice(name: &str) -> Voice {
        Voice::Verified { person: name.parse().unwrap(), identity: None }
    }

    fn approve(request: &Request, by: &Voice, ground: &Ground) -> Result<Request, Unanswered> {
        request.answered(Answer::Approve, by, "", ground, NOW)
    }

    fn ended(how: How, summary: Option<&str>, at: u64) -> Seen {
        Seen::Ended(End { how, summary: summary.map(str::to_owned), by: None, at: Some(Timestamp(at)) })
    }

    #[test]
    fn it_is_answered_once_enough_people_who_may_have_said_yes() {
        let two = ground(2, false);
        let one = approve(&open(), &voice("ana"), &two).unwrap();
        assert_eq!((&one.phase, one.still_needed()), (&Phase::Open, 1));
        assert_eq!(approve(&one, &voice("ana"), &two), Err(Unanswered::AlreadyDone));
        assert_eq!(approve(&one, &voice("cleo"), &two), Err(Unanswered::Bar(Bar::Pusher)));
        assert_eq!(approve(&one, &voice("eve"), &two), Err(Unanswered::Bar(Bar::Unknown)));
        assert_eq!(approve(&one, &Voice::Reply, &two), Err(Unanswered::Bar(Bar::Reply)));
        let both = approve(&one, &voice("ben"), &two).unwrap();
        assert_eq!(both.summary(), format!("Approved by ana, ben (Tidegate {})", both.id));
        assert_eq!(approve(&both, &Voice::Reply, &two), Err(Unanswered::BeingAnswered));
    }

    #[test]
    fn who_is_asked_is_told_again_halfway_and_near_the_end_once_each_and_never_after() {
        let at = |request: &Request, now| request.after(&Seen::Waits, Timestamp(now));
        assert_eq!(at(&open(), 4_999), open());
        let told = Told { asked: true, ..Told::default() };
        let asked = Request { told, ..open() };
        let reminded = at(&asked, 5_000);
        assert_eq!(
            (reminded.nudged, asked.is_untold(), reminded.is_untold()),
            (Nudged::Reminded, false, true)
        );
        assert_eq!(at(&reminded, 7_499), reminded);
        let heard = Request { told: Told { nudged: Nudged::Reminded, ..told }, ..reminded.clone() };
        assert!(!heard.is_untold());
        assert_eq!(at(&heard, 7_500).nudged, Nudged::Escalated);
        assert_eq!(at(&asked, 9_999).nudged, Nudged::Escalated, "what was missed is not made up for");
        assert_eq!(at(&asked, 10_000), asked, "CodePipeline ends it now");
        let timeless = Request { expires: None, ..open() };
        let day = 24 * 3_600_000;
        assert_eq!(at(&timeless, 3 * day).nudged, Nudged::NotYet);
        assert_eq!(at(&timeless, 4 * day).nudged, Nudged::Reminded);
        let decided = approve(&reminded, &voice("ana"), &ground(1, false)).unwrap();
        assert!(!decided.is_untold(), "nobody is asked for what is decided");
        assert_eq!(at(&decided, 9_000), decided);
    }

    #[test]
    fn what_is_needed_names_whose_voices() {
        let mut two = ground(2, false);
        let list = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<Who>>();
        two.record.approvers = vec![list(&["user:ana", "group:on-call"]), list(&["user:ana"])];
        assert_eq!(open().needs(), "1 of 1 approval(s) still needed, of anybody in the record of people");
        let one = approve(&open(), &voice("ana"), &two).unwrap();
        assert_eq!(
            one.needs(),
            "1 of 2 approval(s) still needed, of user:ana, group:on-call; also of user:ana"
        );
    }

    #[test]
    fn who_started_it_is_unknown_and_costs_one_voice_more() {
        let request = Request { started_by: None, ..open() };
        let one = ground(1, true);
        assert_eq!(request.required(&one), 2);
        let first = approve(&request, &voice("ana"), &one).unwrap();
        assert_eq!(first.phase, Phase::Open);
        let second = approve(&first, &Voice::Reply, &one).unwrap();
        assert!(matches!(second.phase, Phase::Answering { .. }));
        assert_eq!(open().required(&ground(0, false)), 1, "CodePipeline waits for somebody");
    }

    #[test]
    fn an_end_is_ours_only_where_it_is_signed() {
        let answering = approve(&open(), &voice("ana"), &ground(1, false)).unwrap();
        let ending = |seen: Seen| match answering.after(&seen, NOW).phase {
            Phase::Over { ending, .. } => ending,
            other @ (Phase::Open | Phase::Answering { .. }) => panic!("{other:?}"),
        };
        let there = |answer| Ending::AnsweredThere { answer, by: None };
        assert_eq!(ending(ended(How::Succeeded, Some(&answering.summary()), 1)), Ending::Approved);
        assert_eq!(ending(ended(How::Succeeded, None, 1)), there(Answer::Approve));
        assert_eq!(ending(ended(How::Succeeded, Some("looks good"), 1)), there(Answer::Approve));
        assert_eq!(ending(ended(How::Failed, None, 1)), there(Answer::Reject));
        assert_eq!(ending(ended(How::Failed, None, 10_000)), Ending::Expired);
        let timeless = Request { expires: None, ..answering.clone() };
        let Phase::Over { ending: Ending::RefusedOrExpired, .. } =
            timeless.after(&ended(How::Failed, None, 1), NOW).phase
        else {
            panic!("nothing tells which of both it is")
        };
        assert_eq!(ending(Seen::Gone), Ending::Gone);
        assert_eq!(answering.after(&Seen::Waits, NOW), answering);
        let over = answering.taken(NOW);
        assert_eq!(over.after(&Seen::Gone, Timestamp(9)), over, "an ending stays what it is");
        assert!(approve(&over, &voice("ben"), &ground(1, false)).is_err());
    }

    #[test]
    fn a_summary_fits_and_keeps_its_signature() {
        let long = "é".repeat(2_000);
        let rejected = open().answered(Answer::Reject, &voice("ana"), &long, &ground(1, false), NOW).unwrap();
        let summary = rejected.summary();
        assert_eq!(summary.chars().count(), SUMMARY_CHARS_MAX);
        assert!(summary.starts_with("Rejected by ana: é") && summary.ends_with(&rejected.signature()));
    }

    #[test]
    fn another_token_is_another_request() {
        let gate = open().gate;
        assert_ne!(gate.fingerprint("a"), gate.fingerprint("b"));
        let id = PipelineRequestId::of(&gate.fingerprint("a"));
        assert_eq!(id.to_string().parse::<PipelineRequestId>().unwrap(), id);
        assert!(id.to_string().parse::<crate::ids::ReleaseId>().is_err());
    }
}
