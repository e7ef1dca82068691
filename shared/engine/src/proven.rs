//! Who gives an order: what its proof says, once AWS was asked.

use intake::Given;
use model::approval::{Identity, Voice};
use proof::{Proof, Refusal};

use crate::failure::Failure;
use crate::ports::{Callers, Clock, Once, Records};
use crate::records::directory;

/// Somebody of the directory, and until when their proof could be believed.
pub(crate) struct Proven {
    pub(crate) identity: Identity,
    pub(crate) voice: Voice,
    pub(crate) once: Once,
}

pub(crate) async fn prove<P: Callers + Records + Clock>(
    ports: &P,
    given: &Given,
    proof: &Result<Proof, Refusal>,
) -> Result<Result<Proven, Refusal>, Failure> {
    let proof = match proof {
        Ok(proof) => proof,
        Err(refusal) => return Ok(Err(refusal.clone())),
    };
    let installation = ports.installation()?;
    // Whatever can be refused without asking AWS is.
    let request = match proof.request(&installation, &given.bound(&installation), ports.now()) {
        Ok(request) => request,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let answered = ports.ask_sts(&request).await?;
    let identity = match proof::caller(&answered, &installation) {
        Ok(id) => Identity::Iam(id),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let directory = directory(ports).await?;
    let Some(person) = directory.person(&identity).cloned() else {
        return Ok(Err(Refusal::Stranger(identity)));
    };
    let voice = Voice::Verified { person, identity: Some(identity.clone()) };
    let once = Once { id: given.id().clone(), until: proof.remembered_until() };
    Ok(Ok(Proven { identity, voice, once }))
}
