//! Pushes that end before anything is deployed, each with its reason.

use local::Delivery;
use serde_json::json;

use crate::story::Story;
use crate::words::anonymous;
use crate::working_copy::sample_config;
use crate::world::tell;

/// Nothing was deployed, and nothing of the release is left to do.
async fn nothing_was_deployed(story: &Story) {
    let track = story.comes_to_rest().await;
    assert_eq!(track.live, None);
    assert!(matches!(story.stack_status().await.as_deref(), None | Some("REVIEW_IN_PROGRESS")));
}

#[test]
fn a_build_that_fails_ends_the_release_and_says_what_failed() {
    tell(async |mut story| a_build_fails(&mut story).await);
}

pub(crate) async fn a_build_fails(story: &mut Story) {
    story.pushes_file("Dockerfile", "FROM scratch\nCOPY no-such-folder/ /app/\n");
    story.ends("Failed").await;
    // The same words however the story is told: with and without faults.
    let read = story.hears_the_ending().await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(read, @r#"
        payments-production-1 failed

        payments-production-1 failed: build <build 1> failed: BUILD: COMMAND_EXECUTION_ERROR Error while executing command: docker build -t "$TIDEGATE_IMAGE_REPOSITORY:$TIDEGATE_BUILD" .. Reason: exit status 1
        #1 [stage-0 1/1] COPY no-such-folder/ /app/
        ERROR: failed to build: failed to solve: Dockerfile:2: failed to compute cache key: failed to calculate checksum of ref local: "/no-such-folder": not found; its last lines:
          #1 [stage-0 1/1] COPY no-such-folder/ /app/
          ERROR: failed to build: failed to solve: Dockerfile:2: failed to compute cache key: failed to calculate checksum of ref local: "/no-such-folder": not found

        The build's log: https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logEvent:group=/aws/codebuild/<build project>;stream=<uuid>
        Revision <short> of payments on main.
        Nothing is live yet. Mend the cause and push again.
        "#);
    }
    nothing_was_deployed(story).await;
}

#[test]
fn a_dockerfile_that_cannot_be_used_ends_the_release() {
    tell(async |mut story| {
        story.pushes_file("Dockerfile", "COPY public/ /usr/share/nginx/html/\n");
        story.ends("Failed").await;
        insta::assert_snapshot!(story.hears_the_ending().await, @r#"
        payments-production-1 failed

        payments-production-1 failed: build <build 1> failed: BUILD: COMMAND_EXECUTION_ERROR Error while executing command: docker build -t "$TIDEGATE_IMAGE_REPOSITORY:$TIDEGATE_BUILD" .. Reason: exit status 1
        ERROR: failed to build: failed to solve: dockerfile parse error on line 1: no build stage in current context; its last lines:
          ERROR: failed to build: failed to solve: dockerfile parse error on line 1: no build stage in current context

        The build's log: https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logEvent:group=/aws/codebuild/<build project>;stream=<uuid>
        Revision <short> of payments on main.
        Nothing is live yet. Mend the cause and push again.
        "#);
        nothing_was_deployed(&story).await;
    });
}

#[test]
fn a_bad_config_never_starts_a_build() {
    tell(async |mut story| {
        let mut config = sample_config();
        config["container"]["cpus"] = json!(256);
        config["routing"]["priority"] = json!(0);
        story.pushes_config(&config);
        let release = story.ends("Failed").await;
        insta::assert_snapshot!(story.hears_the_ending().await, @r#"
        payments-production-1 failed

        payments-production-1 failed: ecs-service-config.json is not valid:
        $.routing.priority is 0; allowed: a whole number from 1 to 50000, or "auto"
        $.container.cpus is an unknown key; allowed: port, cpu, memoryMiB, environment, secrets, command, stopTimeoutSeconds; did you mean $.container.cpu?

        Revision <short> of payments on main.
        Nothing is live yet. Mend the cause and push again.
        "#);
        assert_eq!(Story::phases(&release), ["Building", "Failed"]);
        assert_eq!(story.builds().await, []);
        nothing_was_deployed(&story).await;
    });
}

#[test]
fn a_config_that_its_template_cannot_take_never_starts_a_build() {
    tell(async |mut story| {
        story.pushes_config(&json!({
            "Parameters": { "Paths": "/payments,/payments/*", "ContainerPorts": "8080" },
        }));
        story.ends("Failed").await;
        insta::assert_snapshot!(story.hears_the_ending().await, @"
        payments-production-1 failed

        payments-production-1 failed: ecs-service-config.json does not fit the template stacks/service.yaml:
        $.Parameters.Priority is missing; allowed: its place among the listener's rules
        $.Parameters.ContainerPorts is set, but ContainerPorts is not a parameter of the environment's template; allowed: the template's parameters Alarms, BakeMinutes, ContainerPort, Cpu, CpuPercent, HealthCheckGraceSeconds, HealthCheckIntervalSeconds, HealthCheckPath, HealthCheckStatus, HealthCheckTimeoutSeconds, HealthyCount, Hosts, Kind, LogRetentionDays, MaxTasks, MemoryMiB, MinTasks, OnDemandPercent, Paths, Priority, RequestsPerTarget, ScheduleExpression, ScheduleTimeZone, SpotPercent, StepMinutes, StepPercent, Strategy, UnhealthyCount; did you mean $.Parameters.ContainerPort?

        Revision <short> of payments on main.
        Nothing is live yet. Mend the cause and push again.
        ");
        assert_eq!(story.builds().await, []);
        nothing_was_deployed(&story).await;
    });
}

#[test]
fn a_config_that_names_another_service_deploys_neither() {
    tell(async |mut story| {
        let mut config = sample_config();
        config["service"] = json!("orders");
        story.pushes_config(&config);
        story.ends("Failed").await;
        insta::assert_snapshot!(story.hears_the_ending().await, @r#"
        payments-production-1 failed

        payments-production-1 failed: ecs-service-config.json is not valid:
        $.service is "orders"; allowed: "payments", the service that this repository is registered for

        Revision <short> of payments on main.
        Nothing is live yet. Mend the cause and push again.
        "#);
        assert_eq!(story.builds().await, []);
        let tracks: Vec<String> =
            story.aws.tracks().await.unwrap().iter().map(|track| track.key.to_string()).collect();
        assert_eq!(tracks, ["payments/production"]);
        nothing_was_deployed(&story).await;
    });
}

#[test]
fn a_rejected_release_is_not_deployed() {
    tell(async |mut story| a_person_rejects(&mut story).await);
}

pub(crate) async fn a_person_rejects(story: &mut Story) {
    story.pushes_a_version();
    story.rejects("not before the holidays").await;
    story.ends("Rejected").await;
    // The same words however the story is told: with and without faults.
    let read = story.hears_the_ending().await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(read, @"
        payments-production-1 was rejected

        payments-production-1 was rejected: rejected by a reply with the request's token: not before the holidays.

        Revision <short> of payments on main.
        Nothing is live yet.
        ");
    }
    nothing_was_deployed(story).await;
}

#[test]
fn an_image_that_somebody_else_pushed_under_the_builds_tag_is_not_deployed() {
    tell(async |mut story| {
        // Nobody is told of the build until the other image is there.
        let deaf = Delivery {
            suppressed: ["aws.codebuild", "aws.ecr"].map(str::to_owned).into(),
            ..Delivery::default()
        };
        story.control.deliver(story.account(), deaf);
        story.pushes_a_version();
        let build = story.build_succeeds().await;
        story.somebody_else_pushes(&build).await;
        story.control.deliver(story.account(), Delivery::default());
        let release = story.ends("Failed").await;
        insta::assert_snapshot!(anonymous(&release.ending().unwrap().reason()), @"tag <build 1> in the registry names <digest>, but the build exported <digest>: somebody else pushed under the build's tag");
        nothing_was_deployed(&story).await;
    });
}

#[test]
fn a_secret_that_is_missing_is_told_before_anybody_is_asked() {
    tell(async |mut story| {
        let mut config = sample_config();
        config["container"]["secrets"] =
            json!({ "DB_URL": "payments/db-url", "TOKEN": "payments/api:token" });
        story.pushes_config(&config);
        story.ends("Failed").await;
        insta::assert_snapshot!(story.hears_the_ending().await, @r#"
        payments-production-1 failed

        payments-production-1 failed: plan: ecs-service-config.json names secrets that are missing: make them, then retry:
        $.container.secrets.DB_URL is "payments/db-url", which Secrets Manager does not have
        $.container.secrets.TOKEN is "payments/api", which Secrets Manager does not have

        Revision <short> of payments on main.
        Nothing is live yet. Mend the cause and push again.
        "#);
        nothing_was_deployed(&story).await;

        let secrets = aws::sdk::secretsmanager::Client::new(story.sdk());
        for name in ["payments/db-url", "payments/api"] {
            secrets.create_secret().name(name).secret_string("x").send().await.expect("a secret is made");
        }
        story.pushes_a_version();
        story.is_asked().await;
    });
}

#[test]
fn a_plan_is_told_at_a_terminal_in_the_words_of_its_request() {
    tell(async |mut story| {
        let said = story.tidegate(&["plan", "payments", "production"]).await;
        assert_eq!(
            (said.code, said.err.as_str()),
            (Some(1), "tidegate: nothing was ever released on payments/production\n")
        );
        story.pushes_a_version();
        let request = story.is_asked().await;
        let said = story.tidegate(&["plan", "payments", "production"]).await;
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
        let (first, plan) = said.out.split_once("\n\n").expect("a line on the release, then its plan");
        assert!(
            first.starts_with("payments-production-1 is AwaitingApproval: 0 of 1 approvals; expires "),
            "{first}"
        );
        assert!(
            plan.starts_with("Revision ") && request.text.contains(plan.trim_end()),
            "{plan}\n{}",
            request.text
        );
        let json = story.tidegate(&["plan", "payments", "production", "--json"]).await.json();
        assert_eq!(json["plan"], request.json["plan"]);
        assert_eq!(json["fingerprint"], request.json["fingerprint"]);
        story.rejects("only looking").await;
        story.ends("Rejected").await;
        let said = story.tidegate(&["plan", "payments", "production"]).await;
        let none = "tidegate: nothing is planned on payments/production: no release is in flight\n";
        assert_eq!((said.code, said.err.as_str()), (Some(1), none));
    });
}
