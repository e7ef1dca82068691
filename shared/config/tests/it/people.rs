use config::PeopleRecord;
use model::approval::Identity;
use serde_json::{Value, json};

use crate::support::with;

fn record() -> Value {
    json!({
        "people": {
            "ana": {
                "iam": ["AIDACKCEVSQ6C2EXAMPLE"],
                "slack": ["T0123ABCD/U0123ABCD"],
                "git": ["Ana@example.com", "arn:aws:iam::111122223333:user/ana"],
            },
            "ben": {
                "iam": ["AROADBQP57FF2AEXAMPLE:ben"],
                "git": ["arn:aws:sts::111122223333:assumed-role/Developer/ben"],
            },
        },
        "groups": {"release-managers": ["ana", "ben"]},
        "sessionNamesEnforced": {"AROADBQP57FF2AEXAMPLE": "arn:aws:iam::111122223333:role/teams/Developer"},
        "quarantine": ["group:release-managers"],
    })
}

fn told(pointer: &str, value: Value) -> String {
    let written = with(record(), pointer, value).to_string();
    PeopleRecord::parse(written.as_bytes()).expect_err(&written).to_string()
}

#[test]
fn every_identity_leads_to_its_person_and_no_other_does() {
    let directory = PeopleRecord::parse(record().to_string().as_bytes()).unwrap().directory();
    let by = |identity: Identity| directory.person(&identity).map(ToString::to_string);
    let iam = |id: &str| by(Identity::Iam(id.parse().unwrap()));
    assert_eq!(iam("AIDACKCEVSQ6C2EXAMPLE").as_deref(), Some("ana"));
    assert_eq!(iam("AROADBQP57FF2AEXAMPLE:ben").as_deref(), Some("ben"));
    assert_eq!(iam("AROADBQP57FF2AEXAMPLE:Ben"), None);
    assert_eq!(iam("AROADBQP57FF2AEXAMPLE:ana"), None);
    assert_eq!(by(Identity::Slack("T0123ABCD/U0123ABCD".parse().unwrap())).as_deref(), Some("ana"));
    assert_eq!(by(Identity::Slack("T9999ABCD/U0123ABCD".parse().unwrap())), None);
    let git = |said: &str| directory.person_of_git(said).map(ToString::to_string);
    assert_eq!(git("ana@EXAMPLE.com").as_deref(), Some("ana"));
    assert_eq!(git("arn:aws:sts::111122223333:assumed-role/Developer/ben").as_deref(), Some("ben"));
    assert_eq!(git("arn:aws:sts::111122223333:assumed-role/Developer/BEN"), None);
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    let read = PeopleRecord::parse(record().to_string().as_bytes()).unwrap();
    assert_eq!(serde_json::from_value::<PeopleRecord>(record()).unwrap(), read);
    assert_eq!(PeopleRecord::parse(b"{}").unwrap(), PeopleRecord::default());
}

#[test]
fn what_could_be_anybody_is_nobody() {
    insta::assert_snapshot!(told("/people/ana/iam/0", json!("111122223333")), @r#"record of people: $.people.ana.iam[0] is "111122223333"; allowed: a IAM identity: the unique id of an IAM user (AIDA…), or of a role and its session name (AROA…:ana)"#);
    insta::assert_snapshot!(told("/people/ana/iam/0", json!("AROA0000000000000000X:ana")), @r#"record of people: $.people.ana.iam is "AROA0000000000000000X:ana"; allowed: a session of a role in sessionNamesEnforced: anybody could take this name"#);
    insta::assert_snapshot!(told("/people/ben/git/0", json!("arn:aws:sts::111122223333:assumed-role/Other/ben")), @r#"record of people: $.people.ben.git is "arn:aws:sts::111122223333:assumed-role/Other/ben"; allowed: an e-mail address, the ARN of an IAM user, or of a session of a role in sessionNamesEnforced"#);
    insta::assert_snapshot!(told("/people/ben/git/0", json!("arn:aws:sts::999922223333:assumed-role/Developer/ben")), @r#"record of people: $.people.ben.git is "arn:aws:sts::999922223333:assumed-role/Developer/ben"; allowed: an e-mail address, the ARN of an IAM user, or of a session of a role in sessionNamesEnforced"#);
    insta::assert_snapshot!(told("/people/ana/git/1", json!("arn:aws:iam::111122223333:root")), @r#"record of people: $.people.ana.git is "arn:aws:iam::111122223333:root"; allowed: an e-mail address, the ARN of an IAM user, or of a session of a role in sessionNamesEnforced"#);
    insta::assert_snapshot!(told("/people/ana/slack/0", json!("ana")), @r#"record of people: $.people.ana.slack[0] is "ana"; allowed: a Slack user: a team's and a user's id: T0123ABCD/U0123ABCD"#);
}

#[test]
fn an_identity_is_one_person_s_and_a_group_has_only_people_of_the_record() {
    insta::assert_snapshot!(told("/people/ben/git/0", json!("ANA@example.com")), @r#"record of people: $.people.ben.git is "ana@example.com"; allowed: an identity of one person; ana has it too"#);
    insta::assert_snapshot!(told("/groups/release-managers/1", json!("cleo")), @r#"record of people: $.groups["release-managers"] is "cleo"; allowed: names of people in this record"#);
    insta::assert_snapshot!(told("/people/ben/mail", json!("x")), @r#"record of people: $.people.ben.mail is an unknown key; allowed: iam, slack, git"#);
    insta::assert_snapshot!(told("/quarantine/0", json!("ana")), @r#"record of people: $.quarantine[0] is "ana"; allowed: a person or group: "user:<name>" or "group:<name>", the name 1 to 64 of letters, digits, '.', '_', '@' and '-'"#);
    let services = json!({"AROADBQP57FF2AEXAMPLE": "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"});
    insta::assert_snapshot!(told("/sessionNamesEnforced", services), @r#"record of people: $.sessionNamesEnforced.AROADBQP57FF2AEXAMPLE is "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaw…"; allowed: the ARN of the role with this id, which is none of AWS's services"#);
    insta::assert_snapshot!(told("/sessionNamesEnforced", json!({"Developer": "arn:aws:iam::111122223333:role/Developer"})), @r#"record of people: $.sessionNamesEnforced.Developer is "Developer"; allowed: the unique id of a role: AROA…"#);
}
