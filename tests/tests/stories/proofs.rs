//! Orders by the command line: proven through the real functions, refused where they prove something else, and written
//! down nowhere.

use model::release::Phase;
use serde_json::{Value, json};

use crate::story::Story;
use crate::world::tell;

#[test]
fn an_approval_by_the_command_line_is_of_whoever_signed_it_and_of_that_plan_once() {
    tell(async |mut story| {
        story.pushes_a_version();
        let release = story.reaches("AwaitingApproval").await;
        let Phase::AwaitingApproval { plan, .. } = &release.phase else { panic!("{release:?}") };
        let plan = plan.fingerprint.short().to_owned();
        let mut used = Vec::new();

        // The request tells how to answer.
        let asked = story.is_asked().await;
        assert!(asked.text.contains(&format!("tidegate approve {} {plan}\n", release.id)), "{}", asked.text);

        let yes = json!({ "order": "approve", "release": release.id, "plan": plan, "reason": "seen" });
        let another_plan = json!({ "order": "approve", "release": release.id, "plan": "f".repeat(64) });
        let refused = story.orders(&another_plan).await;
        assert!(refused.contains("has another plan by now"), "{refused}");

        let no = json!({ "order": "reject", "release": release.id, "plan": plan, "reason": "seen" });
        let mut turned = story.signs(&no, "ana").await;
        turned["order"] = json!("approve");
        let refused = story.gives(&turned).await;
        assert!(refused.starts_with("refused (401): AWS does not take the signature"), "{refused}");
        used.push(turned);

        let stranger = story.signs(&yes, "zoe").await;
        let refused = story.gives(&stranger).await;
        assert!(refused.starts_with("refused (403): nobody in the record of people"), "{refused}");
        used.push(stranger);
        assert_eq!(
            story.reaches("AwaitingApproval").await.steps.len(),
            release.steps.len(),
            "nothing changed"
        );

        let key = local::people::access_key(story.account(), "ana");
        let arguments = ["approve", &release.id.to_string(), &plan, "--reason", "seen"];
        let said = story.tidegate_as(&key, &arguments).await;
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        assert_eq!(said.out, format!("Your approval of {} is recorded.\n", release.id));
        let ended = story.ends("Deployed").await;
        let id = local::people::unique_id(story.account(), "ana");
        let voice = format!("approved by ana (IAM {id})");
        assert_eq!(ended.steps.iter().filter(|step| step.what == voice).count(), 1, "{:?}", ended.steps);

        // A hold that was lifted is not put again by whoever has seen its proof.
        let hold = json!({ "order": "hold", "track": story.track_key(), "reason": "the till is open" });
        let hold = story.signs(&hold, "ana").await;
        assert!(story.gives(&hold).await.starts_with("taken: "));
        story.orders(&json!({ "order": "lift", "reason": "closed" })).await;
        let again = story.gives(&hold).await;
        assert!(again.starts_with("refused: already done") || again.starts_with("refused (409)"), "{again}");
        assert!(story.track().await.held().is_none());
        used.push(hold);

        nothing_is_written_down(&story, &used).await;
    });
}

/// I9: no log, no queue and no item holds any part of a proof.
async fn nothing_is_written_down(story: &Story, used: &[Value]) {
    let logs = story.logged().await;
    assert!(logs.contains("refused"), "the functions' logs are read: {logs}");
    let table = story.table_as_text().await;
    for message in used {
        let signature = message["proof"]["signature"].as_str().expect("a proof is signed");
        assert!(!logs.contains(signature) && !table.contains(signature));
    }
    assert_eq!(story.quarantine(&["list"]).await.out, "Nothing waits for a person.\n");
}
