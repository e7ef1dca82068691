//! Over random votes, identities, groups, expiries and plan changes no release is deployed against its policy (I1). What
//! people said is kept here, and what it carries is counted anew, in other words than the product's.

use std::collections::BTreeSet;

use model::approval::{Answer, Directory, Ground, Identity, Policy, Voice};
use model::effect::Effect;
use model::order::Order;
use model::release::{Authors, Phase, Release};
use model::signal::{Push, Signal};
use model::time::{Span, Timestamp};
use model::who::Who;
use proptest::prelude::*;

use crate::story::{Story, answered, build, directory, fingerprint, ordered, push};

const NAMES: [&str; 4] = ["ana", "bob", "cleo", "dana"];
const ACTS_MAX: usize = 60;
/// Whoever may be listed, one way or the other.
const LISTED: [&str; 5] = ["user:ana", "user:bob", "user:dana", "group:managers", "group:nobody"];

#[derive(Debug, Clone)]
enum Act {
    /// By one of `NAMES`, or by reply; of the plan in force, or of the one before it.
    Approves {
        who: usize,
        by_iam: bool,
        an_older_plan: bool,
    },
    Rejects {
        who: usize,
    },
    /// What was planned no longer is: another plan is made, or the same once more.
    PlanChanges {
        same: bool,
    },
    RecordChanges {
        record: Policy,
    },
    /// Into the group of managers, or out of it.
    Moves {
        who: usize,
        in_managers: bool,
    },
    Leaves {
        who: usize,
    },
    Returns {
        who: usize,
    },
    HoursPass {
        hours: u64,
    },
    Holds,
    Lifts,
}

fn policies() -> impl Strategy<Value = Policy> {
    let list = prop::collection::btree_set(prop::sample::select(&LISTED[..]), 1..4);
    (0..4_u32, any::<bool>(), 1..48_u32, prop::option::of(list), any::<bool>()).prop_map(
        |(required, replies, expires_hours, list, self_approval)| Policy {
            required,
            replies,
            expires_hours,
            approvers: list
                .map(|list| list.iter().map(|who| who.parse().unwrap()).collect())
                .into_iter()
                .collect(),
            self_approval,
        },
    )
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let who = || 0..NAMES.len();
    let act = prop_oneof![
        12 => (0..=NAMES.len(), any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(who, by_iam, an_older_plan)| Act::Approves { who, by_iam, an_older_plan }),
        1 => who().prop_map(|who| Act::Rejects { who }),
        3 => any::<bool>().prop_map(|same| Act::PlanChanges { same }),
        3 => policies().prop_map(|record| Act::RecordChanges { record }),
        2 => (who(), any::<bool>()).prop_map(|(who, in_managers)| Act::Moves { who, in_managers }),
        1 => who().prop_map(|who| Act::Leaves { who }),
        1 => who().prop_map(|who| Act::Returns { who }),
        2 => (1..12_u64).prop_map(|hours| Act::HoursPass { hours }),
        1 => Just(Act::Holds),
        2 => Just(Act::Lifts),
    ];
    prop::collection::vec(act, 0..ACTS_MAX)
}

/// One release on its way, and what was said about it.
struct Case {
    story: Story,
    wish: Policy,
    ground: Ground,
    pusher: Option<usize>,
    author: Option<usize>,
    /// Number of the plan in force.
    plan: u64,
    asked_at: Timestamp,
    /// Who approved which plan; `None`: by reply.
    said: BTreeSet<(u64, Option<usize>)>,
    orders: u32,
}

impl Case {
    fn new(wish: Policy, record: Policy, pusher: Option<usize>, author: Option<usize>) -> Self {
        let by = pusher.map_or("zoe", |who| NAMES[who]);
        let push = Push { by: Some(format!("{by}@example.com")), ..push('a') };
        let story = Story::new().told(&Signal::Pushed(push)).build_started(1).built(1);
        let asked_at = story.now;
        let mut case = Self {
            story,
            wish,
            ground: Ground { record, directory: directory() },
            pusher,
            author,
            plan: 1,
            asked_at,
            said: BTreeSet::new(),
            orders: 0,
        };
        assert_eq!(case.story.family(1).attempt(1), build('a'));
        case.planned();
        case
    }

    fn planned(&mut self) {
        let plan = self.story.plan(1, self.plan);
        let known = self.author.map(|who| format!("{}@example.com", NAMES[who])).into_iter().collect();
        let authors = Authors { known, unread: false };
        let (wish, ground) = (self.wish.clone(), self.ground.clone());
        self.sees(&Signal::Planned { n: 1, plan: Box::new(plan), wish, ground, authors });
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Approves { who, by_iam, an_older_plan } => {
                let plan = if *an_older_plan { self.plan.saturating_sub(1) } else { self.plan };
                let who = (*who < NAMES.len()).then_some(*who);
                self.said.insert((plan, who));
                self.answers(plan, Answer::Approve, voice(who, *by_iam));
            }
            Act::Rejects { who } => self.answers(self.plan, Answer::Reject, voice(Some(*who), false)),
            Act::PlanChanges { same } => {
                if let Some(key) = self.story.promised(&Effect::Execute) {
                    self.sees(&Signal::PlanStale {
                        n: 1,
                        key,
                        why: "another change was executed".to_owned(),
                    });
                }
                if self.phase() == Some("Planning") {
                    if !same {
                        self.plan += 1;
                        self.asked_at = self.story.now;
                    }
                    self.planned();
                }
            }
            Act::RecordChanges { record } => self.ground.record = record.clone(),
            Act::Moves { who, in_managers } => {
                let managers = self.ground.directory.groups.values_mut().next().unwrap();
                let person = NAMES[*who].parse().unwrap();
                if *in_managers {
                    managers.insert(person)
                } else {
                    managers.remove(&person)
                };
            }
            Act::Leaves { who } => {
                self.ground.directory.people.remove(&NAMES[*who].parse().unwrap());
            }
            Act::Returns { who } => {
                let person = NAMES[*who].parse().unwrap();
                let known = directory().people[&person].clone();
                self.ground.directory.people.insert(person, known);
            }
            Act::HoursPass { hours } => {
                self.story.now = self.story.now.plus(Span::hours(*hours));
                self.sees(&Signal::Tick);
            }
            Act::Holds => self.orders(Order::Hold),
            Act::Lifts => {
                self.orders(Order::Lift);
                if self.phase() == Some("Planning") {
                    self.planned();
                }
            }
        }
    }

    fn answers(&mut self, plan: u64, answer: Answer, voice: Voice) {
        self.sees(&answered(1, fingerprint(plan), answer, voice, self.ground.clone()));
    }

    fn orders(&mut self, order: Order) {
        self.orders += 1;
        self.sees(&Signal::Ordered { order, ordered: ordered(self.orders) });
    }

    fn phase(&self) -> Option<&'static str> {
        self.story.track.release(1).map(|release| release.phase.name())
    }

    fn sees(&mut self, signal: &Signal) {
        let before = self.story.track.release(1).map(|release| release.phase.clone());
        // What is ignored changes nothing: `properties` looks at that.
        let _ = self.story.see(signal);
        let after = self.story.track.release(1).cloned();
        let deployed = |phase: &Phase| matches!(phase, Phase::Deploying { .. });
        if let Some(release) = after.filter(|release| deployed(&release.phase))
            && !before.as_ref().is_some_and(deployed)
        {
            let waited = matches!(before, Some(Phase::AwaitingApproval { .. }));
            self.deploys(&release, signal, waited);
        }
    }

    /// The release deploys by that very signal: its policies must both pass, as they are at this moment.
    fn deploys(&self, release: &Release, signal: &Signal, waited: bool) {
        let plan = release.phase.plan().unwrap();
        assert_eq!(plan.fingerprint, fingerprint(self.plan), "another plan than the one in force");
        let (Signal::Planned { ground, .. } | Signal::Answered { ground, .. }) = signal else {
            panic!("it deploys by {signal:?}, which read no record");
        };
        let policies = [&self.wish, &ground.record];
        let own = policies.iter().all(|policy| policy.self_approval);
        let counts = |who: &Option<usize>| match who {
            None => policies.iter().all(|policy| policy.replies),
            Some(who) => {
                let name = NAMES[*who];
                let is_close = self.pusher == Some(*who) || self.author == Some(*who);
                ground.directory.people.contains_key(&name.parse().unwrap())
                    && policies
                        .iter()
                        .flat_map(|policy| &policy.approvers)
                        .all(|list| names(list, name, &ground.directory))
                    && (own || !is_close)
            }
        };
        let of_it = self.said.iter().filter(|(plan, _)| *plan == self.plan).map(|(_, who)| who);
        let voices = of_it.filter(|who| counts(who)).count() as u32;
        let required = policies.iter().map(|policy| policy.required).max().unwrap();
        let is_known =
            self.pusher.is_some_and(|who| ground.directory.people.contains_key(&NAMES[who].parse().unwrap()));
        let needed = required + u32::from(required > 0 && !is_known && !own);
        assert!(voices >= needed, "{voices} of {needed}: {:?} with {policies:?}", self.said);
        if waited {
            let hours = policies.iter().map(|policy| policy.expires_hours).min().unwrap();
            let until = self.asked_at.plus(Span::hours(hours.into()));
            assert!(self.story.now < until, "the request had expired");
        }
    }
}

fn names(list: &BTreeSet<Who>, name: &str, directory: &Directory) -> bool {
    list.iter().any(|who| match who {
        Who::User(user) => user == name,
        Who::Group(group) => {
            let members = directory.groups.get(&group.parse().unwrap());
            members.is_some_and(|members| members.contains(&name.parse().unwrap()))
        }
    })
}

/// By either identity that the directory has.
fn voice(who: Option<usize>, by_iam: bool) -> Voice {
    let Some(who) = who else { return Voice::Reply };
    let person = NAMES[who].parse().unwrap();
    let known = &directory().people[&person];
    let identity = if by_iam {
        known.iam.first().cloned().map(Identity::Iam)
    } else {
        known.slack.first().cloned().map(Identity::Slack)
    };
    Voice::Verified { person, identity }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn no_release_is_deployed_against_its_policy(
        wish in policies(),
        record in policies(),
        pusher in prop::option::weighted(0.8, 0..NAMES.len()),
        author in prop::option::of(0..NAMES.len()),
        acts in acts(),
    ) {
        let mut case = Case::new(wish, record, pusher, author);
        for act in &acts {
            case.act(act);
        }
    }
}
