//! What each RDS event means and asks for, by its id. The category is no severity: RDS files a key that can be read again
//! under "failure", and backups that were switched off under "configuration change".
//!
//! Source: RDS user guide, "Amazon RDS event categories and event messages"; Aurora user guide, the page of the same name;
//! Neptune user guide, "Amazon Neptune event categories and event messages".

use model::severity::Severity::{self, Critical, High, Info, Warning};

use crate::story::Part::{self, Alone, Closes, Continues, Opens};
use crate::story::Story::{
    Backups, Failover, GlobalFailover, Key, Maintenance, Recovery, Replication, Running, Storage,
};

/// Events that mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// The number in `RDS-EVENT-nnnn`.
    pub(crate) ids: &'static [u16],
    pub(crate) severity: Severity,
    pub(crate) part: Part,
    /// A sentence for a tired person, about "it", the resource.
    pub(crate) means: &'static str,
    /// What to do now.
    pub(crate) act: &'static str,
}

/// What is known of an event's number.
pub(crate) fn known(id: u16) -> Option<&'static Known> {
    EVENTS.iter().find(|known| known.ids.contains(&id))
}

pub(crate) const fn of(
    ids: &'static [u16],
    severity: Severity,
    part: Part,
    means: &'static str,
    act: &'static str,
) -> Known {
    Known { ids, severity, part, means, act }
}

pub(crate) const NOTHING: &str = "Nothing to do.";
pub(crate) const WATCH: &str = "Nothing to do yet; the end of it will be told.";

#[rustfmt::skip] // One event a line is read; one argument a line is not.
pub(crate) const EVENTS: &[Known] = &[
    // ---- instances: availability
    of(&[4], High, Opens(Running), "The instance was shut down: nothing can connect to it.", "If nobody stopped it on purpose, look at its recent events and start it."),
    of(&[6], Warning, Closes(Running), "The instance was restarted; connections were cut and can be made again.", "If nobody restarted it on purpose, look at its recent events for the reason."),
    of(&[22], High, Alone, "MySQL or MariaDB failed to restart: the instance may answer nobody.", "Read the instance's error log; reboot it, or restore it to a point in time if that fails."),
    of(&[221], Critical, Opens(Storage), "Storage is full, and RDS shut the database down to protect it.", "Raise the allocated storage now; the database starts again when there is room."),
    of(&[222], Critical, Opens(Storage), "Free storage is so low that RDS is about to shut the database down.", "Raise the allocated storage now, or switch storage autoscaling on."),
    of(&[330], Critical, Opens(Storage), "Free storage of the dedicated log volume is so low that RDS is about to shut the database down.", "Disable the dedicated log volume: its size cannot be changed. Then look for a replica or a slot that holds logs back."),
    of(&[331], High, Opens(Storage), "Free storage of the dedicated log volume is too low.", "Disable the dedicated log volume: its size cannot be changed. Then look for a replica or a slot that holds logs back."),
    of(&[396], Info, Alone, "A read replica will be rebooted in its next maintenance window.", "Nothing to do, unless the window is at a bad time for its readers."),
    of(&[419], Critical, Opens(Key), "RDS cannot use the encryption key: the instance becomes inaccessible.", "Enable the KMS key and its grants at once; when that comes too late, restore from a backup."),

    // ---- instances: backup
    of(&[1], Info, Alone, "A backup has started.", NOTHING),
    of(&[2], Info, Alone, "A backup has finished.", NOTHING),
    of(&[86], Warning, Alone, "RDS could not attach the option group to the instance.", "Check that the option group fits engine and version, and attach it again."),

    // ---- instances: configuration change
    of(&[28], Critical, Opens(Backups), "Automated backups were switched OFF: the instance cannot be restored to a point in time, and its automated snapshots are gone.", "Unless this was meant, set the backup retention period again now; the restorable time starts anew from there."),
    of(&[32], Info, Closes(Backups), "Automated backups are switched on.", NOTHING),
    of(&[24], Info, Alone, "The instance is being converted to Multi-AZ.", NOTHING),
    of(&[25], Info, Alone, "The instance was converted to Multi-AZ.", NOTHING),
    of(&[30], High, Alone, "The instance is being converted to Single-AZ: it is losing its standby.", "If this was not meant, make it Multi-AZ again."),
    of(&[29], High, Alone, "The instance is Single-AZ now: the loss of its zone takes it down.", "If this was not meant, make it Multi-AZ again."),
    of(&[12], Info, Alone, "The change of the instance class is being applied.", NOTHING),
    of(&[14], Info, Alone, "The change of the instance class is finished.", NOTHING),
    of(&[18, 217], Info, Alone, "More storage is being given to the instance.", NOTHING),
    of(&[17, 218], Info, Closes(Storage), "The instance has its new storage.", NOTHING),
    of(&[16], Warning, Alone, "The master password was reset.", "If nobody did this on purpose, treat it as an attack: rotate credentials and read CloudTrail."),
    of(&[67], Warning, Alone, "The master password could not be reset.", "Look at the instance's status and try again."),
    of(&[9, 10, 11, 33, 78, 92], Info, Alone, "A setting of the instance changed: parameter group, security group, monitoring or a note on its master user.", NOTHING),
    of(&[295, 296, 333, 334, 335, 383], Info, Alone, "A storage or option setting of the instance is being changed, or was.", NOTHING),
    of(&[332], Info, Closes(Storage), "The dedicated log volume is disabled: logs are kept with the data.", NOTHING),

    // ---- instances: creation and deletion
    of(&[5], Info, Alone, "The instance was created.", NOTHING),
    of(&[3], Critical, Alone, "The instance was DELETED.", "If this was not meant, restore it now: from its retained automated backups, its final snapshot, or the newest manual one."),

    // ---- instances: failover
    of(&[13], High, Opens(Failover), "A Multi-AZ failover has started: the database answers nobody until the standby takes over.", WATCH),
    of(&[15], High, Closes(Failover), "The failover is complete; DNS may lead to the old instance for some minutes.", "Check that services reconnected; find out why it happened in the instance's events."),
    of(&[49], High, Closes(Failover), "The Multi-AZ failover is complete.", "Check that services reconnected; find out why it happened in the instance's events."),
    of(&[34], Warning, Alone, "RDS did not carry out a requested failover, because one happened shortly before.", "Wait some minutes before asking again."),
    of(&[50], Warning, Continues(Failover), "The instance was recovered, and is being activated in the zone where it was.", WATCH),
    of(&[51], Warning, Closes(Failover), "The instance is activated in the zone where it was, after its recovery.", "Check that services reconnected."),
    of(&[65], Warning, Closes(Failover), "The instance recovered from a partial failover.", "Check that services reconnected."),

    // ---- instances: failure
    of(&[31], Critical, Alone, "The instance failed, and RDS cannot repair it.", "Restore it to a point in time now."),
    of(&[35], Critical, Alone, "Parameters do not fit the instance: it may not start.", "Set the parameters that RDS names back, and reboot."),
    of(&[36], Critical, Alone, "The instance's network cannot be used: its subnet, addresses or security group are gone or do not fit.", "Repair the subnet group or restore the instance into a good network."),
    of(&[278], High, Alone, "The instance could not be created.", "Read the reason in the event and create it again."),
    of(&[353], High, Alone, "The instance could not be created: a limit or a resource is missing.", "Read the reason in the event; raise the limit or choose another class or zone."),
    of(&[418], High, Opens(Key), "RDS cannot use the encryption key and tries again; the instance stays up for now.", "Enable the KMS key and its grants before the instance becomes inaccessible."),
    of(&[420], Info, Closes(Key), "RDS can use the encryption key again.", NOTHING),
    of(&[219, 220, 237], Warning, Alone, "Storage autoscaling cannot give more storage for now, and tries again by itself.", "Nothing to do, unless free storage does not last for some hours: then make room."),
    of(&[223], High, Alone, "Storage autoscaling could not give the instance more storage.", "Raise the allocated storage by hand before it is full."),
    of(&[224], High, Alone, "Storage reaches the maximum that autoscaling may give.", "Raise the maximum storage threshold, or make room."),
    of(&[254], High, Alone, "Storage autoscaling hit the account's storage quota.", "Raise the quota or free storage of other instances."),
    of(&[188], High, Alone, "The instance cannot be upgraded as it stands; an upgrade that was begun was taken back.", "Read the reason in the event and the upgrade log; repair it before the next window."),
    of(&[306], High, Alone, "The upgrade of the storage configuration failed.", "Start it again."),
    of(&[315], Critical, Alone, "The instance is stuck: its network cannot be used, and RDS could not bring it back.", "Repair the subnet group, addresses or security group that the event names, or restore the instance into a good network."),
    of(&[328, 329, 356], High, Alone, "The instance could not join its directory domain, or Kerberos fails: people who log in through the domain are locked out.", "Check the directory, its network and the domain role; then modify the instance again."),
    of(&[58], Warning, Alone, "Oracle's Statspack could not be installed.", "Drop the account PERFSTAT, and add the option STATSPACK again."),
    of(&[79, 80], Warning, Alone, "Enhanced monitoring could not be set up, and is off.", "Mend the role rds-monitoring-role, and switch it on again."),
    of(&[81], Warning, Alone, "An option of the instance cannot use its role; for SQL Server, native backups and restores do not work.", "Mend the role that the event names."),
    of(&[82, 83], Warning, Alone, "Aurora cannot read the bucket that data is to come from.", "Check that the bucket exists, and the role that the event names."),
    of(&[165], Warning, Alone, "The RDS Custom instance is outside its support perimeter: until it is back, RDS does not look after it.", "Repair what the event names, on the host or in the database."),
    of(&[421], Warning, Alone, "RDS Custom could not convert the instance to Multi-AZ: it stays Single-AZ.", "Read the reason in the event; repair it and convert again."),
    of(&[279], High, Alone, "The promotion of the RDS Custom read replica failed.", "Read the reason in the event; repair it and promote again."),
    of(&[280], Warning, Alone, "RDS Custom could not upgrade the instance: the check before it failed.", "Read the reason in the event; repair it and upgrade again."),
    of(&[281], Warning, Alone, "RDS Custom could not change the instance: the check before it failed.", "Read the reason in the event; repair it and change it again."),
    of(&[282, 283], Warning, Alone, "RDS Custom could not change the instance, for want of an Elastic IP address that it may use.", "Tag the address with AWSRDSCustom, or raise the quota of addresses; then change it again."),
    of(&[284], Warning, Alone, "RDS Custom could not make the instance highly available: the check before it failed.", "Read the reason in the event; repair it and convert again."),
    of(&[285], High, Alone, "RDS Custom could not take the final snapshot of the instance.", "Read the reason in the event; take a snapshot, if what is in it is to be kept."),

    // ---- instances: storage
    of(&[7], Critical, Opens(Storage), "Storage is exhausted: the database cannot write.", "Raise the allocated storage now."),
    of(&[89], High, Opens(Storage), "More than nine tenths of the storage are used.", "Raise the allocated storage, or switch storage autoscaling on."),
    of(&[227], Critical, Opens(Storage), "Storage of the Aurora cluster is dangerously low.", "Free storage now, or ask AWS support for a higher limit."),

    // ---- instances: maintenance
    of(&[26], Warning, Opens(Maintenance), "Offline patching has started: the instance is down until it is done.", WATCH),
    of(&[27], Info, Closes(Maintenance), "Offline patching is finished; the instance is up.", NOTHING),
    of(&[47], Info, Alone, "The instance was patched.", NOTHING),
    of(&[155, 156], Info, Alone, "A minor engine version is available.", "Nothing to do; choose a time for it."),
    of(&[177, 178], Info, Alone, "An upgrade is in progress.", NOTHING),
    of(&[264, 265, 267], Info, Continues(Maintenance), "A step of an engine upgrade.", NOTHING),
    of(&[266], Warning, Opens(Maintenance), "An engine upgrade has begun its downtime.", WATCH),
    of(&[268], Info, Closes(Maintenance), "The engine upgrade is finished.", NOTHING),
    of(&[269], Info, Continues(Maintenance), "An engine upgrade is finished, but for its last tasks.", NOTHING),
    of(&[270], High, Closes(Maintenance), "The engine upgrade failed and was rolled back.", "Read the upgrade log; repair the reason before trying again."),
    of(&[398, 399], Warning, Alone, "The engine upgrade waits: a source and its replicas are upgraded after each other.", "Nothing to do, unless it takes hours."),
    of(&[422], Warning, Alone, "RDS will replace the host of the instance.", "Read the event: choose a time for it, or leave it to the maintenance window."),
    of(&[425, 429], Warning, Alone, "The operating system could not be upgraded: there are no free addresses, or no capacity.", "Give it subnets with free addresses, or choose another class or zone."),
    of(&[501, 502], Warning, Alone, "The server certificate will be changed in a maintenance window, with a reboot.", "Choose a time for it; check that clients trust the new certificate."),
    of(&[191, 192, 193, 194], Info, Alone, "Oracle's time zone file is being updated.", NOTHING),
    of(&[195], Warning, Alone, "Oracle's time zone file could not be updated.", "Read the event and update it again."),
    of(&[230], Info, Alone, "An operating system update is available.", "Nothing to do; it is applied in a window, or choose one."),
    of(&[68], Warning, Alone, "A partition password of a hardware security module was decrypted to update the instance.", "Check that an update was running."),

    // ---- instances: notification
    of(&[87], Warning, Opens(Running), "The instance was stopped: nothing can connect to it, and it is not backed up while it rests.", "If nobody stopped it on purpose, start it."),
    of(&[88], Info, Closes(Running), "The instance was started.", NOTHING),
    of(&[154], Warning, Closes(Running), "The instance was started by RDS, because it had been stopped for seven days.", "Stop it again, or take a snapshot and delete it, if it is not needed."),
    of(&[44], Warning, Alone, "Operators of RDS sent a note about the instance.", "Read the event's message."),
    of(&[48, 54, 55, 56, 64, 167, 253, 297, 298, 365, 385], Info, Alone, "A note of RDS about the instance.", "Read the event's message."),
    of(&[157], Warning, Alone, "The instance class could not be changed: the instance has more databases than it would support.", "Choose a larger class, or fewer databases."),
    of(&[158], Warning, Alone, "The instance cannot be upgraded as it stands.", "Read the reason in the event, and repair it."),
    of(&[84], Warning, Alone, "The instance cannot be converted to Multi-AZ as it stands.", "Read the event's reason; for SQL Server check mirroring's conditions."),
    of(&[189], Warning, Alone, "The instance uses up its burst of storage operations: it is about to become slow.", "Choose more IOPS or gp3 storage."),
    of(&[225], Warning, Alone, "Storage comes near the maximum that autoscaling may give.", "Raise the maximum storage threshold."),
    of(&[231], Warning, Alone, "A change of storage met an error; RDS tries it again later.", "Read the event and the instance's status."),
    of(&[327], Warning, Alone, "RDS cannot find the secret that it manages the password with.", "Restore the secret, or set the password anew."),
    of(&[403, 404], Warning, Alone, "Memory of the instance is critically low: RDS has made its buffers smaller.", "Find what uses it, or choose a larger class."),

    // ---- instances: read replicas
    of(&[45], High, Opens(Replication), "Replication to a read replica has stopped: its readers see old data.", "Read the replica's replication error; start it again or make the replica anew."),
    of(&[57], High, Opens(Replication), "Replication was ended for good: the replica stands alone.", "Delete the replica and make it anew."),
    of(&[46], Info, Closes(Replication), "The replica follows its source again.", NOTHING),
    of(&[62, 359], Warning, Alone, "Replication was stopped by hand: readers see old data.", "If nobody did this on purpose, start it again."),
    of(&[358], Warning, Alone, "A replication channel has stopped: what it brings is old.", "Read its replication error, and start it again."),
    of(&[63, 360], Warning, Alone, "Replication was reset.", "If nobody did this on purpose, look at the replica."),
    of(&[233], Warning, Alone, "A switchover to the replica has started.", "If nobody did this on purpose, find out who did."),
    of(&[357, 415, 416], Info, Alone, "Replication of a channel was started, or an upgrade stops it for a while and starts it again.", NOTHING),
    of(&[202], High, Alone, "A read replica could not be created.", "Read the event's reason and create it again."),

    // ---- instances: recovery and restoration
    of(&[20], High, Opens(Recovery), "The instance is recovering: it answers nobody until that is done.", WATCH),
    of(&[21], Warning, Closes(Recovery), "Recovery of the instance is complete.", "Check that services reconnected."),
    of(&[52], High, Opens(Recovery), "A Multi-AZ instance is recovering.", WATCH),
    of(&[53], Warning, Closes(Recovery), "Recovery of the Multi-AZ instance is complete; a failover or an activation may follow.", "Check that services reconnected."),
    of(&[361], Warning, Opens(Recovery), "The standby is being recovered: until then there is none.", WATCH),
    of(&[362], Info, Closes(Recovery), "The standby is recovered.", NOTHING),
    of(&[66], High, Alone, "The SQL Server mirror is being built anew: the instance is slower, and has no standby until it is done.", "Nothing to do; it takes up to ninety minutes. Find out who changed the recovery model."),
    of(&[23], Warning, Alone, "A manual snapshot was refused, because one is being taken.", "Take it again later."),
    of(&[166], Info, Alone, "The RDS Custom instance is back inside its support perimeter.", NOTHING),
    of(&[19], High, Alone, "The instance was restored to a point in time.", "If nobody restored it on purpose, find out who did."),
    of(&[8], High, Alone, "The instance was restored from a snapshot.", "If nobody restored it on purpose, find out who did."),
    of(&[131], Warning, Alone, "The cluster can be turned back by fewer hours than was asked for.", "Ask for fewer hours of backtracking, or keep more change records."),
    of(&[132], Info, Alone, "The cluster can be turned back as far as was asked for.", NOTHING),

    // ---- snapshots
    of(&[40, 42], Info, Alone, "A manual snapshot is being taken, or was.", NOTHING),
    of(&[90, 91], Info, Alone, "An automated snapshot is being taken, or was.", NOTHING),
    of(&[41], High, Alone, "A manual snapshot was deleted: the state that it held cannot be restored any more.", "If this was not meant, take a new one, and find out who deleted it."),
    of(&[43], High, Alone, "An instance was restored from the snapshot.", "If nobody restored it on purpose, find out who did."),
    of(&[59, 60, 196, 197], Info, Alone, "A copy of the snapshot has started or finished.", NOTHING),
    of(&[61, 190], Warning, Alone, "The copy of the snapshot was canceled.", "Copy it again, if it is needed elsewhere."),
    of(&[159, 160, 162, 163, 234, 235], Warning, Alone, "An export failed or was canceled.", "Read the export task's reason and start it again."),
    of(&[484, 489], Warning, Alone, "A table could not be exported.", "Read the event's reason; mend it and export again."),
    of(&[161, 164, 236, 486, 487, 488, 491, 492, 493], Info, Alone, "An export moves on or is finished.", NOTHING),

    // ---- clusters and their snapshots
    of(&[74, 75, 168, 169], Info, Alone, "A snapshot of the cluster is being taken, or was.", NOTHING),
    of(&[170, 172, 179], Info, Alone, "The cluster was created or renamed, or its activity stream was started.", NOTHING),
    of(&[171], Critical, Alone, "The cluster was DELETED.", "If this was not meant, restore it now from its retained backups or its newest snapshot."),
    of(&[150], Warning, Opens(Running), "The cluster was stopped: nothing can connect to it.", "If nobody stopped it on purpose, start it."),
    of(&[151], Info, Closes(Running), "The cluster was started.", NOTHING),
    of(&[152], Warning, Alone, "The cluster could not be stopped.", "Look at its status, and stop it again."),
    of(&[153], Warning, Closes(Running), "The cluster is started by RDS, because it had been stopped for seven days.", "Stop it again, or take a snapshot and delete it, if it is not needed."),
    of(&[180], Warning, Alone, "The activity stream was stopped: what people do in the database is not recorded any more.", "If nobody did this on purpose, start it again, and find out who stopped it."),
    of(&[143], Warning, Alone, "The cluster could not be scaled.", "Read the reason in the event: often long transactions or temporary tables hold it back."),
    of(&[141, 142, 144, 145, 146, 147, 148, 149, 370, 371, 372, 373, 374], Info, Alone, "A serverless database is scaled, paused or resumed.", NOTHING),
    of(&[426], Warning, Alone, "The cluster cannot become a source of replication, for transactions run long.", "Wait for them to end or cancel them, and try again."),
    of(&[512, 513], Info, Alone, "The volume of the cluster is being replaced, or was.", NOTHING),
    of(&[76], High, Alone, "A migration to the Aurora cluster failed.", "Read the reason in the event; mend it and migrate again."),
    of(&[77], Warning, Alone, "A table could not be converted to InnoDB by a migration to Aurora.", "Read the reason in the event; convert the table at its source and migrate again."),
    of(&[69], Critical, Closes(Failover), "The failover of the cluster FAILED.", "Look at the cluster's members now; promote a healthy one or restore to a point in time."),
    of(&[70], High, Continues(Failover), "The former writer is being promoted again.", WATCH),
    of(&[71], High, Closes(Failover), "The failover of the cluster is complete.", "Check that services reconnected; find out why it happened in the cluster's events."),
    of(&[72, 73], High, Opens(Failover), "A failover of the cluster has started: writes wait until a new writer takes over.", WATCH),
    of(&[181], Warning, Opens(GlobalFailover), "A global failover or switchover has started.", WATCH),
    of(&[182, 184], Warning, Continues(GlobalFailover), "A step of the global failover.", WATCH),
    of(&[240, 241, 390, 397], Info, Continues(GlobalFailover), "A step of a global failover or switchover.", NOTHING),
    of(&[183, 423], High, Continues(GlobalFailover), "The global failover waits for the secondary to catch up.", "Look at the replication lag."),
    of(&[391], High, Alone, "Writes could not be blocked before a global failover or switchover, which goes on: what was written last may be lost.", "Compare with the snapshot of the former primary cluster, and recover what is missing."),
    of(&[185, 186], Warning, Closes(GlobalFailover), "The global failover is over: finished or canceled.", "Check which region writes now."),
    of(&[238], Warning, Closes(GlobalFailover), "The global failover is complete.", "Check which region writes now, and that services reconnected."),
    of(&[519], Critical, Closes(GlobalFailover), "The global failover is complete, but the cluster has no instance: nothing can connect to it.", "Create an instance in the cluster now."),
    of(&[187, 239], Critical, Closes(GlobalFailover), "The global failover FAILED.", "Look at both clusters now, and decide which region writes."),
    of(&[173, 176, 286, 287, 288, 289, 290, 363, 386, 388, 410, 411, 413, 414, 417], Info, Alone, "The cluster is being patched or upgraded, or was.", NOTHING),
    of(&[85, 174], Warning, Alone, "The cluster cannot be upgraded as it stands.", "Read the reason in the event; repair or delete the instance that holds it back, and upgrade again."),
    of(&[412], Warning, Alone, "The check before an engine upgrade of the cluster failed: it is not upgraded.", "Read the upgrade log; repair what it names and upgrade again."),
    of(&[387, 389], Warning, Alone, "The operating system of the cluster could not be upgraded.", "Wait for the next maintenance window, or upgrade it by hand."),
    of(&[424], Warning, Alone, "The cluster has a higher version than its global cluster, which can disturb a failover.", "Upgrade the global cluster to the same version."),
    of(&[354, 355], High, Alone, "The cluster could not be created.", "Read the reason in the event and create it again."),

    // ---- shard groups
    of(&[302], Warning, Alone, "The split of a shard waits to be finished by a person.", "Run the statement that the event names."),
    of(&[305, 324, 369], High, Alone, "A job of the shard group failed: splitting a shard, adding a router or loading data.", "Read the reason in the event and start it again."),
    of(&[303, 304, 321, 322, 323, 325, 326, 366, 367, 368, 394, 395], Info, Alone, "A job of the shard group moves on, is finished or was canceled.", NOTHING),

    // ---- proxies
    of(&[243], High, Alone, "The proxy has no addresses left in its subnets: it cannot grow.", "Give it subnets with free addresses."),
    of(&[275], High, Alone, "The proxy turns connections away.", "Look at the database's connection limit and the proxy's share of it."),
    of(&[203, 204, 206, 207, 208, 213, 214, 215], Info, Alone, "The proxy or one of its endpoints was created or changed.", NOTHING),
    of(&[205], Warning, Alone, "The proxy was deleted: whatever connects through it no longer can.", "If this was not meant, create it again."),

    // ---- blue/green deployments
    of(&[244, 246, 247, 248, 250, 251, 259, 260, 307, 308, 311, 312, 405, 406, 409], Info, Alone, "The blue/green deployment moves on.", NOTHING),
    of(&[245, 249, 252, 261, 310, 314], High, Alone, "The blue/green deployment failed: creating or switching over did not work.", "Read the reason in the event; blue still serves. Repair it and switch over again."),

    // ---- groups, engine versions
    of(&[37], Info, Alone, "A parameter group was changed.", "Nothing to do; static parameters count from the next reboot."),
    of(&[38], Info, Alone, "A security group was changed.", NOTHING),
    of(&[39], Warning, Alone, "An authorization was revoked, because the security group that it names is gone.", "Authorize a group that exists."),
    of(&[316, 317, 318, 319], Info, Alone, "A custom engine version moves on.", NOTHING),
    of(&[198], Warning, Alone, "A custom engine version could not be created.", "Read the reason in the event and create it again."),
    of(&[320], Warning, Alone, "A custom engine version could not be created, for a fault within RDS.", "Nothing to do: AWS looks into it. Ask AWS support, if it is needed soon."),
    of(&[277], Warning, Alone, "A custom engine version could not be deleted.", "Read the reason in the event and delete it again."),
    of(&[352], Info, Alone, "The number of databases that a point-in-time restore may hold changed.", NOTHING),
];
