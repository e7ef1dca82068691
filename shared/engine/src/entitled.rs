//! Who may order what: the environment's record says, read for this very order.

use config::May;
use intake::Wish;
use model::approval::{Directory, Voice};
use model::ids::EnvironmentName;
use model::who::Who;

/// # Errors
/// Why not, in a sentence for whoever ordered it.
pub(crate) fn may(
    may: &May,
    wish: &Wish,
    voice: &Voice,
    environment: &EnvironmentName,
    directory: &Directory,
) -> Result<(), String> {
    let list = match wish {
        Wish::Hold => &may.hold,
        Wish::Lift => &may.lift,
        Wish::Cancel { .. } => &may.cancel,
        Wish::Retry { .. } => &may.retry,
        Wish::Rollback { .. } => &may.rollback,
        Wish::Redeploy => &may.redeploy,
        Wish::Retire => &may.retire,
        Wish::Override { .. } => &may.override_freeze,
        Wish::Repair { .. } => &may.repair,
    };
    let verb = wish.verb();
    is_named(list, voice, directory).map_err(|allowed| {
        format!("{voice} may not {verb} in {environment}: its record's may.{verb} names {allowed}")
    })
}

/// The same of drills, which the databases' record says.
pub(crate) fn may_drill(list: &[Who], voice: &Voice, directory: &Directory) -> Result<(), String> {
    is_named(list, voice, directory)
        .map_err(|allowed| format!("{voice} may not drill: /tidegate/databases' may.drill names {allowed}"))
}

/// # Errors
/// Whom the list names.
fn is_named(list: &[Who], voice: &Voice, directory: &Directory) -> Result<(), String> {
    match voice {
        Voice::Verified { person, .. } if directory.names(list, person) => Ok(()),
        Voice::Verified { .. } | Voice::Reply => {
            let names: Vec<String> = list.iter().map(Who::to_string).collect();
            Err(if names.is_empty() { "nobody".to_owned() } else { names.join(", ") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Voice {
        Voice::Verified { person: name.parse().unwrap(), identity: None }
    }

    #[test]
    fn each_order_needs_its_own_list_and_an_empty_one_lets_nobody() {
        let ana = person("ana");
        let environment: EnvironmentName = "production".parse().unwrap();
        let directory = Directory {
            groups: [("on-call".parse().unwrap(), ["ana".parse().unwrap()].into())].into(),
            ..Directory::default()
        };
        let lists = May { hold: vec![Who::User("ana".to_owned())], ..May::default() };
        assert_eq!(may(&lists, &Wish::Hold, &ana, &environment, &directory), Ok(()));
        assert_eq!(
            may(&lists, &Wish::Lift, &ana, &environment, &directory),
            Err("ana may not lift in production: its record's may.lift names nobody".to_owned())
        );
        let ben = person("ben");
        assert_eq!(
            may(&lists, &Wish::Hold, &ben, &environment, &directory),
            Err("ben may not hold in production: its record's may.hold names user:ana".to_owned())
        );
        let lists = May { hold: vec![Who::Group("on-call".to_owned())], ..May::default() };
        assert_eq!(may(&lists, &Wish::Hold, &ana, &environment, &directory), Ok(()));
        assert!(may(&lists, &Wish::Hold, &ben, &environment, &directory).is_err());
        assert!(may(&lists, &Wish::Hold, &Voice::Reply, &environment, &directory).is_err());
    }
}
