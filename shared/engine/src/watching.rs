//! What is remembered of a database, changed by one conditional write; the notifier is woken for what people must hear.

use databases::watch::Watch;
use model::database::DatabaseKey;

use crate::failure::Failure;
use crate::ports::{Commit, NoticeQueue, Watches};

/// Lost races are begun anew this often; then the event's own retry takes over.
const COMMIT_ATTEMPTS_MAX: u32 = 8;
/// A database that has more to tell than this is told of by nobody: the notifier has stood still for days.
const NOTICES_MAX: usize = 200;

/// Applies `change` to what is stored, and wakes the notifier while there is something to tell: also when nothing
/// changed, for whoever changed it before may have crashed in between (I5).
///
/// `stored` spares the first read. A `change` must give the same for the same watch.
pub(crate) async fn change<P: Watches + NoticeQueue>(
    ports: &P,
    key: &DatabaseKey,
    stored: Option<Watch>,
    change: impl Fn(&mut Watch),
) -> Result<Watch, Failure> {
    let mut known = stored;
    for _ in 0..COMMIT_ATTEMPTS_MAX {
        let before = match known.take() {
            Some(watch) => watch,
            None => ports.load_watch(key).await?.unwrap_or_else(|| Watch::new(key.clone())),
        };
        let mut after = before.clone();
        change(&mut after);
        let changed = after != before;
        if after.notices.len() > NOTICES_MAX {
            let why = format!(
                "{key} has more than {NOTICES_MAX} notices that nobody was told of: look at the notifier"
            );
            return Err(Failure::transient("commit", why));
        }
        if changed {
            after.version += 1;
            match ports.commit_watch(&after).await? {
                Commit::Written => {}
                Commit::Lost => continue,
            }
        }
        if !after.notices.is_empty() {
            ports.wake_to_tell(key, after.version).await?;
        }
        return Ok(after);
    }
    let why = format!("{key} was changed by others {COMMIT_ATTEMPTS_MAX} times in a row");
    Err(Failure::transient("commit", why))
}
