//! A person's order: whether they may give it, what it needs to know, and what became of it.

use std::cell::RefCell;

use intake::{Given, GivenAnswer, GivenOrder, GivenPipelineAnswer, Wish};
use model::approval::Voice;
use model::ids::ReleaseId;
use model::order::{Order, Ordered};
use model::release::{Ending, How, Release};
use model::signal::Signal;
use model::track::Track;
use proof::{Proof, Refusal};

use crate::advance::{Handled, advance_once};
use crate::approval::plain_text;
use crate::care;
use crate::entitled::may;
use crate::failure::Failure;
use crate::pipelines::{self, By, Said};
use crate::ports::{
    Callers, Clock, Letters, Once, PipelineNotices, PipelineTable, Pipelines, Queues, Records, ReplyKey,
    Tracks,
};
use crate::proven::prove;
use crate::records::{directory, environment};
use crate::votes::{self, Voted};

/// Releases looked at, one by one, to find what ran before.
const RELEASES_BACK_MAX: u32 = 50;
/// The longest that freezes can be overridden for.
const OVERRIDE_MAX: model::time::Span = model::time::Span::hours(72);

/// "taken: …", or why not. Never a failure: what fails is kept by Lambda, together with its proof (I9), and whoever orders
/// waits for the answer.
pub(crate) async fn take<P>(ports: &P, given: &Given, proof: &Result<Proof, Refusal>) -> String
where
    P: Tracks
        + Queues
        + Records
        + ReplyKey
        + Callers
        + Letters
        + Pipelines
        + PipelineTable
        + PipelineNotices
        + Clock,
{
    let (of, verb) = (given.of(), given.verb());
    match taken(ports, given, proof).await {
        Ok(Ok(said)) => said,
        Ok(Err(refusal)) => {
            let status = refusal.status();
            tracing::warn!(function = "approval", %of, verb, status, %refusal, "refused");
            format!("refused ({status}): {refusal}")
        }
        Err(failure) => {
            tracing::error!(function = "approval", %of, verb, %failure, "an order was not taken");
            format!("failed: {failure}; look what became of it, and order it again")
        }
    }
}

async fn taken<P>(
    ports: &P,
    given: &Given,
    proof: &Result<Proof, Refusal>,
) -> Result<Result<String, Refusal>, Failure>
where
    P: Tracks
        + Queues
        + Records
        + ReplyKey
        + Callers
        + Letters
        + Pipelines
        + PipelineTable
        + PipelineNotices
        + Clock,
{
    let proven = match prove(ports, given, proof).await? {
        Ok(proven) => proven,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let said = match given {
        Given::Order(order) => take_from(ports, order, proven.voice, Some(&proven.once)).await?,
        Given::PipelineAnswer(GivenPipelineAnswer { answer, request, reason, .. }) => {
            let reason = plain_text(reason);
            let said = Said { answer: *answer, reason: &reason, by: By::Identity(&proven.identity) };
            let said = match pipelines::answer(ports, request, &said, Some(&proven.once)).await? {
                Ok(said) => format!("taken: {said}"),
                Err(why) => format!("refused: {why}"),
            };
            tracing::info!(%request, verb = given.verb(), by = %proven.voice, %said, "order");
            said
        }
        Given::Care(care) => care::take(ports, care, &proven).await?,
        Given::Drill(_) => "refused: a drill is ordered of `backups`".to_owned(),
        Given::Answer(GivenAnswer { answer, release, plan, reason, .. }) => {
            let reason = plain_text(reason);
            let vote = Voted { identity: &proven.identity, answer: *answer, release, plan, reason: &reason };
            let said = match votes::take(ports, &vote, Some(&proven.once)).await? {
                Ok(said) => format!("taken: {said}"),
                Err(why) => format!("refused: {why}"),
            };
            tracing::info!(%release, verb = given.verb(), by = %proven.voice, %said, "order");
            said
        }
    };
    Ok(Ok(said))
}

/// By somebody whose voice is known: "taken: …", or "refused: …" with the reason.
pub(crate) async fn take_from<P: Tracks + Queues + Records + Clock>(
    ports: &P,
    given: &GivenOrder,
    by: Voice,
    once: Option<&Once>,
) -> Result<String, Failure> {
    let ordered = Ordered { id: given.id.clone(), by, reason: plain_text(&given.reason) };
    let (refused, back_to) = (RefCell::new(None), RefCell::new(None));
    let handled = advance_once(ports, &given.track, once, async |track| {
        let order = match order(ports, track, given, &ordered).await? {
            Ok(order) => order,
            Err(why) => {
                refused.replace(Some(why));
                return Ok(None);
            }
        };
        if let Order::Rollback { to } = &order {
            back_to.replace(Some(to.id.clone()));
        }
        Ok(Some(Signal::Ordered { order, ordered: ordered.clone() }))
    })
    .await?;
    let said = match (handled, refused.take()) {
        (Handled::Advanced { .. }, _) => format!("taken: {}", done(given, back_to.take())),
        (Handled::Ignored(why), _) => format!("refused: {why}"),
        (Handled::Spent, _) => format!("refused ({}): {}", Refusal::Spent.status(), Refusal::Spent),
        (Handled::Unconcerned, why) => format!("refused: {}", why.unwrap_or_default()),
    };
    tracing::info!(track = %given.track, verb = given.wish.verb(), by = %ordered.by, %said, "order");
    Ok(said)
}

/// Everything is read for this very order: the record that says who may, and the releases that it is about.
async fn order<P: Tracks + Records + Clock>(
    ports: &P,
    track: &Track,
    given: &GivenOrder,
    ordered: &Ordered,
) -> Result<Result<Order, String>, Failure> {
    let name = &track.key.environment;
    let ((record, _), directory) =
        futures_util::future::try_join(environment(ports, name), directory(ports)).await?;
    if let Err(why) = may(&record.may, &given.wish, &ordered.by, name, &directory) {
        return Ok(Err(why));
    }
    let stored = async |id: &ReleaseId| -> Result<Result<Box<Release>, String>, Failure> {
        let found = ports.load_release(id).await?;
        Ok(found.map(Box::new).ok_or_else(|| format!("there never was a release {id}")))
    };
    Ok(match &given.wish {
        Wish::Hold => Ok(Order::Hold),
        Wish::Lift => Ok(Order::Lift),
        Wish::Cancel { release } => Ok(Order::Cancel { n: release.n }),
        Wish::Retry { release } => stored(release).await?.map(|of| Order::Retry { of }),
        Wish::Rollback { to: Some(to) } => stored(to).await?.map(|to| Order::Rollback { to }),
        Wish::Rollback { to: None } => match ran_before(ports, track).await? {
            Some(to) => Ok(Order::Rollback { to: Box::new(to) }),
            None => Err(format!("nothing else was deployed among the last {RELEASES_BACK_MAX} releases")),
        },
        Wish::Redeploy => match &track.live {
            Some(live) => stored(&live.release).await?.map(|of| Order::Redeploy { of }),
            None => Err("nothing is live here".to_owned()),
        },
        // The model refuses the same; here it has a name.
        Wish::Retire => match (&track.live, track.in_flight.first()) {
            (None, _) => Err("nothing is live here".to_owned()),
            (Some(_), Some(other)) => {
                Err(format!("{} is in flight: cancel it first, or wait for it", other.id))
            }
            (Some(live), None) => stored(&live.release).await?.map(|of| Order::Retire { of }),
        },
        Wish::Override { until } if *until > ports.now().plus(OVERRIDE_MAX) => {
            Err(format!("a freeze is overridden for {} hours at most", OVERRIDE_MAX.as_seconds() / 3600))
        }
        Wish::Override { until } => Ok(Order::OverrideFreeze { until: *until }),
        Wish::Repair { skip } => Ok(Order::Repair { skip: skip.clone() }),
    })
}

/// The newest release before what is live that changed the service; one that found everything up to date did not.
async fn ran_before<P: Tracks>(ports: &P, track: &Track) -> Result<Option<Release>, Failure> {
    let Some(live) = &track.live else { return Ok(None) };
    let newest = live.stands_for().n;
    let mut left_live = false;
    for n in (newest.saturating_sub(RELEASES_BACK_MAX).max(1)..=newest).rev() {
        let Some(release) = ports.load_release(&track.release_id(n)).await? else { continue };
        let Some(Ending::Deployed { how, .. }) = release.ending() else { continue };
        // Orders brought back what another release had been.
        if *release.stands_for() != release.id {
            continue;
        }
        if left_live {
            return Ok(Some(release));
        }
        left_live = *how == How::Changed;
    }
    Ok(None)
}

/// `back_to`: the release that a rollback was found to mean.
fn done(given: &GivenOrder, back_to: Option<ReleaseId>) -> String {
    let track = &given.track;
    match &given.wish {
        Wish::Hold => format!("{track} is held: nothing new is deployed until it is lifted"),
        Wish::Lift => format!("{track} is no longer held"),
        Wish::Cancel { release } => format!("{release} is cancelled; a deployment that runs is taken back"),
        Wish::Retry { release } => format!("{release} is tried again"),
        Wish::Rollback { .. } => {
            let to = back_to.map_or("what ran before".to_owned(), |to| to.to_string());
            format!("{track} goes back to {to} once the plan is approved, and is held until it is lifted")
        }
        Wish::Redeploy => format!("{track} is started anew once the plan is approved"),
        Wish::Retire => {
            format!("{track} is retired once the plan is approved: its stack is deleted, its route is freed")
        }
        Wish::Override { .. } => format!("freezes of {track} do not count until then"),
        Wish::Repair { .. } => format!(
            "the stack of {track} is looked at and repaired where it can be; what became of it is told"
        ),
    }
}
