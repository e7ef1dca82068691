//! Who may order what: the environment's record says, read for this very order.

use config::EnvironmentRecord;
use model::approval::Voice;

/// # Errors
/// Why not, in a sentence for whoever ordered it.
pub(crate) fn may(_record: &EnvironmentRecord, _verb: &str, voice: &Voice) -> Result<(), String> {
    match voice {
        Voice::Verified { .. } => Ok(()),
        Voice::Reply => Err("an order needs a person who is known".to_owned()),
    }
}
