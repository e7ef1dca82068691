//! What others change of a live service, told to those who are asked for approval.

use aws::sdk::cloudformation;

use crate::story::Story;
use crate::words::anonymous;
use crate::world::tell;

#[test]
fn a_plan_tells_what_others_changed_since() {
    tell(async |mut story| {
        story.deploys_a_version().await;
        story.pushes_a_version();
        let request = story.approves().await.text;
        assert!(!request.contains("CHANGED OUTSIDE"), "{request}");
        story.ends("Deployed").await;

        updates_the_stack(&story).await;
        story.pushes_a_version();
        let request = story.approves().await.text;
        let outside: Vec<&str> = request.lines().filter(|line| line.contains("CHANGED OUTSIDE")).collect();
        insta::assert_snapshot!(anonymous(&outside.join("\n")), @"  ! CHANGED OUTSIDE: the last operation on stack tidegate-payments-production was somebody else's (token Console-UpdateStack-1) and left it UPDATE_COMPLETE; what it changed is changed back where the template says otherwise");
        let third = story.ends("Deployed").await;
        assert_eq!(&story.running_digest().await, Story::deployed_image(&third));

        story.pushes_a_version();
        let request = story.is_asked().await.text;
        assert!(!request.contains("CHANGED OUTSIDE"), "what was gone over is no news: {request}");
    });
}

async fn updates_the_stack(story: &Story) {
    let stacks = cloudformation::Client::new(story.sdk());
    let name = "tidegate-payments-production";
    let described = stacks.describe_stacks().stack_name(name).send().await.expect("the stack is there");
    let parameters = described.stacks()[0].parameters().iter().map(|parameter| {
        let kept =
            cloudformation::types::Parameter::builder().set_parameter_key(parameter.parameter_key.clone());
        match parameter.parameter_key() {
            Some("LogRetentionDays") => kept.parameter_value("7").build(),
            Some(_) | None => kept.use_previous_value(true).build(),
        }
    });
    stacks
        .update_stack()
        .stack_name(name)
        .use_previous_template(true)
        .set_parameters(Some(parameters.collect()))
        .capabilities(cloudformation::types::Capability::CapabilityNamedIam)
        .client_request_token("Console-UpdateStack-1")
        .send()
        .await
        .expect("the stack is updated");
    let done = async || (story.stack_status().await.as_deref() == Some("UPDATE_COMPLETE")).then_some(());
    let ended = async || {
        let last = story.stack_events().await.into_iter().find(|event| event.of_stack)?;
        (last.token.as_deref() == Some("Console-UpdateStack-1") && last.status == "UPDATE_COMPLETE")
            .then_some(())
    };
    story.until("somebody's update ends", ended).await;
    story.until("the stack is stable", done).await;
}
