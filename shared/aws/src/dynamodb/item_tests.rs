use databases::alert::Alert;
use databases::drill::{self, Drill, Order, Outcome, Report, Terms};
use databases::facts::Family;
use databases::folding::{Heard, Telling};
use databases::policy::Check;
use databases::rules::{Finding, Rule};
use databases::story::{Part, Story};
use databases::validation::{self, Validation};
use databases::watch::{Gone, Held, Looked, News};
use model::approval::{Nudged, Policy, Voice, Vote};
use model::build::BuildState;
use model::drill::{AnswerKey, DrillId};
use model::effect::{Effect, Notice, Promise};
use model::ids::{BuildId, EffectKey, Fingerprint, ImageDigest, Revision};
use model::listener::{self, Reserved};
use model::matching::Matching;
use model::order::{Hold, Ordered, Override, Repair, Repaired};
use model::pipeline::{Gate, Request};
use model::release::{
    Asked, Danger, Deployed, Ending, Errand, ErrandKind, How, Origin, Phase, Plan, PlanLine, Step, Verdict,
    Verify,
};
use model::severity::Severity;
use model::time::{Span, Timestamp};
use model::track::{Live, Newest};
use proptest::prelude::*;

use super::*;

// One stored item of each kind as format 1 wrote it. They must be readable for as long as format 1 is: what changes them
// needs another format, and a reader for this one.
const TRACK_1: &str = include_str!("format_1/track.json");
const RELEASE_1: &str = include_str!("format_1/release.json");
const HELD_TRACK_1: &str = include_str!("format_1/held_track.json");
const REPAIRED_TRACK_1: &str = include_str!("format_1/repaired_track.json");
const PREPARING_TRACK_1: &str = include_str!("format_1/preparing_track.json");
const VERIFYING_TRACK_1: &str = include_str!("format_1/verifying_track.json");
const BUILD_1: &str = include_str!("format_1/build.json");
const WATCH_1: &str = include_str!("format_1/watch.json");
const DRILLED_WATCH_1: &str = include_str!("format_1/drilled_watch.json");
const WATCH_OF_RECORD_1: &str = include_str!("format_1/watch_of_record.json");
const DRILLS_1: &str = include_str!("format_1/drills.json");
const VALIDATIONS_1: &str = include_str!("format_1/validations.json");
const DROPPED_1: &str = include_str!("format_1/dropped.json");
const LISTENER_1: &str = include_str!("format_1/listener.json");
const PIPELINE_1: &str = include_str!("format_1/pipeline.json");

#[test]
fn what_format_1_stored_is_still_read_and_written_so() {
    assert_eq!(serde_json::from_str::<Track>(TRACK_1).unwrap(), track());
    assert_eq!(serde_json::from_str::<Track>(HELD_TRACK_1).unwrap(), held_track());
    assert_eq!(serde_json::from_str::<Track>(REPAIRED_TRACK_1).unwrap(), repaired_track());
    assert_eq!(serde_json::from_str::<Track>(PREPARING_TRACK_1).unwrap(), preparing_track());
    assert_eq!(serde_json::from_str::<Track>(VERIFYING_TRACK_1).unwrap(), verifying_track());
    assert_eq!(serde_json::from_str::<Release>(RELEASE_1).unwrap(), ended());
    assert_eq!(serde_json::from_str::<Build>(BUILD_1).unwrap(), build());
    assert_eq!(serde_json::from_str::<Watch>(WATCH_1).unwrap(), watch());
    assert_eq!(serde_json::from_str::<Watch>(DRILLED_WATCH_1).unwrap(), drilled_watch());
    assert_eq!(serde_json::from_str::<Watch>(WATCH_OF_RECORD_1).unwrap(), watch_of_record());
    assert_eq!(serde_json::from_str::<Drills>(DRILLS_1).unwrap(), drills());
    assert_eq!(serde_json::from_str::<Drills>(VALIDATIONS_1).unwrap(), validations());
    assert_eq!(serde_json::from_str::<Dropped>(DROPPED_1).unwrap(), dropped());
    assert_eq!(serde_json::from_str::<Listener>(LISTENER_1).unwrap(), listener());
    assert_eq!(serde_json::from_str::<Request>(PIPELINE_1).unwrap(), pipeline());
    for (kept, now) in [
        (PIPELINE_1, serde_json::to_value(pipeline())),
        (TRACK_1, serde_json::to_value(track())),
        (HELD_TRACK_1, serde_json::to_value(held_track())),
        (REPAIRED_TRACK_1, serde_json::to_value(repaired_track())),
        (PREPARING_TRACK_1, serde_json::to_value(preparing_track())),
        (VERIFYING_TRACK_1, serde_json::to_value(verifying_track())),
        (RELEASE_1, serde_json::to_value(ended())),
        (BUILD_1, serde_json::to_value(build())),
        (WATCH_1, serde_json::to_value(watch())),
        (DRILLED_WATCH_1, serde_json::to_value(drilled_watch())),
        (WATCH_OF_RECORD_1, serde_json::to_value(watch_of_record())),
        (DRILLS_1, serde_json::to_value(drills())),
        (VALIDATIONS_1, serde_json::to_value(validations())),
        (DROPPED_1, serde_json::to_value(dropped())),
        (LISTENER_1, serde_json::to_value(listener())),
    ] {
        assert_eq!(serde_json::from_str::<serde_json::Value>(kept).unwrap(), now.unwrap());
    }
}

#[cfg(feature = "ssm")]
#[test]
fn what_format_1_stored_of_slack_is_still_read_and_written_so() {
    let shown: Shown = serde_json::from_str(include_str!("format_1/shown.json")).unwrap();
    let version: i64 = serde_json::from_str(include_str!("format_1/channels.json")).unwrap();
    let place = model::place::Place { channel: "C0123456789".to_owned(), ts: "1700000000.000100".to_owned() };
    let detailed = "ab".repeat(32).parse().ok();
    assert_eq!(shown, Shown { place: Some(place), sha256: "0".repeat(64), detailed, unanswered: 0 });
    assert_eq!(version, 7);
    let id = ended().id;
    assert_eq!(decode::<Shown>(&of_shown(&id, &shown).unwrap()).unwrap(), shown);
    assert_eq!(decode::<i64>(&of_channels_told(version).unwrap()).unwrap(), version);
    let written = serde_json::to_value(&shown).unwrap();
    let kept: serde_json::Value = serde_json::from_str(include_str!("format_1/shown.json")).unwrap();
    assert_eq!(written, kept);
}

#[test]
fn keys_are_as_the_table_says() {
    let item = of_track(&track()).unwrap();
    assert_eq!((string(&item, "pk"), string(&item, "sk")), ("TRACK#payments/production", "TRACK"));
    let item = of_release(&ended()).unwrap();
    assert_eq!(
        (string(&item, "pk"), string(&item, "sk")),
        ("TRACK#payments/production", "RELEASE#0000000007")
    );
    let item = of_build(&build()).unwrap();
    assert_eq!((string(&item, "pk"), string(&item, "sk")), ("BUILD#tg-0123456789ab-89abcdef", "BUILD"));
    let item = of_watch(&watch()).unwrap();
    assert_eq!((string(&item, "pk"), string(&item, "sk")), ("DATABASES", "instance/payments"));
    let item = of_listener("arn:listener", &listener()).unwrap();
    assert_eq!((string(&item, "pk"), string(&item, "sk")), ("LISTENER#arn:listener", "LISTENER"));
    assert_eq!(item["version"], number(2));
    let item = of_patrol(Some("token")).unwrap();
    assert_eq!((string(&item, "pk"), string(&item, "sk")), ("PATROL", "PATROL"));
    let item = of_drills(&drills()).unwrap();
    assert_eq!((string(&item, "pk"), string(&item, "sk")), ("DRILLS", "DRILLS"));
    assert_eq!(item["version"], number(4));
    let item = of_care(Care::Drop, &dropped()).unwrap();
    let sk = "DROPPED#001700000000000#5b2e3c1a-0d4f-4c6b-9e8a-7f6d5c4b3a21";
    assert_eq!((string(&item, "pk"), string(&item, "sk")), ("QUARANTINE", sk));
    let item = of_care(Care::Redrive, &dropped()).unwrap();
    assert!(string(&item, "sk").starts_with("REDRIVEN#001700000000000#"));
}

#[test]
fn only_a_track_with_something_due_is_in_the_index() {
    let item = of_track(&track()).unwrap();
    assert_eq!(string(&item, "shard"), SHARD);
    assert_eq!(item["due"], number(1_700_000_010_000));
    let idle = Track { outbox: Vec::new(), in_flight: Vec::new(), ..track() };
    let item = of_track(&idle).unwrap();
    assert!(!item.contains_key("shard") && !item.contains_key("due"), "{item:?}");
}

#[test]
fn only_a_watch_that_nobody_needs_expires() {
    for needed in [watch(), watch_of_record()] {
        assert!(!of_watch(&needed).unwrap().contains_key("expires"));
    }
    let idle = Watch { findings: Vec::new(), notices: Vec::new(), looked: None, ..watch() };
    assert_eq!(of_watch(&idle).unwrap()["expires"], number(1_700_000_000 + 90 * 24 * 3600));
}

#[test]
fn a_release_says_for_people_where_it_stands() {
    let item = of_release(&ended()).unwrap();
    assert_eq!(string(&item, "phase"), "Deployed");
    assert_eq!(string(&item, "ended"), "2023-11-14T22:13:20Z");
    let item = of_release(&track().in_flight[0]).unwrap();
    assert_eq!(string(&item, "phase"), "AwaitingApproval");
    assert!(!item.contains_key("ended"));
}

#[test]
fn an_index_entry_names_its_track() {
    let item = of_track(&track()).unwrap();
    assert_eq!(track_of(&item).unwrap(), track().key);
    assert!(track_of(&of_build(&build()).unwrap()).is_err());
}

#[test]
fn an_unreadable_item_is_named_with_what_is_wrong() {
    let told = |change: &dyn Fn(&mut Item)| {
        let mut item = of_track(&track()).unwrap();
        change(&mut item);
        decode::<Track>(&item).unwrap_err().to_string()
    };
    let newer = told(&|item| drop(item.insert("format".into(), number(2))));
    assert!(
        newer.contains("item TRACK#payments/production / TRACK cannot be read: its format is 2"),
        "{newer}"
    );
    let formless = told(&|item| drop(item.remove("format")));
    assert!(formless.contains("no number `format`"), "{formless}");
    let empty = told(&|item| drop(item.remove("body")));
    assert!(empty.contains("no string `body`"), "{empty}");
    let torn = told(&|item| drop(item.insert("body".into(), text("{\"key\":\"payments/production\"}"))));
    assert!(torn.contains("its body is not right: missing field"), "{torn}");
}

#[test]
fn a_track_that_no_item_can_hold_is_refused_by_its_size() {
    let mut track = track();
    let step = Step { at: Timestamp(1), phase: "Building".to_owned(), what: "x".repeat(5000) };
    track.in_flight[0].steps = vec![step; 100];
    let refused = of_track(&track).unwrap_err().to_string();
    assert!(refused.contains("item TRACK#payments/production / TRACK"), "{refused}");
    assert!(refused.contains("405504"), "{refused}");
}

proptest! {
    #[test]
    fn an_item_reads_back_as_it_was(
        version in 1_u64.., n in 1_u32.., due in 0_u64.., what in ".*", waits in 0_u32.., pushed_by in proptest::option::of(".*"),
    ) {
        let mut track = Track { version, ..track() };
        track.in_flight[0].id.n = n;
        track.in_flight[0].pushed_by = pushed_by;
        track.outbox[0].due = Timestamp(due);
        track.outbox[0].waits = waits;
        track.outbox[0].waiting_for = Some(what);
        let item = of_track(&track).unwrap();
        prop_assert_eq!(decode::<Track>(&item).unwrap(), track.clone());
        let item = of_release(&track.in_flight[0]).unwrap();
        prop_assert_eq!(decode::<Release>(&item).unwrap(), track.in_flight[0].clone());
    }
}

fn string<'a>(item: &'a Item, name: &str) -> &'a str {
    item[name].as_s().unwrap()
}

fn revision() -> Revision {
    "0123456789abcdef0123456789abcdef01234567".parse().unwrap()
}

fn image() -> ImageDigest {
    format!("sha256:{}", "a1".repeat(32)).parse().unwrap()
}

fn fingerprint() -> Fingerprint {
    "b2".repeat(32).parse().unwrap()
}

fn family() -> BuildFamily {
    "tg-0123456789ab-89abcdef".parse().unwrap()
}

fn effect(k: u32) -> EffectKey {
    format!("payments-production-8-{k}").parse().unwrap()
}

fn release(n: u32, phase: Phase) -> Release {
    Release {
        id: format!("payments-production-{n}").parse().unwrap(),
        revision: revision(),
        repository: "payments".parse().unwrap(),
        branch: "main".parse().unwrap(),
        pushed_by: Some("arn:aws:iam::123456789012:user/ana".to_owned()),
        authors: Vec::new(),
        authors_unread: false,
        family: family(),
        origin: Origin::Push,
        ordered: None,
        stale: 0,
        prepared: false,
        verdict: None,
        build_log: None,
        image: None,
        created_at: Timestamp(1_699_999_000_000),
        phase,
        phase_since: Timestamp(1_700_000_000_000),
        warning: None,
        heard: Vec::new(),
        steps: vec![Step {
            at: Timestamp(1_699_999_000_000),
            phase: "Building".to_owned(),
            what: "0123456789ab on main pushed by ana".to_owned(),
        }],
    }
}

fn ended() -> Release {
    let deployed = Deployed {
        image: image(),
        stack_status: "UPDATE_COMPLETE".to_owned(),
        task_definition: "arn:aws:ecs:eu-west-1:123456789012:task-definition/payments:7".to_owned(),
    };
    release(7, Phase::Over(Ending::Deployed { deployed, how: How::Changed }))
}

fn track() -> Track {
    let plan = Plan {
        fingerprint: fingerprint(),
        image: image(),
        change_set: effect(3),
        stack_policy: None,
        timeout: None,
        requires: None,
        before: None,
        verify: None,
        deletion: None,
        lines: vec![PlanLine { danger: Danger::Replace, text: "replaces TaskDefinition".to_owned() }],
    };
    let asked = Asked {
        fingerprint: fingerprint(),
        policy: Policy {
            required: 2,
            replies: true,
            expires_hours: 72,
            approvers: Vec::new(),
            self_approval: false,
        },
        wish: None,
        missing: None,
        asked_at: None,
        nudged: Nudged::NotYet,
        votes: vec![
            Vote {
                voice: Voice::Reply,
                fingerprint: fingerprint(),
                at: Timestamp(1_700_000_001_000),
                reason: String::new(),
            },
            Vote {
                voice: Voice::Verified { person: "ana".parse().unwrap(), identity: None },
                fingerprint: fingerprint(),
                at: Timestamp(1_700_000_002_000),
                reason: String::new(),
            },
        ],
        until: Timestamp(1_700_259_200_000),
    };
    let promise = |k: u32, effect_: Effect, due: u64| Promise {
        key: effect(k),
        effect: effect_,
        due: Timestamp(due),
        waits: 1,
        waiting_for: Some("the topic".to_owned()),
    };
    let build: BuildId = family().attempt(1);
    Track {
        key: "payments/production".parse().unwrap(),
        version: 12,
        newest: Some(Newest { n: 8, revision: revision() }),
        live: Some(Live {
            release: "payments-production-7".parse().unwrap(),
            revision: revision(),
            image: image(),
            task_definition: "arn:aws:ecs:eu-west-1:123456789012:task-definition/payments:7".to_owned(),
            since: Timestamp(1_700_000_000_000),
            from: None,
            refresh: None,
        }),
        in_flight: vec![release(8, Phase::AwaitingApproval { plan, asked })],
        outbox: vec![
            promise(4, Effect::Announce { notice: Notice::ApprovalRequested }, 1_700_000_010_000),
            promise(5, Effect::LookAtBuild { build }, 1_700_000_020_000),
            promise(6, Effect::LeaveBuild { family: family() }, 1_700_000_020_000),
            promise(7, Effect::DiscardPlan { change_set: effect(2) }, 1_700_000_020_000),
            promise(8, Effect::Execute, 1_700_000_020_000),
        ],
        promised: 8,
        ..Track::new("payments/production".parse().unwrap())
    }
}

/// After a rollback: held, and a push waits in a freeze.
fn held_track() -> Track {
    let ordered = Ordered {
        id: "order-1".parse().unwrap(),
        by: Voice::Verified { person: "ana".parse().unwrap(), identity: None },
        reason: "checkout is slow".to_owned(),
    };
    let rollback = Release {
        origin: Origin::Rollback { to: "payments-production-6".parse().unwrap() },
        ordered: Some(ordered.clone()),
        image: Some(image()),
        ..release(9, Phase::Building { build: None })
    };
    let live = track().live.map(|live| Live {
        from: Some("payments-production-6".parse().unwrap()),
        refresh: Some("payments-production-5".parse().unwrap()),
        ..live
    });
    let at = Timestamp(1_700_000_000_000);
    Track {
        version: 13,
        newest: Some(Newest { n: 9, revision: revision() }),
        live,
        in_flight: vec![rollback],
        promised: 9,
        promoted: Some("payments-staging-4".parse().unwrap()),
        hold: Some(Hold { ordered: ordered.clone(), since: at, told: at, lifted: None }),
        freeze_override: Some(Override { ordered, until: at }),
        orders: vec!["order-1".parse().unwrap()],
        ..Track::new("payments/production".parse().unwrap())
    }
}

fn repaired_track() -> Track {
    let since = Timestamp(1_700_000_000_000);
    let Some(Hold { ordered, .. }) = held_track().hold else { unreachable!("the sample is held") };
    let key = effect(8);
    let announced = Effect::Announce { notice: Notice::Repaired };
    Track {
        repair: Some(Repair {
            ordered,
            key: key.clone(),
            skip: vec!["EcsService".to_owned()],
            since,
            outcome: Some(Repaired::NotDone { why: "nothing hangs".to_owned() }),
        }),
        outbox: [Effect::Repair, announced]
            .map(|effect| Promise { key: key.clone(), effect, due: since, waits: 0, waiting_for: None })
            .into(),
        ..held_track()
    }
}

/// Its `before` runs; that of an earlier release ended well, and another one's is to be stopped.
fn preparing_track() -> Track {
    let Phase::AwaitingApproval { plan, asked } = track().in_flight[0].phase.clone() else {
        unreachable!("the sample waits for approval")
    };
    let since = Timestamp(1_700_000_000_000);
    let errand = Errand { kind: ErrandKind::Before, key: effect(5), since, started: true };
    let plan = Plan { before: Some(Span::minutes(10)), ..plan };
    let phase =
        Phase::Deploying { plan, asked, started: false, errand: Some(errand), told: None, stop: None };
    let promise = |k: u32, effect_: Effect| Promise {
        key: effect(k),
        effect: effect_,
        due: since,
        waits: 0,
        waiting_for: None,
    };
    Track {
        version: 14,
        in_flight: vec![
            release(8, phase),
            Release { prepared: true, ..release(9, Phase::Building { build: None }) },
        ],
        outbox: vec![
            promise(5, Effect::RunErrand),
            promise(6, Effect::LookAtErrand),
            promise(7, Effect::StopErrand { kind: ErrandKind::Before, key: effect(2) }),
        ],
        promised: 7,
        ..Track::new("payments/production".parse().unwrap())
    }
}

fn verifying_track() -> Track {
    let mut track = preparing_track();
    let (verifying, judged) = track.in_flight.split_at_mut(1);
    if let Phase::Deploying { plan, started, errand: Some(errand), .. } = &mut verifying[0].phase {
        plan.verify = Some(Verify { condition: "Verify0a1b2c3d".to_owned(), limit: Span::minutes(5) });
        (*started, errand.kind) = (true, ErrandKind::Verify);
    }
    verifying[0].stale = 2;
    judged[0].verdict = Some(Verdict::Unwell { why: "failed: payments exited with code 1".to_owned() });
    let promise = Promise { effect: Effect::GiveVerdict, ..track.outbox[0].clone() };
    Track { outbox: vec![promise], ..track }
}

fn build() -> Build {
    Build {
        family: family(),
        version: 2,
        attempt: 1,
        repository: "payments".parse().unwrap(),
        revision: revision(),
        image_repository: "tidegate/payments".to_owned(),
        wanted_by: ["payments-production-8".parse().unwrap()].into(),
        state: BuildState::Started { arn: "arn:aws:codebuild:eu-west-1:123456789012:build/b:1".to_owned() },
    }
}

fn watch() -> Watch {
    let at = Timestamp(1_700_000_000_000);
    let finding = Finding {
        rule: Rule::SingleAz,
        severity: Severity::Warning,
        words: "It runs in one zone only.".to_owned(),
        mend: "aws rds modify-db-instance".to_owned(),
    };
    let alert = Alert {
        id: "RDS-EVENT-0013".to_owned(),
        at,
        about: "database payments".to_owned(),
        severity: Severity::High,
        part: Part::Opens(Story::Failover),
        means: "A failover has started.".to_owned(),
        act: "Nothing to do yet.".to_owned(),
        said: None,
    };
    let news = [
        News::Alert { alert, telling: Telling::Ended(Some(Span::seconds(90))) },
        News::Appeared { finding: finding.clone() },
        News::Gone {
            finding: finding.clone(),
            lasted: Span::hours(1),
            why: Gone::Waived {
                owner: "ana".to_owned(),
                until: "2027-01-31".to_owned(),
                reason: "moves".to_owned(),
            },
        },
    ];
    Watch {
        key: DatabaseKey::new("instance", "payments").unwrap(),
        version: 3,
        family: Some(Family::SqlServer),
        heard: vec![Heard {
            id: "RDS-EVENT-0013".to_owned(),
            at,
            severity: Severity::High,
            part: Part::Opens(Story::Failover),
            told: true,
        }],
        findings: vec![Held { finding, since: at }],
        looked: Some(Looked {
            at,
            newest_snapshot: Some(at),
            restorable: None,
            waived: vec![(Rule::NotEncrypted, "ben".to_owned())],
        }),
        last_drill: None,
        last_validation: None,
        notices: news.into_iter().zip(5..).map(|(news, n)| databases::watch::Notice { n, news }).collect(),
        last_notice: 7,
        record: None,
    }
}

fn watch_of_record() -> Watch {
    let mut watch = Watch::new(DatabaseKey::new("record", "databases").unwrap());
    watch.version = 2;
    watch.record = Some(databases::watch::Record { valid: Some("{}".to_owned()), told: Some(3) });
    watch
}

fn drilled_watch() -> Watch {
    let key = DatabaseKey::new("instance", "payments").unwrap();
    let mut watch = Watch::new(key.clone());
    watch.version = 1;
    let outcome = Outcome::Proven {
        rto: Span::minutes(28),
        rpo: Span::minutes(5),
        to: Timestamp(1_700_000_000_000),
        check: Some("tidegate-drill-check-payments".to_owned()),
    };
    let (requested, ended) = (Timestamp(1_700_000_300_000), Timestamp(1_700_003_000_000));
    watch.drilled(&Report { id: DrillId::of(&key, "cli-1"), requested, ended, outcome });
    watch
}

/// One in each phase.
fn drills() -> Drills {
    let (at, to) = (Timestamp(1_700_000_300_000), Timestamp(1_700_000_000_000));
    let drill = |name: &str, phase| {
        let database = DatabaseKey::new("instance", name).unwrap();
        let id = DrillId::of(&database, "cli-1");
        let terms = Terms {
            subnet_group: "isolated".to_owned(),
            security_group: "sg-0123456789abcdef0".to_owned(),
            hours: 8,
            storage_gib_max: 1000,
            class: Some("db.t3.medium".to_owned()),
            option_group: None,
            check: None,
        };
        Drill { id, database, requested: at, to: Some(to), terms, phase, made: vec!["db-ABC".to_owned()] }
    };
    let order = Order {
        source: "orders".to_owned(),
        drill: "0123456789abcdef".parse().unwrap(),
        to: Some(to),
        class: "db.t3.medium".to_owned(),
        subnet_group: "isolated".to_owned(),
        security_group: "sg-0123456789abcdef0".to_owned(),
        parameter_group: Some("orders".to_owned()),
        option_group: None,
        multi_az: Some(false),
    };
    let failed = Outcome::Failed { why: "its copy was deleted by somebody else".to_owned() };
    let running = [
        drill("payments", drill::Phase::Requested),
        drill("orders", drill::Phase::Restoring { order, newest: at }),
        drill("ledger", drill::Phase::Securing { to, newest: at }),
        drill("users", drill::Phase::Checking { to, newest: at, call: None }),
        drill("carts", drill::Phase::Deleting { outcome: failed, since: at }),
    ];
    Drills { version: 4, running: running.into(), validations: Vec::new() }
}

/// One in each phase, and the call of a function in each of its states.
fn validations() -> Drills {
    let at = Timestamp(1_700_000_300_000);
    let validation = |name: &str, phase| Validation {
        check: Check::Function { function: "tidegate-drill-check-payments".to_owned() },
        phase,
        ..Validation::new("7C1E", (name, "awsbackup-restore-test-1"), Check::Project(String::new()), at)
            .unwrap()
    };
    let key = AnswerKey::new([7; 16]).hash();
    let checking = |call| validation::Phase::Checking { call };
    let failed = validation::Verdict::Failed { why: "table orders is empty".to_owned() };
    let validations = vec![
        validation("orders", checking(None)),
        validation("ledger", checking(Some(drill::Call::Promised { key: key.clone() }))),
        validation("users", checking(Some(drill::Call::Taken { key, at }))),
        validation("carts", checking(Some(drill::Call::Answered { at, failure: None }))),
        validation("payments", validation::Phase::Reporting { verdict: failed }),
    ];
    Drills { version: 5, running: Vec::new(), validations }
}

fn dropped() -> Dropped {
    Dropped {
        id: "5b2e3c1a-0d4f-4c6b-9e8a-7f6d5c4b3a21".to_owned(),
        queue: "QuarantineQueue".to_owned(),
        about: "CodeCommit Repository State Change from aws.codecommit".to_owned(),
        failure: "detail.referenceType is missing: it must be the type of a reference".to_owned(),
        by: "arn:aws:iam::123456789012:user/ana".to_owned(),
        reason: "sent by hand while testing".to_owned(),
        at: 1_700_000_000_000,
    }
}

/// What is live, and what comes in its place.
fn pipeline() -> Request {
    let gate = Gate { pipeline: "payments".into(), stage: "Approve".into(), action: "Release".into() };
    let place = model::place::Place { channel: "C0123ABCD".into(), ts: "1772442900.000100".into() };
    let voice = Voice::Verified { person: "ana".parse().unwrap(), identity: None };
    let (at, reason) = (Timestamp(1_772_443_000_000), "seen".to_owned());
    Request {
        id: "pipeline-0a1b2c3d4e5f6071".parse().unwrap(),
        version: 4,
        gate,
        fingerprint: fingerprint(),
        execution: "execution-1".into(),
        action_execution: "action-1".into(),
        started_by: Some("arn:aws:iam::123456789012:user/ben".into()),
        words: vec!["Look at the change set first.".into()],
        asked_at: Timestamp(1_772_442_900_000),
        expires: Some(Timestamp(1_773_048_000_000)),
        required: 1,
        approvers: Vec::new(),
        votes: vec![Vote { voice, fingerprint: fingerprint(), at, reason }],
        nudged: Nudged::NotYet,
        phase: model::pipeline::Phase::Over { ending: model::pipeline::Ending::Approved, at },
        told: model::pipeline::Told { asked: true, nudged: Nudged::NotYet, ended: false },
        shown: Some(model::pipeline::Shown { place, sha256: "0".repeat(64) }),
        unanswered: 0,
    }
}

#[test]
fn only_a_request_that_is_over_expires_and_its_place_is_as_the_table_says() {
    let over = of_request(&pipeline()).unwrap();
    assert_eq!((string(&over, "pk"), string(&over, "sk")), ("PIPELINES", "pipeline-0a1b2c3d4e5f6071"));
    assert_eq!(over["expires"], number(1_772_443_000 + 30 * 24 * 3600));
    let open = Request { phase: model::pipeline::Phase::Open, ..pipeline() };
    assert!(!of_request(&open).unwrap().contains_key("expires"));
}

fn listener() -> Listener {
    let reserved = |n: u32, priority: u32| Reserved {
        n,
        revision: revision(),
        at: Timestamp(1_700_000_000_000),
        rule: listener::Rule {
            priority,
            matching: Matching {
                hosts: vec!["shop.example.com".to_owned()],
                paths: vec!["/payments/*".to_owned()],
            },
            target_groups: 1,
        },
    };
    let held = listener::Held { live: Some(reserved(7, 120)), coming: vec![reserved(8, 130)] };
    Listener { version: 2, held: [("payments/production".parse().unwrap(), held)].into() }
}
