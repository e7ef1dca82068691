use std::time::{SystemTime, UNIX_EPOCH};

use engine::ports::Clock;
use model::time::Timestamp;

use crate::Aws;

impl Clock for Aws {
    fn now(&self) -> Timestamp {
        // Before 1970 the clock is broken; nothing is due until it is set.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
