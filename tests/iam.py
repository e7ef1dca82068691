"""What IAM would say: statements of one role against one request. Knows what the templates use, and refuses the rest.

Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

import fnmatch
import re

PSEUDO = {
    "AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012", "AWS::URLSuffix": "amazonaws.com",
}


def as_list(value):
    return value if isinstance(value, list) else [value]


def text(value):
    """A string, or a `!Sub` of pseudo parameters; a `!GetAtt` of some resource matches nothing that is asked about."""
    if isinstance(value, str):
        return value
    if "Fn::Sub" in value and isinstance(value["Fn::Sub"], str):
        return re.sub(r"\$\{([^}]+)\}", lambda name: PSEUDO[name[1]], value["Fn::Sub"])
    if "Fn::GetAtt" in value or "Ref" in value:
        return f"an attribute of {value}"
    raise ValueError(f"{value} is not understood")


def matches(patterns, value):
    # fnmatch knows [sets], which IAM does not: no name here has one.
    return any(fnmatch.fnmatchcase(value, text(pattern)) for pattern in as_list(patterns))


def holds(operator, key, wanted, context):
    wanted = [text(value) for value in as_list(wanted)]
    given = context.get(key)
    if operator == "Null":
        return (given is None) == (wanted == ["true"])
    if operator in ("StringEquals", "Bool"):
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
