use std::cell::RefCell;

use futures_util::FutureExt;
use model::decide::Advance;
use model::ids::ReleaseId;
use model::release::Release;
use model::track::Track;

use super::*;
use crate::ports::{Commit, CommitOnce, Once};

/// Two tracks are overdue; the first cannot be read.
#[derive(Default)]
struct HalfATable {
    woken: RefCell<Vec<TrackKey>>,
}

fn key(text: &str) -> TrackKey {
    text.parse().expect("a track")
}

const UNREADABLE: &str = "orders/production";
const READABLE: &str = "payments/production";

impl Tracks for HalfATable {
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

impl Agenda for HalfATable {
    async fn due_tracks(&self, _: Timestamp, _: u32) -> Result<Vec<TrackKey>, Failure> {
        Ok(vec![key(UNREADABLE), key(READABLE)])
    }

    async fn load_patrol(&self) -> Result<Option<String>, Failure> {
        unreachable!("this is no patrol")
    }

    async fn save_patrol(&self, _: Option<&str>) -> Result<(), Failure> {
        unreachable!("this is no patrol")
    }
}

impl Queues for HalfATable {
    async fn wake(&self, _: Hand, track: &TrackKey, _: u64, _: Span) -> Result<(), Failure> {
        self.woken.borrow_mut().push(track.clone());
        Ok(())
    }
}

impl Clock for HalfATable {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

#[test]
fn a_track_that_cannot_be_read_keeps_no_other_waiting_and_is_told() {
    let table = HalfATable::default();
    let failure = wake_overdue(&table).now_or_never().expect("nothing waits").unwrap_err();
    assert!(failure.to_string().contains("format 9"), "{failure}");
    assert_eq!(*table.woken.borrow(), [key(READABLE)]);
}
