//! The platform's records: what is wrong is told with its place, and a record written again reads the same.

use config::limits::RECORD_BYTES_MAX;
use config::{ChannelsRecord, EnvironmentRecord, Faults, PeopleRecord, ServiceRecord};
use serde::Serialize;

use crate::config::are_told;

pub(crate) fn record(bytes: &[u8]) {
    read(bytes, "service record: $", ServiceRecord::parse);
    read(bytes, "environment record: $", EnvironmentRecord::parse);
    read(bytes, "record of people: $", PeopleRecord::parse);
    read(bytes, "record of channels: $", ChannelsRecord::parse);
}

fn read<T: Serialize + PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    root: &str,
    parse: fn(&[u8]) -> Result<T, Faults>,
) {
    match parse(bytes) {
        Ok(record) => {
            let written = serde_json::to_string(&record).expect("a record has a form in JSON");
            if written.len() <= RECORD_BYTES_MAX {
                assert_eq!(parse(written.as_bytes()).as_ref(), Ok(&record), "written again: {written}");
            }
        }
        Err(faults) => are_told(&faults, root),
    }
}
