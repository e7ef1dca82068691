//! Everything that is not Slack, or not ours, is refused with its status; and what is, is read.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::approval::Answer;
use model::time::Timestamp;
use serde_json::{Value, json};
use slack::{Command, Refusal, Request, Said, Signed, Spoken, look, read, sign};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW: Timestamp = Timestamp(1_800_000_000_000);
const TEAM: &str = "T0123ABCD";
const APP: &str = "A0123ABCD";

fn now_s() -> u64 {
    NOW.0 / 1000
}

fn fingerprint() -> String {
    "0a1b2c3d4e5f".to_owned() + &"0".repeat(52)
}

fn click() -> Value {
    json!({
        "type": "block_actions",
        "api_app_id": APP,
        "team": {"id": TEAM, "domain": "example"},
        "user": {"id": "U0123ABCD", "username": "ana", "team_id": TEAM},
        "response_url": "https://hooks.slack.com/actions/T0123ABCD/1/x",
        "actions": [{"type": "button", "action_id": "approve",
            "value": format!("payments-production-7 {}", fingerprint())}],
    })
}

fn form(payload: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("payload", &payload.to_string()).finish()
}

/// As Lambda hands it over, signed with `secret` at `at`.
fn request(body: &[u8], secret: &[u8], at: u64) -> Value {
    json!({
        "version": "2.0",
        "rawPath": "/",
        "headers": {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": at.to_string(),
            "x-slack-signature": sign(secret, at, body),
        },
        "requestContext": {"http": {"method": "POST", "path": "/"}},
        "isBase64Encoded": true,
        "body": STANDARD.encode(body),
    })
}

fn with(mut request: Value, pointer: &str, value: Value) -> Value {
    *request.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    request
}

fn without(mut request: Value, header: &str) -> Value {
    request["headers"].as_object_mut().unwrap().remove(header).unwrap();
    request
}

/// The whole way of a request through the door.
fn admitted(payload: &Value) -> Result<Spoken, Refusal> {
    let signed = look(&Request::of(payload), NOW)?;
    read(signed.verify(SECRET)?, TEAM, APP).map(|spoken| spoken.expect("not a check of the URL"))
}

fn signed_form(body: &[u8]) -> Value {
    request(body, SECRET, now_s())
}

fn signed(payload: &Value) -> Value {
    signed_form(form(payload).as_bytes())
}

#[test]
fn a_click_of_slack_s_is_read() {
    let spoken = admitted(&signed(&click())).unwrap();
    assert_eq!(spoken.by.as_str(), "T0123ABCD/U0123ABCD");
    let expected = Said::Answered {
        answer: Answer::Approve,
        release: "payments-production-7".parse().unwrap(),
        plan: fingerprint(),
        reason: String::new(),
    };
    assert_eq!(spoken.said, expected);
    // Unencoded bodies are the same.
    let body = form(&click());
    let plain = with(with(signed(&click()), "/isBase64Encoded", json!(false)), "/body", json!(body));
    assert_eq!(admitted(&plain).unwrap().said, expected);
}

#[test]
fn an_answer_to_a_pipeline_is_read_from_a_button_and_from_a_command() {
    let request = "pipeline-0a1b2c3d4e5f6071";
    let answered = |answer, reason: &str| Said::PipelineAnswered {
        answer,
        request: request.parse().unwrap(),
        reason: reason.to_owned(),
    };
    let clicked = with(click(), "/actions/0/value", json!(request));
    assert_eq!(admitted(&signed(&clicked)).unwrap().said, answered(Answer::Approve, ""));
    let details = with(clicked, "/actions/0/action_id", json!("details"));
    assert_eq!(admitted(&signed(&details)).unwrap_err().status(), 400);
    let typed = |text: &str| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("command", "/tidegate"),
            ("api_app_id", APP),
            ("team_id", TEAM),
            ("user_id", "U0123ABCD"),
            ("text", text),
        ] {
            form.append_pair(name, value);
        }
        admitted(&signed_form(form.finish().as_bytes())).unwrap().said
    };
    assert_eq!(typed(&format!("approve {request}")), answered(Answer::Approve, ""));
    assert_eq!(typed(&format!("reject {request} too risky")), answered(Answer::Reject, "too risky"));
    assert!(matches!(typed(&format!("approve {request} but not today")), Said::Unclear(_)));
}

#[test]
fn every_attack_is_refused_with_its_status() {
    let good = || signed(&click());
    let body = form(&click());
    let changed = |pointer: &str, value: Value| signed(&with(click(), pointer, value));
    let tampered = body.replace("payments-production-7", "payments-production-8");
    let of_slash = |pairs: &[(&str, &str)]| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        pairs.iter().for_each(|(name, value)| {
            form.append_pair(name, value);
        });
        signed_form(form.finish().as_bytes())
    };
    let other = b"another secret";
    let timestamp = "/headers/x-slack-request-timestamp";
    let signature = "/headers/x-slack-signature";
    let attacks: Vec<(&str, Value, u16)> = vec![
        ("a tampered body", with(good(), "/body", json!(STANDARD.encode(&tampered))), 401),
        ("a body with one byte more", with(good(), "/body", json!(STANDARD.encode(format!("{body}&")))), 401),
        ("another secret", request(body.as_bytes(), other, now_s()), 401),
        ("an empty secret's signature", request(body.as_bytes(), b"", now_s()), 401),
        ("a timestamp of six minutes ago", request(body.as_bytes(), SECRET, now_s() - 360), 401),
        ("a timestamp of 301 seconds ago", request(body.as_bytes(), SECRET, now_s() - 301), 401),
        ("a timestamp of six minutes ahead", request(body.as_bytes(), SECRET, now_s() + 360), 401),
        (
            "an old signature under a new timestamp",
            { with(request(body.as_bytes(), SECRET, now_s() - 600), timestamp, json!(now_s().to_string())) },
            401,
        ),
        ("no timestamp", without(good(), "x-slack-request-timestamp"), 401),
        ("no signature", without(good(), "x-slack-signature"), 401),
        ("an empty signature", with(good(), signature, json!("")), 401),
        (
            "a signature of another version",
            {
                let header = good().pointer(signature).unwrap().as_str().unwrap().replace("v0=", "v1=");
                with(good(), signature, json!(header))
            },
            401,
        ),
        ("half a signature", with(good(), signature, json!(format!("v0={}", "a".repeat(32)))), 401),
        (
            "a signature in upper case",
            {
                let header = good().pointer(signature).unwrap().as_str().unwrap().to_uppercase();
                with(good(), signature, json!(header.replace("V0=", "v0=")))
            },
            401,
        ),
        (
            "two signatures in one header",
            {
                let header = good().pointer(signature).unwrap().as_str().unwrap().to_owned();
                with(good(), signature, json!(format!("{header},{header}")))
            },
            401,
        ),
        ("a signature of no ASCII", with(good(), signature, json!(format!("v0={}", "é".repeat(32)))), 401),
        ("a negative timestamp", with(good(), timestamp, json!("-1800000000")), 401),
        ("a timestamp with a sign", with(good(), timestamp, json!(format!("+{}", now_s()))), 401),
        ("a timestamp that is no number", with(good(), timestamp, json!("soon")), 401),
        ("a timestamp of forty digits", with(good(), timestamp, json!("9".repeat(40))), 401),
        ("a timestamp of two values", with(good(), timestamp, json!(format!("{0},{0}", now_s()))), 401),
        ("GET", with(good(), "/requestContext/http/method", json!("GET")), 405),
        ("PUT", with(good(), "/requestContext/http/method", json!("PUT")), 405),
        ("no method at all", with(good(), "/requestContext", json!({})), 405),
        ("JSON", with(good(), "/headers/content-type", json!("application/json")), 415),
        ("a form of several parts", with(good(), "/headers/content-type", json!("multipart/form-data")), 415),
        ("no content type", without(good(), "content-type"), 415),
        ("a body of 1 MB", signed_form(&vec![b'a'; 1024 * 1024]), 413),
        ("a body of 64 KB and a byte", signed_form(&vec![b'a'; 64 * 1024 + 1]), 413),
        ("an empty body", with(good(), "/body", json!("")), 400),
        ("no body", with(good(), "/body", Value::Null), 400),
        ("a body that is not base64", with(good(), "/body", json!("%%%")), 400),
        ("a form that is not UTF-8", signed_form(b"payload=%ff%fe"), 400),
        ("bytes that are not UTF-8", signed_form(b"payload=\xff\xfe"), 400),
        ("two payloads", signed_form(format!("{body}&{body}").as_bytes()), 400),
        ("a payload beside a command", signed_form(format!("{body}&command=%2Ftidegate").as_bytes()), 400),
        ("a payload that is not JSON", signed_form(b"payload=approve"), 400),
        ("a payload that is a list", signed_form(b"payload=%5B%5D"), 400),
        (
            "a form of a thousand fields",
            { signed_form((0..1000).map(|n| format!("f{n}=x")).collect::<Vec<_>>().join("&").as_bytes()) },
            400,
        ),
        ("another app", changed("/api_app_id", json!("A9999")), 403),
        ("another workspace", changed("/team/id", json!("T9999")), 403),
        ("no workspace", changed("/team", Value::Null), 403),
        ("a stranger in a shared channel", changed("/user/team_id", json!("T9999")), 403),
        ("a user without an id", changed("/user/id", json!("")), 400),
        ("a user id that leads elsewhere", changed("/user/id", json!("U1/../U2")), 400),
        ("another kind of interaction", changed("/type", json!("view_submission")), 400),
        ("no action", changed("/actions", json!([])), 400),
        (
            "two actions",
            {
                let action = click()["actions"][0].clone();
                changed("/actions", json!([action.clone(), action]))
            },
            400,
        ),
        ("another button", changed("/actions/0/action_id", json!("deploy")), 400),
        ("a button without a release", changed("/actions/0/value", json!("")), 400),
        ("another command", of_slash(&[("command", "/other"), ("team_id", TEAM), ("api_app_id", APP)]), 400),
        (
            "a command of another workspace",
            { of_slash(&[("command", "/tidegate"), ("team_id", "T9999"), ("api_app_id", APP)]) },
            403,
        ),
        ("a command of another app", of_slash(&[("command", "/tidegate"), ("team_id", TEAM)]), 403),
    ];
    assert!(attacks.len() >= 25);
    for (name, payload, status) in attacks {
        let refusal = admitted(&payload).expect_err(name);
        assert_eq!(refusal.status(), status, "{name}: {refusal}");
    }
}

#[test]
fn what_is_not_signed_at_all_costs_nothing() {
    // Whatever `look` refuses is refused without the secret.
    for unsigned in [
        without(signed(&click()), "x-slack-signature"),
        with(signed(&click()), "/headers/x-slack-request-timestamp", json!("0")),
        signed_form(&vec![b'a'; 1024 * 1024]),
    ] {
        assert!(look(&Request::of(&unsigned), NOW).is_err());
    }
}

#[test]
fn slack_may_check_that_the_url_is_there() {
    let checked = look(&Request::of(&signed_form(b"ssl_check=1&token=x")), NOW).unwrap();
    assert_eq!(read(checked.verify(SECRET).unwrap(), TEAM, APP), Ok(None));
}

#[test]
fn slack_s_published_signature_is_reproduced() {
    let vector: Value = serde_json::from_str(include_str!("signing-vector.json")).unwrap();
    let text = |key: &str| vector[key].as_str().unwrap().to_owned();
    let timestamp = text("timestamp").parse().unwrap();
    let signature = sign(text("secret").as_bytes(), timestamp, text("body").as_bytes());
    assert_eq!(signature, text("signature"));
}

#[test]
fn a_request_that_is_handed_on_is_verified_again() {
    let signed = look(&Request::of(&signed(&click())), NOW).unwrap();
    let message = signed.to_message();
    let field = |key: &str| message["slack"][key].as_str().unwrap_or_default().to_owned();
    let timestamp = message["slack"]["timestamp"].as_u64().unwrap();
    let again = Signed::from_message(timestamp, &field("signature"), &field("body")).unwrap();
    assert_eq!(again, signed);
    let tampered = STANDARD.encode(form(&with(click(), "/user/id", json!("U9999ABCD"))));
    let tampered = Signed::from_message(timestamp, &field("signature"), &tampered).unwrap();
    assert!(tampered.verify(SECRET).is_err());
    assert!(!format!("{again:?}").contains("payments"), "nothing of it is shown");
}

fn typed(text: &str) -> Said {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in
        [("command", "/tidegate"), ("team_id", TEAM), ("api_app_id", APP), ("user_id", "U1"), ("text", text)]
    {
        form.append_pair(name, value);
    }
    admitted(&signed_form(form.finish().as_bytes())).unwrap().said
}

#[test]
fn a_typed_answer_names_the_plan_that_was_seen() {
    let release = || "payments-production-7".parse().unwrap();
    let plan = || "0a1b2c3d4e5f".to_owned();
    assert_eq!(
        typed("approve payments-production-7 0a1b2c3d4e5f"),
        Said::Answered { answer: Answer::Approve, release: release(), plan: plan(), reason: String::new() }
    );
    assert_eq!(
        typed("reject payments-production-7 0a1b2c3d4e5f not on\u{202e} a Friday"),
        Said::Answered {
            answer: Answer::Reject,
            release: release(),
            plan: plan(),
            reason: "not on a Friday".to_owned()
        }
    );
    for unclear in [
        "approve payments-production-7",
        "approve payments-production-7 0a1b",
        "approve 7 0a1b2c3d4e5f",
        "approve payments-production-7 0a1b2c3d4e5f but not before Monday",
        "deploy payments",
    ] {
        assert!(matches!(typed(unclear), Said::Unclear(_)), "{unclear}");
    }
}

#[test]
fn a_rejection_says_why_or_is_none() {
    let reason = |why: &str| json!({ "values": { "b": { "reason": { "value": why } } } });
    let clicked = |value: &str, state: Value| {
        let mut click = with(click(), "/actions/0/action_id", json!("reject"));
        click["actions"][0]["value"] = json!(value);
        click["state"] = state;
        admitted(&signed(&click)).unwrap().said
    };
    let of_release = format!("payments-production-7 {}", fingerprint());
    let of_pipeline = "pipeline-0a1b2c3d4e5f6071";
    for button in [&of_release, of_pipeline] {
        assert!(!matches!(clicked(button, reason("too risky")), Said::Unreasoned));
        for nothing in [json!({}), reason(""), reason(" \n\t"), reason("\u{202e}\u{200b}")] {
            assert_eq!(clicked(button, nothing), Said::Unreasoned);
        }
    }
    assert_eq!(typed("reject payments-production-7 0a1b2c3d4e5f"), Said::Unreasoned);
    assert_eq!(typed(&format!("reject {of_pipeline}")), Said::Unreasoned);
}

#[test]
fn a_rollback_goes_where_its_first_word_says_and_nowhere_else() {
    let back = |to: Option<&str>, reason: &str| {
        Said::Command(Command::Rollback {
            track: "payments/production".parse().unwrap(),
            to: to.map(|to| to.parse().unwrap()),
            reason: reason.to_owned(),
        })
    };
    let typed = |rest: &str| typed(&format!("rollback payments/production {rest}"));
    assert_eq!(typed("payments-production-5 slow"), back(Some("payments-production-5"), "slow"));
    assert_eq!(typed("payments are slow"), back(None, "payments are slow"));
    assert_eq!(typed(""), back(None, ""));
    for unclear in [
        "payments-production-5, slow",
        "payments-production-5: slow",
        "payments-production-05 slow",
        "(payments-production-5) slow",
        "Payments-Production-5 slow",
        "payments-production- 5 slow",
        "payments-staging-5 slow",
        "ledger-production-5 slow",
    ] {
        let Said::Unclear(why) = typed(unclear) else { panic!("{unclear}") };
        assert_eq!(why, "what it goes back to must be a release of payments/production, and stand alone");
    }
}

#[test]
fn an_answer_goes_to_slack_s_own_host_only() {
    for url in ["https://example.com/x", "https://hooks.slack.com.example.com/x", "http://hooks.slack.com/x"]
    {
        let spoken = admitted(&signed(&with(click(), "/response_url", json!(url)))).unwrap();
        assert_eq!(spoken.answer_to, None, "{url}");
    }
}
