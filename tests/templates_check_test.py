"""Breaks the templates once for every fault that templates_check.py looks for, and expects it to be found."""

import copy
import unittest

import yaml

import templates_check as check

APP, SERVICE, BASE = "template.yaml", "stacks/service.yaml", "stacks/service-base.yaml"


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


def rename_last_stop(template):
    template["Resources"]["PushLosses"] = template["Resources"].pop("PushFailures")


def expire_tagged(template):
    policy = properties(template, "ImageRepository")["LifecyclePolicy"]
    policy["LifecyclePolicyText"] = policy["LifecyclePolicyText"].replace('"untagged"', '"any"')


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
    (APP, lambda t: properties(t, "SweepSilenceAlarm").update(TreatMissingData="ignore"), "the sweep is silent"),
    (APP, lambda t: properties(t, "SweepSilenceAlarm").update(Statistic="Sum"), "the sweep is silent"),
    (APP, lambda t: properties(t, "Table").update(TableName="tidegate"), "Table has an explicit TableName"),
    (SERVICE, lambda t: properties(t, "TaskRole").pop("PermissionsBoundary"), "TaskRole is outside"),
    (SERVICE, lambda t: properties(t, "EcsService").update(DesiredCount=2), "an update would reset"),
    (SERVICE, lambda t: properties(t, "EcsService")["DeploymentConfiguration"].pop("DeploymentCircuitBreaker"), "circuit breaker"),
    (BASE, expire_tagged, "expires images that may be live"),
]


class EveryFaultIsFound(unittest.TestCase):
    def test_each_fault_is_found(self):
        sound = {path: check.load(path) for path in check.CHECKS}
        for path, break_it, sentence in FAULTS:
            with self.subTest(sentence):
                template = copy.deepcopy(sound[path])
                break_it(template)
                found = [fault for rule in check.CHECKS[path] for fault in rule(template)]
                self.assertTrue(any(sentence in fault for fault in found), f"{sentence!r} is not in {found}")

    def test_an_alias_is_refused(self):
        with self.assertRaisesRegex(yaml.YAMLError, "no YAML aliases"):
            yaml.load("a: &x 1\nb: *x", check.Loader)


if __name__ == "__main__":
    unittest.main()
