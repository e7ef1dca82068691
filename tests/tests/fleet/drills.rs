//! A drill over RDS's own API, from the schedule to its report: no copy is left, and the original is as it was.

use aws::Aws;
use aws::sdk::{rds, ssm};
use databases::drill::{Outcome, Phase, TAG};
use engine::ports::{Commit, DrillTable, Restores};
use model::time::Span;
use serde_json::json;

use crate::moto::Moto;
use crate::{Inbox, clock, settings, tell, watches};

#[tokio::test]
async fn a_database_is_restored_for_real_and_its_copy_deleted() {
    let mut moto = Moto::start();
    moto.order(&json!({ "subnetGroup": "isolated" }));
    let config = aws::client::load(Some(&moto.url), Some("123456789012")).await;
    let inbox = Inbox::open(&config).await;
    let aws = Aws::new(&config, settings(&config, &inbox).await);
    let rds = rds::Client::new(&config);
    plant(&rds).await;
    record(&config).await;
    let before = rds.describe_db_instances().send().await.unwrap();

    let said = look(&aws).await;
    assert!(said.contains("began 1 drills"), "{said}");
    let drills = aws.load_drills().await.unwrap();
    let [drill] = &drills.running[..] else { panic!("{drills:?}") };
    let Phase::Deleting { outcome: Outcome::Proven { check: None, .. }, .. } = &drill.phase else {
        panic!("{drill:?}")
    };
    let [made] = &drill.made[..] else { panic!("{drill:?}") };
    assert!(made.starts_with("db-"), "{made}");

    // A call that was sent before would have been taken by now.
    let mut later = drills.with(&drill.id, Some(drill.clone()));
    if let Phase::Deleting { since, .. } = &mut later.running[0].phase {
        *since = since.minus(Span::minutes(16));
    }
    assert_eq!(aws.commit_drills(&later).await.unwrap(), Commit::Written);
    look(&aws).await;
    let after = rds.describe_db_instances().send().await.unwrap();
    assert_eq!(untimed(&after), untimed(&before), "no copy is left, and nothing else was touched");
    assert!(aws.load_drills().await.unwrap().running.is_empty());
    let all = watches(&aws).await;
    let payments = all.iter().find(|watch| watch.key.as_str() == "instance/payments").unwrap();
    let report = payments.last_drill.as_ref().unwrap();
    assert!(matches!(report.outcome, Outcome::Proven { rpo, .. } if rpo >= Span::minutes(4)), "{report:?}");
    let others = inbox.count().await;
    tell(&aws, &all).await;
    assert!(inbox.count().await > others);
    // The next one is a month away.
    assert!(look(&aws).await.contains("began 0 drills"));
}

/// moto restores as RDS does: what it was asked for is what the copy is.
#[tokio::test]
async fn a_copy_is_private_small_tagged_and_alone() {
    let mut moto = Moto::start();
    moto.order(&json!({ "subnetGroup": "isolated" }));
    let config = aws::client::load(Some(&moto.url), Some("123456789012")).await;
    let inbox = Inbox::open(&config).await;
    let aws = Aws::new(&config, settings(&config, &inbox).await);
    let rds = rds::Client::new(&config);
    plant(&rds).await;
    let id = "0123456789abcdef".parse().unwrap();
    let order = databases::drill::Order {
        source: "payments".to_owned(),
        drill: id,
        to: None,
        class: "db.t3.medium".to_owned(),
        subnet_group: "isolated".to_owned(),
        security_group: "sg-0123456789abcdef0".to_owned(),
        parameter_group: None,
        option_group: None,
        multi_az: Some(false),
    };
    aws.restore(&order).await.unwrap();
    aws.restore(&order).await.expect("asked for again, it changes nothing");
    let all = rds.describe_db_instances().send().await.unwrap();
    let copies: Vec<_> = all
        .db_instances()
        .iter()
        .filter(|instance| instance.db_instance_identifier() == Some("tidegate-drill-0123456789abcdef"))
        .collect();
    let [copy] = copies[..] else { panic!("{} copies", copies.len()) };
    assert_eq!(copy.publicly_accessible(), Some(false));
    assert_eq!(copy.multi_az(), Some(false));
    assert_eq!(copy.db_instance_class(), Some("db.t3.medium"));
    assert_eq!(copy.db_subnet_group().and_then(|group| group.db_subnet_group_name()), Some("isolated"));
    let tags: Vec<_> = copy.tag_list().iter().map(|tag| (tag.key().unwrap(), tag.value().unwrap())).collect();
    assert_eq!(tags, [(TAG, "0123456789abcdef")]);
}

/// All that RDS says of them, but for the time that goes on.
fn untimed(said: &rds::operation::describe_db_instances::DescribeDbInstancesOutput) -> Vec<String> {
    let shown = |instance: &rds::types::DbInstance| {
        let mut instance = instance.clone();
        instance.latest_restorable_time = None;
        format!("{instance:?}")
    };
    said.db_instances().iter().map(shown).collect()
}

async fn look(aws: &Aws) -> String {
    Box::pin(engine::functions::backups(aws, clock().to_string().as_bytes())).await.unwrap().to_string()
}

/// With an instance that has the prefix of copies and no tag: it is nobody's copy.
async fn plant(rds: &rds::Client) {
    for name in ["payments", "tidegate-drill-of-another"] {
        rds.create_db_instance()
            .db_instance_identifier(name)
            .db_instance_class("db.m6i.large")
            .engine("postgres")
            .allocated_storage(20)
            .master_username("dbadmin")
            .master_user_password("only-for-the-emulator")
            .backup_retention_period(7)
            .multi_az(true)
            .storage_encrypted(true)
            .deletion_protection(true)
            .send()
            .await
            .unwrap();
    }
}

async fn record(config: &aws::client::SdkConfig) {
    let record = json!({
        "drills": { "subnetGroup": "isolated", "securityGroup": "sg-0123456789abcdef0" },
        "policies": [{ "match": { "name": "payments" }, "require": { "drill": { "everyDays": 30 } } }],
    });
    ssm::Client::new(config)
        .put_parameter()
        .name("/tidegate/databases")
        .r#type(ssm::types::ParameterType::String)
        .value(record.to_string())
        .send()
        .await
        .unwrap();
}
