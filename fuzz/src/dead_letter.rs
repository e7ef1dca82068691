//! What lies at a last stop, whoever put it there: it is always explained, what a person answered is neither shown nor
//! sent again (I9), and what is sent again is something that intake understands.

use std::collections::BTreeMap;

use intake::dead_letter::{DeadLetter, Payload, Redrive, Stop};
use intake::{Meaning, Subject};
use model::text::excerpt;

use crate::said::is_fit_to_show;

const SAID_BYTES_MAX: usize = 8 * 1024;
const STOPS: [&str; 5] =
    ["QuarantineQueue", "PushFailures", "ApprovalFailures", "BuilderDeadLetters", "PatrolDeadLetters"];

/// The body of a message, read as one at each kind of last stop.
pub(crate) fn message(bytes: &[u8]) {
    let Ok(body) = std::str::from_utf8(bytes) else { return };
    let attributes = [("RULE_ARN", "arn:r"), ("ERROR_MESSAGE", body)];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    for stop in STOPS {
        let stop = Stop::named(stop).unwrap_or_else(|| panic!("{stop} is a last stop"));
        explained(&DeadLetter::read(&stop, body, &BTreeMap::new()));
        explained(&DeadLetter::read(&stop, body, &attributes));
    }
}

fn explained(letter: &DeadLetter) {
    is_fit_to_show(&letter.about(), SAID_BYTES_MAX);
    is_fit_to_show(&letter.what_to_do(), SAID_BYTES_MAX);
    letter.source().iter().chain(&letter.happened()).for_each(|said| is_fit_to_show(said, SAID_BYTES_MAX));
    // Reasons can have several lines, and are cut where they are shown.
    letter.why().lines().take(3).for_each(|line| assert!(excerpt(line, 100).chars().count() <= 101));
    let readings = letter.readings();
    let nothing_read = readings.is_empty() && letter.function.is_some_and(intake::Function::hears_people);
    let is_from_a_person = readings.iter().any(|reading| reading.is_said_by_people(letter.function))
        || letter.payload == Payload::Withheld
        || nothing_read;
    for reading in &readings {
        if let Meaning::Signal(Subject::PipelineApproval(asked)) = &reading.meaning {
            let shown = letter.shown().unwrap_or_default();
            assert!(asked.token.is_none() && !shown.contains("approvalReviewLink"), "a token is shown");
        }
    }
    assert_eq!(letter.shown().is_none(), is_from_a_person);
    let Ok(redrive) = letter.redrive() else { return };
    assert!(!is_from_a_person, "an answer of a person is sent again");
    assert!(readings.iter().any(|reading| matches!(reading.meaning, Meaning::Signal(_))));
    let (Redrive::Invoke { payload, .. } | Redrive::SendBack { body: payload, .. }) = redrive;
    assert_eq!(letter.shown(), Some(payload.as_str()));
}
