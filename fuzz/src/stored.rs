//! What stands in the table: read as it was written, or refused with a reason; never guessed.

use databases::drill::Drills;
use databases::watch::Watch;
use engine::show::Shown;
use intake::dead_letter::Dropped;
use model::build::Build;
use model::listener::Listener;
use model::pipeline::Request;
use model::release::Release;
use model::stored::{self, FORMAT, Unreadable};
use model::track::Track;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::said::is_fit_to_show;

const REASON_BYTES_MAX: usize = 2 * 1024;

/// The first line is the format, the rest the body, which is read as each kind of item.
pub(crate) fn item(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((format, body)) = text.split_once('\n') else { return };
    let Ok(format) = format.parse::<u64>() else { return };
    if let Some(track) = read::<Track>(format, body) {
        let earliest = track.due();
        assert!(track.outbox.iter().all(|promise| earliest.is_some_and(|due| due <= promise.due)));
        track.in_flight.iter().for_each(release);
    }
    if let Some(read) = read::<Release>(format, body) {
        release(&read);
    }
    if let Some(build) = read::<Build>(format, body) {
        assert_eq!(build.id().family(), build.family);
    }
    read::<Listener>(format, body);
    read::<Watch>(format, body);
    read::<Drills>(format, body);
    read::<Request>(format, body);
    read::<Shown>(format, body);
    read::<Dropped>(format, body);
    // Where the patrol goes on, and which version of the record of channels was told of.
    read::<Option<String>>(format, body);
    read::<i64>(format, body);
}

fn release(release: &Release) {
    assert!(!release.phase.name().is_empty());
    assert!(release.ending().is_none() || release.deadline().is_none(), "an ended release waits for nothing");
}

fn read<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(format: u64, body: &str) -> Option<T> {
    match stored::read::<T>(format, body) {
        Ok(read) => {
            assert_eq!(format, FORMAT);
            // What was written with more blanks may fit where it is written without.
            let written = stored::write(&read).ok()?;
            assert_eq!(stored::read::<T>(FORMAT, &written).as_ref(), Ok(&read), "written again: {written}");
            Some(read)
        }
        Err(why) => {
            is_fit_to_show(&why.to_string(), REASON_BYTES_MAX);
            assert_eq!(matches!(why, Unreadable::OtherFormat(_)), format != FORMAT, "{why}");
            None
        }
    }
}
