//! What a person said in Slack, once the request is known to be Slack's.
//!
//! Source: docs.slack.dev, "Handling user interaction", "block_actions payload", "Implementing slash commands".

use std::collections::BTreeMap;

use model::approval::Answer;
use model::ids::{PipelineRequestId, ReleaseId, SlackUser, TrackKey};
use serde::Deserialize;

use crate::plain::plain;
use crate::refusal::Refusal;

/// Reasons are cut at this length; CodePipeline takes 512 characters in its summary.
const REASON_CHARS_MAX: usize = 500;
/// A form of Slack's has about fifteen fields.
const FIELDS_MAX: usize = 64;
const COMMAND: &str = "/tidegate";
const VERBS: &str = "status, approve, reject, rollback, hold, lift, help";

/// Who said what. Names and e-mail addresses in the request are not read: only ids are anybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    pub by: SlackUser,
    pub said: Said,
    /// Where an answer to this one person goes; whoever has it may answer, so it is not shown.
    pub answer_to: Option<AnswerTo>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct AnswerTo(String);

impl AnswerTo {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for AnswerTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An answer to a request for approval.
    Answered {
        answer: Answer,
        release: ReleaseId,
        /// The plan that they saw: the whole fingerprint, or the part of it that is shown to people.
        plan: String,
        reason: String,
    },
    /// An answer to a request of CodePipeline for approval.
    PipelineAnswered {
        answer: Answer,
        request: PipelineRequestId,
        reason: String,
    },
    /// A button that only asks to be told more.
    Details {
        release: ReleaseId,
    },
    Command(Command),
    /// A rejection without a reason; it is none yet.
    Unreasoned,
    /// A typed command that is none, with what is wrong.
    Unclear(String),
}

impl Said {
    /// Whoever says it, nothing of any release is told or changed.
    pub fn is_for_anybody(&self) -> bool {
        match self {
            Self::Unreasoned | Self::Unclear(_) | Self::Command(Command::Help) => true,
            Self::Answered { .. }
            | Self::PipelineAnswered { .. }
            | Self::Details { .. }
            | Self::Command(_) => false,
        }
    }
}

/// A typed command that answers no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Status {
        track: TrackKey,
    },
    Hold {
        track: TrackKey,
        reason: String,
    },
    Lift {
        track: TrackKey,
        reason: String,
    },
    /// `to`: unset for what ran before.
    Rollback {
        track: TrackKey,
        to: Option<ReleaseId>,
        reason: String,
    },
    Help,
}

/// Reads a verified body; `None` when Slack only checks that the URL is there.
///
/// # Errors
/// `Malformed` for what is no interaction or command of ours; `Foreign` for another workspace's or another app's.
pub fn read(body: &[u8], team: &str, app: &str) -> Result<Option<Spoken>, Refusal> {
    let fields = form(body)?;
    let payload = fields.get("payload");
    let spoken = match payload {
        Some(_) if fields.len() > 1 => {
            return Err(Refusal::Malformed("something stands beside the payload"));
        }
        Some(payload) => interaction(payload, team, app)?,
        None if fields.get("ssl_check").is_some_and(|value| value == "1") => return Ok(None),
        None => command(&fields, team, app)?,
    };
    Ok(Some(Spoken { said: reasoned(spoken.said), ..spoken }))
}

/// Slack itself insists on no field beside a button.
fn reasoned(said: Said) -> Said {
    if let Said::Answered { answer: Answer::Reject, reason, .. }
    | Said::PipelineAnswered { answer: Answer::Reject, reason, .. } = &said
        && reason.is_empty()
    {
        return Said::Unreasoned;
    }
    said
}

/// Every field once: of two, one reader would take the first and another the last.
fn form(body: &[u8]) -> Result<BTreeMap<String, String>, Refusal> {
    let mut fields = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        // What is not UTF-8 was replaced by the parser; Slack sends none.
        if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
            return Err(Refusal::Malformed("the form is not UTF-8"));
        }
        if fields.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(Refusal::Malformed("a field stands twice in the form"));
        }
        if fields.len() > FIELDS_MAX {
            return Err(Refusal::Malformed("the form has too many fields"));
        }
    }
    Ok(fields)
}

#[derive(Deserialize)]
struct Interaction {
    #[serde(rename = "type")]
    kind: String,
    api_app_id: String,
    team: Option<Id>,
    user: User,
    #[serde(default)]
    actions: Vec<Action>,
    response_url: Option<String>,
    #[serde(default)]
    state: State,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct User {
    id: String,
    team_id: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    action_id: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize, Default)]
struct State {
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, Typed>>,
}

#[derive(Deserialize)]
struct Typed {
    value: Option<String>,
}

fn interaction(payload: &str, team: &str, app: &str) -> Result<Spoken, Refusal> {
    let said: Interaction = serde_json::from_str(payload)
        .map_err(|_| Refusal::Malformed("the payload is not an interaction of Slack's"))?;
    if said.api_app_id != app {
        return Err(Refusal::Foreign("app"));
    }
    let its_team = said.team.as_ref().map(|team| team.id.as_str());
    // A stranger in a shared channel has another team than the one that the app is installed in.
    let user_s_team = said.user.team_id.as_deref().or(its_team);
    if its_team != Some(team) || user_s_team != Some(team) {
        return Err(Refusal::Foreign("workspace"));
    }
    let by = user(team, &said.user.id)?;
    let [action] = said.actions.as_slice() else {
        return Err(Refusal::Malformed("not exactly one action"));
    };
    if said.kind != "block_actions" {
        return Err(Refusal::Malformed("not a button of a message"));
    }
    let typed = said.state.values.values().find_map(|inputs| inputs.get("reason"));
    let reason = plain(typed.and_then(|typed| typed.value.as_deref()).unwrap_or_default(), REASON_CHARS_MAX);
    let answer_to = said.response_url.as_deref().and_then(answer_to);
    if let Ok(request) = action.value.parse() {
        let (answer, reason) = match action.action_id.as_str() {
            "approve" => (Answer::Approve, String::new()),
            "reject" => (Answer::Reject, reason),
            _ => return Err(Refusal::Malformed("an action that is none of ours")),
        };
        return Ok(Spoken { by, said: Said::PipelineAnswered { answer, request, reason }, answer_to });
    }
    let (release, plan) = action.value.split_once(' ').unwrap_or((&action.value, ""));
    let release: ReleaseId =
        release.parse().map_err(|_| Refusal::Malformed("the button carries no release"))?;
    let answered = |answer, reason: String| Said::Answered {
        answer,
        release: release.clone(),
        plan: plan.to_owned(),
        reason,
    };
    let said_ = match action.action_id.as_str() {
        "approve" => answered(Answer::Approve, String::new()),
        "reject" => answered(Answer::Reject, reason),
        "details" => Said::Details { release },
        _ => return Err(Refusal::Malformed("an action that is none of ours")),
    };
    Ok(Spoken { by, said: said_, answer_to })
}

fn command(fields: &BTreeMap<String, String>, team: &str, app: &str) -> Result<Spoken, Refusal> {
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if field("command") != COMMAND {
        return Err(Refusal::Malformed("neither a payload nor the command /tidegate"));
    }
    if field("api_app_id") != app {
        return Err(Refusal::Foreign("app"));
    }
    if field("team_id") != team {
        return Err(Refusal::Foreign("workspace"));
    }
    let by = user(team, field("user_id"))?;
    Ok(Spoken { by, said: typed(field("text")), answer_to: answer_to(field("response_url")) })
}

/// `approve payments-production-7 0a1b2c3d4e5f`, `reject … why`, `status payments/production`, `hold … why`.
fn typed(text: &str) -> Said {
    let text = plain(text, REASON_CHARS_MAX);
    let mut words = text.split_whitespace();
    let verb = words.next().unwrap_or("help").to_ascii_lowercase();
    let answer = match verb.as_str() {
        "approve" => Answer::Approve,
        "reject" => Answer::Reject,
        "status" | "hold" | "lift" | "rollback" => {
            let Some(track) = words.next().and_then(|word| word.parse().ok()) else {
                return Said::Unclear(format!("{verb} takes a track: payments/production"));
            };
            return of_track(&verb, track, &words.collect::<Vec<_>>());
        }
        "help" => return Said::Command(Command::Help),
        _ => return Said::Unclear(format!("{verb} is none of {VERBS}")),
    };
    let named = words.next().unwrap_or_default();
    if let Ok(request) = named.parse::<PipelineRequestId>() {
        let reason = words.collect::<Vec<_>>().join(" ");
        return match answer {
            // "approve … but not before Monday" is no approval.
            Answer::Approve if !reason.is_empty() => {
                Said::Unclear("something follows the request of an approval".to_owned())
            }
            Answer::Approve | Answer::Reject => Said::PipelineAnswered { answer, request, reason },
        };
    }
    let release = named.parse::<ReleaseId>();
    let plan = words.next().unwrap_or_default();
    let is_plan = plan.len() >= 12 && plan.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let reason = words.collect::<Vec<_>>().join(" ");
    match (release, is_plan) {
        (Ok(release), true) if answer == Answer::Reject || reason.is_empty() => {
            Said::Answered { answer, release, plan: plan.to_owned(), reason }
        }
        // "approve … but not before Monday" is no approval.
        (Ok(_), true) => Said::Unclear("something follows the plan of an approval".to_owned()),
        (Ok(_), false) => {
            Said::Unclear(format!("{verb} takes the release and the plan that the request shows"))
        }
        (Err(_), _) => Said::Unclear(format!("{verb} takes a release: payments-production-7")),
    }
}

fn of_track(verb: &str, track: TrackKey, rest: &[&str]) -> Said {
    let reason = rest.join(" ");
    Said::Command(match verb {
        "hold" => Command::Hold { track, reason },
        "lift" => Command::Lift { track, reason },
        "rollback" => {
            let first = rest.first().copied().unwrap_or_default();
            let to = first.parse().ok().filter(|release: &ReleaseId| release.track == track);
            if to.is_none() && names_a_release(first, &track) {
                let why = format!("what it goes back to must be a release of {track}, and stand alone");
                return Said::Unclear(why);
            }
            let reason = rest[usize::from(to.is_some())..].join(" ");
            Command::Rollback { track, to, reason }
        }
        _ => Command::Status { track },
    })
}

/// Whether a word was meant to say where to: taken for a part of the reason, another release would be gone back to.
fn names_a_release(word: &str, track: &TrackKey) -> bool {
    let bare = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    let is_of_track = bare.starts_with(&format!("{}-{}-", track.service, track.environment));
    is_of_track || word.parse::<ReleaseId>().is_ok()
}

fn user(team: &str, id: &str) -> Result<SlackUser, Refusal> {
    format!("{team}/{id}").parse().map_err(|_| Refusal::Malformed("the user has no id of Slack's"))
}

/// Only Slack's own host is ever answered, whatever the request says.
fn answer_to(url: &str) -> Option<AnswerTo> {
    let is_slack_s = url.starts_with("https://hooks.slack.com/") && url.len() <= 500 && url.is_ascii();
    is_slack_s.then(|| AnswerTo(url.to_owned()))
}
