//! What must be true after any story, whatever went wrong on its way: asked of AWS, not of what the story expected.

use std::collections::BTreeMap;

use engine::ports::{StackEvent, Tracks};
use model::ids::{BuildFamily, EffectKey, ReleaseId};
use model::release::{Ending, How, Release};

use crate::story::Story;

/// Deployments as CloudFormation tells them: for each release, the statuses of its stack operations, oldest first.
type Operations = BTreeMap<ReleaseId, Vec<String>>;

impl Story {
    /// Every release is over (I3), its ending is what CloudFormation and ECS say (I6), it was told, and everything was
    /// done once: one build for each revision, one deployment for each release.
    pub(crate) async fn kept_its_word(&mut self) {
        let track = self.comes_to_rest().await;
        self.hears_everything().await;
        let built = self.builds_by_family().await;
        assert!(built.values().all(|builds| *builds == 1), "built more than once: {built:?}");
        let operations = self.operations().await;
        let mut live = None;
        for n in 1..=self.releases {
            let release = self.aws.load_release(&self.id(n)).await.expect("the table can be read");
            let release = release.unwrap_or_else(|| panic!("release {n} is not in the table"));
            let ending = release.ending().unwrap_or_else(|| panic!("{} is not over", release.id));
            assert_truthful(&release, ending, operations.get(&release.id).map_or(&[], Vec::as_slice));
            self.assert_told(&release, ending);
            if let Ending::Deployed { deployed, .. } = ending {
                live = Some((release.id.clone(), deployed.image.clone()));
            }
        }
        assert_eq!(track.live.map(|live| (live.release, live.image)), live);
        if let Some((_, image)) = live {
            assert_eq!(self.running_digest().await, image);
        }
    }

    /// Until nobody says anything more.
    async fn hears_everything(&mut self) {
        loop {
            let before = self.person.heard.len();
            self.person.listen().await;
            if self.person.heard.len() == before {
                return;
            }
        }
    }

    async fn builds_by_family(&self) -> BTreeMap<BuildFamily, usize> {
        let mut built = BTreeMap::new();
        for build in self.builds().await {
            let id = build.id.unwrap_or_else(|| panic!("{} is a build of nobody's", build.arn));
            *built.entry(id.family()).or_default() += 1;
        }
        built
    }

    async fn operations(&self) -> Operations {
        let of_stack = |event: &StackEvent| event.of_stack && event.status != "REVIEW_IN_PROGRESS";
        let mut operations = Operations::new();
        for event in self.stack_events().await.into_iter().rev().filter(of_stack) {
            let token: Option<EffectKey> = event.token.as_ref().and_then(|token| token.parse().ok());
            let release = token.map(|token| token.release);
            let release = release.unwrap_or_else(|| panic!("not an operation of ours: {event:?}"));
            operations.entry(release).or_default().push(event.status);
        }
        operations
    }

    /// Told, and told again only where it could not be known whether it had been.
    fn assert_told(&self, release: &Release, ending: &Ending) {
        let id = release.id.to_string();
        let heard =
            self.person.heard_of(&id, "ended").unwrap_or_else(|| panic!("the end of {id} was not told"));
        assert_eq!(heard.json["ending"], ending.name(), "{id}");
        let again = self.person.times_heard(&id, "ended") - 1;
        assert!(again <= self.may_be_repeated(), "the end of {id} was told {} times", again + 1);
    }

    /// How often something may have been told without that being known: an answer of the topic was lost, or who told
    /// it could not write that down, or was killed before.
    fn may_be_repeated(&self) -> usize {
        use local::Fault::{AnswerLate, AnswerLost};
        let tally = self.control.tally(self.account());
        let notify = &self.outputs["NotifyFunctionName"];
        let of_notify = |tally: &BTreeMap<String, u32>| tally.get(notify).copied().unwrap_or_default();
        let unheard = [AnswerLost, AnswerLate].map(|fault| tally.of_call("sns", "Publish", fault));
        let unknown = unheard.iter().sum::<u32>() + of_notify(&tally.hopeless) + of_notify(&tally.killed);
        unknown as usize
    }
}

/// The ending is what CloudFormation did under the release's own token.
fn assert_truthful(release: &Release, ending: &Ending, statuses: &[String]) {
    let begun = statuses
        .iter()
        .filter(|status| matches!(status.as_str(), "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS"));
    let last = statuses.last().map(String::as_str);
    let (deployments, ended_as_told) = match ending {
        Ending::Deployed { how: How::Changed, .. } => {
            (1, matches!(last, Some("CREATE_COMPLETE" | "UPDATE_COMPLETE")))
        }
        Ending::RolledBack { .. } => {
            (1, matches!(last, Some("ROLLBACK_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE")))
        }
        Ending::Deployed { how: How::AlreadyUpToDate, .. }
        | Ending::Failed { .. }
        | Ending::Superseded { .. }
        | Ending::Rejected { .. }
        | Ending::Expired { .. }
        | Ending::Cancelled { .. }
        // Its stack is gone, and its operations with it.
        | Ending::Retired { .. } => (0, last.is_none()),
    };
    assert_eq!(begun.count(), deployments, "{} {}: {statuses:?}", release.id, ending.name());
    assert!(ended_as_told, "{} is told as {}: {statuses:?}", release.id, ending.name());
}
