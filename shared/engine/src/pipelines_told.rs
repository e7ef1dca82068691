//! What people are told of CodePipeline's requests: on the topic, and in Slack as one message that is edited.

use model::about::About;
use model::approval::Nudged;
use model::ids::PipelineRequestId;
use model::pipeline::{Ending, Phase, Request, Shown, Told};
use model::severity::Severity;
use serde_json::json;

use crate::announce::{by_reply, message, repeat};
use crate::failure::Failure;
use crate::pipelines::{ATTEMPTS_MAX, raced};
use crate::ports::{
    Attributes, Channels, CommitOnce, Message, People, PipelineTable, Posted, ReplyKey, SlackBoard,
};
use crate::reply_token::pipeline_token;
use crate::routes;
use crate::show::{UNANSWERED_MAX, post};

/// The notifier: the topic first, then Slack, then what was told is remembered. A crash in between tells it again.
pub(crate) async fn tell<P>(ports: &P, id: &PipelineRequestId) -> Result<(), Failure>
where
    P: PipelineTable + People + Channels + ReplyKey + SlackBoard,
{
    let Some(request) = ports.load_request(id).await? else { return Ok(()) };
    let mut told = request.told;
    if request.is_untold() {
        say(ports, &request).await?;
        told = Told { asked: true, nudged: request.nudged, ended: request.is_over() };
    }
    let Board { shown, unanswered } = show(ports, &request).await;
    for _ in 0..ATTEMPTS_MAX {
        let Some(now) = ports.load_request(id).await? else { return Ok(()) };
        let told = Told {
            asked: now.told.asked || told.asked,
            nudged: now.told.nudged.max(told.nudged),
            ended: now.told.ended || told.ended,
        };
        let unanswered = now.unanswered.max(unanswered);
        let next = Request { told, shown: shown.clone(), unanswered, ..now.clone() };
        if next == now {
            return Ok(());
        }
        let next = Request { version: now.version + 1, ..next };
        if ports.commit_request(&next, None).await? == CommitOnce::Written {
            return Ok(());
        }
    }
    Err(raced(id))
}

/// What people were not told yet. Who hears of a request first hears all of it; then it is said again.
async fn say<P>(ports: &P, request: &Request) -> Result<(), Failure>
where
    P: People + Channels + ReplyKey + SlackBoard,
{
    let place = request.shown.as_ref().map(|shown| &shown.place);
    if request.is_over() {
        let message = ended(request);
        ports.publish(&message).await?;
        routes::tell_others(ports, &message, place).await;
        return Ok(());
    }
    let nudged = if request.told.asked { request.nudged } else { Nudged::NotYet };
    let message = requested(request, nudged, &pipeline_token(&ports.reply_key().await?, request));
    ports.publish(&message).await?;
    match nudged {
        Nudged::NotYet => routes::tell_others(ports, &message, place).await,
        Nudged::Reminded | Nudged::Escalated => {
            routes::tell_unless_shown(ports, &message).await;
            if let Some(place) = place {
                repeat(ports, place, &message.subject, nudged == Nudged::Escalated).await;
            }
        }
    }
    Ok(())
}

/// Where it stands in Slack now, if anywhere.
struct Board {
    shown: Option<Shown>,
    unanswered: u32,
}

async fn show<P: SlackBoard + Channels + People>(ports: &P, request: &Request) -> Board {
    let mut board = Board { shown: request.shown.clone(), unanswered: request.unanswered };
    let message = slack::pipeline_message(request);
    let sha256 = config::sha256(&message.to_string());
    let posted = match &board.shown {
        Some(shown) if shown.sha256 == sha256 => return board,
        Some(shown) => ports.update_in_slack(&shown.place, &message).await,
        None if board.unanswered >= UNANSWERED_MAX => {
            tracing::error!(request = %request.id, "not shown in Slack: it may be there, for no post was answered");
            return board;
        }
        None => {
            let posted = post(ports, &About::Pipeline(request.gate.pipeline.clone()), &message).await;
            board.unanswered += u32::from(matches!(posted, Err(Failure::Unknown { .. })));
            posted
        }
    };
    // The topic has it. The clock shows it again.
    match posted {
        Ok(Posted::There(place)) => board.shown = Some(Shown { place, sha256 }),
        Ok(Posted::Nowhere) => {}
        Ok(Posted::Later { .. }) => tracing::warn!(request = %request.id, "Slack takes no more for now"),
        Err(failure) => tracing::warn!(request = %request.id, %failure, "not shown in Slack"),
    }
    board
}

fn requested(request: &Request, nudged: Nudged, token: &str) -> Message {
    let id = &request.id;
    let (notice, severity, again) = match nudged {
        Nudged::NotYet => ("pipelineApprovalRequested", Severity::Warning, ""),
        Nudged::Reminded => {
            ("pipelineApprovalReminded", Severity::Warning, " again, half the time to answer having passed")
        }
        Nudged::Escalated => {
            ("pipelineApprovalEscalated", Severity::High, " again, most of the time to answer having passed")
        }
    };
    let words: Vec<String> = request.words.iter().map(|words| format!("  {words}\n")).collect();
    let started = request.started_by.as_deref().unwrap_or("nobody known");
    let waits = match request.expires {
        Some(at) => format!("CodePipeline waits until {}.", databases::time::shown(at)),
        None => "CodePipeline waits for seven days, unless the action says otherwise.".to_owned(),
    };
    let text = format!(
        "{}{again} ({}).\n\n{}Started by {started}.\n{waits}\n\n\
         To answer as yourself:\n  \
         tidegate pipeline approve {id}\n  \
         tidegate pipeline reject {id} --reason <why>\n",
        request.headline(),
        request.needs(),
        words.concat(),
    );
    let json = json!({
        "request": id,
        "pipeline": request.gate.pipeline,
        "stage": request.gate.stage,
        "action": request.gate.action,
        "required": request.required,
        "stillNeeded": request.still_needed(),
        "until": request.expires,
        "token": token,
    });
    let asked =
        message(of(request, notice, severity), &format!("{}: approval needed", request.gate), text, json);
    Message { reply: by_reply(id, token), ..asked }
}

fn ended(request: &Request) -> Message {
    let headline = request.headline();
    let json = json!({
        "request": request.id,
        "pipeline": request.gate.pipeline,
        "stage": request.gate.stage,
        "action": request.gate.action,
        "phase": request.phase,
    });
    let text = format!("{headline}.\n\nWhat becomes of the pipeline, CodePipeline tells.\n");
    message(of(request, "pipelineApprovalEnded", how_bad(&request.phase)), &headline, text, json)
}

fn of(request: &Request, notice: &'static str, severity: Severity) -> Attributes {
    Attributes { notice, severity, about: About::Pipeline(request.gate.pipeline.clone()) }
}

fn how_bad(phase: &Phase) -> Severity {
    match phase {
        Phase::Over { ending: Ending::Expired | Ending::RefusedOrExpired, .. } => Severity::Warning,
        Phase::Over {
            ending:
                Ending::Approved
                | Ending::Rejected { .. }
                | Ending::AnsweredThere { .. }
                | Ending::Abandoned { .. }
                | Ending::Gone,
            ..
        }
        | Phase::Open
        | Phase::Answering { .. } => Severity::Info,
    }
}

#[cfg(test)]
#[path = "pipelines_told_tests.rs"]
mod tests;
