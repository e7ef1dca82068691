//! Approvals in Slack: real signatures through the real functions, one message for a release, Slack in trouble.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws::sdk::ssm;
use aws::sdk::ssm::types::ParameterType;
use local::{Delivery, Environment, Order, SLACK_TEAM, SlackMessage, SlackTrouble};
use model::release::{Phase, Release};
use serde_json::{Value, json};

use crate::story::{ENVIRONMENT, Story};
use crate::world::tell;

const APP: &str = "A0001";
const CHANNEL: &str = "C0001";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What Slack put off comes again with the sweep, after its lease of a minute.
const PUT_OFF: Duration = Duration::from_secs(300);

/// Dana pushes; ana and ben may approve; gus is a guest of the workspace.
const PEOPLE: [(&str, &str); 4] = [("ana", "U0001"), ("ben", "U0002"), ("dana", "U0003"), ("gus", "U0004")];

#[test]
fn one_message_follows_a_release_through_its_life_while_events_are_shuffled_and_slack_is_in_trouble() {
    tell(async |mut story| {
        story.limit = PUT_OFF;
        let mut slack = Workspace::install(&story, 2).await;
        let delivery = Delivery { copies: 3, order: Order::Shuffled { seed: 7 }, ..Delivery::default() };
        story.control.deliver(story.account(), delivery);
        let trouble = [SlackTrouble::RateLimited { seconds: 1 }, SlackTrouble::Fails];
        story.slack.next_calls(story.account(), &trouble);

        story.pushes_a_version();
        let release = story.reaches("AwaitingApproval").await;
        slack.shows(&story, "asks for approval").await;
        let button = slack.button(&story, "approve").await;

        assert_eq!(slack.clicks(&story, "ana", "approve", &button).await, 200);
        assert_eq!(slack.replays_the_last_click(&story).await, 409);
        // A guest may click, and whoever pushed it; it counts for nothing.
        story.slack.invite_guest(story.account(), "U0004");
        assert_eq!(slack.clicks(&story, "gus", "approve", &button).await, 200);
        assert_eq!(slack.clicks(&story, "dana", "approve", &button).await, 200);
        let another_plan = format!("{} {}", release.id, "f".repeat(64));
        assert_eq!(slack.clicks(&story, "ben", "approve", &another_plan).await, 200);
        slack.shows(&story, "asks for approval").await;
        assert_eq!(voices(&story.reaches("AwaitingApproval").await).len(), 1);

        assert_eq!(slack.clicks(&story, "ben", "approve", &button).await, 200);
        let ended = story.ends("Deployed").await;
        slack.shows(&story, "Deployed").await;

        let messages = story.slack.messages(story.account());
        assert_eq!(messages.len(), 1, "{messages:?}");
        let [details] = messages[0].thread.as_slice() else { panic!("{:?}", messages[0].thread) };
        let told = details.to_string();
        assert!(told.contains("in full") && told.contains("add EcsService (AWS::ECS::Service)"), "{told}");
        assert!(messages[0].before.len() >= 2, "it was edited where it stands: {messages:?}");
        let steps: Vec<&str> = ended.steps.iter().map(|step| step.what.as_str()).collect();
        for voice in ["approved by ana (Slack T0001/U0001)", "approved by ben (Slack T0001/U0002)"] {
            assert_eq!(steps.iter().filter(|step| **step == voice).count(), 1, "{voice}: {steps:?}");
        }
        assert!(!steps.iter().any(|step| step.contains("gus")), "{steps:?}");
    });
}

#[test]
fn a_slow_slack_is_waited_for_and_its_message_is_posted_once() {
    tell(async |mut story| {
        story.limit = PUT_OFF;
        let slack = Workspace::install(&story, 1).await;
        story.slack.next_calls(story.account(), &[SlackTrouble::Delays { seconds: 7 }]);
        story.pushes_a_version();
        story.reaches("AwaitingApproval").await;
        slack.shows(&story, "asks for approval").await;
        assert_eq!(story.slack.messages(story.account()).len(), 1);
    });
}

#[test]
fn a_message_whose_post_is_never_answered_is_posted_twice_and_holds_up_nothing() {
    tell(async |mut story| {
        story.limit = PUT_OFF;
        let _workspace = Workspace::install(&story, 1).await;
        story.slack.next_calls(story.account(), &[SlackTrouble::AnswerLost, SlackTrouble::AnswerLost]);
        story.pushes_a_version();
        story.reaches("AwaitingApproval").await;
        let posted_again = async || {
            story.sweeps().await;
            (story.slack.messages(story.account()).len() == 2).then_some(())
        };
        story.until("Slack was asked once more", posted_again).await;
        for _ in 0..3 {
            story.sweeps().await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        assert_eq!(story.slack.messages(story.account()).len(), 2);
    });
}

#[test]
fn fifty_people_clicking_at_once_are_one_deployment_and_each_voice_is_recorded_once() {
    const CLICKS: usize = 50;
    tell(async |mut story| {
        let slack = Workspace::install(&story, 10).await;
        let people: Vec<(String, String)> =
            (0..CLICKS).map(|n| (format!("person-{n}"), format!("U1{n:03}"))).collect();
        slack.people(&story, &people).await;
        story.control.hold_deployments(story.account());
        story.pushes_a_version();
        story.reaches("AwaitingApproval").await;
        let button = slack.button(&story, "approve").await;

        let clicks = people.iter().map(|(_, user)| slack.click(&story, user, "approve", &button));
        let mut answered = Vec::new();
        for payload in clicks {
            let (calls, function) = (story.calls.clone(), slack.function.clone());
            answered.push(tokio::spawn(async move { calls.invoke(&function, &payload).await }));
        }
        for answer in answered {
            let answer = answer.await.expect("a click ends").expect("a click is answered");
            assert!(answer.contains("200"), "{answer}");
        }
        let all_spoke = async || {
            let track = story.track().await;
            let release = track.in_flight.first()?;
            (voices(release).len() == CLICKS).then(|| release.clone())
        };
        let release = story.until("all voices are recorded", all_spoke).await;
        let names: std::collections::BTreeSet<String> = voices(&release).into_iter().collect();
        assert_eq!(names.len(), CLICKS);
        story.control.release_deployments(story.account());
        story.ends("Deployed").await;
        assert_eq!(story.deployments().await, 1);
    });
}

fn voices(release: &Release) -> Vec<String> {
    match &release.phase {
        Phase::AwaitingApproval { asked, .. }
        | Phase::Ready { asked, .. }
        | Phase::Deploying { asked, .. } => asked.votes.iter().map(|vote| vote.voice.to_string()).collect(),
        Phase::Building { .. } | Phase::Planning { .. } | Phase::Over(_) => Vec::new(),
    }
}

/// A workspace with the app in it, and an environment that wants proven people.
struct Workspace {
    function: String,
    last: Option<Value>,
}

impl Workspace {
    async fn install(story: &Story, approvals: u32) -> Self {
        put(story, "/tidegate-slack/signing-secret", ParameterType::SecureString, SECRET).await;
        let token = format!("xoxb-{}", story.account());
        put(story, "/tidegate-slack/bot-token", ParameterType::SecureString, &token).await;
        let parameters = [("SlackTeamId", SLACK_TEAM), ("SlackAppId", APP), ("SlackChannelId", CHANNEL)];
        let outputs =
            story.account.install_with(&parameters).await.unwrap_or_else(|problem| panic!("{problem}"));
        let environment = Environment {
            name: ENVIRONMENT.to_owned(),
            branch: Some("main".to_owned()),
            approvals,
            replies: false,
            self_approval: false,
            operators: Vec::new(),
        };
        story.account.add_environment(&environment).await.unwrap_or_else(|problem| panic!("{problem}"));
        let workspace = Self { function: outputs["SlackFunctionName"].clone(), last: None };
        let people: Vec<(String, String)> =
            PEOPLE.iter().map(|(name, user)| ((*name).to_owned(), (*user).to_owned())).collect();
        workspace.people(story, &people).await;
        workspace
    }

    /// Writes the record of people; whoever is called dana is who pushes.
    async fn people(&self, story: &Story, people: &[(String, String)]) {
        let pusher = format!("arn:aws:iam::{}:user/local", story.account());
        let mut all = serde_json::Map::new();
        all.insert("dana".to_owned(), json!({ "git": [pusher] }));
        for (name, user) in people {
            all.entry(name.clone()).or_insert_with(|| json!({}))["slack"] =
                json!([format!("{SLACK_TEAM}/{user}")]);
        }
        put(story, "/tidegate/people", ParameterType::String, &json!({ "people": all }).to_string()).await;
    }

    /// What Lambda hands over when that user presses that button.
    fn click(&self, story: &Story, user: &str, action: &str, value: &str) -> Value {
        let payload = json!({
            "type": "block_actions",
            "api_app_id": APP,
            "team": { "id": SLACK_TEAM },
            "user": { "id": user, "team_id": SLACK_TEAM },
            "actions": [{ "type": "button", "action_id": action, "value": value }],
        });
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload.to_string())
            .finish();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
        json!({
            "version": "2.0",
            "rawPath": "/",
            "headers": {
                "host": format!("{}.lambda-url.local", story.account()),
                "content-type": "application/x-www-form-urlencoded",
                "x-slack-request-timestamp": now.to_string(),
                "x-slack-signature": slack::sign(SECRET.as_bytes(), now, body.as_bytes()),
            },
            "requestContext": { "http": { "method": "POST", "path": "/" } },
            "isBase64Encoded": false,
            "body": body,
        })
    }

    /// The status that Slack is answered with.
    async fn clicks(&mut self, story: &Story, name: &str, action: &str, value: &str) -> u64 {
        let (_, user) = PEOPLE.iter().find(|(known, _)| *known == name).expect("a person of the story");
        let payload = self.click(story, user, action, value);
        self.last = Some(payload.clone());
        self.status(story, &payload).await
    }

    async fn replays_the_last_click(&self, story: &Story) -> u64 {
        self.status(story, self.last.as_ref().expect("somebody clicked")).await
    }

    async fn status(&self, story: &Story, payload: &Value) -> u64 {
        let answer = story.calls.invoke(&self.function, payload).await.unwrap_or_else(|why| panic!("{why}"));
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|why| panic!("{answer}: {why}"));
        answer["statusCode"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    async fn shows(&self, story: &Story, words: &str) {
        let shown = async || {
            // What Slack put off is brought again by the sweep.
            story.sweeps().await;
            self.message(story)
                .filter(|message| message.now["text"].as_str().is_some_and(|text| text.contains(words)))
        };
        story.until(&format!("Slack shows {words:?}"), shown).await;
    }

    /// What that button of the message carries.
    async fn button(&self, story: &Story, action: &str) -> String {
        let value = async || {
            story.sweeps().await;
            let message = self.message(story)?;
            let blocks = message.now["blocks"].as_array()?.clone();
            let elements = blocks.iter().filter_map(|block| block["elements"].as_array()).flatten();
            elements
                .filter(|element| element["action_id"] == action)
                .find_map(|button| button["value"].as_str().map(str::to_owned))
        };
        story.until(&format!("Slack shows the button {action}"), value).await
    }

    fn message(&self, story: &Story) -> Option<SlackMessage> {
        story.slack.messages(story.account()).into_iter().next_back()
    }
}

async fn put(story: &Story, name: &str, kind: ParameterType, value: &str) {
    ssm::Client::new(story.account.sdk())
        .put_parameter()
        .name(name)
        .r#type(kind)
        .value(value)
        .overwrite(true)
        .send()
        .await
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
}
