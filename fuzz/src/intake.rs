//! Any payload that any function may get: every message in it becomes a signal, an ignore or quarantine, each with its
//! reason; nothing is dropped (I7), and what is read is not much larger than what was sent.

use intake::{INTAKE_RECORDS_MAX, Meaning, Reading};

use crate::said::is_fit_to_show;

/// Reasons quote excerpts, so they do not grow with the payload.
const REASON_BYTES_MAX: usize = 8 * 1024;

/// What a message says of itself once, such as who pushed, is kept with each reference that it lists.
const GROWTH_MAX: usize = 512;
const GROWTH_BYTES: usize = 64 * 1024;

pub(crate) fn payload(bytes: &[u8]) {
    let readings = intake::read(bytes);
    assert!(!readings.is_empty(), "a payload was dropped in silence");
    assert!(readings.len() <= INTAKE_RECORDS_MAX, "{} messages were read", readings.len());
    let size: usize = readings.iter().map(|reading| format!("{reading:?}").len()).sum();
    let size_max = GROWTH_BYTES + GROWTH_MAX * bytes.len();
    assert!(size <= size_max, "{} bytes were read as {size}", bytes.len());
    readings.iter().for_each(reading);
    replayed(bytes, readings.len());
}

fn reading(reading: &Reading) {
    let (said, track) = match &reading.meaning {
        Meaning::Signal(subject) => (subject.to_string(), subject.track()),
        Meaning::Ignored(why) => (why.to_string(), why.track()),
        Meaning::Quarantine(why) => {
            assert!(!why.place.is_empty() && !why.value.is_empty() && !why.allowed.is_empty(), "{why:?}");
            (why.to_string(), None)
        }
    };
    is_fit_to_show(&said, REASON_BYTES_MAX);
    assert_eq!(reading.track, track, "{said}");
}

fn replayed(bytes: &[u8], count: usize) {
    let shown = intake::replay::json(bytes);
    let records = shown.get("records").and_then(serde_json::Value::as_array);
    assert_eq!(records.map_or(1, Vec::len), count);
    assert!(matches!(shown["outcome"].as_str(), Some("signal" | "ignored" | "quarantine")));
    is_fit_to_show(shown["why"].as_str().unwrap_or_default(), REASON_BYTES_MAX);
    assert_eq!(shown["signal"].is_object(), shown["outcome"] == "signal");
    // Lines are its own; what it shows in them is not.
    let text = intake::replay::text(bytes);
    text.lines().filter(|line| !line.is_empty()).for_each(|line| is_fit_to_show(line, REASON_BYTES_MAX));
}
