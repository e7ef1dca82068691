"""What IAM would say: statements of one role against one request. Knows what the templates use, and refuses the rest.

Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

import fnmatch
import re

# Of the account that is asked about, and of an installation in it that uses all that it can be given.
VALUES = {
    "AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012", "AWS::URLSuffix": "amazonaws.com",
    "AdoptedEcsArns": [
        "arn:aws:ecs:eu-west-1:123456789012:service/shop/web",
        "arn:aws:ecs:eu-west-1:123456789012:service-deployment/shop/web/*",
        "arn:aws:ecs:eu-west-1:123456789012:service-revision/shop/web/*",
        "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:*",
    ],
    "AdoptedRoleArns": ["arn:aws:iam::123456789012:role/web"],
    "Cluster": "shop", "Environment": "production", "Service": "payments",
    "SlackBotTokenParameter": "/tidegate-slack/bot-token",
    "SlackSigningSecretParameter": "/tidegate-slack/signing-secret",
    "SlackWebhookParameter": "/hooks/slack",
    "TaskActions": ["dynamodb:*", "s3:*", "secretsmanager:*", "sns:*", "sqs:*", "ssm:*"],
}


def as_list(value):
    return value if isinstance(value, list) else [value]


def texts(value):
    """The strings that a value stands for. What only AWS can say, such as a resource's ARN, stands for itself."""
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    if isinstance(value, str):
        return [value]
    if "Ref" in value:
        return as_list(VALUES.get(value["Ref"], value["Ref"]))
    if "Fn::If" in value:
        return texts(value["Fn::If"][1])
    if "Fn::GetAtt" in value:
        return [".".join(value["Fn::GetAtt"])]
    if isinstance(value.get("Fn::Sub"), str):
        return [re.sub(r"\$\{([^}]+)\}", lambda name: VALUES.get(name[1], name[1]), value["Fn::Sub"])]
    raise ValueError(f"{value} is not understood")


def matches(patterns, value):
    # fnmatch knows [sets], which IAM does not: no name here has one.
    return any(fnmatch.fnmatchcase(value, pattern) for pattern in texts(patterns))


def holds(operator, key, wanted, context):
    wanted = texts(wanted)
    given = context.get(key)
    if operator == "Null":
        return (given is None) == (wanted == ["true"])
    if operator in ("StringEquals", "ArnEquals", "Bool"):
        return given is not None and str(given) in wanted
    if operator == "ForAllValues:StringEquals":
        return all(value in wanted for value in as_list(given or []))
    if operator == "ForAnyValue:StringNotEquals":
        return any(value not in wanted for value in as_list(given or []))
    raise ValueError(f"operator {operator} is not known")


def applies(statement, action, resource, context):
    return (
        matches(statement["Action"], action)
        and matches(statement["Resource"], resource)
        and all(
            holds(operator, key, wanted, context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def allows(statements, action, resource, context):
    """Whether the statements allow the action: one allows it, and none denies it."""
    effects = {s["Effect"] for s in statements if applies(s, action, resource, context)}
    return effects == {"Allow"}
