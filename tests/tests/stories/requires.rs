//! Deployments that ask whether a database could be restored.

use serde_json::{Value, json};

use crate::people::as_read;
use crate::working_copy::sample_config;
use crate::world::tell;

fn config_that(on_failure: &str) -> Value {
    let mut config = sample_config();
    config["environments"]["production"]["requires"] =
        json!({ "database": "collections", "restorableWithinMinutes": 15, "onFailure": on_failure });
    config
}

#[test]
fn without_its_database_a_release_is_refused_or_deployed_with_a_warning() {
    tell(async |mut story| {
        story.pushes_config(&config_that("refuse"));
        let request = as_read(&story.approves().await);
        let missing = "database collections is not in this account and region, and 15 min 0 s are asked for";
        let said = format!("!! NOT RESTORABLE: {missing}: it will not be deployed while that is so");
        assert!(request.contains(&said), "{request}");
        story.ends("Failed").await;
        let ending = story.hears_the_ending().await;
        assert!(ending.contains(&format!("deploy: {missing}.")), "{ending}");
        assert_eq!(story.deployments().await, 0);

        story.pushes_config(&config_that("warn"));
        let request = as_read(&story.approves().await);
        assert!(request.contains(&format!("{missing}: it will be deployed all the same")), "{request}");
        let release = story.ends("Deployed").await;
        assert_eq!(release.warning.as_deref(), Some(missing));
        let ending = story.hears_the_ending().await;
        assert!(ending.contains(&format!("It was deployed although {missing}.")), "{ending}");
        story.comes_to_rest().await;
    });
}
