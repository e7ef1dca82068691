//! I10: a finding is told once when it appears and once when it is gone.

use databases::policy::Policies;
use databases::rules::{Judged, judge};
use databases::watch::{Gone, News, Watch};
use databases::words;
use model::database::DatabaseKey;
use model::time::{Span, Timestamp};
use proptest::prelude::*;

use crate::rules::{NOW, snapshot, sound};

fn judged(change: impl FnOnce(&mut databases::facts::Database), policies: &Policies) -> Judged {
    let mut database = sound();
    change(&mut database);
    judge(&database, &[snapshot("rds:payments-1", 7)], policies, NOW).unwrap()
}

fn watch() -> Watch {
    Watch::new(DatabaseKey::new("instance", "payments").unwrap())
}

fn said(watch: &Watch) -> Vec<String> {
    watch
        .notices
        .iter()
        .map(|notice| match &notice.news {
            News::Appeared { finding } => format!("{} appeared", finding.rule.as_str()),
            News::Gone { finding, why, .. } => format!("{} gone: {why:?}", finding.rule.as_str()),
            News::Alert { alert, .. } => alert.id.clone(),
            News::Drilled { report } => format!("drilled: {:?}", report.outcome),
            News::Validated { report } => format!("validated: {:?}", report.verdict),
        })
        .collect()
}

#[test]
fn a_second_look_tells_nothing_and_a_mended_finding_is_told_alone() {
    let mut watch = watch();
    let bad = judged(|d| (d.encrypted, d.multi_az) = (false, false), &Policies::default());
    watch.look(&bad, NOW);
    assert_eq!(said(&watch), ["not-encrypted appeared", "single-az appeared"]);
    watch.told(&[1, 2]);
    watch.look(&bad, NOW.plus(Span::hours(1)));
    assert_eq!(said(&watch), [""; 0]);
    watch.look(&judged(|d| d.encrypted = false, &Policies::default()), NOW.plus(Span::hours(2)));
    assert_eq!(said(&watch), ["single-az gone: Mended"]);
    assert_eq!(watch.findings.len(), 1);
}

#[test]
fn a_waiver_ends_a_finding_by_name_and_its_own_end_brings_it_back() {
    let waived = Policies::parse(
        br#"{"waivers": [{"kind": "instance", "database": "payments", "rule": "single-az", "owner": "ana",
            "reason": "moves to a cluster", "until": "2027-01-31"}]}"#,
    )
    .unwrap();
    let mut watch = watch();
    watch.look(&judged(|d| d.multi_az = false, &Policies::default()), NOW);
    watch.told(&[1]);
    watch.look(&judged(|d| d.multi_az = false, &waived), NOW);
    let News::Gone { why: Gone::Waived { owner, .. }, .. } = &watch.notices[0].news else {
        panic!("not waived")
    };
    assert_eq!(owner, "ana");
    watch.told(&[2]);
    watch.look(&judged(|d| d.multi_az = false, &Policies::default()), NOW);
    assert_eq!(said(&watch), ["single-az appeared"]);
}

#[test]
fn what_is_told_reads_well() {
    let mut watch = watch();
    watch.look(&judged(|d| d.retention_days = 0, &Policies::default()), NOW);
    watch.look(&judged(|_| (), &Policies::default()), NOW.plus(Span::minutes(95)));
    watch.look(&judged(|d| d.encrypted = false, &Policies::default()), NOW);
    watch.vanish(NOW.plus(Span::hours(30)));
    let news = intake::Database {
        kind: intake::DatabaseKind::Instance,
        name: "payments".to_owned(),
        arn: None,
        event: Some("RDS-EVENT-0013".to_owned()),
        event_type: None,
        at: Some("2026-03-02T09:15:00Z".to_owned()),
        categories: Vec::new(),
        message: Some("Multi-AZ instance failover started.".to_owned()),
    };
    let ended = intake::Database {
        event: Some("RDS-EVENT-0049".to_owned()),
        at: Some("2026-03-02T09:16:30Z".to_owned()),
        ..news.clone()
    };
    for news in [news, ended] {
        watch.hear(&databases::alert::of_database(&news, NOW), NOW);
    }
    let told: Vec<String> = watch
        .notices
        .iter()
        .map(|notice| {
            let said = words::of(&watch, &notice.news);
            format!(
                "{} ({})\n{}\n---\n{}---\n{}",
                said.notice, said.severity, said.subject, said.text, said.json
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n==========\n"));
}

proptest! {
    /// I10 over any sequence of looks: what was announced and not yet called gone is exactly what is found.
    #[test]
    fn what_is_announced_is_what_is_found(looks in prop::collection::vec(any::<[bool; 4]>(), 1..12)) {
        let mut watch = watch();
        let mut announced = std::collections::BTreeSet::new();
        for (n, [backups, zone, key, protection]) in looks.into_iter().enumerate() {
            let now = judged(|d| {
                d.retention_days = if backups { 0 } else { 7 };
                (d.multi_az, d.encrypted, d.deletion_protection) = (!zone, !key, !protection);
            }, &Policies::default());
            watch.look(&now, Timestamp(NOW.0 + n as u64));
            for notice in std::mem::take(&mut watch.notices) {
                match notice.news {
                    News::Appeared { finding } => prop_assert!(announced.insert(finding.rule), "{:?} again", finding.rule),
                    News::Gone { finding, .. } => prop_assert!(announced.remove(&finding.rule), "{:?} gone", finding.rule),
                    News::Alert { .. } | News::Drilled { .. } | News::Validated { .. } => prop_assert!(false, "nothing was heard"),
                }
            }
            prop_assert_eq!(&announced, &now.findings.iter().map(|f| f.rule).collect());
        }
    }
}
