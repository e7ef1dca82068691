//! Databases, what is known of them, and drills.

use databases::drill::{CheckOrder, CheckRead, Drills, Instance, Order, Ours};
use databases::facts::{AutomatedBackup, Database, Kind, Snapshot};
use databases::validation::{RestoreJob, Verdict};
use databases::watch::Watch;
use model::database::DatabaseKey;
use model::drill::AnswerKey;
use model::time::Timestamp;

use super::{Answer, Commit, Page};

/// The table's databases.
pub trait Watches {
    async fn load_watch(&self, key: &DatabaseKey) -> Answer<Option<Watch>>;
    /// Only if the stored version is one less (absent for version 1).
    async fn commit_watch(&self, watch: &Watch) -> Answer<Commit>;
    async fn watches(&self, page: Option<&str>) -> Answer<Page<Watch>>;
}

/// Messages to the notifier about databases.
pub trait NoticeQueue {
    /// `version` names the commit that asks.
    async fn wake_to_tell(&self, key: &DatabaseKey, version: u64) -> Answer<()>;
}

/// What RDS says. Without a name, all of the account and region; with one that is not there, none.
pub trait Databases {
    async fn databases(&self, kind: Kind, name: Option<&str>, page: Option<&str>) -> Answer<Page<Database>>;
    async fn automated_backups(
        &self,
        instance: Option<&str>,
        page: Option<&str>,
    ) -> Answer<Page<AutomatedBackup>>;
}

/// What RDS says of snapshots.
pub trait Snapshots {
    /// Snapshots of databases of that kind; `shared_with` is empty until it is asked for.
    async fn snapshots(&self, of: Kind, database: Option<&str>, page: Option<&str>)
    -> Answer<Page<Snapshot>>;
    /// The accounts that may restore a manual snapshot, `all` for everybody; none when it is gone.
    async fn shared_with(&self, of: Kind, snapshot: &str) -> Answer<Vec<String>>;
}

/// The table's drills.
pub trait DrillTable {
    /// Empty when there never was one.
    async fn load_drills(&self) -> Answer<Drills>;
    /// Only if the stored version is one less (absent for version 1).
    async fn commit_drills(&self, drills: &Drills) -> Answer<Commit>;
}

/// What RDS does for a drill. What changes or deletes something takes the proof that the drill made it.
pub trait Restores {
    /// `None` when there is none of that name.
    async fn instance(&self, name: &str) -> Answer<Option<Instance>>;
    /// An instance of the copy's name that is there already changes nothing.
    async fn restore(&self, order: &Order) -> Answer<()>;
    /// Has RDS make a new master password, and keep it in Secrets Manager. `NoCapacity` while the copy is busy.
    async fn renew_password(&self, copy: &Ours) -> Answer<()>;
    /// With its automated backups and without a last snapshot. One that is gone changes nothing; `NoCapacity` while it can
    /// not be deleted yet.
    async fn delete_copy(&self, copy: &Ours) -> Answer<()>;
}

/// Runs of the teams' own checks, which are CodeBuild projects or Lambda functions.
pub trait DrillChecks {
    /// The drill is its idempotency token, which CodeBuild keeps for five minutes.
    async fn start_check(&self, order: &CheckOrder) -> Answer<()>;
    /// Ids of the project's runs, newest first, at most 100.
    async fn recent_checks(&self, project: &str) -> Answer<Vec<String>>;
    /// At most 100 ids; unknown ones are missing from the answer.
    async fn read_checks(&self, ids: &[String]) -> Answer<Vec<CheckRead>>;
    /// Has Lambda run the function, some time; its end comes as an event with the key.
    async fn call_check(&self, order: &CheckOrder, key: &AnswerKey) -> Answer<()>;
    /// Random: nobody could know it.
    fn answer_key(&self) -> Answer<AnswerKey>;
}

/// AWS Backup's restore tests.
pub trait RestoreTests {
    /// `None` when AWS Backup knows none of that id.
    async fn restore_job(&self, job: &str) -> Answer<Option<RestoreJob>>;
    /// Ids of the tests of RDS instances that were completed since and have no result yet.
    async fn untold_tests(&self, since: Timestamp) -> Answer<Vec<String>>;
    async fn report_test(&self, job: &str, verdict: &Verdict) -> Answer<()>;
}
