//! What others did to a live service's stack since Tidegate last did: those who are asked for approval read it, for deploying
//! goes over it.

use model::ids::{EffectKey, ImageDigest};
use model::track::Track;

use crate::deployment::DELETION;
use crate::failure::Failure;
use crate::ports::{Services, StackRead, Stacks};
use crate::repair::REPAIR;
use crate::service_state::{self, Runs};

/// The template's parameter that names the image.
const IMAGE: &str = "Image";

/// In sentences. What was changed past CloudFormation is seen in what the service runs, and nowhere else.
pub(crate) async fn changes<P: Stacks + Services>(
    ports: &P,
    track: &Track,
    stack: Option<&StackRead>,
) -> Result<Vec<String>, Failure> {
    let Some(stack) = stack.filter(|_| track.live.is_some()) else { return Ok(Vec::new()) };
    let (operation, image) =
        futures_util::future::try_join(others_operation(ports, track), others_image(ports, track, stack))
            .await?;
    Ok(operation.into_iter().chain(image).collect())
}

/// The last operation on the stack, where it was not ours.
async fn others_operation<P: Stacks>(ports: &P, track: &Track) -> Result<Option<String>, Failure> {
    let name = track.key.stack();
    let newest = ports.stack_events(&name, None).await?.items;
    let Some(last) = newest.into_iter().find(|event| event.of_stack) else { return Ok(None) };
    let token = match last.token {
        Some(token) if is_ours(track, &token) => return Ok(None),
        Some(token) => format!(" (token {token})"),
        None => String::new(),
    };
    Ok(Some(format!(
        "the last operation on stack {name} was somebody else's{token} and left it {}; what it changed is changed back \
         where the template says otherwise",
        last.status
    )))
}

fn is_ours(track: &Track, token: &str) -> bool {
    let key = token.strip_suffix(DELETION).or_else(|| token.strip_suffix(REPAIR)).unwrap_or(token);
    key.parse::<EffectKey>().is_ok_and(|key| key.release.track == track.key)
}

/// What the service runs, where the stack says something else.
async fn others_image<P: Services>(
    ports: &P,
    track: &Track,
    stack: &StackRead,
) -> Result<Option<String>, Failure> {
    let Some(said) = stack.parameters.get(IMAGE) else { return Ok(None) };
    Ok(match service_state::read(ports, &track.key.service, stack).await? {
        Runs::Known { deployed, .. } => replaced(said, &deployed.image),
        Runs::Untold { .. } => None,
    })
}

fn replaced(said: &str, runs: &ImageDigest) -> Option<String> {
    let is_so = said.ends_with(runs.as_str());
    (!is_so).then(|| {
        format!(
            "the service runs {runs}, though the stack says {said}: somebody changed it past CloudFormation, and this \
             goes over it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_ours_by_its_token() {
        let track = Track::new("payments/production".parse().unwrap());
        for ours in
            ["payments-production-3-7", "payments-production-3-7-delete", "payments-production-3-7-repair"]
        {
            assert!(is_ours(&track, ours), "{ours}");
        }
        for others in
            ["Console-UpdateStack-0a1b", "payments-staging-3-7", "payments-production", "", "-delete"]
        {
            assert!(!is_ours(&track, others), "{others}");
        }
    }

    #[test]
    fn what_runs_is_told_where_the_stack_says_another_image() {
        let digest = |digit: &str| -> ImageDigest { format!("sha256:{}", digit.repeat(64)).parse().unwrap() };
        let said = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/payments@{}", digest("a"));
        assert_eq!(replaced(&said, &digest("a")), None);
        let told = replaced(&said, &digest("b")).unwrap();
        assert!(told.starts_with(&format!("the service runs {}, though the stack says {said}", digest("b"))));
    }
}
