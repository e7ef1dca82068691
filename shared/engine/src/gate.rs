//! Whether the database that a release needs could be restored now: asked of RDS when it is planned, to tell it, and
//! again when its turn has come, to decide.

use databases::facts::{Database, Kind};
use databases::restorable::{Unmet, restorable};
use databases::time::lasted;
use futures_util::try_join;
use model::release::{Danger, Origin, Otherwise, PlanLine, Release, Requires};
use model::time::Span;

use crate::failure::Failure;
use crate::ports::{Clock, Databases};

/// What the config asks of a database before anything new is deployed. Going back to what ran, and starting it anew,
/// must not have to wait for a backup.
pub(crate) fn of_config(requires: Option<&config::Requires>, origin: &Origin) -> Option<Requires> {
    let requires = requires.filter(|_| origin.is_new())?;
    Some(Requires {
        database: requires.database.clone(),
        within: Span::minutes(requires.restorable_within_minutes.into()),
        otherwise: match requires.on_failure {
            config::OnFailure::Refuse => Otherwise::Refuse,
            config::OnFailure::Warn => Otherwise::Warn,
        },
    })
}

/// What stands against deploying the release now, in words.
pub(crate) async fn unmet<P: Databases + Clock>(
    ports: &P,
    requires: Option<&Requires>,
) -> Result<Option<String>, Failure> {
    let Some(requires) = requires else { return Ok(None) };
    Ok(look(ports, requires).await?.err().map(|unmet| words(requires, unmet)))
}

/// How it stands while the release is planned.
pub(crate) async fn line<P: Databases + Clock>(
    ports: &P,
    release: &Release,
    requires: &Requires,
) -> Result<PlanLine, Failure> {
    Ok(match look(ports, requires).await? {
        Ok(trails) => PlanLine::new(
            Danger::None,
            &format!(
                "database {} can be restored to {} ago; {} are asked for when {} is deployed",
                requires.database,
                lasted(trails),
                lasted(requires.within),
                release.id
            ),
        ),
        Err(unmet) => {
            let then = match requires.otherwise {
                Otherwise::Refuse => "it will not be deployed while that is so",
                Otherwise::Warn => "it will be deployed all the same",
            };
            PlanLine::new(Danger::Unrestorable, &format!("{}: {then}", words(requires, unmet)))
        }
    })
}

fn words(requires: &Requires, unmet: Unmet) -> String {
    format!("database {} {unmet}, and {} are asked for", requires.database, lasted(requires.within))
}

async fn look<P: Databases + Clock>(ports: &P, requires: &Requires) -> Result<Result<Span, Unmet>, Failure> {
    let name = requires.database.as_str();
    let found = match one(ports, Kind::Instance, name).await? {
        // Of a cluster's member only the cluster is backed up.
        Some(Database { member_of: Some(cluster), .. }) => one(ports, Kind::Cluster, &cluster).await?,
        Some(instance) => Some(instance),
        None => one(ports, Kind::Cluster, name).await?,
    };
    Ok(restorable(found.as_ref(), requires.within, ports.now()))
}

async fn one<P: Databases>(ports: &P, kind: Kind, name: &str) -> Result<Option<Database>, Failure> {
    match kind {
        Kind::Instance => {
            let (found, backups) = try_join!(
                ports.databases(kind, Some(name), None),
                ports.automated_backups(Some(name), None),
            )?;
            Ok(found.items.into_iter().next().map(|instance| instance.with_automated(&backups.items)))
        }
        Kind::Cluster => Ok(ports.databases(kind, Some(name), None).await?.items.into_iter().next()),
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
