//! What the builder does next, for each way in which a build can stand.

use std::collections::BTreeSet;

use model::build::{Build, BuildState, Next, TOKEN_TRUSTED};
use model::ids::{BuildFamily, ReleaseId, RepositoryName, Revision};
use model::time::{Span, Timestamp};

const START: Timestamp = Timestamp(1_800_000_000_000);

fn release(n: u32) -> ReleaseId {
    format!("payments-production-{n}").parse().unwrap()
}

/// Requested by the first release.
fn requested() -> Build {
    let repository: RepositoryName = "payments".parse().unwrap();
    let revision: Revision = "a".repeat(40).parse().unwrap();
    let family = BuildFamily::of(&repository, &revision, "");
    Build::first(family, repository, revision, "payments".to_owned(), release(1), START)
}

fn started() -> Build {
    requested().started("arn:1".to_owned())
}

fn unwanted() -> Build {
    started().left_by(&release(1)).unwrap()
}

#[test]
fn the_first_attempt_is_the_first_version() {
    let build = requested();
    assert_eq!((build.version, build.attempt), (1, 1));
    assert_eq!(build.state, BuildState::Requested { at: START });
    assert_eq!(build.wanted_by, BTreeSet::from([release(1)]));
}

#[test]
fn a_request_is_made_again_for_as_long_as_its_token_is_trusted() {
    let last = START.plus(TOKEN_TRUSTED);
    let Next::Start(joined) = requested().next_for(&release(2), last) else { panic!("not started") };
    assert_eq!(joined.version, 2);
    assert_eq!(joined.wanted_by, BTreeSet::from([release(1), release(2)]));
    assert_eq!(joined.state, BuildState::Requested { at: START }, "the token is as old as it was");
}

#[test]
fn an_older_request_is_looked_for_first() {
    let later = START.plus(TOKEN_TRUSTED).plus(Span(1));
    let Next::LookFor(joined) = requested().next_for(&release(2), later) else { panic!("not looked for") };
    assert_eq!(joined.version, 2);
    let again = joined.clone().requested_again(later);
    let state = BuildState::Requested { at: later };
    assert_eq!(again, Build { attempt: 2, state, ..joined.clone() }, "it may be running still: another id");
    let found = joined.clone().found("arn:7".to_owned());
    assert_eq!(found, Build { state: BuildState::Started { arn: "arn:7".to_owned() }, ..joined });
}

#[test]
fn a_started_build_is_its_own_releases_and_is_read_before_others_join() {
    let build = started();
    assert_eq!(build.version, 2);
    assert_eq!(build.next_for(&release(1), START), Next::Started(build.id()));
    let read_first = Next::ReadBeforeJoining { build: build.clone(), arn: "arn:1".to_owned() };
    assert_eq!(build.next_for(&release(2), START), read_first);
    let joined = build.joined(&release(2));
    assert_eq!(joined.version, 3);
    assert_eq!(joined.next_for(&release(2), START), Next::Started(build.id()));
}

#[test]
fn a_build_that_nobody_wants_takes_nobody_in() {
    let later = START.plus(Span::hours(1));
    let Next::Start(again) = unwanted().next_for(&release(2), later) else { panic!("not started anew") };
    assert_eq!((again.version, again.attempt), (4, 2));
    assert_ne!(again.id(), started().id(), "tags are immutable: the next attempt has one of its own");
    assert_eq!(again.state, BuildState::Requested { at: later });
    assert_eq!(again.wanted_by, BTreeSet::from([release(2)]));
}

#[test]
fn a_release_leaves_once_and_the_last_one_stops_the_build() {
    let shared = started().joined(&release(2));
    let left = shared.left_by(&release(1)).unwrap();
    assert_eq!((left.version, left.to_stop()), (shared.version + 1, None), "somebody still wants it");
    assert_eq!(left.left_by(&release(1)), None);
    let empty = left.left_by(&release(2)).unwrap();
    assert_eq!(empty.to_stop(), Some("arn:1"));
    assert_eq!(requested().left_by(&release(1)).unwrap().to_stop(), None, "nothing runs that is known");
}
