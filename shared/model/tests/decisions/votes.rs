//! Who counts, and until when: cases that chance seldom leads to.

use model::approval::{Answer, Bar, Policy, Voice};
use model::decide::Why;
use model::effect::{Effect, Notice};
use model::ids::SlackUser;
use model::order::Order;
use model::release::{Authors, Ending, HEARD_MAX, Phase};
use model::signal::Signal;
use model::time::Span;

use crate::story::{Story, answered, approvers, fingerprint, ground, person, planned_for, policy, wish};

fn waiting(required: u32) -> Story {
    let story = Story::new().planning('a');
    let plan = story.plan(1, 1);
    story.told(&planned_for(1, plan, policy(required)))
}

fn says(voice: Voice, record: Policy) -> Signal {
    answered(1, fingerprint(1), Answer::Approve, voice, ground(record))
}

fn phase(story: &Story) -> &'static str {
    story.track.release(1).map_or("over", |release| release.phase.name())
}

#[test]
fn one_person_with_two_identities_is_one_voice() {
    let mut story = waiting(2);
    story.see(&says(person("ana"), policy(2))).unwrap();
    let other: SlackUser = "T0002/U0009".parse().unwrap();
    let by_another = Voice::Verified {
        person: "ana".parse().unwrap(),
        identity: Some(model::approval::Identity::Slack(other)),
    };
    assert_eq!(story.see(&says(by_another, policy(2))), Err(Why::AlreadyDone));
    assert_eq!(phase(&story), "AwaitingApproval");
    story.see(&says(person("bob"), policy(2))).unwrap();
    assert_eq!(phase(&story), "Deploying");
}

#[test]
fn a_voice_that_left_its_group_no_longer_counts_when_the_last_one_comes() {
    let managers = Policy { approvers: approvers(&["group:managers"]), ..policy(2) };
    let mut story = waiting(2);
    story.see(&says(person("bob"), managers.clone())).unwrap();
    let mut later = ground(managers);
    later.directory.groups.values_mut().for_each(|members| {
        members.remove(&"bob".parse().unwrap());
    });
    let cleo = answered(1, fingerprint(1), Answer::Approve, person("cleo"), later);
    story.see(&cleo).unwrap();
    assert_eq!(phase(&story), "AwaitingApproval");
    let Phase::AwaitingApproval { asked, .. } = &story.track.release(1).unwrap().phase else {
        panic!("{:?}", story.track);
    };
    assert_eq!((asked.votes.len(), asked.still_needed()), (2, 1), "both are recorded, one counts");
}

#[test]
fn a_record_that_became_laxer_lets_earlier_votes_count() {
    let mut story = waiting(2);
    story.see(&says(person("ana"), policy(2))).unwrap();
    story.see(&says(person("ana"), policy(1))).unwrap();
    assert_eq!(phase(&story), "Deploying");
}

#[test]
fn both_lists_of_approvers_must_name_a_person() {
    let story = Story::new().planning('a');
    let plan = story.plan(1, 1);
    let wish = Policy { approvers: approvers(&["user:ana", "group:managers"]), ..wish() };
    let record = Policy { approvers: approvers(&["user:bob"]), ..policy(1) };
    let mut story = story.told(&Signal::Planned {
        n: 1,
        plan: Box::new(plan),
        wish,
        ground: ground(record.clone()),
        authors: Authors::default(),
    });
    let not_listed = Err(Why::MayNotApprove(Bar::NotAnApprover));
    assert_eq!(story.see(&says(person("ana"), record.clone())), not_listed);
    assert_eq!(story.see(&says(person("cleo"), record.clone())), not_listed);
    story.see(&says(person("bob"), record)).unwrap();
    assert_eq!(phase(&story), "Deploying");
}

#[test]
fn whoever_agrees_after_the_decision_is_remembered() {
    let mut story = waiting(1);
    story.see(&says(person("ana"), policy(1))).unwrap();
    story.see(&says(person("bob"), policy(1))).unwrap();
    assert_eq!(story.see(&says(person("bob"), policy(1))), Err(Why::AlreadyDone));
    let Phase::Deploying { asked, .. } = &story.track.release(1).unwrap().phase else {
        panic!("{:?}", story.track);
    };
    assert_eq!(asked.votes.len(), 2);
}

#[test]
fn a_request_is_repeated_then_brought_before_others_then_expires() {
    let mut story = waiting(1);
    let told = |story: &Story, notice| {
        story.track.outbox.iter().filter(|p| p.effect == Effect::Announce { notice }).count()
    };
    story.now = story.now.plus(Span::hours(11));
    assert_eq!(story.see(&Signal::Tick), Err(Why::NothingDue));
    story.now = story.now.plus(Span::hours(1));
    story.see(&Signal::Tick).unwrap();
    assert_eq!(story.see(&Signal::Tick), Err(Why::NothingDue));
    assert_eq!((told(&story, Notice::ApprovalReminded), told(&story, Notice::ApprovalEscalated)), (1, 0));
    story.now = story.now.plus(Span::hours(6));
    story.see(&Signal::Tick).unwrap();
    assert_eq!((told(&story, Notice::ApprovalReminded), told(&story, Notice::ApprovalEscalated)), (1, 1));
    story.now = story.now.plus(Span::hours(6));
    story.see(&Signal::Tick).unwrap();
    assert!(matches!(story.over[0].ending(), Some(Ending::Expired { .. })));
    assert_eq!(told(&story, Notice::ApprovalEscalated), 0, "a request that is over is not repeated");
}

#[test]
fn a_record_that_became_stricter_shortens_an_open_request() {
    let mut story = waiting(2);
    story.now = story.now.plus(Span::hours(3));
    story.see(&says(person("ana"), Policy { expires_hours: 4, ..policy(2) })).unwrap();
    story.now = story.now.plus(Span::hours(1));
    story.see(&Signal::Tick).unwrap();
    assert!(matches!(story.over[0].ending(), Some(Ending::Expired { .. })));
}

#[test]
fn an_answer_that_comes_after_the_shortened_time_finds_the_request_expired() {
    let mut story = waiting(1);
    story.now = story.now.plus(Span::hours(5));
    story.see(&says(person("ana"), Policy { expires_hours: 4, ..policy(1) })).unwrap();
    assert!(matches!(story.over[0].ending(), Some(Ending::Expired { .. })));
}

#[test]
fn a_token_that_was_used_to_approve_does_not_reject() {
    let mut story = waiting(2);
    story.see(&says(Voice::Reply, policy(2))).unwrap();
    let rejects = answered(1, fingerprint(1), Answer::Reject, Voice::Reply, ground(policy(2)));
    assert_eq!(story.see(&rejects), Err(Why::AlreadyDone));
    assert_eq!(phase(&story), "AwaitingApproval");
}

#[test]
fn what_was_said_is_kept_with_a_release_that_is_over() {
    let mut story = waiting(2);
    story.see(&says(person("ana"), policy(2))).unwrap();
    let rejects = answered(1, fingerprint(1), Answer::Reject, person("bob"), ground(policy(2)));
    story.see(&rejects).unwrap();
    let heard = &story.over[0].heard;
    let said: Vec<_> = heard.iter().map(|heard| (heard.answer, heard.vote.voice.to_string())).collect();
    assert_eq!(said, [(Answer::Approve, "ana".to_owned()), (Answer::Reject, "bob".to_owned())]);
    assert!(heard.iter().all(|heard| heard.vote.fingerprint == fingerprint(1)), "{heard:?}");
}

#[test]
fn what_was_said_is_not_kept_without_end() {
    let mut story = waiting(2);
    story.see(&says(person("ana"), policy(2))).unwrap();
    let first = story.track.in_flight[0].heard[0].clone();
    story.track.in_flight[0].heard = vec![first; HEARD_MAX];
    story.see(&says(person("bob"), policy(2))).unwrap();
    let heard = &story.track.in_flight[0].heard;
    assert_eq!((heard.len(), heard[HEARD_MAX - 1].vote.voice.to_string()), (HEARD_MAX, "bob".to_owned()));
}

#[test]
fn whoever_overrides_a_freeze_does_not_approve_what_it_would_have_stopped() {
    let mut story = waiting(1);
    let until = story.now.plus(Span::hours(1));
    story = story.orders(Order::OverrideFreeze { until });
    let giver = story.track.freeze_override.as_ref().unwrap().ordered.by.clone();
    assert_eq!(story.see(&says(giver.clone(), policy(1))), Err(Why::MayNotApprove(Bar::Requester)));
    story.now = until;
    story.see(&says(giver, policy(1))).unwrap();
    assert_eq!(phase(&story), "Deploying", "the override is over, and freezes count again");
}

#[test]
fn commits_that_nobody_read_cost_one_voice_more() {
    let story = Story::new().planning('a');
    let plan = Box::new(story.plan(1, 1));
    let authors = Authors { known: Vec::new(), unread: true };
    let mut story =
        story.told(&Signal::Planned { n: 1, plan, wish: wish(), ground: ground(policy(1)), authors });
    let step = &story.track.release(1).unwrap().steps.last().unwrap().what;
    assert!(step.ends_with("2 approval(s), one of them because nobody read who wrote all of it"), "{step}");
    story.see(&says(person("ana"), policy(1))).unwrap();
    assert_eq!(phase(&story), "AwaitingApproval");
}
