//! What RDS answers and the emulator does not know: it has no automated backups, so there are none to tell of.

use crate::stand_in::{Answer, Call};

pub(crate) fn answer(call: &Call) -> Option<Answer> {
    (call.action == "DescribeDBInstanceAutomatedBackups").then(|| Answer {
        status: 200,
        content_type: "text/xml",
        headers: Vec::new(),
        body:
            "<DescribeDBInstanceAutomatedBackupsResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
               <DescribeDBInstanceAutomatedBackupsResult><DBInstanceAutomatedBackups/>\
               </DescribeDBInstanceAutomatedBackupsResult></DescribeDBInstanceAutomatedBackupsResponse>"
                .into(),
    })
}
