//! Who may order what: the environment's record says, read for this very order.

use config::May;
use intake::Wish;
use model::approval::Voice;
use model::ids::EnvironmentName;
use model::who::Who;

/// # Errors
/// Why not, in a sentence for whoever ordered it.
pub(crate) fn may(
    may: &May,
    wish: &Wish,
    voice: &Voice,
    environment: &EnvironmentName,
) -> Result<(), String> {
    let list = match wish {
        Wish::Hold => &may.hold,
        Wish::Lift => &may.lift,
        Wish::Cancel { .. } => &may.cancel,
        Wish::Retry { .. } => &may.retry,
        Wish::Rollback { .. } => &may.rollback,
        Wish::Redeploy => &may.redeploy,
        Wish::Override { .. } => &may.override_freeze,
    };
    let is_named = |person: &str| list.iter().any(|who| matches!(who, Who::User(name) if name == person));
    match voice {
        Voice::Verified { person } if is_named(person) => Ok(()),
        Voice::Verified { .. } | Voice::Reply => {
            let verb = wish.verb();
            let names: Vec<String> = list.iter().map(Who::to_string).collect();
            let allowed = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            Err(format!("{voice} may not {verb} in {environment}: its record's may.{verb} names {allowed}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_needs_its_own_list_and_an_empty_one_lets_nobody() {
        let ana = Voice::Verified { person: "ana".to_owned() };
        let environment: EnvironmentName = "production".parse().unwrap();
        let lists = May { hold: vec![Who::User("ana".to_owned())], ..May::default() };
        assert_eq!(may(&lists, &Wish::Hold, &ana, &environment), Ok(()));
        assert_eq!(
            may(&lists, &Wish::Lift, &ana, &environment),
            Err("ana may not lift in production: its record's may.lift names nobody".to_owned())
        );
        let ben = Voice::Verified { person: "ben".to_owned() };
        assert_eq!(
            may(&lists, &Wish::Hold, &ben, &environment),
            Err("ben may not hold in production: its record's may.hold names user:ana".to_owned())
        );
        assert!(may(&lists, &Wish::Hold, &Voice::Reply, &environment).is_err());
    }
}
