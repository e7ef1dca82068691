//! Events fold into stories, in any order and any number of copies.

use databases::alert::{Alert, of_database};
use databases::folding::{Heard, Telling, fold, open};
use intake::{Database, DatabaseKind};
use model::time::{Span, Timestamp};
use proptest::prelude::*;

const START: u64 = 1_772_442_900;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// An event of that number, so many seconds after the start.
fn event(number: u16, seconds: u64) -> Alert {
    let news = Database {
        kind: DatabaseKind::Instance,
        name: "payments".to_owned(),
        arn: None,
        event: Some(format!("RDS-EVENT-{number:04}")),
        event_type: None,
        at: None,
        categories: Vec::new(),
        message: None,
    };
    of_database(&news, at(seconds))
}

fn at(seconds: u64) -> Timestamp {
    Timestamp((START + seconds) * 1000)
}

/// What was told, as `0013` or `0049 ended after 90`, in order; each event is heard within the hour.
fn told(events: &[Alert]) -> (Vec<String>, Vec<Heard>) {
    let (mut heard, mut told) = (Vec::new(), Vec::new());
    for event in events {
        let number = event.id.trim_start_matches("RDS-EVENT-");
        match fold(&mut heard, event, event.at.plus(Span::hours(1))) {
            None => {}
            Some(Telling::Happened) => told.push(number.to_owned()),
            Some(Telling::Ended(Some(span))) => {
                told.push(format!("{number} ended after {}", span.as_seconds()))
            }
            Some(Telling::Ended(None)) => told.push(format!("{number} ended")),
        }
    }
    (told, heard)
}

#[test]
fn a_failover_of_five_events_is_two_messages_and_tells_how_long_it_lasted() {
    let events = [event(13, 0), event(50, 20), event(51, 60), event(49, 65), event(15, 70)];
    let (told, heard) = told(&events);
    assert_eq!(told, ["0013", "0051 ended after 60"]);
    assert_eq!(open(&heard, at(3600)), []);
}

#[test]
fn a_restart_is_part_of_the_failover_that_it_comes_with() {
    let failover = [event(13, 0), event(4, 5), event(6, 30), event(49, 65)];
    let (told, heard) = told(&failover);
    assert_eq!(told, ["0013", "0049 ended after 65"]);
    assert_eq!(open(&heard, at(3600)), []);
}

#[test]
fn a_restart_is_part_of_the_recovery_or_maintenance_that_it_comes_with() {
    let (told, _) = told(&[event(20, 0), event(6, 30), event(21, 60)]);
    assert_eq!(told, ["0020", "0021 ended after 60"]);
    let (told, _) = self::told(&[event(26, 0), event(4, 5), event(27, 600), event(6, 700)]);
    assert_eq!(told, ["0026", "0027 ended after 600"]);
}

#[test]
fn a_restart_by_itself_is_told_and_so_is_a_stop_beside_a_failover() {
    let (told, _) = told(&[event(13, 0), event(49, 60), event(4, 2000), event(6, 2060)]);
    assert_eq!(told, ["0013", "0049 ended after 60", "0004", "0006 ended after 60"]);
    let (told, _) = self::told(&[event(13, 0), event(49, 60), event(87, 300)]);
    assert_eq!(told, ["0013", "0049 ended after 60", "0087"]);
}

#[test]
fn whoever_heard_of_a_shutdown_hears_of_its_end_also_beside_a_failover() {
    let (told, heard) = told(&[event(4, 0), event(13, 10), event(6, 30), event(49, 60)]);
    assert_eq!(told, ["0004", "0013", "0006 ended after 30", "0049 ended after 50"]);
    assert_eq!(open(&heard, at(3600)), []);
}

#[test]
fn trouble_that_comes_back_after_half_a_day_is_told_again() {
    for number in [7, 89, 221, 227] {
        let (told, _) = told(&[event(number, 0), event(number, HOUR), event(number, 13 * HOUR)]);
        assert_eq!(told, vec![format!("{number:04}"); 2]);
        let (told, _) = self::told(&[event(number, 0), event(number, 20 * DAY)]);
        assert_eq!(told, vec![format!("{number:04}"); 2]);
    }
}

#[test]
fn storage_that_was_freed_without_an_event_is_another_trouble_weeks_later() {
    let (told, _) = told(&[event(7, 0), event(7, 20 * DAY), event(17, 20 * DAY + HOUR)]);
    assert_eq!(told, ["0007", "0007", "0017 ended after 3600"]);
}

#[test]
fn an_upgrade_that_succeeds_ends_its_maintenance() {
    let upgrade =
        [event(264, 0), event(265, 60), event(266, 70), event(267, 80), event(268, 900), event(269, 960)];
    let (told, heard) = told(&upgrade);
    assert_eq!(told, ["0266", "0268 ended after 900"]);
    assert_eq!(open(&heard, at(3600)), []);
}

#[test]
fn an_end_that_was_lost_hides_no_later_trouble() {
    let (told, _) = told(&[event(13, 0), event(13, 5 * DAY), event(49, 5 * DAY + 60)]);
    assert_eq!(told, ["0013", "0013", "0049 ended after 60"]);
    let (told, _) = self::told(&[event(266, 0), event(26, 10 * DAY), event(27, 10 * DAY + 600)]);
    assert_eq!(told, ["0266", "0026", "0027 ended after 600"]);
}

#[test]
fn a_story_that_nothing_was_heard_of_for_long_is_not_shown_as_open() {
    let (_, heard) = told(&[event(13, 0), event(28, 0)]);
    let stories =
        |seconds| open(&heard, at(seconds)).into_iter().map(|(story, _)| story.as_str()).collect::<Vec<_>>();
    assert_eq!(stories(HOUR), ["backups off", "failover"]);
    assert_eq!(stories(3 * HOUR), ["backups off"]);
    assert_eq!(stories(20 * DAY), ["backups off"]);
}

#[test]
fn recovery_closes_what_failure_opened() {
    let (told, _) = told(&[event(419, 0), event(420, 600), event(45, 700), event(46, 760)]);
    assert_eq!(told, ["0419", "0420 ended after 600", "0045", "0046 ended after 60"]);
}

#[test]
fn what_ends_nothing_that_people_know_of_is_told_only_if_it_matters() {
    let (told, _) = told(&[event(420, 0), event(32, 10), event(6, 20)]);
    assert_eq!(told, ["0006 ended"]);
}

#[test]
fn what_gets_worse_is_told_again_and_what_stays_as_bad_is_not() {
    let (told, heard) =
        told(&[event(89, 0), event(89, 60), event(222, 120), event(221, 180), event(89, 200)]);
    assert_eq!(told, ["0089", "0222", "0221"]);
    assert_eq!(open(&heard, at(3600)).len(), 1);
}

#[test]
fn a_second_failover_is_a_second_story() {
    let (told, _) = told(&[event(13, 0), event(49, 60), event(13, 120), event(49, 200)]);
    assert_eq!(told, ["0013", "0049 ended after 60", "0013", "0049 ended after 80"]);
}

#[test]
fn a_failover_that_fails_after_it_was_called_complete_is_told() {
    let (told, _) = told(&[event(72, 0), event(71, 60), event(69, 70)]);
    assert_eq!(told, ["0072", "0071 ended after 60", "0069 ended after 70"]);
}

#[test]
fn a_beginning_that_comes_after_its_end_is_no_news() {
    let (told, _) = told(&[event(49, 60), event(13, 0), event(50, 20)]);
    assert_eq!(told, ["0049 ended"]);
}

#[test]
fn a_step_that_comes_before_its_beginning_tells_for_both() {
    let (told, _) = told(&[event(50, 20), event(13, 0), event(51, 60)]);
    assert_eq!(told, ["0050", "0051 ended after 60"]);
}

#[test]
fn events_that_stand_alone_are_told_once_for_each_time() {
    let (told, _) = told(&[event(31, 0), event(31, 0), event(31, 9), event(5, 10)]);
    assert_eq!(told, ["0031", "0031"]);
}

#[test]
fn what_is_remembered_has_an_end() {
    let mut heard = Vec::new();
    for n in 0..500 {
        fold(&mut heard, &event(31, n), at(n));
    }
    assert_eq!(heard.len(), databases::folding::HEARD_MAX);
    let later = at(0).plus(Span::hours(24 * 40));
    fold(&mut heard, &Alert { at: later, ..event(31, 0) }, later);
    assert_eq!(heard.len(), 1);
}

proptest! {
    /// I4: copies and any order leave the same stories, at most one message when it begins and one when it ends, and
    /// none about its beginning after its end.
    #[test]
    fn copies_and_any_order_change_nothing(
        order in Just(vec![0_usize, 1, 2, 3, 4, 0, 1, 2, 3, 4, 2, 3]).prop_shuffle()
    ) {
        let events = [event(13, 0), event(50, 20), event(51, 60), event(49, 65), event(15, 70)];
        let (_, in_order) = told(&events);
        let shuffled: Vec<Alert> = order.into_iter().map(|n| events[n].clone()).collect();
        let (told, heard) = told(&shuffled);
        let known = |heard: &[Heard]| heard.iter().map(|h| (h.id.clone(), h.at)).collect::<Vec<_>>();
        prop_assert_eq!(known(&heard), known(&in_order));
        prop_assert_eq!(open(&heard, at(3600)), []);
        let ends = told.iter().position(|said| said.contains("ended"));
        prop_assert_eq!(ends, Some(told.len() - 1), "{:?}", told);
        prop_assert!(told.len() <= 2, "{:?}", told);
    }

    /// I4: the events of a real failover, in any order and any number of copies. A restart that is heard of before the
    /// failover is told, for nobody can know yet what it belongs to.
    #[test]
    fn a_real_failover_in_any_order_is_told_once(
        order in Just(vec![0_usize, 1, 2, 3, 0, 1, 2, 3]).prop_shuffle()
    ) {
        let events = [event(13, 0), event(4, 10), event(6, 30), event(49, 65)];
        let shuffled: Vec<Alert> = order.into_iter().map(|n| events[n].clone()).collect();
        let (told, heard) = told(&shuffled);
        prop_assert_eq!(open(&heard, at(3600)), []);
        let first_of = |number: u16| shuffled.iter().position(|e| e.id == event(number, 0).id);
        let failover = first_of(13).min(first_of(49));
        let restarts_first = [4, 6].into_iter().filter(|n| first_of(*n) < failover).count();
        let about = |numbers: [&str; 2]| told.iter().filter(|said| numbers.iter().any(|n| said.starts_with(n))).count();
        prop_assert!((1..=2).contains(&about(["0013", "0049"])), "{:?}", told);
        // A shutdown that was told has its end told too.
        prop_assert!(about(["0004", "0006"]) <= 2 * restarts_first.min(1), "{:?}", told);
    }
}
