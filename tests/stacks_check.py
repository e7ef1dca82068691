"""What no linter knows about the stacks that stand beside Tidegate: a pipeline, a database, a migration."""

import json
import re

import yaml

from templates_check import (
    as_list,
    builds_start_the_daemon_that_an_image_of_ones_own_brings,
    every_alarm_tells_people_what_to_do,
    is_watched,
    load,
    nothing_functional_is_named,
    of_type,
    references_are_resolved,
    rights_are_named,
    roles_are_passed_to_named_services_and_made_within_a_boundary,
    statements,
    target,
)

BACKUP_RETENTION_DAYS_MIN = 7
RDS_WINDOW_MINUTES_MIN = 30  # RDS user guide, "Backup window".
PIPELINE_OVERRIDES_BARE_MAX = 300  # Of CodePipeline's kilobyte; ARNs and a digest need the rest.


def a_pipeline_has_four_stages_and_polls_nothing(template):
    stages = template["Resources"]["Pipeline"]["Properties"]["Stages"]
    providers = [[action["ActionTypeId"]["Provider"] for action in stage["Actions"]] for stage in stages]
    if providers != [["CodeCommit", "S3"], ["CodeBuild"], ["Manual"], ["CloudFormation"]]:
        yield f"Pipeline is not source, build, approval, deploy: {providers}"
    for action in stages[0]["Actions"]:
        if action["Configuration"].get("PollForSourceChanges") is not False:
            yield f"Pipeline polls {action['Name']}"


def a_pipeline_deploys_what_its_build_made_with_what_the_template_asks_for(template):
    deploy = template["Resources"]["Pipeline"]["Properties"]["Stages"][-1]["Actions"][0]["Configuration"]
    text = deploy["ParameterOverrides"]["Fn::Sub"][0]
    given, known = json.loads(text), load("stacks/service.yaml")["Parameters"]
    for name in sorted(set(given) - set(known)):
        yield f"Pipeline gives {name}, which stacks/service.yaml does not know"
    for name in sorted(name for name, about in known.items() if "Default" not in about and name not in given):
        yield f"Pipeline does not give {name}, which stacks/service.yaml asks for"
    buildspec = yaml.safe_load(template["Resources"]["BuildProject"]["Properties"]["Source"]["BuildSpec"])
    if [given.get("Image")] != [f"#{{Build.{name}}}" for name in buildspec["env"]["exported-variables"]]:
        yield "Pipeline does not deploy the image that its build exports"
    bare = len(re.sub(r"\$\{\w+\}", "", text))
    if bare > PIPELINE_OVERRIDES_BARE_MAX:
        yield f"Pipeline's overrides leave too little room for their values: they have {bare} characters without them"


# A pipeline deploys a stack that it made, and resolves what is under its service's own name.
TIDEGATES_ALONE = {"AdoptedServices", "AdoptedRoles", "NeverTidegatesOwn"}


def a_pipeline_may_deploy_what_tidegate_may(template):
    def actions(of):
        return {statement["Sid"]: as_list(statement["Action"]) for statement in statements(of["Resources"]["DeployRole"])}

    ours, tidegates = actions(template), actions(load("template.yaml"))
    for sid in sorted((set(ours) | set(tidegates)) - TIDEGATES_ALONE):
        if ours.get(sid) != tidegates.get(sid):
            yield f"DeployRole's {sid} differs from that of template.yaml"


def every_rule_that_fails_is_told(template):
    for name in of_type(template, "AWS::Events::Rule"):
        if not is_watched(template, name, {"MetricName": "FailedInvocations", "Statistic": "Sum", "Threshold": 0}):
            yield f"{name} has no alarm when it cannot reach its target"


def failures_are_told_in_words(template):
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        for about in rule["Properties"]["Targets"]:
            if target(about["Arn"]) == "NotificationsTopicArn" and "InputTemplate" not in about.get("InputTransformer", {}):
                yield f"{name} tells people raw JSON"


def minutes(window):
    """A daily or weekly window, as the minutes of a day in which it begins and ends."""
    return [60 * int(hour) + int(minute) for hour, minute in re.findall(r"(\d\d):(\d\d)", window)]


def a_database_keeps_its_data(template):
    wanted = {
        "BackupRetentionPeriod": {"Ref": "BackupRetentionDays"},
        "DeleteAutomatedBackups": False,
        "DeletionProtection": True,
        "ManageMasterUserPassword": True,
        "MultiAZ": True,
        "PubliclyAccessible": False,
        "StorageEncrypted": True,
    }
    for name, database in of_type(template, "AWS::RDS::DBInstance").items():
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if database.get(policy) != "Snapshot":
                yield f"{name} leaves no snapshot: its {policy} is {database.get(policy)}"
        for key, value in wanted.items():
            if database["Properties"].get(key) != value:
                yield f"{name} has {key} {database['Properties'].get(key)} instead of {value}"
    parameters = template["Parameters"]
    if parameters["BackupRetentionDays"].get("MinValue", 0) < BACKUP_RETENTION_DAYS_MIN:
        yield f"a database may keep backups for less than {BACKUP_RETENTION_DAYS_MIN} days"
    backup, maintenance = (minutes(parameters[window]["Default"]) for window in ("BackupWindow", "MaintenanceWindow"))
    if min(end - begin for begin, end in (backup, maintenance)) < RDS_WINDOW_MINUTES_MIN:
        yield f"a window is shorter than {RDS_WINDOW_MINUTES_MIN} minutes, or passes midnight"
    if backup[0] < maintenance[1] and maintenance[0] < backup[1]:
        yield "the backup window meets the maintenance window"


def databases_are_reached_by_security_group_only(template):
    for name, group in of_type(template, "AWS::EC2::SecurityGroup").items():
        for rule in group["Properties"].get("SecurityGroupIngress", []):
            if "SourceSecurityGroupId" not in rule:
                yield f"{name} lets in more than one security group"


def a_migration_is_private_and_drops_nothing(template):
    for name, instance in of_type(template, "AWS::DMS::ReplicationInstance").items():
        if instance["Properties"].get("PubliclyAccessible") is not False:
            yield f"{name} is public"
    for name, endpoint in of_type(template, "AWS::DMS::Endpoint").items():
        given_away = {"Username", "Password", "ServerName"} & set(endpoint["Properties"])
        if given_away or "SecretsManagerSecretId" not in str(endpoint):
            yield f"{name} takes its credentials from elsewhere than Secrets Manager"
    for name, task in of_type(template, "AWS::DMS::ReplicationTask").items():
        settings = json.loads(task["Properties"]["ReplicationTaskSettings"])
        if settings["FullLoadSettings"]["TargetTablePrepMode"] != "DO_NOTHING":
            yield f"{name} drops or empties the target's tables"
        if settings["TargetMetadata"]["LimitedSizeLobMode"]:
            yield f"{name} cuts large values"
    json.loads(template["Parameters"]["TableMappings"]["Default"])


# Everything else that a network may hold leads somewhere, or is made by somebody else.
DRILL_NETWORK = {
    "AWS::EC2::VPC",
    "AWS::EC2::Subnet",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::VPCEndpoint",
    "AWS::RDS::DBSubnetGroup",
}


def a_drill_s_network_leads_nowhere(template):
    for name, resource in template["Resources"].items():
        if resource["Type"] not in DRILL_NETWORK:
            yield f"{name} is an {resource['Type']}, which the network of drills has none of"
    for name, subnet in of_type(template, "AWS::EC2::Subnet").items():
        if subnet["Properties"].get("MapPublicIpOnLaunch"):
            yield f"{name} gives public addresses"
    for name, endpoint in of_type(template, "AWS::EC2::VPCEndpoint").items():
        for statement in endpoint["Properties"].get("PolicyDocument", {}).get("Statement", [{}]):
            own = {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
            if statement.get("Resource", "*") == "*" or statement.get("Condition") != own:
                yield f"{name} lets out more than checks need"


CHECKS = {
    "stacks/drills.yaml": [
        nothing_functional_is_named,
        databases_are_reached_by_security_group_only,
        a_drill_s_network_leads_nowhere,
    ],
    "stacks/database.yaml": [
        nothing_functional_is_named,
        every_alarm_tells_people_what_to_do,
        a_database_keeps_its_data,
        databases_are_reached_by_security_group_only,
    ],
    "stacks/migration.yaml": [
        nothing_functional_is_named,
        rights_are_named,
        every_alarm_tells_people_what_to_do,
        databases_are_reached_by_security_group_only,
        a_migration_is_private_and_drops_nothing,
    ],
    "stacks/pipeline.yaml": [
        nothing_functional_is_named,
        rights_are_named,
        roles_are_passed_to_named_services_and_made_within_a_boundary,
        every_alarm_tells_people_what_to_do,
        every_rule_that_fails_is_told,
        failures_are_told_in_words,
        a_pipeline_has_four_stages_and_polls_nothing,
        a_pipeline_deploys_what_its_build_made_with_what_the_template_asks_for,
        a_pipeline_may_deploy_what_tidegate_may,
        references_are_resolved,
        builds_start_the_daemon_that_an_image_of_ones_own_brings,
    ],
}
