//! What RDS says of databases, their backups and their snapshots.

mod read;
mod restores;

use aws_sdk_rds::operation::describe_db_cluster_snapshot_attributes::DescribeDBClusterSnapshotAttributesError;
use aws_sdk_rds::operation::describe_db_clusters::DescribeDBClustersError;
use aws_sdk_rds::operation::describe_db_instance_automated_backups::DescribeDBInstanceAutomatedBackupsError;
use aws_sdk_rds::operation::describe_db_instances::DescribeDBInstancesError;
use aws_sdk_rds::operation::describe_db_snapshot_attributes::DescribeDBSnapshotAttributesError;
use databases::facts::{AutomatedBackup, Database, Kind, Snapshot};
use engine::failure::Failure;
use engine::ports::{Databases, Page, Snapshots};

use crate::Aws;
use crate::failure::Call;

const DESCRIBE_INSTANCES: Call = Call::reads("rds DescribeDBInstances");
const DESCRIBE_CLUSTERS: Call = Call::reads("rds DescribeDBClusters");
const DESCRIBE_AUTOMATED_BACKUPS: Call = Call::reads("rds DescribeDBInstanceAutomatedBackups");
const DESCRIBE_SNAPSHOTS: Call = Call::reads("rds DescribeDBSnapshots");
const DESCRIBE_CLUSTER_SNAPSHOTS: Call = Call::reads("rds DescribeDBClusterSnapshots");
const DESCRIBE_SNAPSHOT_ATTRIBUTES: Call = Call::reads("rds DescribeDBSnapshotAttributes");
const DESCRIBE_CLUSTER_SNAPSHOT_ATTRIBUTES: Call = Call::reads("rds DescribeDBClusterSnapshotAttributes");

/// The most that RDS gives at once. Source: RDS API, DescribeDBInstances.
const PAGE_MAX: i32 = 100;

impl Databases for Aws {
    async fn databases(
        &self,
        kind: Kind,
        name: Option<&str>,
        page: Option<&str>,
    ) -> Result<Page<Database>, Failure> {
        match kind {
            Kind::Instance => self.instances(name, page).await,
            Kind::Cluster => self.clusters(name, page).await,
        }
    }

    async fn automated_backups(
        &self,
        instance: Option<&str>,
        page: Option<&str>,
    ) -> Result<Page<AutomatedBackup>, Failure> {
        let sent = self
            .rds
            .describe_db_instance_automated_backups()
            .set_db_instance_identifier(instance.map(str::to_owned))
            .set_marker(page.map(str::to_owned))
            .max_records(PAGE_MAX)
            .send()
            .await;
        match sent {
            Ok(answer) => Ok(Page {
                items: answer
                    .db_instance_automated_backups()
                    .iter()
                    .filter_map(read::automated_backup)
                    .collect(),
                next: more(answer.marker),
            }),
            Err(error)
                if error.as_service_error().is_some_and(
                    DescribeDBInstanceAutomatedBackupsError::is_db_instance_automated_backup_not_found_fault,
                ) =>
            {
                Ok(nothing())
            }
            Err(error) => Err(DESCRIBE_AUTOMATED_BACKUPS.failed(error)),
        }
    }
}

impl Snapshots for Aws {
    async fn snapshots(
        &self,
        of: Kind,
        database: Option<&str>,
        page: Option<&str>,
    ) -> Result<Page<Snapshot>, Failure> {
        let (database, page) = (database.map(str::to_owned), page.map(str::to_owned));
        match of {
            Kind::Instance => {
                let asked = self.rds.describe_db_snapshots().set_db_instance_identifier(database);
                let sent = asked.set_marker(page).max_records(PAGE_MAX).send().await;
                let answer = sent.map_err(|error| DESCRIBE_SNAPSHOTS.failed(error))?;
                let items = answer.db_snapshots().iter().map(read::snapshot).collect::<Result<_, _>>();
                Ok(Page {
                    items: items.map_err(|why| DESCRIBE_SNAPSHOTS.refused(why))?,
                    next: more(answer.marker),
                })
            }
            Kind::Cluster => {
                let asked = self.rds.describe_db_cluster_snapshots().set_db_cluster_identifier(database);
                let sent = asked.set_marker(page).max_records(PAGE_MAX).send().await;
                let answer = sent.map_err(|error| DESCRIBE_CLUSTER_SNAPSHOTS.failed(error))?;
                let items = answer
                    .db_cluster_snapshots()
                    .iter()
                    .map(read::cluster_snapshot)
                    .collect::<Result<_, _>>();
                let items = items.map_err(|why| DESCRIBE_CLUSTER_SNAPSHOTS.refused(why))?;
                Ok(Page { items, next: more(answer.marker) })
            }
        }
    }

    async fn shared_with(&self, of: Kind, snapshot: &str) -> Result<Vec<String>, Failure> {
        match of {
            Kind::Instance => self.instance_snapshot_shared_with(snapshot).await,
            Kind::Cluster => self.cluster_snapshot_shared_with(snapshot).await,
        }
    }
}

impl Aws {
    async fn instances(&self, name: Option<&str>, page: Option<&str>) -> Result<Page<Database>, Failure> {
        let sent = self
            .rds
            .describe_db_instances()
            .set_db_instance_identifier(name.map(str::to_owned))
            .set_marker(page.map(str::to_owned))
            .max_records(PAGE_MAX)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let items = answer.db_instances().iter().map(read::instance).collect::<Result<_, _>>();
                Ok(Page {
                    items: items.map_err(|why| DESCRIBE_INSTANCES.refused(why))?,
                    next: more(answer.marker),
                })
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeDBInstancesError::is_db_instance_not_found_fault) =>
            {
                Ok(nothing())
            }
            Err(error) => Err(DESCRIBE_INSTANCES.failed(error)),
        }
    }

    async fn clusters(&self, name: Option<&str>, page: Option<&str>) -> Result<Page<Database>, Failure> {
        let sent = self
            .rds
            .describe_db_clusters()
            .set_db_cluster_identifier(name.map(str::to_owned))
            .set_marker(page.map(str::to_owned))
            .max_records(PAGE_MAX)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let items = answer.db_clusters().iter().map(read::cluster).collect::<Result<_, _>>();
                Ok(Page {
                    items: items.map_err(|why| DESCRIBE_CLUSTERS.refused(why))?,
                    next: more(answer.marker),
                })
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeDBClustersError::is_db_cluster_not_found_fault) =>
            {
                Ok(nothing())
            }
            Err(error) => Err(DESCRIBE_CLUSTERS.failed(error)),
        }
    }

    async fn instance_snapshot_shared_with(&self, snapshot: &str) -> Result<Vec<String>, Failure> {
        let sent = self.rds.describe_db_snapshot_attributes().db_snapshot_identifier(snapshot).send().await;
        match sent {
            Ok(answer) => {
                let attributes = answer.db_snapshot_attributes_result;
                let attributes =
                    attributes.as_ref().map_or(&[][..], |result| result.db_snapshot_attributes());
                Ok(read::restorers(attributes.iter().map(|a| (a.attribute_name(), a.attribute_values()))))
            }
            // Deleted since it was listed.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeDBSnapshotAttributesError::is_db_snapshot_not_found_fault) =>
            {
                Ok(Vec::new())
            }
            Err(error) => Err(DESCRIBE_SNAPSHOT_ATTRIBUTES.failed(error)),
        }
    }

    async fn cluster_snapshot_shared_with(&self, snapshot: &str) -> Result<Vec<String>, Failure> {
        let asked = self.rds.describe_db_cluster_snapshot_attributes();
        match asked.db_cluster_snapshot_identifier(snapshot).send().await {
            Ok(answer) => {
                let attributes = answer.db_cluster_snapshot_attributes_result;
                let attributes =
                    attributes.as_ref().map_or(&[][..], |result| result.db_cluster_snapshot_attributes());
                Ok(read::restorers(attributes.iter().map(|a| (a.attribute_name(), a.attribute_values()))))
            }
            Err(error)
                if error.as_service_error().is_some_and(
                    DescribeDBClusterSnapshotAttributesError::is_db_cluster_snapshot_not_found_fault,
                ) =>
            {
                Ok(Vec::new())
            }
            Err(error) => Err(DESCRIBE_CLUSTER_SNAPSHOT_ATTRIBUTES.failed(error)),
        }
    }
}

fn more(marker: Option<String>) -> Option<String> {
    marker.filter(|marker| !marker.is_empty())
}

fn nothing<T>() -> Page<T> {
    Page { items: Vec::new(), next: None }
}
