//! A track brought to a phase by the signals that lead there, as nothing else can lead there.

use model::approval::{Answer, Directory, Ground, Identities, Identity, Nudged, Policy, Voice, Vote};
use model::decide::{Decision, Why, decide};
use model::effect::{Effect, Promise};
use model::ids::{BuildFamily, BuildId, EffectKey, Fingerprint, ImageDigest, RepositoryName, Revision};
use model::order::{Order, Ordered};
use model::release::{Asked, Authors, Deletion, Deployed, Frozen, Phase, Plan, Release, Verify};
use model::signal::{BuildSeen, DeploymentSeen, ErrandSeen, Promotion, Push, Rollout, Signal};
use model::time::{Span, Timestamp};
use model::track::Track;
use model::who::Who;

pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000);

#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) track: Track,
    pub(crate) now: Timestamp,
    /// Every release that is over, in the order of their endings.
    pub(crate) over: Vec<Release>,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self { track: Track::new("payments/production".parse().unwrap()), now: START, over: Vec::new() }
    }

    /// What the signal did to the track, if it did anything.
    pub(crate) fn see(&mut self, signal: &Signal) -> Result<(), Why> {
        match decide(&self.track, signal, self.now) {
            Decision::Advance(advance) => {
                self.track = advance.track;
                self.over.extend(advance.changed.into_iter().filter(|release| release.ending().is_some()));
                Ok(())
            }
            Decision::Ignore(why) => Err(why),
        }
    }

    pub(crate) fn told(mut self, signal: &Signal) -> Self {
        self.see(signal).unwrap_or_else(|why| panic!("{signal:?} was ignored: {why}"));
        self.now = self.now.plus(Span::seconds(1));
        self
    }

    pub(crate) fn pushed(self, revision: char) -> Self {
        self.told(&Signal::Pushed(push(revision)))
    }

    pub(crate) fn build_started(self, n: u32) -> Self {
        let build = self.family(n).attempt(1);
        self.told(&Signal::BuildStarted { n, build })
    }

    pub(crate) fn built(self, n: u32) -> Self {
        let build = self.family(n).attempt(1);
        let image = image_of(&self.track.release(n).unwrap().revision);
        self.told(&Signal::BuildSeen {
            build,
            seen: BuildSeen::Succeeded { exported: Some(image.clone()), registry: Some(image) },
        })
    }

    pub(crate) fn planned(self, n: u32, plan: u64) -> Self {
        let plan = self.plan(n, plan);
        self.told(&planned_for(n, plan, policy(1)))
    }

    pub(crate) fn planned_within(self, n: u32, plan: u64, timeout: Span) -> Self {
        let plan = Plan { timeout: Some(timeout), ..self.plan(n, plan) };
        self.told(&planned_for(n, plan, policy(1)))
    }

    /// With a `before` that may take ten minutes.
    pub(crate) fn planned_with_before(self, n: u32, plan: u64) -> Self {
        let plan = Plan { before: Some(Span::minutes(10)), ..self.plan(n, plan) };
        self.told(&planned_for(n, plan, policy(1)))
    }

    /// With a `verify` that may take ten minutes.
    pub(crate) fn planned_with_verify(self, n: u32, plan: u64) -> Self {
        let verify = Verify { condition: "Verify0".to_owned(), limit: Span::minutes(10) };
        let plan = Plan { verify: Some(verify), ..self.plan(n, plan) };
        self.told(&planned_for(n, plan, policy(1)))
    }

    /// A retirement, and by hand the stack that it would delete.
    pub(crate) fn retiring(self, n: u32) -> Self {
        let of = self.stored(n - 1);
        let story = self.orders(Order::Retire { of });
        let plan = Plan { deletion: Some(deletion()), ..story.plan(n, u64::from(n)) };
        story.told(&planned_for(n, plan, policy(1)))
    }

    pub(crate) fn gone(self, n: u32) -> Self {
        self.told(&Signal::DeploymentSeen { n, seen: DeploymentSeen::Gone })
    }

    pub(crate) fn awaits_verdict(self, n: u32) -> Self {
        self.told(&Signal::DeploymentSeen { n, seen: DeploymentSeen::AwaitsVerdict })
    }

    pub(crate) fn planned_for_two(self, n: u32, plan: u64) -> Self {
        let plan = self.plan(n, plan);
        self.told(&planned_for(n, plan, policy(2)))
    }

    pub(crate) fn stale(self, n: u32) -> Self {
        let execute = |promise: &&Promise| promise.effect == Effect::Execute;
        let key = self.track.outbox.iter().find(execute).unwrap().key.clone();
        self.told(&Signal::PlanStale { n, key, why: "another change was executed".to_owned() })
    }

    /// Stale, planned to the same and so ready at once, again and again.
    pub(crate) fn stale_times(mut self, n: u32, times: u32) -> Self {
        for _ in 0..times {
            self = self.stale(n).planned(n, u64::from(n));
        }
        self
    }

    /// Put there by hand: without holds and freezes, an approved release waits for its turn in no story.
    pub(crate) fn ready(mut self, n: u32) -> Self {
        let plan = self.plan(n, u64::from(n));
        let vote = Vote {
            voice: person("ana"),
            fingerprint: plan.fingerprint.clone(),
            at: self.now,
            reason: String::new(),
        };
        let asked = Asked {
            fingerprint: plan.fingerprint.clone(),
            policy: policy(1),
            wish: Some(wish()),
            votes: vec![vote],
            missing: Some(0),
            asked_at: Some(self.now),
            nudged: Nudged::NotYet,
            until: self.now.plus(Span::hours(24)),
        };
        let release = self.track.in_flight.iter_mut().find(|release| release.id.n == n).unwrap();
        release.phase = Phase::Ready { plan, asked, frozen: None };
        self
    }

    pub(crate) fn frozen(self, n: u32) -> Self {
        let key = self.promised(&Effect::Execute).unwrap();
        let frozen = Frozen { until: self.now.plus(Span::hours(3)), why: "no Friday evenings".to_owned() };
        self.told(&Signal::Frozen { n, key, frozen })
    }

    pub(crate) fn approved(self, n: u32) -> Self {
        let fingerprint = self.track.release(n).unwrap().phase.plan().unwrap().fingerprint.clone();
        self.told(&answered(n, fingerprint, Answer::Approve, person("ana"), ground(policy(1))))
    }

    /// One of the two that are needed.
    pub(crate) fn half_approved(self, n: u32) -> Self {
        let fingerprint = self.track.release(n).unwrap().phase.plan().unwrap().fingerprint.clone();
        self.told(&answered(n, fingerprint, Answer::Approve, person("ana"), ground(policy(2))))
    }

    pub(crate) fn cleared(self, n: u32) -> Self {
        let key = self.promised(&Effect::Execute).unwrap();
        self.told(&Signal::Cleared { n, key })
    }

    /// The promise of the errand that the release waits for.
    pub(crate) fn errand(&self, n: u32) -> EffectKey {
        let Phase::Deploying { errand: Some(errand), .. } = &self.track.release(n).unwrap().phase else {
            panic!("{n} waits for no errand");
        };
        errand.key.clone()
    }

    pub(crate) fn errand_started(self, n: u32) -> Self {
        let key = self.errand(n);
        self.told(&Signal::ErrandStarted { n, key })
    }

    pub(crate) fn errand_seen(self, n: u32, seen: ErrandSeen) -> Self {
        let key = self.errand(n);
        self.told(&Signal::ErrandSeen { n, key, seen })
    }

    pub(crate) fn executing(self, n: u32) -> Self {
        self.told(&Signal::ExecutionStarted { n, warning: None })
    }

    pub(crate) fn deployed(self, n: u32) -> Self {
        let image = self.track.release(n).unwrap().phase.image().unwrap().clone();
        self.told(&Signal::DeploymentSeen {
            n,
            seen: DeploymentSeen::Settled { deployed: deployed(image), rollout: Rollout::Completed },
        })
    }

    pub(crate) fn planning(self, revision: char) -> Self {
        let story = self.pushed(revision);
        let n = story.track.newest.as_ref().unwrap().n;
        story.build_started(n).built(n)
    }

    pub(crate) fn family(&self, n: u32) -> BuildFamily {
        self.track.release(n).map(|release| release.family.clone()).unwrap_or_else(|| family(&revision('a')))
    }

    /// A plan for the release under the change set that is promised for it.
    pub(crate) fn plan(&self, n: u32, number: u64) -> Plan {
        let promised = self.track.outbox.iter().find(|p| p.key.release.n == n && p.effect == Effect::Plan);
        Plan {
            fingerprint: fingerprint(number),
            image: self
                .track
                .release(n)
                .and_then(|release| release.phase.image().cloned())
                .unwrap_or_else(|| image_of(&revision('a'))),
            change_set: promised.map_or_else(|| self.key(n, 99), |promise| promise.key.clone()),
            stack_policy: None,
            timeout: None,
            requires: None,
            before: None,
            verify: None,
            deletion: None,
            lines: Vec::new(),
        }
    }

    pub(crate) fn orders(self, order: Order) -> Self {
        let id = self.track.orders.len() as u32 + 1;
        self.told(&Signal::Ordered { order, ordered: ordered(id) })
    }

    /// A release that is over, as it is stored.
    pub(crate) fn stored(&self, n: u32) -> Box<Release> {
        let stored = self.track.release(n).or_else(|| self.over.iter().find(|release| release.id.n == n));
        Box::new(stored.unwrap_or_else(|| panic!("release {n} never was")).clone())
    }

    /// The promise of that effect.
    pub(crate) fn promised(&self, effect: &Effect) -> Option<EffectKey> {
        self.track.outbox.iter().find(|promise| promise.effect == *effect).map(|promise| promise.key.clone())
    }

    pub(crate) fn newest_letter(&self) -> char {
        let newest = self.track.newest.as_ref();
        newest.and_then(|newest| newest.revision.as_str().chars().next()).unwrap_or('a')
    }

    pub(crate) fn key(&self, n: u32, k: u32) -> EffectKey {
        EffectKey { release: self.track.release_id(n), k }
    }
}

pub(crate) fn deletion() -> Deletion {
    let stack =
        "arn:aws:cloudformation:eu-west-1:123456789012:stack/tidegate-payments-production/1".to_owned();
    Deletion { stack, retained: vec!["Logs (AWS::Logs::LogGroup)".to_owned()] }
}

pub(crate) fn revision(letter: char) -> Revision {
    letter.to_string().repeat(40).parse().unwrap()
}

pub(crate) fn repository() -> RepositoryName {
    "payments".parse().unwrap()
}

pub(crate) fn family(revision: &Revision) -> BuildFamily {
    BuildFamily::of(&repository(), revision, "")
}

pub(crate) fn build(revision_letter: char) -> BuildId {
    family(&revision(revision_letter)).attempt(1)
}

pub(crate) fn image_of(revision: &Revision) -> ImageDigest {
    format!("sha256:{:0<64}", &revision.as_str()[..40]).parse().unwrap()
}

pub(crate) fn fingerprint(number: u64) -> Fingerprint {
    format!("{number:064x}").parse().unwrap()
}

pub(crate) fn push(letter: char) -> Push {
    let revision = revision(letter);
    Push {
        family: family(&revision),
        revision,
        repository: repository(),
        branch: "main".parse().unwrap(),
        by: Some(mail_of("dana")),
        fault: None,
    }
}

pub(crate) fn promotion(letter: char, n: u32) -> Promotion {
    let push = push(letter);
    Promotion {
        of: format!("payments-staging-{n}").parse().unwrap(),
        image: image_of(&push.revision),
        revision: push.revision,
        repository: push.repository,
        branch: push.branch,
        pushed_by: push.by,
        family: push.family,
        fault: None,
    }
}

pub(crate) fn ordered(id: u32) -> Ordered {
    Ordered { id: format!("order-{id}").parse().unwrap(), by: person("cleo"), reason: "because".to_owned() }
}

pub(crate) fn policy(required: u32) -> Policy {
    Policy { required, replies: true, expires_hours: 24, approvers: Vec::new(), self_approval: false }
}

/// What a config asks for that says nothing.
pub(crate) fn wish() -> Policy {
    Policy { required: 0, replies: true, expires_hours: 168, approvers: Vec::new(), self_approval: true }
}

/// Ana, bob and cleo may approve; dana pushes.
pub(crate) fn directory() -> Directory {
    let mut directory = Directory::default();
    for (n, name) in ["ana", "bob", "cleo", "dana"].into_iter().enumerate() {
        let identities = Identities {
            slack: [format!("T0001/U000{n}").parse().unwrap()].into(),
            iam: [format!("AIDA00000000000{n}").parse().unwrap()].into(),
            git: [mail_of(name).parse().unwrap()].into(),
        };
        directory.people.insert(name.parse().unwrap(), identities);
    }
    let managers = ["bob", "cleo"].map(|name| name.parse().unwrap());
    directory.groups.insert("managers".parse().unwrap(), managers.into());
    directory
}

pub(crate) fn ground(record: Policy) -> Ground {
    Ground { record, directory: directory() }
}

pub(crate) fn planned_for(n: u32, plan: Plan, record: Policy) -> Signal {
    Signal::Planned {
        n,
        plan: Box::new(plan),
        wish: wish(),
        ground: ground(record),
        authors: Authors::default(),
    }
}

pub(crate) fn approvers(list: &[&str]) -> Vec<std::collections::BTreeSet<Who>> {
    vec![list.iter().map(|approver| approver.parse().unwrap()).collect()]
}

fn mail_of(name: &str) -> String {
    format!("{name}@example.com")
}

/// By Slack, as the directory has it.
pub(crate) fn person(name: &str) -> Voice {
    let person = name.parse().unwrap();
    let identity = directory().people[&person].slack.first().cloned().map(Identity::Slack);
    Voice::Verified { person, identity }
}

pub(crate) fn answered(
    n: u32,
    fingerprint: Fingerprint,
    answer: Answer,
    voice: Voice,
    ground: Ground,
) -> Signal {
    Signal::Answered { n, fingerprint, answer, voice, reason: "because".to_owned(), ground }
}

pub(crate) fn deployed(image: ImageDigest) -> Deployed {
    Deployed {
        image,
        stack_status: "UPDATE_COMPLETE".to_owned(),
        task_definition: "arn:aws:ecs:eu-west-1:111122223333:task-definition/payments:7".to_owned(),
    }
}
