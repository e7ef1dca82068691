//! Orders with proofs that prove nothing, or something else: each is refused with its status, and nothing changes. STS is
//! played by signatures of AWS's own making (version 4) over the request that reached it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use engine::failure::Failure;
use engine::functions::approval;
use engine::ports::{
    ActionRead, ApprovalResult, Callers, Clock, Commit, CommitOnce, ExecutionRead, Letters, Membership,
    Message, Once, Page, People, PipelineNotices, PipelineTable, Pipelines, Put, Quarantine, Queues, Records,
    ReplyKey, Slack, SlackApp, Stored, Tracks,
};
use futures_util::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use intake::dead_letter::Dropped;
use intake::{Care, Given, Meaning, Subject};
use model::approval::{Identity, Voice};
use model::decide::Advance;
use model::effect::Hand;
use model::ids::{EnvironmentName, PipelineRequestId, ReleaseId, RepositoryName, SlackUser, TrackKey};
use model::pipeline::Request as Asked;
use model::release::Release;
use model::time::{Span, Timestamp};
use model::track::{Newest, Track};
use proof::{Answered, BODY, Installation, Proof, Request, Unsigned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

type Answer<T> = Result<T, Failure>;

const NOW_S: i64 = 1_800_000_000;
const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/tidegate/1f2e3d4c";
const SECRET: &str = "the secret key of ana";
const ANA: &str = "AKIAIOSFODNN7EXAMPLE";
const ANA_ID: &str = "AIDACKCEVSQ6C2EXAMPLE";
const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLE/TOKEN+OF/ANA==";

/// One installation: a track that can be held, a directory that knows ana, and STS.
struct World {
    track: RefCell<Track>,
    spent: RefCell<BTreeSet<String>>,
    now: Timestamp,
    /// What STS answers, whatever it is asked.
    answer: Option<Answered>,
    is_cut_off: bool,
    /// Who may send again and drop.
    carer: &'static str,
    /// How often STS was asked.
    asked: Cell<u32>,
    /// Commits, messages and wakes.
    changed: Cell<u32>,
}

impl World {
    fn new() -> Self {
        let mut track = Track::new("payments/production".parse().unwrap());
        let revision = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
        track.newest = Some(Newest { n: 7, revision });
        Self {
            track: RefCell::new(track),
            spent: RefCell::default(),
            now: Timestamp(u64::try_from(NOW_S).unwrap() * 1000),
            answer: None,
            is_cut_off: false,
            carer: "user:ana",
            asked: Cell::new(0),
            changed: Cell::new(0),
        }
    }

    fn hears(&self, message: &Value) -> String {
        let answer = approval(self, message.to_string().as_bytes()).now_or_never().expect("nothing waits");
        // Lambda would keep a failure with its payload, and so with the proof.
        answer.expect("an order never fails")["handled"][0].as_str().unwrap().to_owned()
    }

    fn change<T>(&self, answer: T) -> Answer<T> {
        self.changed.set(self.changed.get() + 1);
        Ok(answer)
    }
}

fn installation(stack: &str) -> Installation {
    stack.parse().unwrap()
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.now
    }
}

impl Tracks for World {
    async fn load_track(&self, _: &TrackKey) -> Answer<Option<Track>> {
        Ok(Some(self.track.borrow().clone()))
    }

    async fn commit_track(&self, _: &Advance) -> Answer<Commit> {
        self.change(Commit::Written)
    }

    async fn commit_track_once(&self, advance: &Advance, once: &Once) -> Answer<CommitOnce> {
        if !self.spent.borrow_mut().insert(once.id.to_string()) {
            return Ok(CommitOnce::Spent);
        }
        assert!(once.until > self.now.plus(proof::AGE_MAX), "remembered for longer than it is believed");
        // What orders a track remembers is few: the nonce must not hang on that.
        self.track.replace(Track { orders: Vec::new(), ..advance.track.clone() });
        self.change(CommitOnce::Written)
    }

    async fn load_release(&self, _: &ReleaseId) -> Answer<Option<Release>> {
        Ok(None)
    }
}

impl Queues for World {
    async fn wake(&self, _: Hand, _: &TrackKey, _: u64, _: Span) -> Answer<()> {
        self.change(())
    }
}

impl Records for World {
    async fn service_record(&self, _: &RepositoryName) -> Answer<Option<Stored>> {
        Ok(None)
    }

    async fn environment_record(&self, _: &EnvironmentName) -> Answer<Option<Stored>> {
        let mut record: Value =
            serde_json::from_str(include_str!("../../config/tests/records/environment.json")).unwrap();
        record["may"] = json!({ "hold": ["user:ana"], "lift": ["user:ana"] });
        Ok(Some(Stored { body: record.to_string(), version: 1 }))
    }

    async fn people_record(&self) -> Answer<Option<Stored>> {
        let people = json!({ "ana": { "iam": [ANA_ID] }, "ben": {} });
        let record = json!({ "people": people, "quarantine": [self.carer] });
        Ok(Some(Stored { body: record.to_string(), version: 1 }))
    }

    async fn environment_records(&self, _: Option<&str>) -> Answer<Page<(String, Stored)>> {
        Ok(Page { items: Vec::new(), next: None })
    }
}

impl Callers for World {
    fn installation(&self) -> Answer<Installation> {
        Ok(installation(STACK))
    }

    async fn ask_sts(&self, request: &Request) -> Answer<Answered> {
        self.asked.set(self.asked.get() + 1);
        if self.is_cut_off {
            return Err(Failure::transient("sts GetCallerIdentity", "the connection failed"));
        }
        assert_eq!(request.host, "sts.eu-west-1.amazonaws.com");
        assert!(!format!("{request:?}").contains("Signature"), "nothing of it is shown");
        Ok(self.answer.clone().unwrap_or_else(|| sts(request)))
    }
}

impl Letters for World {
    async fn note_care(&self, _: Care, letter: &Dropped, once: &Once) -> Answer<CommitOnce> {
        if !self.spent.borrow_mut().insert(once.id.to_string()) {
            return Ok(CommitOnce::Spent);
        }
        assert_eq!(
            (letter.id.as_str(), letter.by.as_str()),
            ("0d3cf0a2", format!("ana (IAM {ANA_ID})").as_str())
        );
        self.change(CommitOnce::Written)
    }
}

impl ReplyKey for World {
    async fn reply_key(&self) -> Answer<Vec<u8>> {
        unreachable!("nobody replies")
    }
}

impl Slack for World {
    async fn slack_app(&self) -> Answer<Option<SlackApp>> {
        unreachable!("nobody clicks")
    }

    async fn slack_member(&self, _: &SlackUser) -> Answer<Membership> {
        unreachable!("nobody clicks")
    }

    async fn answer_in_slack(&self, _: &slack::AnswerTo, _: &str) -> Answer<()> {
        unreachable!("nobody clicks")
    }
}

impl People for World {
    async fn publish(&self, _: &Message) -> Answer<()> {
        self.change(())
    }

    async fn post_to_slack(&self, _: &str) -> Answer<()> {
        self.change(())
    }
}

impl Pipelines for World {
    async fn pipeline_actions(&self, _: &str) -> Answer<Option<Vec<ActionRead>>> {
        unreachable!("no pipeline waits")
    }

    async fn action_executions(&self, _: &str, _: Option<&str>, _: Option<&str>) -> Answer<Page<ActionRead>> {
        unreachable!("no pipeline waits")
    }

    async fn pipeline_execution(&self, _: &str, _: &str) -> Answer<Option<ExecutionRead>> {
        unreachable!("no pipeline waits")
    }

    async fn put_approval_result(&self, _: &ApprovalResult) -> Answer<Put> {
        self.change(Put::Taken)
    }
}

impl PipelineTable for World {
    async fn load_request(&self, _: &PipelineRequestId) -> Answer<Option<Asked>> {
        Ok(None)
    }

    async fn commit_request(&self, _: &Asked, _: Option<&Once>) -> Answer<CommitOnce> {
        self.change(CommitOnce::Written)
    }

    async fn requests(&self, _: Option<&str>) -> Answer<Page<Asked>> {
        unreachable!("no pipeline waits")
    }
}

impl PipelineNotices for World {
    async fn wake_to_tell_of(&self, _: &PipelineRequestId, _: u64) -> Answer<()> {
        self.change(())
    }
}

impl Quarantine for World {
    async fn quarantine(&self, _: &str, _: &str, _: Option<&[u8]>) -> Answer<()> {
        self.change(())
    }
}

// ---- AWS

/// As AWS answers: it takes the signature over just the request that reached it, and no other.
fn sts(request: &Request) -> Answered {
    let header = |name: &str| {
        let found = request.headers.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let authorization = header("authorization");
    let after = |mark: &str| authorization.split(mark).nth(1).unwrap().split(", ").next().unwrap();
    let signed: Vec<(&str, &str)> =
        after("SignedHeaders=").split(';').map(|name| (name, header(name))).collect();
    let (key, scope) = after("Credential=").split_once('/').unwrap();
    assert!(scope.ends_with("/eu-west-1/sts/aws4_request"), "{scope}");
    if key == ANA && after("Signature=") == signature(SECRET, "POST", "", &signed, BODY, scope) {
        answered(200, &identity("123456789012", "arn:aws:iam::123456789012:user/ana", ANA_ID).to_string())
    } else {
        answered(403, r#"{"Error":{"Code":"SignatureDoesNotMatch"}}"#)
    }
}

/// Source: IAM user guide, "Create a signed AWS API request".
fn signature(
    secret: &str,
    method: &str,
    query: &str,
    headers: &[(&str, &str)],
    body: &str,
    scope: &str,
) -> String {
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let body = hex(&Sha256::digest(body));
    let canonical = format!("{method}\n/\n{query}\n{lines}\n{}\n{body}", names.join(";"));
    let date = headers.iter().find(|(name, _)| *name == "x-amz-date").unwrap().1;
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/') {
        key = mac(&key, part);
    }
    hex(&mac(&key, &to_sign))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn identity(account: &str, arn: &str, id: &str) -> Value {
    json!({ "GetCallerIdentityResponse": {
        "GetCallerIdentityResult": { "Account": account, "Arn": arn, "UserId": id },
        "ResponseMetadata": { "RequestId": "01234567-89ab-cdef-0123-456789abcdef" },
    } })
}

fn answered(status: u16, body: &str) -> Answered {
    Answered { status, content_type: "application/json".to_owned(), body: body.as_bytes().to_vec() }
}

// ---- ana, and whoever would be her

fn given(mut order: Value) -> Given {
    let usual = [("id", "nonce-1"), ("track", "payments/production"), ("reason", "slow")];
    for (key, value) in usual.iter().filter(|(key, _)| order[*key].is_null()).collect::<Vec<_>>() {
        order[*key] = json!(value);
    }
    let meaning = intake::read(order.to_string().as_bytes()).remove(0).meaning;
    let Meaning::Signal(Subject::Order { given, .. }) = meaning else { panic!("{order}: {meaning:?}") };
    given
}

fn hold() -> Given {
    given(json!({ "order": "hold" }))
}

/// How something is signed.
#[derive(Clone, Copy)]
struct Signing {
    stack: &'static str,
    at_s: i64,
    key: &'static str,
    secret: &'static str,
    token: Option<&'static str>,
    method: &'static str,
    query: &'static str,
    body: &'static str,
    /// In place of the installation's.
    host: Option<&'static str>,
    /// A header that is left unsigned.
    unsigned: Option<&'static str>,
}

const AS_ANA: Signing = Signing {
    stack: STACK,
    at_s: NOW_S,
    key: ANA,
    secret: SECRET,
    token: None,
    method: "POST",
    query: "",
    body: BODY,
    host: None,
    unsigned: None,
};

fn sign(given: &Given, how: Signing) -> Value {
    let installation = installation(how.stack);
    let unsigned = Unsigned::of(&installation, &given.bound(&installation), how.at_s, how.token);
    let headers: Vec<(&str, &str)> = unsigned
        .headers
        .iter()
        .map(|(name, value)| (*name, how.host.filter(|_| *name == "host").unwrap_or(value)))
        .filter(|(name, _)| Some(*name) != how.unsigned)
        .collect();
    let date = headers.iter().find(|(name, _)| *name == "x-amz-date").unwrap().1;
    let scope = format!("{}/{}/sts/aws4_request", &date[..8], installation.region());
    let signature = signature(how.secret, how.method, how.query, &headers, how.body, &scope);
    let proof = Proof::new(&installation, &unsigned, how.key, how.at_s, how.token, &signature);
    given.to_message(&proof)
}

/// The proof of one order under the words of another.
fn moved(signed: &Given, said: &Given) -> Value {
    let mut message = serde_json::to_value(said).unwrap();
    message["proof"] = sign(signed, AS_ANA)["proof"].clone();
    message
}

fn with(mut message: Value, key: &str, value: Value) -> Value {
    message["proof"][key] = value;
    message
}

#[test]
fn what_ana_signed_is_done_in_her_name_once() {
    let world = World::new();
    let message = sign(&hold(), AS_ANA);
    let said = world.hears(&message);
    assert_eq!(said, "taken: payments/production is held: nothing new is deployed until it is lifted");
    let held = world.track.borrow().held().unwrap().ordered.clone();
    let identity = Some(Identity::Iam(ANA_ID.parse().unwrap()));
    assert_eq!(held.by, Voice::Verified { person: "ana".parse().unwrap(), identity });
    assert_eq!((held.reason.as_str(), held.id.as_str()), ("slow", "nonce-1"));

    // Lifted since, it would be held again if it could be said twice.
    let lift = given(json!({ "order": "lift", "id": "nonce-2" }));
    assert!(world.hears(&sign(&lift, AS_ANA)).starts_with("taken: "));
    let changed = world.changed.get();
    let again = world.hears(&message);
    assert!(again.starts_with("refused (409): "), "{again}");
    assert!(world.track.borrow().held().is_none());
    assert_eq!(world.changed.get(), changed);

    let by_role = sign(
        &given(json!({ "order": "hold", "id": "nonce-3" })),
        Signing { token: Some(TOKEN), at_s: NOW_S - 60, ..AS_ANA },
    );
    assert!(world.hears(&by_role).starts_with("taken: "));
}

#[test]
fn a_typing_error_is_answered_and_nothing_is_set_aside_for_it() {
    let approve =
        given(json!({ "order": "approve", "release": "payments-production-7", "plan": "0a1b2c3d4e5f" }));
    for (key, value, why) in [
        ("plan", "0A1B2C3D4E5F", "plan is \"0A1B2C3D4E5F\": it must be the plan's fingerprint"),
        ("plan", "0a1b", "plan is \"0a1b\": it must be the plan's fingerprint"),
        ("order", "aprove", "order is \"aprove\": it must be approve"),
    ] {
        let world = World::new();
        let mut message = sign(&approve, AS_ANA);
        message["track"] = json!("payments/production");
        message[key] = json!(value);
        let said = world.hears(&message);
        assert!(said.starts_with(&format!("refused (400): {why}")), "{said}");
        assert_eq!((world.changed.get(), world.asked.get()), (0, 0), "{said}");
        says_nothing_of_the_proof(&message, &said);
    }
}

#[test]
fn every_forged_proof_is_refused_with_its_status() {
    const OTHER_STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/tidegate/99999999";
    const OTHER_REGION: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/tidegate/1f2e3d4c";
    const ASSUME: &str = "Action=AssumeRole&Version=2011-06-15";
    const LOWER: &str = "action=GetCallerIdentity&Version=2011-06-15";
    const BUT_ORDER: &str = "content-type;host;x-amz-date";
    const BUT_HOST: &str = "content-type;x-amz-date;x-tidegate-order";
    const ONE_MORE: &str = "accept;content-type;host;x-amz-date;x-tidegate-order";
    const TWICE: &str = "content-type;host;x-amz-date;x-tidegate-order;x-tidegate-order";
    const SPELLED: &str = "content-type;host;x-amz-date;X-Tidegate-Order";
    let how = |how: Signing| sign(&hold(), how);
    let altered = |key: &str, value: Value| with(how(AS_ANA), key, value);
    let order = |change: Value| given(change);
    let cancel = |n: u32| order(json!({ "order": "cancel", "release": format!("payments-production-{n}") }));
    let answer = |verb: &str, plan: &str| {
        order(json!({ "order": verb, "release": "payments-production-7", "plan": plan }))
    };
    let (plan, other_plan, longer_plan) = ("0a1b2c3d4e5f", "1a1b2c3d4e5f", "0a1b2c3d4e5f6");
    let day_old = || how(Signing { at_s: NOW_S - 86_400, ..AS_ANA });
    let without_order = || how(Signing { unsigned: Some("x-tidegate-order"), ..AS_ANA });
    let by_role = || how(Signing { token: Some(TOKEN), ..AS_ANA });
    let elsewhere = || how(Signing { stack: OTHER_REGION, ..AS_ANA });
    // Name, message, status, and how often STS is asked for it.
    let attacks: Vec<(&str, Value, u16, u32)> = vec![
        ("no proof", serde_json::to_value(hold()).unwrap(), 401, 0),
        (
            "a proof that is a word",
            json!({ "proof": "ana", "order": "hold", "id": "n", "track": "a/b" }),
            400,
            0,
        ),
        ("another host", how(Signing { host: Some("sts.example.com"), ..AS_ANA }), 401, 1),
        ("the global host", how(Signing { host: Some("sts.amazonaws.com"), ..AS_ANA }), 401, 1),
        ("another region", elsewhere(), 401, 0),
        ("another region told as ours", with(elsewhere(), "region", json!("eu-west-1")), 401, 1),
        ("a URL", altered("url", json!("https://sts.example.com/")), 400, 0),
        ("a host", altered("host", json!("sts.example.com")), 400, 0),
        ("headers", altered("headers", json!({ "accept": "text/html" })), 400, 0),
        ("a body", altered("body", json!(ASSUME)), 400, 0),
        ("61 seconds old", how(Signing { at_s: NOW_S - 61, ..AS_ANA }), 401, 0),
        ("a day old", day_old(), 401, 0),
        ("a day old told as new", with(day_old(), "signedAt", json!(NOW_S)), 401, 1),
        ("31 seconds ahead", how(Signing { at_s: NOW_S + 31, ..AS_ANA }), 401, 0),
        ("before 1970", altered("signedAt", json!(-1)), 400, 0),
        ("another verb", moved(&hold(), &order(json!({ "order": "lift" }))), 401, 1),
        (
            "another track",
            moved(&hold(), &order(json!({ "order": "hold", "track": "a/production" }))),
            401,
            1,
        ),
        ("another release", moved(&cancel(7), &cancel(8)), 401, 1),
        ("another plan", moved(&answer("approve", plan), &answer("approve", other_plan)), 401, 1),
        ("more of the plan", moved(&answer("approve", plan), &answer("approve", longer_plan)), 401, 1),
        ("another answer", moved(&answer("reject", plan), &answer("approve", plan)), 401, 1),
        ("another reason", moved(&hold(), &order(json!({ "order": "hold", "reason": "fast" }))), 401, 1),
        ("another nonce", moved(&hold(), &order(json!({ "order": "hold", "id": "nonce-2" }))), 401, 1),
        ("another installation", how(Signing { stack: OTHER_STACK, ..AS_ANA }), 401, 1),
        ("the order unsigned", with(without_order(), "signedHeaders", json!(BUT_ORDER)), 401, 0),
        ("the order unsigned and told as signed", without_order(), 401, 1),
        ("the host unsigned", altered("signedHeaders", json!(BUT_HOST)), 401, 0),
        ("a signed header more", altered("signedHeaders", json!(ONE_MORE)), 401, 0),
        ("a signed header twice", altered("signedHeaders", json!(TWICE)), 401, 0),
        ("a signed header in another spelling", altered("signedHeaders", json!(SPELLED)), 401, 0),
        ("a query", how(Signing { query: "Action=GetCallerIdentity", ..AS_ANA }), 401, 1),
        ("another action", how(Signing { body: ASSUME, ..AS_ANA }), 401, 1),
        ("the action in another spelling", how(Signing { body: LOWER, ..AS_ANA }), 401, 1),
        ("another method", how(Signing { method: "GET", ..AS_ANA }), 401, 1),
        ("another secret", how(Signing { secret: "a guess", ..AS_ANA }), 401, 1),
        ("somebody else's key", how(Signing { key: "AKIAI44QH8DHBEXAMPLE", ..AS_ANA }), 401, 1),
        ("a token taken away", with(by_role(), "sessionToken", Value::Null), 401, 0),
        ("a token put there", altered("sessionToken", json!(TOKEN)), 401, 0),
        ("another token", with(by_role(), "sessionToken", json!("OTHER+TOKEN")), 401, 1),
        ("a token that ends a header", with(by_role(), "sessionToken", json!("a\r\nhost: b")), 400, 0),
        ("a token of 9,000 characters", with(by_role(), "sessionToken", json!("a".repeat(9000))), 400, 0),
        ("a key that ends its field", altered("accessKey", json!(format!("{ANA}/1, Credential=x"))), 400, 0),
        ("a key that ends a header", altered("accessKey", json!(format!("{ANA}\r\nx: y"))), 400, 0),
        ("no key", altered("accessKey", json!("")), 400, 0),
        ("a signature in upper case", altered("signature", json!("A".repeat(64))), 400, 0),
        ("half a signature", altered("signature", json!("a".repeat(32))), 400, 0),
        (
            "two signatures",
            altered("signature", json!(format!("{0}, Signature={0}", "a".repeat(64)))),
            400,
            0,
        ),
        ("a signature of no ASCII", altered("signature", json!("é".repeat(32))), 400, 0),
    ];
    assert!(attacks.len() >= 25);
    for (name, message, status, asked) in attacks {
        let world = World::new();
        let said = world.hears(&message);
        assert!(said.starts_with(&format!("refused ({status}): ")), "{name}: {said}");
        assert_eq!(world.changed.get(), 0, "{name} changed something");
        assert_eq!(world.asked.get(), asked, "{name}: STS was asked");
        says_nothing_of_the_proof(&message, &said);
    }
}

#[test]
fn every_answer_of_sts_that_proves_nobody_is_refused_with_its_status() {
    const US: &str = "123456789012";
    const USER: &str = "arn:aws:iam::123456789012:user/ana";
    const ROLE: &str = "arn:aws:sts::123456789012:assumed-role/Developer/ana";
    const ROLE_ID: &str = "AROACKCEVSQ6C2EXAMPLE:ana";
    const ELSEWHERE: &str = "arn:aws:iam::210987654321:user/ana";
    const SERVICES: &str = "arn:aws:sts::123456789012:assumed-role/AWSServiceRoleForECS/ana";
    const FEDERATED: &str = "arn:aws:sts::123456789012:federated-user/ana";
    const XML: &str =
        "<GetCallerIdentityResponse><GetCallerIdentityResult><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>";
    let good = identity(US, USER, ANA_ID);
    let text = |value: &Value| answered(200, &value.to_string());
    let who = |account: &str, arn: &str, id: &str| text(&identity(account, arn, id));
    let of_type = |kind: &str, body: &str| Answered { content_type: kind.to_owned(), ..answered(200, body) };
    let twice = good.to_string().replace(r#""UserId":"#, r#""UserId":"AIDAOTHERISNOTANA0000","UserId":"#);
    let mut one_more = good.clone();
    one_more["GetCallerIdentityResponse"]["GetCallerIdentityResult"]["UserName"] = json!("ana");
    let reflected = json!({ "AssumeRoleWithWebIdentityResponse": { "AssumeRoleWithWebIdentityResult": {
        "SubjectFromWebIdentityToken": good.to_string(),
    } } });
    let answers: Vec<(&str, Answered, u16)> = vec![
        ("a redirect", answered(302, &good.to_string()), 502),
        ("a lasting redirect", answered(308, ""), 502),
        ("another success", answered(201, &good.to_string()), 502),
        ("another failure", answered(418, ""), 502),
        ("an expired token", answered(403, "{}"), 401),
        ("5,000 bytes", answered(200, &format!("{}{good}", " ".repeat(5000))), 502),
        ("nothing", answered(200, ""), 502),
        ("XML", of_type("text/xml", XML), 502),
        ("XML told as JSON", answered(200, XML), 502),
        ("JSON told as HTML", of_type("text/html", &good.to_string()), 502),
        ("something after the document", answered(200, &format!("{good} {good}")), 502),
        ("a field twice", answered(200, &twice), 502),
        ("a field more", text(&one_more), 502),
        ("fields less", text(&json!({ "GetCallerIdentityResponse": {} })), 502),
        ("names in lower case", answered(200, &good.to_string().to_lowercase()), 502),
        ("the answer of another action with ours in it", text(&reflected), 502),
        ("another account", who("210987654321", ELSEWHERE, ANA_ID), 403),
        ("another account in the ARN", who(US, ELSEWHERE, ANA_ID), 502),
        ("another partition", who(US, "arn:aws-cn:iam::123456789012:user/ana", ANA_ID), 502),
        ("root", who(US, "arn:aws:iam::123456789012:root", US), 403),
        ("a federated user", who(US, FEDERATED, "123456789012:ana"), 403),
        ("a role that services act by", who(US, SERVICES, ROLE_ID), 403),
        ("a session that nobody is known by", who(US, ROLE, ROLE_ID), 403),
        ("a session of another name than its id's", who(US, ROLE, "AROACKCEVSQ6C2EXAMPLE:ben"), 502),
        ("a session with the id of a user", who(US, ROLE, ANA_ID), 502),
        ("a user with the id of a session", who(US, USER, ROLE_ID), 502),
        ("a user of the same name, made anew", who(US, USER, "AIDACKCEVSQ6C2ANOTHER"), 403),
        ("an id that is none", who(US, USER, "ana"), 502),
        ("a group", who(US, "arn:aws:iam::123456789012:group/ana", ANA_ID), 502),
    ];
    for (name, answer, status) in answers {
        let world = World { answer: Some(answer), ..World::new() };
        let said = world.hears(&sign(&hold(), AS_ANA));
        assert!(said.starts_with(&format!("refused ({status}): ")), "{name}: {said}");
        assert_eq!((world.changed.get(), world.asked.get()), (0, 1), "{name} changed something");
    }
    let answer = Some(of_type("application/json; charset=utf-8", &good.to_string()));
    let world = World { answer, ..World::new() };
    assert!(world.hears(&sign(&hold(), AS_ANA)).starts_with("taken: "));
}

#[test]
fn when_sts_cannot_be_asked_the_order_is_answered_as_failed_and_kept_by_nobody() {
    let world = World { is_cut_off: true, ..World::new() };
    let said = world.hears(&sign(&hold(), AS_ANA));
    assert!(said.starts_with("failed: sts GetCallerIdentity"), "{said}");
    assert_eq!(world.changed.get(), 0);
}

#[test]
fn whoever_may_not_is_refused_though_they_are_who_they_say() {
    let world = World::new();
    let said = world.hears(&sign(&given(json!({ "order": "redeploy" })), AS_ANA));
    assert_eq!(said, "refused: ana may not redeploy in production: its record's may.redeploy names nobody");
    assert_eq!(world.changed.get(), 0);
}

#[test]
fn whoever_drops_a_message_is_noted_by_what_they_proved() {
    let drop =
        given(json!({ "order": "drop", "letter": "0d3cf0a2", "queue": "PushFailures", "about": "a push" }));
    let redrive = given(json!({ "order": "redrive", "letter": "0d3cf0a2", "queue": "PushFailures" }));
    let world = World::new();
    assert!(world.hears(&moved(&redrive, &drop)).starts_with("refused (401): "));
    assert_eq!(world.changed.get(), 0);
    let message = sign(&drop, AS_ANA);
    assert_eq!(world.hears(&message), format!("taken: noted as dropped by ana (IAM {ANA_ID})"));
    assert!(world.hears(&message).starts_with("refused (409): "));
    assert_eq!(world.changed.get(), 1);
    let world = World { carer: "user:ben", ..World::new() };
    let said = world.hears(&message);
    assert_eq!(said, "refused: ana may not drop: the record of people's quarantine names user:ben");
    assert_eq!(world.changed.get(), 0);
}

#[test]
fn a_proof_is_shown_in_no_form() {
    let message = sign(&hold(), Signing { token: Some(TOKEN), ..AS_ANA });
    let bytes = message.to_string().into_bytes();
    let reading = intake::read(&bytes).remove(0);
    let Meaning::Signal(subject) = &reading.meaning else { panic!("{reading:?}") };
    let shown = [
        format!("{reading:?}"),
        format!("{subject}"),
        serde_json::to_string(subject).unwrap(),
        intake::replay::text(&bytes),
        intake::replay::json(&bytes).to_string(),
    ];
    for text in shown {
        says_nothing_of_the_proof(&message, &text);
    }
}

fn says_nothing_of_the_proof(message: &Value, text: &str) {
    for secret in ["accessKey", "signature", "sessionToken"] {
        if let Some(secret) = message["proof"][secret].as_str().filter(|secret| secret.len() > 4) {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
