"""What boto3 reads of a deployed service through the front door, as JSON.

Usage: third_party.py ENDPOINT ACCOUNT TABLE
"""

import json
import sys

import boto3

REGION = "eu-west-1"
STACK = "tidegate-payments-production"
CONTAINER = "payments"

endpoint, account, table = sys.argv[1:]


def client(service):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        # On the local AWS an access key of twelve digits is the account.
        aws_access_key_id=account,
        aws_secret_access_key="local",
    )


stack = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

ecs = client("ecs")
service = ecs.describe_services(cluster=outputs["ClusterName"], services=[outputs["ServiceArn"]])["services"][0]
task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
images = {container["name"]: container["image"] for container in task["containerDefinitions"]}
primary = next(one for one in service["deployments"] if one["status"] == "PRIMARY")

dynamodb = client("dynamodb")
described = dynamodb.describe_table(TableName=table)["Table"]
items = dynamodb.scan(TableName=table)["Items"]

json.dump(
    {
        "stack": {"name": stack["StackName"], "status": stack["StackStatus"]},
        "image": images[CONTAINER],
        "rollout": primary["rolloutState"],
        "table": {
            "status": described["TableStatus"],
            "keys": [key["AttributeName"] for key in described["KeySchema"]],
            "track": any("payments/production" in item["pk"]["S"] for item in items),
        },
        "topics": [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]],
    },
    sys.stdout,
)
