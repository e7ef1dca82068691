//! What a drill may cost, and what is asked of RDS.

use model::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Drill, Instance, Order, sql_server};
use crate::facts::Family;
use crate::policy::{Check, DrillPolicy, Isolation};
use crate::time::shown;

/// What counted when the drill began; a record that changes meanwhile changes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub subnet_group: String,
    pub security_group: String,
    /// Hours from the request after which it is given up.
    pub hours: u32,
    pub storage_gib_max: u32,
    /// A small one for the engine where none is named.
    pub class: Option<String>,
    pub option_group: Option<String>,
    /// The team's own.
    pub check: Option<Check>,
}

impl Terms {
    pub fn new(isolation: &Isolation, policy: Option<&DrillPolicy>) -> Self {
        Self {
            subnet_group: isolation.subnet_group.clone(),
            security_group: isolation.security_group.clone(),
            hours: isolation.hours,
            storage_gib_max: isolation.storage_gib,
            class: policy.and_then(|policy| policy.class.clone()),
            option_group: policy.and_then(|policy| policy.option_group.clone()),
            check: policy.and_then(|policy| policy.check.clone()),
        }
    }
}

impl Drill {
    /// What is asked of RDS, and the newest time that could be restored to.
    ///
    /// # Errors
    /// Why this database cannot be restored, or not under these terms.
    pub(super) fn order(&self, original: &Instance) -> Result<(Order, Timestamp), String> {
        let name = &original.name;
        if let Some(cluster) = &original.member_of {
            return Err(format!(
                "{name} is part of cluster {cluster}, which only as a whole can be restored"
            ));
        }
        if original.retention_days == 0 {
            return Err(format!(
                "{name} has no automated backups: it cannot be restored to any point in time"
            ));
        }
        let newest = original
            .restorable
            .ok_or_else(|| format!("RDS names no time that {name} could be restored to"))?;
        // RDS restores to times before the newest. Source: RDS API, RestoreDBInstanceToPointInTime, RestoreTime.
        if let Some(to) = self.to.filter(|to| *to >= newest) {
            let (to, newest) = (shown(to), shown(newest));
            return Err(format!("{name} cannot be restored to {to}: the newest that it can be is {newest}"));
        }
        let (storage, allowed) = (original.storage_gib, self.terms.storage_gib_max);
        if storage > allowed {
            return Err(format!(
                "{name} has {storage} GiB of storage, which a copy has too; the record allows drills of {allowed} GiB"
            ));
        }
        let class = match &self.terms.class {
            Some(class) => class.clone(),
            None => sql_server::smallest_class(&original.engine),
        };
        if let Some(why) = sql_server::too_small(&original.engine, &class) {
            return Err(why);
        }
        // Default groups are RDS's own choice; a group of the original's own may hold what its data needs.
        let own = |group: &Option<String>| group.clone().filter(|group| !group.starts_with("default"));
        let (option_group, multi_az) = match Family::of_engine(&original.engine) {
            Family::SqlServer => (self.option_group(original, own(&original.option_group))?, None),
            Family::Rds | Family::Aurora | Family::Neptune | Family::DocumentDb => {
                (self.terms.option_group.clone().or_else(|| own(&original.option_group)), Some(false))
            }
        };
        let order = Order {
            source: name.clone(),
            drill: self.id.clone(),
            to: self.to,
            class,
            subnet_group: self.terms.subnet_group.clone(),
            security_group: self.terms.security_group.clone(),
            parameter_group: own(&original.parameter_group),
            option_group,
            multi_az,
        };
        Ok((order, newest))
    }

    /// SQL Server's own: an option group with mirroring would bring the copy up with a standby, at twice the price; and
    /// one with permanent options, such as TDE, cannot be left behind.
    ///
    /// Source: RDS API, RestoreDBInstanceToPointInTime; RDS user guide, "Multi-AZ deployments for RDS for SQL Server".
    fn option_group(&self, original: &Instance, own: Option<String>) -> Result<Option<String>, String> {
        match (&self.terms.option_group, own) {
            (Some(named), _) => Ok(Some(named.clone())),
            (None, Some(group)) if original.multi_az => Err(format!(
                "{} has a standby and the option group {group} of its own: a copy with that group might get a standby \
                 too, and one without it might not open. Name an option group without mirroring as optionGroup of its \
                 drill in /tidegate/databases",
                original.name
            )),
            (None, own) => Ok(own),
        }
    }
}
