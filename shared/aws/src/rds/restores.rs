//! What drills ask of RDS: one new instance, its password, and its end.

use aws_sdk_rds::error::ProvideErrorMetadata;
use aws_sdk_rds::operation::delete_db_instance::DeleteDBInstanceError;
use aws_sdk_rds::operation::describe_db_instances::DescribeDBInstancesError;
use aws_sdk_rds::operation::modify_db_instance::ModifyDBInstanceError;
use aws_sdk_rds::operation::restore_db_instance_to_point_in_time::RestoreDBInstanceToPointInTimeError;
use aws_sdk_rds::primitives::DateTime;
use aws_sdk_rds::types::Tag;
use databases::drill::{Instance, Order, Ours, TAG};
use engine::failure::Failure;
use engine::ports::Restores;

use super::{DESCRIBE_INSTANCES, read};
use crate::Aws;
use crate::failure::Call;

const RESTORE: Call = Call::changes("rds RestoreDBInstanceToPointInTime");
const MODIFY: Call = Call::changes("rds ModifyDBInstance");
const DELETE: Call = Call::changes("rds DeleteDBInstance");

impl Restores for Aws {
    async fn instance(&self, name: &str) -> Result<Option<Instance>, Failure> {
        match self.rds.describe_db_instances().db_instance_identifier(name).send().await {
            Ok(answer) => {
                let read = answer.db_instances().first().map(read::drilled).transpose();
                read.map_err(|why| DESCRIBE_INSTANCES.refused(why))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DescribeDBInstancesError::is_db_instance_not_found_fault) =>
            {
                Ok(None)
            }
            Err(error) => Err(DESCRIBE_INSTANCES.failed(error)),
        }
    }

    async fn restore(&self, order: &Order) -> Result<(), Failure> {
        // Milliseconds since 1970 fit an i64 for longer than any calendar.
        let to = order.to.map(|to| DateTime::from_millis(i64::try_from(to.0).unwrap_or(i64::MAX)));
        let sent = self
            .rds
            .restore_db_instance_to_point_in_time()
            .source_db_instance_identifier(&order.source)
            .target_db_instance_identifier(order.drill.copy())
            .use_latest_restorable_time(to.is_none())
            .set_restore_time(to)
            .db_instance_class(&order.class)
            .db_subnet_group_name(&order.subnet_group)
            .vpc_security_group_ids(&order.security_group)
            .set_db_parameter_group_name(order.parameter_group.clone())
            .set_option_group_name(order.option_group.clone())
            .set_multi_az(order.multi_az)
            .publicly_accessible(false)
            .auto_minor_version_upgrade(false)
            .copy_tags_to_snapshot(false)
            .deletion_protection(false)
            .backup_retention_period(0)
            .tags(Tag::builder().key(TAG).value(order.drill.as_str()).build())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(
                    RestoreDBInstanceToPointInTimeError::is_db_instance_already_exists_fault,
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(RESTORE.failed(error)),
        }
    }

    async fn renew_password(&self, copy: &Ours) -> Result<(), Failure> {
        let sent = self
            .rds
            .modify_db_instance()
            .db_instance_identifier(copy.name())
            .manage_master_user_password(true)
            .apply_immediately(true)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(ModifyDBInstanceError::is_invalid_db_instance_state_fault) =>
            {
                Err(MODIFY.no_capacity(error.message().unwrap_or("the copy is busy").to_owned()))
            }
            Err(error) => Err(MODIFY.failed(error)),
        }
    }

    async fn delete_copy(&self, copy: &Ours) -> Result<(), Failure> {
        let sent = self
            .rds
            .delete_db_instance()
            .db_instance_identifier(copy.name())
            .skip_final_snapshot(true)
            .delete_automated_backups(true)
            .send()
            .await;
        let Err(error) = sent else { return Ok(()) };
        match error.as_service_error() {
            Some(DeleteDBInstanceError::DbInstanceNotFoundFault(_)) => Ok(()),
            Some(DeleteDBInstanceError::InvalidDbInstanceStateFault(busy)) => {
                Err(DELETE.no_capacity(busy.message().unwrap_or("the copy is busy").to_owned()))
            }
            _ => Err(DELETE.failed(error)),
        }
    }
}
