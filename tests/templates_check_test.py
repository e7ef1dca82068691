"""Breaks the templates once for every fault that templates_check.py looks for, and expects it to be found."""

import copy
import unittest

import yaml

import stacks_check
import templates_check as check

CHECKS = {**check.CHECKS, **stacks_check.CHECKS}

APP, SERVICE, BASE = "template.yaml", "stacks/service.yaml", "stacks/service-base.yaml"
PIPELINE, DATABASE, MIGRATION = "stacks/pipeline.yaml", "stacks/database.yaml", "stacks/migration.yaml"


def properties(template, name):
    return template["Resources"][name]["Properties"]


def event(template, function, name):
    return properties(template, function)["Events"][name]["Properties"]


def allow(template, role, action):
    properties(template, role)["Policies"][0]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": action, "Resource": "*"}
    )


def drop_statement(template, role, sid):
    document = properties(template, role)["Policies"][0]["PolicyDocument"]
    document["Statement"] = [s for s in document["Statement"] if s.get("Sid") != sid]


def edit_buildspec(template):
    source = properties(template, "BuildProject")["Source"]
    source["BuildSpec"] = source["BuildSpec"].replace("- TIDEGATE_DIGEST\n", "- SOMETHING_ELSE\n")


def forget_the_daemon(template):
    source = properties(template, "BuildProject")["Source"]
    source["BuildSpec"] = source["BuildSpec"].replace("start-docker", "true")


def rename_last_stop(template):
    template["Resources"]["PushLosses"] = template["Resources"].pop("PushFailures")


def statement(template, role, sid):
    return next(s for s in properties(template, role)["Policies"][0]["PolicyDocument"]["Statement"] if s["Sid"] == sid)


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
    (APP, lambda t: allow(t, "SweepRole", "dynamodb:PutItem"), "writes more than its own patrol"),
    (APP, lambda t: allow(t, "DeployRole", "iam:CreateRole"), "outside a permissions boundary"),
    (APP, lambda t: drop_statement(t, "BuilderRole", "NoOtherBuildspec"), "may override codebuild:source.buildspec"),
    (APP, edit_buildspec, "does not export TIDEGATE_DIGEST"),
    (APP, lambda t: properties(t, "PatrolQueue").pop("SqsManagedSseEnabled"), "PatrolQueue is not encrypted"),
    (APP, lambda t: properties(t, "Table").pop("SSESpecification"), "Table is not encrypted"),
    (APP, forget_the_daemon, "calls docker before start-docker"),
    (APP, lambda t: properties(t, "SweepSilenceAlarm").update(TreatMissingData="ignore"), "the sweep is silent"),
    (APP, lambda t: t["Resources"].pop("BackupsSilenceAlarm"), "nobody looks at the databases"),
    (APP, lambda t: allow(t, "BackupsRole", "rds:ModifyDBInstance"), "BackupsRole may change databases"),
    (APP, drop_leading_keys, "KeepDatabases writes more than databases"),
    (APP, lambda t: properties(t, "SweepSilenceAlarm").update(Statistic="Sum"), "the sweep is silent"),
    (APP, lambda t: properties(t, "Table").update(TableName="tidegate"), "Table has an explicit TableName"),
    (SERVICE, lambda t: properties(t, "TaskRole").pop("PermissionsBoundary"), "TaskRole is outside"),
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


if __name__ == "__main__":
    unittest.main()
