use config::{Freeze, frozen};
use model::time::Timestamp;
use serde_json::{Value, json};

use crate::support::{config, environment, environment_record, first_form, name, told, with};

fn freeze(cron: &str, hours: u32, zone: &str) -> Freeze {
    serde_json::from_value(json!({ "cron": cron, "hours": hours, "timeZone": zone })).unwrap()
}

fn at(instant: &str) -> Timestamp {
    Timestamp(instant.parse::<jiff::Timestamp>().unwrap().as_millisecond().try_into().unwrap())
}

/// Until when `instant` is frozen; `-` when it is not.
fn until(freezes: &[Freeze], instant: &str) -> String {
    match frozen(freezes, at(instant)) {
        Some(frozen) => {
            let until = i64::try_from(frozen.until.0).unwrap();
            jiff::Timestamp::from_millisecond(until).unwrap().to_string()
        }
        None => "-".to_owned(),
    }
}

#[test]
fn a_window_is_frozen_from_its_first_instant_until_just_before_its_end() {
    // Friday 16:00 in Kolkata, half past ten in UTC, until Monday 08:00.
    let weekend = [freeze("0 16 ? * FRI", 64, "Asia/Kolkata")];
    for (instant, expected) in [
        ("2026-11-27T10:29:59.999Z", "-"),
        ("2026-11-27T10:30:00Z", "2026-11-30T02:30:00Z"),
        ("2026-11-29T12:00:00Z", "2026-11-30T02:30:00Z"),
        ("2026-11-30T02:29:59.999Z", "2026-11-30T02:30:00Z"),
        ("2026-11-30T02:30:00Z", "-"),
    ] {
        assert_eq!(until(&weekend, instant), expected, "{instant}");
    }
    assert_eq!(until(&[], "2026-11-29T12:00:00Z"), "-");
}

#[test]
fn a_window_begins_by_the_clock_on_the_wall_on_both_sides_of_a_change() {
    // Berlin changed from +02:00 to +01:00 on 2026-10-25 and back on 2027-03-28.
    let evening = [freeze("0 18 * * ?", 2, "Europe/Berlin")];
    for (instant, expected) in [
        ("2026-10-24T15:59:00Z", "-"),
        ("2026-10-24T16:00:00Z", "2026-10-24T18:00:00Z"),
        ("2026-10-25T16:30:00Z", "-"),
        ("2026-10-25T17:00:00Z", "2026-10-25T19:00:00Z"),
        ("2027-03-27T17:00:00Z", "2027-03-27T19:00:00Z"),
        ("2027-03-28T16:00:00Z", "2027-03-28T18:00:00Z"),
    ] {
        assert_eq!(until(&evening, instant), expected, "{instant}");
    }
}

#[test]
fn hours_pass_as_they_do_when_clocks_change_within_a_window() {
    let weekend = [freeze("0 16 ? * FRI", 64, "Europe/Berlin")];
    // Clocks go back on Sunday: 64 hours end on Monday at 07:00 by the clock.
    assert_eq!(until(&weekend, "2026-10-23T14:00:00Z"), "2026-10-26T06:00:00Z");
    // Forward: at 09:00.
    assert_eq!(until(&weekend, "2027-03-26T15:00:00Z"), "2027-03-29T07:00:00Z");
}

#[test]
fn a_start_that_clocks_leave_out_comes_later_and_one_that_comes_twice_counts_once() {
    let night = [freeze("30 2 * * ?", 1, "Europe/Berlin")];
    // 02:30 does not exist on 2027-03-28: 03:30, which is 01:30 UTC.
    assert_eq!(until(&night, "2027-03-28T01:29:00Z"), "-");
    assert_eq!(until(&night, "2027-03-28T01:30:00Z"), "2027-03-28T02:30:00Z");
    // 02:30 comes twice on 2026-10-25: at 00:30 UTC, and at 01:30 UTC, when the window has just ended.
    assert_eq!(until(&night, "2026-10-25T00:30:00Z"), "2026-10-25T01:30:00Z");
    assert_eq!(until(&night, "2026-10-25T01:30:00Z"), "-");
}

#[test]
fn zones_with_half_hours_other_hemispheres_and_skipped_days_are_right() {
    // Lord Howe Island changes by half an hour; Chatham is at +12:45 and +13:45.
    assert_eq!(
        until(&[freeze("0 9 * * ?", 1, "Australia/Lord_Howe")], "2026-12-01T22:00:00Z"),
        "2026-12-01T23:00:00Z"
    );
    assert_eq!(
        until(&[freeze("0 9 * * ?", 1, "Pacific/Chatham")], "2026-12-01T19:15:00Z"),
        "2026-12-01T20:15:00Z"
    );
    // Samoa skipped 2011-12-30: the window of the 30th begins a day later by the calendar, when the day would have.
    assert_eq!(
        until(&[freeze("0 12 30 DEC ?", 2, "Pacific/Apia")], "2011-12-30T22:30:00Z"),
        "2011-12-31T00:00:00Z"
    );
}

#[test]
fn windows_that_follow_each_other_are_one_wait() {
    let two = [freeze("0 8 * * ?", 4, "UTC"), freeze("0 11 * * ?", 3, "UTC"), freeze("0 14 * * ?", 1, "UTC")];
    let frozen_now = frozen(&two, at("2026-11-24T08:30:00Z")).unwrap();
    assert_eq!(until(&two, "2026-11-24T08:30:00Z"), "2026-11-24T15:00:00Z");
    assert_eq!(frozen_now.by.to_string(), "0 8 * * ? for 4 h (UTC)");
    assert_eq!(until(&two, "2026-11-24T15:00:00Z"), "-");
}

#[test]
fn a_freeze_without_end_is_told_as_a_wait_that_ends_in_the_future() {
    let always = [freeze("* * * * ?", 2, "UTC")];
    let now = at("2026-11-24T08:30:00Z");
    assert!(frozen(&always, now).unwrap().until > now.plus(model::time::Span::hours(24)));
}

#[test]
fn a_month_long_window_is_still_open_on_its_last_day() {
    let quarter = [freeze("0 0 1 JAN,APR,JUL,OCT ?", 744, "America/New_York")];
    assert_eq!(until(&quarter, "2026-10-31T23:00:00Z"), "2026-11-01T04:00:00Z");
    assert_eq!(until(&quarter, "2026-11-01T04:00:00Z"), "-");
}

#[test]
fn freezes_of_config_and_record_hold_together() {
    let friday = json!({"cron": "0 16 ? * FRI", "hours": 64, "timeZone": "Asia/Kolkata"});
    let monday = json!({"cron": "0 8 ? * MON", "hours": 1, "timeZone": "UTC"});
    let config = config(&with(first_form(), "/environments/production/freeze", json!([friday])));
    let record = environment(&with(environment_record(), "/floor/freeze", json!([monday])));
    let freezes = config.freezes(&name("production"), &record);
    assert_eq!(
        freezes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["0 8 ? * MON for 1 h (UTC)", "0 16 ? * FRI for 64 h (Asia/Kolkata)"]
    );
    assert_eq!(config.freezes(&name("staging"), &record).len(), 1);
}

#[test]
fn an_impossible_freeze_is_told() {
    let freeze_with = |key: &str, value: Value| {
        let good = json!({"cron": "0 16 ? * FRI", "hours": 64, "timeZone": "Asia/Kolkata"});
        told(&with(first_form(), "/environments/production/freeze", json!([with(good, key, value)])))
    };
    insta::assert_snapshot!(freeze_with("/timeZone", json!("Asia/Calcuta")), @r#"$.environments.production.freeze[0].timeZone is "Asia/Calcuta"; allowed: an IANA time zone, such as Europe/Berlin; did you mean Asia/Calcutta?"#);
    insta::assert_snapshot!(freeze_with("/timeZone", json!("asia/kolkata")), @r#"$.environments.production.freeze[0].timeZone is "asia/kolkata"; allowed: an IANA time zone, such as Europe/Berlin; did you mean Asia/Kolkata?"#);
    insta::assert_snapshot!(freeze_with("/timeZone", json!("+05:30")), @r#"$.environments.production.freeze[0].timeZone is "+05:30"; allowed: an IANA time zone, such as Europe/Berlin"#);
    insta::assert_snapshot!(freeze_with("/timeZone", Value::Null), @"$.environments.production.freeze[0].timeZone is missing; allowed: an IANA time zone, such as Europe/Berlin");
    insta::assert_snapshot!(freeze_with("/cron", json!("0 25 ? * FRI")), @r#"$.environments.production.freeze[0].cron is "0 25 ? * FRI"; allowed: a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; hour from 0 to 23"#);
    insta::assert_snapshot!(freeze_with("/cron", json!("0 16 31 FEB ?")), @r#"$.environments.production.freeze[0].cron is "0 16 31 FEB ?"; allowed: a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI; a day that one of its months has"#);
    insta::assert_snapshot!(freeze_with("/cron", json!(5)), @"$.environments.production.freeze[0].cron is 5; allowed: a cron expression: minute hour day-of-month month day-of-week, such as 0 16 ? * FRI");
    insta::assert_snapshot!(freeze_with("/hours", json!(0)), @"$.environments.production.freeze[0].hours is 0; allowed: a whole number from 1 to 744");
    insta::assert_snapshot!(freeze_with("/hours", json!(745)), @"$.environments.production.freeze[0].hours is 745; allowed: a whole number from 1 to 744");
    insta::assert_snapshot!(freeze_with("/until", json!("tomorrow")), @"$.environments.production.freeze[0].until is an unknown key; allowed: cron, hours, timeZone");
}
