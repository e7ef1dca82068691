"""Breaks the templates once for every fault that templates_check.py looks for, and expects it to be found."""

import copy
import unittest

import yaml

import iam
import stacks_check
import templates_check as check

CHECKS = {**check.CHECKS, **stacks_check.CHECKS}

APP, SERVICE, BASE = "template.yaml", "stacks/service.yaml", "stacks/service-base.yaml"
PIPELINE, DATABASE, MIGRATION = "stacks/pipeline.yaml", "stacks/database.yaml", "stacks/migration.yaml"
DRILLS = "stacks/drills.yaml"


def properties(template, name):
    return template["Resources"][name]["Properties"]


def event(template, function, name):
    return properties(template, function)["Events"][name]["Properties"]


def allow(template, role, action):
    properties(template, role)["Policies"][0]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": action, "Resource": "*"}
    )


def document(template, name):
    """The policy of a role, or of a managed policy."""
    about = properties(template, name)
    return about["PolicyDocument"] if "PolicyDocument" in about else about["Policies"][0]["PolicyDocument"]


def drop_statement(template, name, sid):
    policy = document(template, name)
    policy["Statement"] = [s for s in policy["Statement"] if s.get("Fn::If", [None, s])[1].get("Sid") != sid]


def edit_buildspec(template):
    source = properties(template, "BuildProject")["Source"]
    source["BuildSpec"] = source["BuildSpec"].replace("- TIDEGATE_DIGEST\n", "- SOMETHING_ELSE\n")


def forget_the_daemon(template):
    source = properties(template, "BuildProject")["Source"]
    source["BuildSpec"] = source["BuildSpec"].replace("start-docker", "true")


def rename_last_stop(template):
    template["Resources"]["PushLosses"] = template["Resources"].pop("PushFailures")


def statement(template, name, sid):
    return next(s for s in document(template, name)["Statement"] if s.get("Sid") == sid)


def action(template, stage, number):
    return properties(template, "Pipeline")["Stages"][stage]["Actions"][number]


def edit_overrides(template, before, after):
    overrides = action(template, -1, 0)["Configuration"]["ParameterOverrides"]["Fn::Sub"]
    overrides[0] = overrides[0].replace(before, after)


def ingress(template):
    return properties(template, "SecurityGroup")["SecurityGroupIngress"]


def forget_secrets(template):
    for engine in ("MicrosoftSqlServerSettings", "PostgreSqlSettings"):
        properties(template, "Target").pop(engine)


def look_back_for_days(template):
    properties(template, "FreeStorageAlarm")["Metrics"][0]["MetricStat"]["Period"] = 3 * 86400


def edit_task(template, before, after):
    task = properties(template, "Task")
    task["ReplicationTaskSettings"] = task["ReplicationTaskSettings"].replace(before, after)


def expire_tagged(template):
    policy = properties(template, "ImageRepository")["LifecyclePolicy"]
    policy["LifecyclePolicyText"] = policy["LifecyclePolicyText"].replace('"untagged"', '"any"')


def drop_leading_keys(template):
    properties(template, "KeepDatabases")["PolicyDocument"]["Statement"][0].pop("Condition")


FAULTS = [
    (APP, lambda t: properties(t, "BuilderQueue").pop("RedrivePolicy"), "BuilderQueue is a last stop"),
    (APP, lambda t: properties(t, "BuilderQueue").pop("RedrivePolicy"), "reads a queue without dead letters"),
    (APP, lambda t: t["Resources"].pop("PushFailuresAlarm"), "PushFailures is a last stop without an alarm when something comes"),
    (APP, lambda t: t["Resources"].pop("QuarantineQueueWaitsAlarm"), "QuarantineQueue is a last stop without an alarm before"),
    (APP, lambda t: properties(t, "StackFailuresWaitsAlarm").update(Period=60), "StackFailures is a last stop without an alarm before"),
    (APP, rename_last_stop, "PushLosses is a last stop, but is called neither"),
    (APP, lambda t: t["Resources"].pop("NotifyQueueAgeAlarm"), "NotifyQueue has no alarm on the age"),
    (APP, lambda t: properties(t, "PatrolQueueAgeAlarm").update(Threshold=3600), "PatrolQueue has no alarm on the age"),
    (APP, lambda t: t["Resources"].pop("StackErrorsAlarm"), "StackFunction has no alarm when it fails again"),
    (APP, lambda t: properties(t, "QuarantineQueueAlarm").pop("AlarmActions"), "has other AlarmActions than"),
    (APP, lambda t: properties(t, "PushErrorsAlarm").update(AlarmDescription="push failed."), "PushErrorsAlarm does not say"),
    (APP, lambda t: properties(t, "PushFailuresWaitsAlarm").update(EvaluationPeriods=8), "more than CloudWatch does"),
    (APP, lambda t: properties(t, "NotifyDeadLetters").pop("FifoQueue"), "must both be FIFO"),
    (APP, lambda t: properties(t, "StackFailures").update(MessageRetentionPeriod=60), "does not keep messages"),
    (APP, lambda t: event(t, "BuilderFunction", "Work").pop("FunctionResponseTypes"), "which messages failed"),
    (APP, lambda t: properties(t, "DeployerFunction").update(Timeout=60), "visibility is under 6 timeouts"),
    (APP, lambda t: event(t, "PushFunction", "BranchMoved").pop("RetryPolicy"), "states no retry policy"),
    (APP, lambda t: event(t, "StackFunction", "StackMoved").pop("DeadLetterConfig"), "cannot be delivered"),
    (APP, lambda t: event(t, "ApprovalFunction", "Replied").pop("RedrivePolicy"), "cannot be delivered"),
    (APP, lambda t: event(t, "ImageFunction", "ImagePushed").update(InputPath="$.detail"), "alters the event"),
    (APP, lambda t: t["Resources"].pop("BuildFailuresPolicy"), "does not let BuildFunctionBuildOver send"),
    (APP, lambda t: properties(t, "SweepFunction").pop("EventInvokeConfig"), "without retries, their age"),
    (APP, lambda t: properties(t, "PushFunction").update(Role={"Fn::GetAtt": ["StackRole", "Arn"]}), "has no role of its own"),
    (APP, lambda t: properties(t, "PushFunction").pop("LoggingConfig"), "PushFunction has no log group of its own"),
    (APP, lambda t: properties(t, "PushLogs").pop("RetentionInDays"), "keeps its log for ever"),
    (APP, lambda t: properties(t, "PushFunction").update(CodeUri="."), "PushFunction builds tidegate-push in ."),
    (APP, lambda t: t["Resources"].pop("NotifyFunction"), "functions differ from the expected ones"),
    (APP, lambda t: allow(t, "PushRole", "codebuild:StartBuild"), "PushRole may not have codebuild:StartBuild"),
    (APP, lambda t: allow(t, "ApprovalRole", "cloudformation:ExecuteChangeSet"), "ApprovalRole may not have"),
    (APP, lambda t: allow(t, "DeployerRole", "s3:*"), "DeployerRole allows s3:*"),
    (APP, lambda t: allow(t, "BuilderRole", "iam:PassRole"), "passes roles to any service"),
    (APP, lambda t: allow(t, "DeployerRole", "ecs:RunTask"), "runs tasks that are not ours"),
    (APP, lambda t: allow(t, "DeployerRole", "ecs:StopTask"), "stops tasks that are not its own"),
    (APP, lambda t: statement(t, "DeployerRole", "RunErrands")["Resource"].pop(), "is refused ecs:RunTask on"),
    (APP, lambda t: statement(t, "DeployerRole", "DefineErrands")["Resource"].pop(), "is refused ecs:RegisterTaskDefinition on"),
    (APP, lambda t: drop_statement(t, "StackRole", "ReadAdoptedServices"), "StackRole is refused ecs:DescribeServices on"),
    (APP, lambda t: drop_statement(t, "DeployerRole", "ReadAdoptedServices"), "refused ecs:DescribeServiceRevisions on"),
    (APP, lambda t: drop_statement(t, "RoleBoundary", "TagJobsAsTheyStart"), "RoleBoundary is refused ecs:TagResource on"),
    (APP, lambda t: statement(t, "RoleBoundary", "NeverTidegatesOwn")["Resource"].pop(), "RoleBoundary lets services have sqs:SendMessage"),
    (APP, lambda t: statement(t, "RoleBoundary", "NeverTidegatesOwn").update(Resource="*"), "RoleBoundary is refused ssm:GetParameters"),
    (APP, lambda t: drop_statement(t, "DeployRole", "ResolveParameters"), "DeployRole is refused ssm:GetParameters on"),
    (APP, lambda t: drop_statement(t, "DeployRole", "NeverTidegatesOwn"), "DeployRole would put arn:aws:ssm:"),
    (PIPELINE, lambda t: drop_statement(t, "DeployRole", "ResolveSecrets"), "DeployRole is refused secretsmanager:GetSecretValue on"),
    (APP, lambda t: allow(t, "DeployRole", "logs:DeleteLogGroup"), "DeployRole may delete PushLogs"),
    (APP, lambda t: statement(t, "DeployRole", "Logs").update(Resource="x"), "DeployRole is refused logs:CreateLogGroup on"),
    (APP, lambda t: allow(t, "SweepRole", "dynamodb:PutItem"), "writes more than its own patrol"),
    (APP, lambda t: allow(t, "DeployRole", "iam:CreateRole"), "outside a permissions boundary"),
    (APP, lambda t: drop_statement(t, "BuilderRole", "NoOtherBuildspec"), "may override codebuild:source.buildspec"),
    (APP, edit_buildspec, "does not export TIDEGATE_DIGEST"),
    (APP, lambda t: properties(t, "PatrolQueue").pop("SqsManagedSseEnabled"), "PatrolQueue is not encrypted"),
    (APP, lambda t: properties(t, "Table").pop("SSESpecification"), "Table is not encrypted"),
    (APP, forget_the_daemon, "calls docker before start-docker"),
    (APP, lambda t: properties(t, "SweepSilenceAlarm").update(TreatMissingData="ignore"), "the sweep is silent"),
    (APP, lambda t: t["Resources"].pop("BackupsSilenceAlarm"), "nobody looks at the databases"),
    (APP, lambda t: properties(t, "JobRunsAlarm").update(MetricName="InvocationAttemptCount"), "run that could not be started"),
    (APP, lambda t: allow(t, "BackupsRole", "rds:ModifyDBInstance"), "BackupsRole may change databases"),
    (APP, lambda t: statement(t, "BackupsRole", "DeleteCopies").pop("Condition"), "BackupsRole may change databases: rds:DeleteDBInstance"),
    (APP, lambda t: statement(t, "BackupsRole", "RememberDrills").pop("Condition"), "BackupsRole writes more than drills"),
    (APP, lambda t: allow(t, "BackupsRole", "codebuild:StartBuild"), "starts builds that are no checks"),
    (APP, lambda t: allow(t, "BackupsRole", "lambda:InvokeFunction"), "calls functions that are no checks"),
    (APP, lambda t: allow(t, "DatabaseRole", "backup:PutRestoreValidationResult"), "DatabaseRole may not have backup:"),
    (APP, lambda t: allow(t, "SweepRole", "lambda:InvokeFunction"), "SweepRole may not have lambda:InvokeFunction"),
    (APP, lambda t: allow(t, "DatabaseRole", "rds:DeleteDBInstance"), "DatabaseRole may change databases"),
    (APP, drop_leading_keys, "KeepDatabases writes more than databases"),
    (APP, lambda t: properties(t, "SweepSilenceAlarm").update(Statistic="Sum"), "the sweep is silent"),
    (APP, lambda t: properties(t, "Table").update(TableName="tidegate"), "Table has an explicit TableName"),
    (SERVICE, lambda t: properties(t, "TaskRole").pop("PermissionsBoundary"), "TaskRole is outside"),
    (SERVICE, lambda t: drop_statement(t, "ScheduleRole", "TagAsItStarts"), "ScheduleRole is refused ecs:TagResource on"),
    (SERVICE, lambda t: properties(t, "EcsService").update(DesiredCount=2), "an update would reset"),
    (SERVICE, lambda t: properties(t, "EcsService")["DeploymentConfiguration"].pop("DeploymentCircuitBreaker"), "circuit breaker"),
    (BASE, expire_tagged, "expires images that may be live"),
    (BASE, lambda t: allow(t, "BuildRole", "ecr:*"), "BuildRole allows ecr:*"),
    (PIPELINE, lambda t: allow(t, "PipelineRole", "iam:PassRole"), "PipelineRole passes any role"),
    (PIPELINE, lambda t: statement(t, "PipelineRole", "PassTheDeployRole").pop("Condition"), "passes roles to any service"),
    (PIPELINE, lambda t: statement(t, "DeployRole", "RolesWithinTheBoundary").pop("Condition"), "outside a permissions boundary"),
    (PIPELINE, lambda t: statement(t, "DeployRole", "Logs").update(Action=["logs:CreateLogGroup"]), "DeployRole's Logs differs"),
    (PIPELINE, lambda t: statement(t, "BuildRole", "Log").update(NotResource="*"), "BuildRole allows by exclusion"),
    (PIPELINE, lambda t: properties(t, "PushRuleAlarm").update(OKActions=[]), "has other OKActions than"),
    (PIPELINE, forget_the_daemon, "calls docker before start-docker"),
    (PIPELINE, lambda t: t["Resources"].pop("PushRuleAlarm"), "PushRule has no alarm when it cannot reach"),
    (PIPELINE, lambda t: properties(t, "PipelineFailedRule")["Targets"][0].pop("InputTransformer"), "tells people raw JSON"),
    (PIPELINE, lambda t: properties(t, "Pipeline")["Stages"].pop(2), "is not source, build, approval, deploy"),
    (PIPELINE, lambda t: action(t, 0, 1)["Configuration"].pop("PollForSourceChanges"), "polls Template"),
    (PIPELINE, lambda t: edit_overrides(t, '"Cluster"', '"ClusterName"'), "Pipeline gives ClusterName, which"),
    (PIPELINE, lambda t: edit_overrides(t, '"Cluster"', '"ListenerArn"'), "Pipeline does not give Cluster, which"),
    (PIPELINE, lambda t: edit_overrides(t, "TIDEGATE_IMAGE", "IMAGE"), "does not deploy the image that its build exports"),
    (PIPELINE, lambda t: edit_overrides(t, '"Cluster":"', '"Cluster":"' + "x" * 200), "too little room"),
    (DATABASE, lambda t: t["Resources"]["Database"].pop("DeletionPolicy"), "leaves no snapshot: its DeletionPolicy is None"),
    (DATABASE, lambda t: t["Resources"]["Database"].update(UpdateReplacePolicy="Delete"), "its UpdateReplacePolicy is Delete"),
    (DATABASE, lambda t: properties(t, "Database").pop("DeletionProtection"), "Database has DeletionProtection None"),
    (DATABASE, lambda t: properties(t, "Database").update(BackupRetentionPeriod=1), "Database has BackupRetentionPeriod 1"),
    (DATABASE, lambda t: properties(t, "Database").update(MultiAZ=False), "Database has MultiAZ False"),
    (DATABASE, lambda t: t["Parameters"]["BackupRetentionDays"].update(MinValue=1), "backups for less than 7 days"),
    (DATABASE, lambda t: t["Parameters"]["BackupWindow"].update(Default="03:30-04:30"), "meets the maintenance window"),
    (DATABASE, lambda t: t["Parameters"]["BackupWindow"].update(Default="01:00-01:20"), "shorter than 30 minutes"),
    (DATABASE, lambda t: ingress(t).append({"CidrIp": "10.0.0.0/8"}), "lets in more than one security group"),
    (DATABASE, look_back_for_days, "more than CloudWatch does"),
    (DATABASE, lambda t: properties(t, "Database").update(DBInstanceIdentifier="one"), "has an explicit DBInstanceIdentifier"),
    (DRILLS, lambda t: t["Resources"].update(Way={"Type": "AWS::EC2::InternetGateway"}), "Way is an AWS::EC2::InternetGateway"),
    (DRILLS, lambda t: properties(t, "SubnetA").update(MapPublicIpOnLaunch=True), "SubnetA gives public addresses"),
    (DRILLS, lambda t: properties(t, "LogsEndpoint").pop("PolicyDocument"), "LogsEndpoint lets out more"),
    (DRILLS, lambda t: properties(t, "CopySecurityGroup")["SecurityGroupIngress"].append({"CidrIp": "10.0.0.0/8"}), "lets in more than one"),
    (MIGRATION, lambda t: properties(t, "ReplicationInstance").update(PubliclyAccessible=True), "ReplicationInstance is public"),
    (MIGRATION, lambda t: properties(t, "Source").update(Password="x"), "Source takes its credentials from elsewhere"),
    (MIGRATION, forget_secrets, "Target takes its credentials from elsewhere"),
    (MIGRATION, lambda t: edit_task(t, "DO_NOTHING", "TRUNCATE_BEFORE_LOAD"), "Task drops or empties"),
    (MIGRATION, lambda t: edit_task(t, '"LimitedSizeLobMode": false', '"LimitedSizeLobMode": true'), "Task cuts large values"),
]


class EveryFaultIsFound(unittest.TestCase):
    def test_each_fault_is_found(self):
        sound = {path: check.load(path) for path in CHECKS}
        for path, break_it, sentence in FAULTS:
            with self.subTest(sentence):
                template = copy.deepcopy(sound[path])
                break_it(template)
                found = [fault for rule in CHECKS[path] for fault in rule(template)]
                self.assertTrue(any(sentence in fault for fault in found), f"{sentence!r} is not in {found}")

    def test_an_alias_is_refused(self):
        with self.assertRaisesRegex(yaml.YAMLError, "no YAML aliases"):
            yaml.load("a: &x 1\nb: *x", check.Loader)


RDS = "arn:aws:rds:eu-west-1:123456789012:"
COPY, ORIGINAL = f"{RDS}db:tidegate-drill-0123456789abcdef", f"{RDS}db:payments"
REQUESTED, TAGGED = {"aws:RequestTag/tidegate:drill": "0123456789abcdef"}, {"aws:ResourceTag/tidegate:drill": "0123456789abcdef"}
TAG_KEYS = {"aws:TagKeys": ["tidegate:drill"]}
BY_RDS = {"rds:ManageMasterUserPassword": "true"}
CHECK = "arn:aws:codebuild:eu-west-1:123456789012:project/tidegate-drill-check-payments"
VARIABLES = "codebuild:environment.environmentVariables.name"


class TheRoleOfBackups(unittest.TestCase):
    """Aimed at a database without prefix or tag, it is refused."""

    def setUp(self):
        role = check.load(APP)["Resources"]["BackupsRole"]
        self.statements = list(check.statements(role))

    def allows(self, action, resource, context):
        return iam.allows(self.statements, action, resource, context)

    def restores(self, copy, tags):
        """RDS asks about original, copy and groups, and about the tags where there are some."""
        resources = [ORIGINAL, copy, f"{RDS}og:default:postgres-17", f"{RDS}pg:payments", f"{RDS}subgrp:isolated"]
        restored = all(self.allows("rds:RestoreDBInstanceToPointInTime", resource, tags) for resource in resources)
        return restored and (not tags or self.allows("rds:AddTagsToResource", copy, tags))

    def test_a_copy_is_made_under_its_prefix_and_with_its_tag_alone(self):
        tags = {**REQUESTED, **TAG_KEYS}
        self.assertTrue(self.restores(COPY, tags))
        self.assertFalse(self.restores(COPY, {}), "without the tag")
        self.assertFalse(self.restores(f"{RDS}db:payments-2", tags), "without the prefix")
        more = {**REQUESTED, "aws:TagKeys": ["tidegate:drill", "owner"]}
        self.assertFalse(self.restores(COPY, more), "with another tag")

    def test_a_database_of_the_prefix_is_protected_by_its_name_alone(self):
        # No condition key tells tagging while restoring from tagging what is there: nobody may name a database so.
        self.assertTrue(self.allows("rds:AddTagsToResource", COPY, {**REQUESTED, **TAG_KEYS}))

    def test_what_lacks_prefix_or_tag_is_neither_changed_nor_deleted(self):
        for action, context in (("rds:DeleteDBInstance", {}), ("rds:ModifyDBInstance", BY_RDS)):
            self.assertTrue(self.allows(action, COPY, {**TAGGED, **context}))
            self.assertFalse(self.allows(action, COPY, context), f"{action} without the tag")
            self.assertFalse(self.allows(action, ORIGINAL, {**TAGGED, **context}), f"{action} without the prefix")
            self.assertFalse(self.allows(action, ORIGINAL, context), f"{action} without either")
        self.assertFalse(self.allows("rds:ModifyDBInstance", COPY, TAGGED), "a password that the function knows")
        self.assertFalse(self.allows("rds:AddTagsToResource", ORIGINAL, {**REQUESTED, **TAG_KEYS}), "a tag on an original")
        for action in ("rds:DeleteDBCluster", "rds:DeleteDBSnapshot", "rds:RebootDBInstance", "rds:RemoveTagsFromResource"):
            self.assertFalse(self.allows(action, COPY, TAGGED), action)

    def test_a_check_runs_as_its_project_says(self):
        names = {VARIABLES: ["TIDEGATE_DRILL", "TIDEGATE_SECRET_ARN"]}
        self.assertTrue(self.allows("codebuild:StartBuild", CHECK, names))
        self.assertFalse(self.allows("codebuild:StartBuild", CHECK.replace("tidegate-drill-check-", ""), names))
        for key in ("codebuild:source.buildspec", "codebuild:source.location", "codebuild:environment.image"):
            self.assertFalse(self.allows("codebuild:StartBuild", CHECK, {**names, key: "x"}), key)
        self.assertFalse(self.allows("codebuild:StartBuild", CHECK, {VARIABLES: ["PATH"]}))

    def test_no_function_is_called_but_a_check(self):
        check_function = "arn:aws:lambda:eu-west-1:123456789012:function:tidegate-drill-check-payments"
        self.assertTrue(self.allows("lambda:InvokeFunction", check_function, {}))
        for other in (check_function.replace("-check", ""), check_function.replace("123456789012", "210987654321")):
            self.assertFalse(self.allows("lambda:InvokeFunction", other, {}), other)
        self.assertFalse(self.allows("lambda:UpdateFunctionCode", check_function, {}))


if __name__ == "__main__":
    unittest.main()
