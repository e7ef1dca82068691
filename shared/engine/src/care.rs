//! A message that waits for a person is to be sent again or dropped: whether they may, and a note of it. The command line
//! does it then, with the rights of whoever gives the order.

use intake::GivenCare;
use intake::dead_letter::Dropped;
use model::who::Who;

use crate::approval::plain_text;
use crate::failure::Failure;
use crate::ports::{Clock, CommitOnce, Letters, Records};
use crate::proven::Proven;
use crate::records::people;

/// "taken: …", or "refused: …" with the reason.
pub(crate) async fn take<P: Records + Letters + Clock>(
    ports: &P,
    given: &GivenCare,
    by: &Proven,
) -> Result<String, Failure> {
    let record = people(ports).await?;
    let list = record.quarantine.clone();
    let verb = given.care.verb();
    if !by.voice.person().is_some_and(|person| record.directory().names(&list, person)) {
        let names: Vec<String> = list.iter().map(Who::to_string).collect();
        let allowed = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
        let who = &by.voice;
        return Ok(format!(
            "refused: {who} may not {verb}: the record of people's quarantine names {allowed}"
        ));
    }
    let note = Dropped {
        id: plain_text(&given.letter),
        queue: plain_text(&given.queue),
        about: plain_text(&given.about),
        failure: plain_text(&given.failure),
        by: format!("{} ({})", by.voice, by.identity),
        reason: plain_text(&given.reason),
        at: ports.now().0,
    };
    let said = match ports.note_care(given.care, &note, &by.once).await? {
        CommitOnce::Written => format!("taken: noted as {} by {}", given.care.done(), note.by),
        CommitOnce::Spent => {
            format!("refused ({}): {}", proof::Refusal::Spent.status(), proof::Refusal::Spent)
        }
        CommitOnce::Lost => return Err(Failure::transient("note", "somebody else wrote at the same moment")),
    };
    tracing::info!(verb, letter = %note.id, queue = %note.queue, by = %note.by, %said, "order");
    Ok(said)
}
