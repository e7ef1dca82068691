"""What no linter knows about template.yaml and stacks/: nothing is lost in silence, rights stay where they belong.

Each check gives sentences about what is wrong, and none when all is well. templates_check_test.py breaks each once.
"""

import pathlib
import re
import sys

import yaml

import iam

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTIONS = {
    "approval", "backups", "build", "builder", "database", "deployer", "image", "notify", "push", "slack", "stack", "sweep",
}
DEAD_LETTER_RETENTION_SECONDS = 14 * 24 * 3600
ALARM_DESCRIPTION_MAX = 1024
ALARM_SECONDS_MAX = 7 * 24 * 3600  # CloudWatch API, PutMetricAlarm, Period.
ALARM_SECONDS_MAX_OF_SHORT_PERIODS = 24 * 3600
VISIBILITY_TIMEOUTS_MIN = 6  # Lambda's advice, in timeouts of the function that reads the queue.

# Who may do what has consequences. Whoever is not named here may not.
RESERVED_ACTIONS = {
    "codebuild:StartBuild": {"BackupsRole", "BuilderRole"},
    "codebuild:StopBuild": {"BuilderRole"},
    "codebuild:ListBuildsForProject": {"BackupsRole", "BuilderRole"},
    "cloudformation:CreateChangeSet": {"DeployerRole"},
    "cloudformation:ExecuteChangeSet": {"DeployerRole"},
    "cloudformation:DescribeChangeSet": {"DeployerRole"},
    "cloudformation:DeleteChangeSet": {"DeployerRole"},
    "cloudformation:SetStackPolicy": {"DeployerRole"},
    "iam:PassRole": {"BuilderRole", "DeployerRole", "DeployRole", "RoleBoundary"},
    "ecs:RunTask": {"DeployerRole", "RoleBoundary", "ScheduleRole"},
    "ecs:StopTask": {"DeployerRole"},
    "iam:AttachRolePolicy": {"DeployRole"},
    "scheduler:CreateSchedule": {"DeployRole"},
    "scheduler:UpdateSchedule": {"DeployRole"},
    "iam:CreateRole": {"DeployRole"},
    "iam:PutRolePolicy": {"DeployRole"},
    "sns:Publish": {"ApprovalRole", "NotifyRole"},
    "secretsmanager:GetSecretValue": {"ApprovalRole", "DeployRole", "NotifyRole", "RoleBoundary", "TaskExecutionRole"},
    "secretsmanager:DescribeSecret": {"DeployerRole"},
    "lambda:InvokeFunction": {"BackupsRole"},
    "backup:PutRestoreValidationResult": {"BackupsRole"},
    "dynamodb:PutItem": {"BackupsRole", "KeepDatabases", "KeepTracks", "SlackRole", "SweepRole"},
    "dynamodb:UpdateItem": {"KeepTracks"},
    "dynamodb:DeleteItem": set(),
}
# Drills: what tests/templates_check_test.py tries out against the role.
DRILLS = {
    "rds:RestoreDBInstanceToPointInTime": "aws:RequestTag/tidegate:drill",
    "rds:AddTagsToResource": "aws:RequestTag/tidegate:drill",
    "rds:ModifyDBInstance": "aws:ResourceTag/tidegate:drill",
    "rds:DeleteDBInstance": "aws:ResourceTag/tidegate:drill",
}
# What is asked for in the name of a service: what iam.py knows of the account, and one of everything.
ACCOUNT = "eu-west-1:123456789012"
ECS, ROLE = f"arn:aws:ecs:{ACCOUNT}", "arn:aws:iam::123456789012:role"
TASK = f"{ECS}:task/shop/0123456789abcdef"
AS_IT_STARTS, TO_TASKS = {"ecs:CreateAction": "RunTask"}, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
READ_ONLY_WILDCARDS = {"elasticloadbalancing:Describe*", "application-autoscaling:Describe*"}

# A named resource cannot be replaced. These are names that people or Tidegate look up.
NAME_PROPERTIES = {
    "AlarmName", "BucketName", "ClusterName", "DBInstanceIdentifier", "FunctionName", "GroupName", "LogGroupName",
    "ManagedPolicyName", "Name", "QueueName", "RepositoryName", "RoleName", "ServiceName", "TableName", "TopicName",
}
NAMED_ON_PURPOSE = {"DmsLogsRole", "DmsVpcRole", "EnvironmentRecord", "ServiceRecord", "SourceRepository"}
# An endpoint's ServiceName is where it leads, not what it is called.
NAMED_ON_PURPOSE |= {"SecretsEndpoint", "LogsEndpoint"}


class Loader(yaml.SafeLoader):
    """CloudFormation's YAML: short intrinsics become their long forms; aliases, which it does not know, are refused."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError(f"CloudFormation knows no YAML aliases: {self.peek_event().start_mark}")
        return super().compose_node(parent, index)


def intrinsic(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", intrinsic)


def load(path):
    return yaml.load((ROOT / path).read_text(), Loader)


def of_type(template, kind):
    return {name: r for name, r in template["Resources"].items() if r["Type"] == kind}


def target(value):
    """The logical id that a Ref or GetAtt names."""
    if isinstance(value, dict):
        if "Ref" in value:
            return value["Ref"]
        if "Fn::GetAtt" in value:
            return value["Fn::GetAtt"][0]
    return None


def as_list(value):
    return value if isinstance(value, list) else [value]


def every_queue_has_dead_letters_or_alarms(template):
    queues = of_type(template, "AWS::SQS::Queue")
    last_stops = set()
    for name, queue in queues.items():
        properties = queue.get("Properties", {})
        redrive = properties.get("RedrivePolicy")
        if redrive is None:
            last_stops.add(name)
            if properties.get("MessageRetentionPeriod") != DEAD_LETTER_RETENTION_SECONDS:
                yield f"{name} is a last stop but does not keep messages for 14 days"
            continue
        dead = target(redrive["deadLetterTargetArn"])
        if dead not in queues or "RedrivePolicy" in queues[dead].get("Properties", {}):
            yield f"{name} redrives to {dead}, which is no last stop"
        elif properties.get("FifoQueue") != queues[dead]["Properties"].get("FifoQueue"):
            yield f"{name} and {dead} must both be FIFO or neither"
    for name in sorted(last_stops):
        # By these names `tidegate quarantine` finds them, and knows what lies there.
        if not re.fullmatch(r"QuarantineQueue|\w+Failures|\w+DeadLetters", name):
            yield f"{name} is a last stop, but is called neither <Function>Failures nor <Name>DeadLetters"
        comes = {"Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 0}
        if not is_watched(template, name, {"MetricName": "ApproximateNumberOfMessagesVisible", **comes}):
            yield f"{name} is a last stop without an alarm when something comes"
        waits = {"Statistic": "Maximum", "Period": 86400, "EvaluationPeriods": 7, "Threshold": 0}
        if not is_watched(template, name, {"MetricName": "ApproximateNumberOfMessagesVisible", **waits}):
            yield f"{name} is a last stop without an alarm before something is lost"


def is_watched(template, name, wanted):
    """Whether an alarm on the queue or function has all of the wanted properties."""
    return any(
        wanted.items() <= {key: value for key, value in alarm["Properties"].items() if key in wanted}.items()
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if name in [target(dimension["Value"]) for dimension in alarm["Properties"]["Dimensions"]]
    )


def queues_and_tables_are_encrypted_by_aws(template):
    """What .checkov.yaml takes for granted where it asks for no key of one's own."""
    for name, queue in of_type(template, "AWS::SQS::Queue").items():
        if queue["Properties"].get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted"
    for name, table in of_type(template, "AWS::DynamoDB::Table").items():
        if table["Properties"].get("SSESpecification") != {"SSEEnabled": True}:
            yield f"{name} is not encrypted"


def every_queue_that_is_worked_on_has_an_alarm_on_its_age(template):
    queues = of_type(template, "AWS::SQS::Queue")
    for name, queue in queues.items():
        if "RedrivePolicy" not in queue["Properties"]:
            continue
        alarms = [
            alarm["Properties"]["Threshold"]
            for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
            if alarm["Properties"]["MetricName"] == "ApproximateAgeOfOldestMessage"
            and name in [target(dimension["Value"]) for dimension in alarm["Properties"]["Dimensions"]]
        ]
        if not alarms or not min(alarms) < queue["Properties"]["MessageRetentionPeriod"]:
            yield f"{name} has no alarm on the age of its oldest message before that is lost"


def every_function_has_an_alarm_on_its_errors(template):
    for name in of_type(template, "AWS::Serverless::Function"):
        repeated = {"MetricName": "Errors", "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 3, "Threshold": 0}
        if not is_watched(template, name, repeated):
            yield f"{name} has no alarm when it fails again and again"


def every_alarm_tells_people_what_to_do(template):
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        properties = alarm["Properties"]
        for actions in ("AlarmActions", "OKActions"):
            told = [target(action) for action in properties.get(actions, [])]
            if told not in (["NotificationsTopic"], ["NotificationsTopicArn"]):
                yield f"{name} has other {actions} than the notifications topic"
        said = properties.get("AlarmDescription", "")
        if not re.fullmatch(r".+\. Meaning: .+\. To do: .+\.", said) or len(said) > ALARM_DESCRIPTION_MAX:
            yield f"{name} does not say in {ALARM_DESCRIPTION_MAX} characters what happened, what it means and what to do"
        period = period_of(properties)
        seconds = period * properties["EvaluationPeriods"]
        if seconds > (ALARM_SECONDS_MAX if period >= 3600 else ALARM_SECONDS_MAX_OF_SHORT_PERIODS):
            yield f"{name} looks back {seconds} seconds, more than CloudWatch does"


def period_of(alarm):
    """Seconds of an alarm's period, which with metric math stands at its metrics."""
    measured = [metric["MetricStat"]["Period"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
    return max(measured) if measured else alarm["Period"]


def senders_allowed(template, queue):
    """Logical ids of the rules and topics that the queue's policies let send."""
    allowed = set()
    for policy in of_type(template, "AWS::SQS::QueuePolicy").values():
        if queue not in map(target, policy["Properties"]["Queues"]):
            continue
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            for source in as_list(statement["Condition"]["ArnEquals"]["aws:SourceArn"]):
                allowed.add((statement["Principal"]["Service"], target(source)))
    return allowed


def every_event_source_has_retries_and_a_place_to_fail(template):
    queues = of_type(template, "AWS::SQS::Queue")
    timeout_default = template["Globals"]["Function"]["Timeout"]
    for name, function in of_type(template, "AWS::Serverless::Function").items():
        properties = function["Properties"]
        timeout = properties.get("Timeout", timeout_default)
        hears = False
        for event, source in properties.get("Events", {}).items():
            kind, about = source["Type"], source["Properties"]
            if kind == "SQS":
                queue = queues[target(about["Queue"])]["Properties"]
                if about.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                    yield f"{name}.{event} does not report which messages failed"
                if "RedrivePolicy" not in queue:
                    yield f"{name}.{event} reads a queue without dead letters"
                if queue.get("VisibilityTimeout", 30) < VISIBILITY_TIMEOUTS_MIN * timeout:
                    yield f"{name}.{event} reads a queue whose visibility is under {VISIBILITY_TIMEOUTS_MIN} timeouts"
                continue
            hears = True
            if kind in ("EventBridgeRule", "Schedule"):
                if set(about.get("RetryPolicy", {})) != {"MaximumRetryAttempts", "MaximumEventAgeInSeconds"}:
                    yield f"{name}.{event} states no retry policy"
                failures = target(about.get("DeadLetterConfig", {}).get("Arn"))
                sender = ("events.amazonaws.com", f"{name}{event}")
            elif kind == "SNS":
                failures = target(about.get("RedrivePolicy", {}).get("deadLetterTargetArn"))
                sender = ("sns.amazonaws.com", target(about["Topic"]))
            else:
                yield f"{name}.{event} is of type {kind}, which this check does not know"
                continue
            if "InputTransformer" in about or "Input" in about or "InputPath" in about:
                yield f"{name}.{event} alters the event"
            if failures not in queues:
                yield f"{name}.{event} has no queue for what cannot be delivered"
            elif sender not in senders_allowed(template, failures):
                yield f"{failures} does not let {sender[1]} send"
        invoke = properties.get("EventInvokeConfig", {})
        if hears and not (
            invoke.get("MaximumRetryAttempts") == 2
            and 60 <= invoke.get("MaximumEventAgeInSeconds", 0) <= 21600
            and target(invoke.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")) in queues
        ):
            yield f"{name} hears events without retries, their age and a failure queue"


def every_function_has_its_own_role_log_and_code(template):
    roles, logs = of_type(template, "AWS::IAM::Role"), of_type(template, "AWS::Logs::LogGroup")
    taken = set()
    binaries = set()
    for name, function in of_type(template, "AWS::Serverless::Function").items():
        properties = function["Properties"]
        for what, among, id in (
            ("role", roles, target(properties.get("Role"))),
            ("log group", logs, target(properties.get("LoggingConfig", {}).get("LogGroup"))),
        ):
            if id not in among or id in taken:
                yield f"{name} has no {what} of its own"
            taken.add(id)
        log = target(properties.get("LoggingConfig", {}).get("LogGroup"))
        if log in logs and "RetentionInDays" not in logs[log].get("Properties", {}):
            yield f"{name} keeps its log for ever"
        binary = function["Metadata"]["BuildProperties"]["Binary"]
        binaries.add(binary.removeprefix("tidegate-"))
        # In its own folder cargo builds the package alone; at the root it would join every function's SDK clients.
        if properties["CodeUri"] != f"functions/{binary.removeprefix('tidegate-')}":
            yield f"{name} builds {binary} in {properties['CodeUri']}"
    if binaries != FUNCTIONS:
        yield f"functions differ from the expected ones: {sorted(binaries ^ FUNCTIONS)}"


def statements(resource):
    properties = resource["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    documents += [properties["PolicyDocument"]] if resource["Type"] == "AWS::IAM::ManagedPolicy" else []
    for document in documents:
        for statement in document["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def allowing(template):
    """Each name of a role or policy with each statement that allows it something."""
    for name, resource in template["Resources"].items():
        if resource["Type"] in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
            yield from ((name, statement) for statement in statements(resource) if statement["Effect"] == "Allow")


def rights_are_named(template):
    for name, statement in allowing(template):
        if "NotAction" in statement or "NotResource" in statement:
            yield f"{name} allows by exclusion"
        if target(statement.get("Action")) == "TaskActions":
            continue  # Whoever installs says what services may be given, and only the boundary repeats it.
        for action in as_list(statement.get("Action", [])):
            if "*" in action and action not in READ_ONLY_WILDCARDS:
                yield f"{name} allows {action}"


def roles_are_passed_to_named_services_and_made_within_a_boundary(template):
    for name, statement in allowing(template):
        condition = statement.get("Condition", {})
        actions = as_list(statement.get("Action", []))
        if "iam:PassRole" in actions:
            services = condition.get("StringEquals", {}).get("iam:PassedToService")
            if services is None or "*" in str(services):
                yield f"{name} passes roles to any service"
            if statement["Resource"] == "*":
                yield f"{name} passes any role"
        for action in {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"} & set(map(str, actions)):
            if "iam:PermissionsBoundary" not in str(condition):
                yield f"{name} has {action} outside a permissions boundary"


def rights_stay_where_they_belong(template):
    for name, statement in allowing(template):
        condition = str(statement.get("Condition"))
        for action in map(str, as_list(statement.get("Action", []))):
            if name not in RESERVED_ACTIONS.get(action, {name}):
                yield f"{name} may not have {action}"
            if action.startswith("rds:") and not action.startswith("rds:Describe"):
                if name != "BackupsRole" or statement.get("Condition", {}).get("Null", {}).get(DRILLS.get(action)) != "false":
                    yield f"{name} may change databases: {action}"
            if name == "BackupsRole" and action == "dynamodb:PutItem" and "'DRILLS'" not in condition:
                yield "BackupsRole writes more than drills"
            if name == "BackupsRole" and action == "codebuild:StartBuild" and "tidegate-drill-check-*" not in str(statement["Resource"]):
                yield "BackupsRole starts builds that are no checks of drills"
            if action == "lambda:InvokeFunction" and "function:tidegate-drill-check-*" not in str(statement["Resource"]):
                yield f"{name} calls functions that are no checks of drills"
            if name == "KeepDatabases" and action == "dynamodb:PutItem" and "'DATABASES'" not in condition:
                yield "KeepDatabases writes more than databases"
            if name == "DeployerRole" and action == "ecs:RunTask" and "tidegate-*" not in str(statement["Resource"]):
                yield "DeployerRole runs tasks that are not ours"
            if action == "ecs:StopTask" and "aws:ResourceTag/tidegate-errand" not in condition:
                yield f"{name} stops tasks that are not its own"
            if name == "SweepRole" and action == "dynamodb:PutItem" and "'PATROL'" not in condition:
                yield "SweepRole writes more than its own patrol"
            if name == "SlackRole" and action == "dynamodb:PutItem" and "'SEEN#*'" not in condition:
                yield "SlackRole writes more than which requests it took"


def refused(template, role, requests):
    """A sentence for each request that the role does not allow: action, resource, and what comes with it."""
    allowed = list(statements(template["Resources"][role]))
    for action, resource, context in requests:
        if not iam.allows(allowed, action, resource, context):
            yield f"{role} is refused {action} on {resource}"


def errands_are_run_read_and_stopped(template):
    # In a family that ends in their kind, and with a tag that is their kind: shared/engine/src/errands.rs.
    kinds = re.findall(r'ErrandKind::\w+ => "(\w+)"', (ROOT / "shared/model/src/release.rs").read_text())
    if not kinds:
        yield "shared/model/src/release.rs names no kinds of errands"
    log = f"arn:aws:logs:{ACCOUNT}:log-group:service-base-payments-TaskLogs-0123"
    for kind in kinds:
        family = f"{ECS}:task-definition/tidegate-payments-production-{kind}"
        yield from refused(template, "DeployerRole", [
            ("ecs:RegisterTaskDefinition", f"{family}:*", {}),
            ("ecs:TagResource", f"{family}:*", {}),
            ("ecs:RunTask", f"{family}:1", {}),
            ("ecs:TagResource", TASK, AS_IT_STARTS),
            ("ecs:ListTasks", "*", {}),
            ("ecs:DescribeTasks", TASK, {}),
            ("ecs:StopTask", TASK, {"aws:ResourceTag/tidegate-errand": kind}),
            ("logs:GetLogEvents", f"{log}:log-stream:{kind}/payments/0123456789abcdef", {}),
            *(("iam:PassRole", f"{ROLE}/{role}", TO_TASKS) for role in ("tidegate/task/start", "tidegate/service/run", "web")),
        ])


def adopted_services_are_looked_at(template):
    """By their own names, which no pattern of ours knows."""
    for role in ("StackRole", "DeployerRole"):
        yield from refused(template, role, [("ecs:DescribeServices", f"{ECS}:service/shop/web", {})])
    yield from refused(template, "DeployerRole", [("ecs:DescribeServiceRevisions", f"{ECS}:service-revision/shop/web/1", {})])


def jobs_are_run(template):
    """By the schedule's role, within the boundary. ECS asks about the tags that a run takes over as it starts."""
    run, tag = "ecs:RunTask", ("ecs:TagResource", TASK, AS_IT_STARTS)
    if "RoleBoundary" in template["Resources"]:
        definition = f"{ECS}:task-definition/tidegate-payments-production:1"
        yield from refused(template, "RoleBoundary", [(run, definition, {}), tag])
    else:
        yield from refused(template, "ScheduleRole", [(run, "TaskDefinition", {}), tag])


# Of the resources below, what names them in a policy, and an action that reads or changes them.
TIDEGATES_OWN = {
    "AWS::DynamoDB::Table": ("{}.Arn", "dynamodb:PutItem"),
    "AWS::S3::Bucket": ("{}.Arn/stacks/service.yaml", "s3:PutObject"),
    "AWS::SecretsManager::Secret": ("{}", "secretsmanager:GetSecretValue"),
    "AWS::SNS::Topic": ("{}", "sns:Publish"),
    "AWS::SQS::Queue": ("{}.Arn", "sqs:SendMessage"),
}
RECORDS_AND_TOKENS = ["/tidegate/people", "/tidegate-slack/bot-token", "/tidegate-slack/signing-secret", "/hooks/slack"]


def parameter(name):
    return f"arn:aws:ssm:{ACCOUNT}:parameter{name}"


def services_never_reach_what_is_tidegates(template):
    """Whatever a service may be given: iam.py gives it all of these services."""
    boundary = list(statements(template["Resources"]["RoleBoundary"]))
    own = [("ssm:GetParameters", parameter(name)) for name in RECORDS_AND_TOKENS]
    for kind, (named, action) in TIDEGATES_OWN.items():
        own += [(action, named.format(name)) for name in of_type(template, kind)]
    own.append(("dynamodb:Query", "Table.Arn/index/due"))
    for action, resource in own:
        if iam.allows(boundary, action, resource, {}):
            yield f"RoleBoundary lets services have {action} on {resource}"
    theirs = [("ssm:GetParameters", parameter("/payments/level")), ("sqs:SendMessage", f"arn:aws:sqs:{ACCOUNT}:payments")]
    yield from refused(template, "RoleBoundary", [(action, resource, {}) for action, resource in theirs])


def references_are_resolved(template):
    """What a config's Parameters may name, shared/config/src/dynamic.rs, CloudFormation reads as the deploy role."""
    secret = f"arn:aws:secretsmanager:{ACCOUNT}:secret"
    by_the_key = {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}
    yield from refused(template, "DeployRole", [
        ("ssm:GetParameters", parameter("/payments/level"), {}),
        ("ssm:GetParameters", parameter("/payments/deep/level"), {}),
        ("secretsmanager:GetSecretValue", f"{secret}:payments/db-a1b2c3", {}),
        ("kms:Decrypt", f"arn:aws:kms:{ACCOUNT}:key/0123", by_the_key),
    ])
    if "RoleBoundary" in template["Resources"]:
        role = list(statements(template["Resources"]["DeployRole"]))
        own = [("ssm:GetParameters", parameter(name)) for name in RECORDS_AND_TOKENS]
        for action, resource in [*own, ("secretsmanager:GetSecretValue", "ReplySecret")]:
            if iam.allows(role, action, resource, {}):
                yield f"DeployRole would put {resource} into a stack"


def deployments_make_and_delete_logs_of_services_alone(template):
    def logs(group):
        return f"arn:aws:logs:{ACCOUNT}:log-group:{group}-AbCdEfGhIjKl"

    for action in ("logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:DeleteLogGroup"):
        yield from refused(template, "DeployRole", [(action, logs("tidegate-payments-production-Logs"), {})])
    role = list(statements(template["Resources"]["DeployRole"]))
    for name in of_type(template, "AWS::Logs::LogGroup"):
        # Under the stack name that README.md gives it.
        if iam.allows(role, "logs:DeleteLogGroup", logs(f"tidegate-{name}"), {}):
            yield f"DeployRole may delete {name}"


def builds_run_only_what_the_template_says(template):
    for role in ("BuilderRole", "BackupsRole"):
        denied = set()
        for statement in statements(template["Resources"][role]):
            if statement["Effect"] == "Deny" and statement["Action"] == "codebuild:StartBuild":
                denied |= set(statement["Condition"].get("Null", {}))
        for key in ("codebuild:source.buildspec", "codebuild:environment.image", "codebuild:environment.privilegedMode"):
            if key not in denied:
                yield f"{role} may override {key}"
    buildspec = yaml.safe_load(template["Resources"]["BuildProject"]["Properties"]["Source"]["BuildSpec"])
    if buildspec["env"]["exported-variables"] != ["TIDEGATE_DIGEST"]:
        yield "the buildspec does not export TIDEGATE_DIGEST"


def builds_start_the_daemon_that_an_image_of_ones_own_brings(template):
    for name, project in of_type(template, "AWS::CodeBuild::Project").items():
        buildspec = yaml.safe_load(project["Properties"]["Source"]["BuildSpec"])
        if "start-docker" not in buildspec["phases"]["pre_build"]["commands"][0]:
            yield f"{name} calls docker before start-docker of build-image/"


def silence_is_told(template, alarm, function, within_s):
    alarm = template["Resources"].get(alarm, {}).get("Properties", {})
    return (
        alarm.get("TreatMissingData") == "breaching"
        and (alarm.get("MetricName"), alarm.get("Statistic"), alarm.get("Threshold")) == ("Errors", "Minimum", 0)
        and alarm.get("ComparisonOperator") == "GreaterThanThreshold"
        and target(alarm["Dimensions"][0]["Value"]) == function
        and alarm.get("Period", 0) * alarm.get("EvaluationPeriods", 0) <= within_s
        and alarm.get("AlarmActions")
    )


def the_sweep_is_missed_when_it_is_silent(template):
    if not silence_is_told(template, "SweepSilenceAlarm", "SweepFunction", 600):
        yield "no alarm tells within ten minutes that the sweep is silent"


def a_look_at_the_databases_is_missed(template):
    if not silence_is_told(template, "BackupsSilenceAlarm", "BackupsFunction", 3600):
        yield "no alarm tells within an hour that nobody looks at the databases"


def runs_that_could_not_be_started_are_told(template):
    """Source: EventBridge Scheduler user guide, "Monitoring with CloudWatch". Schedules of jobs name no group of their own."""
    alarm = template["Resources"].get("JobRunsAlarm", {}).get("Properties", {})
    if not (
        (alarm.get("Namespace"), alarm.get("MetricName")) == ("AWS/Scheduler", "InvocationDroppedCount")
        and alarm.get("Dimensions") == [{"Name": "ScheduleGroup", "Value": "default"}]
        and (alarm.get("Statistic"), alarm.get("Threshold")) == ("Sum", 0)
    ):
        yield "no alarm tells of a job's run that could not be started"


def nothing_functional_is_named(template):
    for name, resource in template["Resources"].items():
        named = NAME_PROPERTIES & set(resource.get("Properties", {}))
        if named and name not in NAMED_ON_PURPOSE:
            yield f"{name} has an explicit {', '.join(sorted(named))}, which blocks its replacement"


def roles_of_stacks_are_bounded(template):
    for name, role in of_type(template, "AWS::IAM::Role").items():
        properties = role["Properties"]
        if properties.get("Path") != "/tidegate/service/" or target(properties.get("PermissionsBoundary")) is None:
            yield f"{name} is outside /tidegate/service/ or has no permissions boundary"


def a_service_keeps_its_running_count_and_gives_up_bad_deployments(template):
    service = template["Resources"]["EcsService"]["Properties"]
    # Only a rolling deployment has one; ECS itself rolls the others back.
    breaker = {"Fn::If": ["Shifts", {"Ref": "AWS::NoValue"}, {"Enable": True, "Rollback": True}]}
    if service["DeploymentConfiguration"].get("DeploymentCircuitBreaker") != breaker:
        yield "EcsService has no circuit breaker with rollback"
    if service.get("DesiredCount") != {"Fn::If": ["TwoTasks", 2, {"Ref": "AWS::NoValue"}]}:
        yield "EcsService states a count that an update would reset"


def only_untagged_images_expire(template):
    text = template["Resources"]["ImageRepository"]["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"]
    for rule in yaml.safe_load(text)["rules"]:
        if rule["selection"]["tagStatus"] != "untagged":
            yield f"ImageRepository expires images that may be live: {rule['selection']}"


CHECKS = {
    "template.yaml": [
        every_queue_has_dead_letters_or_alarms,
        every_queue_that_is_worked_on_has_an_alarm_on_its_age,
        queues_and_tables_are_encrypted_by_aws,
        every_function_has_an_alarm_on_its_errors,
        every_alarm_tells_people_what_to_do,
        every_event_source_has_retries_and_a_place_to_fail,
        every_function_has_its_own_role_log_and_code,
        rights_are_named,
        rights_stay_where_they_belong,
        roles_are_passed_to_named_services_and_made_within_a_boundary,
        errands_are_run_read_and_stopped,
        adopted_services_are_looked_at,
        services_never_reach_what_is_tidegates,
        references_are_resolved,
        deployments_make_and_delete_logs_of_services_alone,
        jobs_are_run,
        builds_run_only_what_the_template_says,
        builds_start_the_daemon_that_an_image_of_ones_own_brings,
        the_sweep_is_missed_when_it_is_silent,
        a_look_at_the_databases_is_missed,
        runs_that_could_not_be_started_are_told,
        nothing_functional_is_named,
    ],
    "stacks/cluster.yaml": [nothing_functional_is_named],
    "stacks/service-base.yaml": [
        nothing_functional_is_named,
        rights_are_named,
        rights_stay_where_they_belong,
        only_untagged_images_expire,
    ],
    "stacks/service.yaml": [
        nothing_functional_is_named,
        roles_are_passed_to_named_services_and_made_within_a_boundary,
        roles_of_stacks_are_bounded,
        jobs_are_run,
        a_service_keeps_its_running_count_and_gives_up_bad_deployments,
    ],
}


def main(checks_of):
    unknown = {f"stacks/{path.name}" for path in (ROOT / "stacks").glob("*.yaml")} - set(checks_of)
    faults = [f"{path} has no checks: name it in CHECKS" for path in sorted(unknown)]
    for path, checks in checks_of.items():
        template = load(path)
        for check in checks:
            faults += [f"{path}: {fault}" for fault in check(template)]
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"{sum(map(len, checks_of.values()))} checks of {len(checks_of)} templates passed")
    return 1 if faults else 0


if __name__ == "__main__":
    import stacks_check

    sys.exit(main({**CHECKS, **stacks_check.CHECKS}))
