//! Inputs made to be slow or large: deep, wide, long, repeated. Each is read or refused in time that grows with its size.

use std::time::{Duration, Instant};

use fuzz::target;

/// Generous, for a loaded machine without optimisation; what grows with the square of a megabyte takes minutes.
const TIME_MAX: Duration = Duration::from_secs(20);

const MEGABYTE: usize = 1_000_000;

fn is_borne(name: &str, input: &str) {
    let started = Instant::now();
    (target(name).check)(input.as_bytes());
    let taken = started.elapsed();
    assert!(taken < TIME_MAX, "{name} took {taken:?} for {input:.100}…");
}

#[test]
fn brackets_without_end_are_borne() {
    for name in ["intake", "reply", "config", "records", "template"] {
        for bracket in ["[", "{\"a\":", "[{\"a\":", "- ", "? ", "!Ref [", "{a: "] {
            is_borne(name, &bracket.repeat(MEGABYTE / bracket.len()));
        }
    }
}

#[test]
fn one_very_long_text_is_borne() {
    for character in ["x", "\u{202e}", "\\u0000", "*", "{{resolve:", "/,", "-", "\n"] {
        let long = character.repeat(MEGABYTE / character.len() - 100);
        for name in ["intake", "reply", "ids", "parameter", "template"] {
            is_borne(name, &long);
        }
        for name in ["intake", "config", "records", "template"] {
            is_borne(name, &format!("{{\"{long}\":1}}"));
            is_borne(name, &format!("{{\"service\":\"{long}\"}}"));
        }
        is_borne("stored", &format!("1\n\"{long}\""));
        is_borne("stored", &format!("1\n{{\"{long}\":1}}"));
    }
}

#[test]
fn very_many_keys_and_items_are_borne() {
    let keys: String = (0..MEGABYTE / 12).map(|n| format!("\"a{n}\":{n},")).collect();
    let keys = format!("{{{}}}", keys.trim_end_matches(','));
    let items = format!("[{}]", "1,".repeat(MEGABYTE / 2 - 100).trim_end_matches(','));
    for name in ["intake", "config", "records", "template"] {
        is_borne(name, &keys);
        is_borne(name, &items);
    }
    is_borne(
        "template",
        &format!("Resources: {{}}\nParameters: {}", &keys[..MEGABYTE / 2].rsplit_once(',').unwrap().0),
    );
    is_borne("template", &format!("Resources: {}", &keys[..keys.len().min(MEGABYTE - 100)]));
}

#[test]
fn aliases_that_multiply_are_refused_before_they_fill_the_memory() {
    let mut doubling = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..30 {
        let before = format!("*a{}", n - 1);
        doubling.push_str(&format!("a{n}: &a{n} [{}]\n", [before.as_str(); 9].join(", ")));
    }
    is_borne("template", &format!("Resources: {{}}\n{doubling}"));
    let wide = format!("a: &a [{}]\nResources: [{}]\n", "1,".repeat(200_000), "*a,".repeat(150_000));
    is_borne("template", &wide);
    let long = format!("a: &a {}\nResources: [{}]\n", "x".repeat(400_000), "*a,".repeat(150_000));
    is_borne("template", &long);
}

#[test]
fn a_long_key_with_many_texts_below_it_is_borne() {
    let below = |texts: usize| vec!["\"\""; texts].join(",");
    is_borne("config", &format!("{{\"{}\":[{}]}}", "k".repeat(16_000), below(5_000)));
    let nested = (0..30).map(|n| format!("{{\"{}{n}\":", "k".repeat(500))).collect::<String>();
    is_borne("config", &format!("{nested}[{}]{}", below(5_000), "}".repeat(30)));
}

#[test]
fn one_payload_with_more_messages_than_any_sender_makes_is_refused() {
    let reference = "{\"ref\":\"refs/heads/a\"}";
    let arn = format!("arn:aws:iam::1:user/{}", "a".repeat(4_000));
    let source = "arn:aws:codecommit:eu-west-1:1:payments";
    let record = format!(
        "{{\"eventSource\":\"aws:codecommit\",\"eventSourceARN\":\"{source}\",\"userIdentityARN\":\"{arn}\",\
         \"codecommit\":{{\"references\":[{}]}}}}",
        vec![reference; 3_900].join(",")
    );
    is_borne("intake", &format!("{{\"Records\":[{}]}}", vec![record; 10].join(",")));
}
