use std::cell::RefCell;

use futures_util::FutureExt;
use model::decide::Advance;
use model::ids::ReleaseId;
use model::release::Release;
use model::track::Track;

use super::*;
use crate::ports::{Commit, CommitOnce, Once};

/// One track of it cannot be read.
#[derive(Default)]
struct Table {
    overdue: Vec<TrackKey>,
    now: Timestamp,
    woken: RefCell<Vec<TrackKey>>,
}

fn key(text: &str) -> TrackKey {
    text.parse().expect("a track")
}

const UNREADABLE: &str = "orders/production";
const READABLE: &str = "payments/production";

impl Tracks for Table {
    async fn load_track(&self, key: &TrackKey) -> Result<Option<Track>, Failure> {
        if key.to_string() == UNREADABLE {
            return Err(Failure::refused("dynamodb GetItem", "the item has format 9"));
        }
        Ok(Some(Track::new(key.clone())))
    }

    async fn commit_track(&self, _: &Advance) -> Result<Commit, Failure> {
        unreachable!("the sweep writes no track")
    }

    async fn commit_track_once(&self, _: &Advance, _: &Once) -> Result<CommitOnce, Failure> {
        unreachable!("the sweep writes no track")
    }

    async fn load_release(&self, _: &ReleaseId) -> Result<Option<Release>, Failure> {
        unreachable!("the sweep reads no release")
    }
}

impl Agenda for Table {
    async fn due_tracks(&self, _: Timestamp, limit: u32) -> Result<Vec<TrackKey>, Failure> {
        Ok(self.overdue.iter().take(limit as usize).cloned().collect())
    }

    async fn load_patrol(&self) -> Result<Option<String>, Failure> {
        unreachable!("this is no patrol")
    }

    async fn save_patrol(&self, _: Option<&str>) -> Result<(), Failure> {
        unreachable!("this is no patrol")
    }
}

impl Queues for Table {
    async fn wake(&self, _: Hand, track: &TrackKey, _: u64, _: Span) -> Result<(), Failure> {
        self.woken.borrow_mut().push(track.clone());
        Ok(())
    }
}

impl Clock for Table {
    fn now(&self) -> Timestamp {
        self.now
    }
}

/// So many tracks whose work fails again and again, and one whose message was lost; a sweep each minute.
#[test]
fn tracks_that_are_stuck_keep_no_other_waiting() {
    const STUCK: usize = 1200;
    const SWEEPS: u64 = 3;
    let stuck = (0..STUCK).map(|n| key(&format!("stuck-{n}/production")));
    let mut table = Table { overdue: stuck.chain([key(READABLE)]).collect(), ..Table::default() };
    for minute in 0..SWEEPS {
        table.now = Timestamp(1_800_000_000_000 + Span::minutes(minute).0);
        let woken = wake_overdue(&table).now_or_never().expect("nothing waits").unwrap();
        assert!(woken <= TRACKS_MAX, "{woken} tracks in one sweep");
    }
    let mut woken = table.woken.into_inner();
    assert!(woken.contains(&key(READABLE)), "{} were woken, and not {READABLE}", woken.len());
    woken.sort();
    woken.dedup();
    assert_eq!(woken.len(), STUCK + 1, "each has its turn");
}

#[test]
fn a_track_that_cannot_be_read_keeps_no_other_waiting_and_is_told() {
    let table = Table { overdue: vec![key(UNREADABLE), key(READABLE)], ..Table::default() };
    let failure = wake_overdue(&table).now_or_never().expect("nothing waits").unwrap_err();
    assert!(failure.to_string().contains("format 9"), "{failure}");
    assert_eq!(*table.woken.borrow(), [key(READABLE)]);
}
