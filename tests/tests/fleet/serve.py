"""moto, with RDS among others, on a free loopback port until stdin closes. Says {"port": n} on stdout first.

moto's databases are new, restorable just now, and in windows that do not overlap. Each line of stdin changes one:
{"name": …, "createdHours": n, "snapshotHours": n, "restorableMinutes": n or null, "backupWindow": … or null}
or makes a DB subnet group of the default VPC: {"subnetGroup": …}
"""

import datetime
import json
import sys

from moto.ec2.models import ec2_backends
from moto.rds.models import DBCluster, DBInstance, RDSBackend, rds_backends
from moto.server import ThreadedMotoServer

ACCOUNT, REGION = "123456789012", "eu-west-1"
RESTORABLE_MINUTES = {}


def ago(**span):
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - datetime.timedelta(**span)


def latest_restorable_time(database):
    minutes = RESTORABLE_MINUTES.get(database.resource_id, 5)
    return None if minutes is None else ago(minutes=minutes)


DBInstance.latest_restorable_time = property(latest_restorable_time)
DBCluster.latest_restorable_time = property(latest_restorable_time)


RESTORE = RDSBackend.restore_db_instance_to_point_in_time
SWITCHES = ("backup_retention_period", "deletion_protection", "multi_az", "publicly_accessible")


def restore(self, source, target, asked):
    """moto takes over from the original what is asked to be off."""
    copy = RESTORE(self, source, target, asked)
    for switch in SWITCHES:
        if asked.get(switch) is not None:
            setattr(copy, switch, asked[switch])
    return copy


RDSBackend.restore_db_instance_to_point_in_time = restore


def obey(order):
    if "subnetGroup" in order:
        return make_subnet_group(order["subnetGroup"])
    rds, name = rds_backends[ACCOUNT][REGION], order["name"]
    database = rds.databases.get(name) or rds.clusters[name]
    created = ago(hours=order["createdHours"])
    database.created = created
    if isinstance(database, DBInstance):
        database.instance_create_time = created
        snapshots = [s for s in rds.database_snapshots.values() if s.db_instance_identifier == name]
    else:
        database.cluster_create_time = created
        snapshots = [s for s in rds.cluster_snapshots.values() if s.db_cluster_identifier == name]
    for snapshot in snapshots:
        snapshot.created = ago(hours=order["snapshotHours"])
    RESTORABLE_MINUTES[database.resource_id] = order["restorableMinutes"]
    if order["backupWindow"]:
        database.preferred_backup_window = order["backupWindow"]


def make_subnet_group(name):
    subnets = [s for zone in ec2_backends[ACCOUNT][REGION].subnets.values() for s in zone.values()]
    rds_backends[ACCOUNT][REGION].create_subnet_group(name, "isolated", subnets, [])


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print(json.dumps({"port": server.get_host_and_port()[1]}), flush=True)
    for line in sys.stdin:
        try:
            obey(json.loads(line))
            print("{}", flush=True)
        except Exception as failure:  # The test shows it.
            print(json.dumps({"failed": repr(failure)}), flush=True)
    server.stop()


main()
