"""Serves the pinned emulator with the seams that the front door needs.

Three things cannot be seen from outside, so they are told to the front door from within:
- every status of a stack as it happens, so that the event AWS would send can be sent;
- the creation or update of an ECS service by a stack: CloudFormation waits for the service's
  deployment and rolls back when it fails, so the resource waits here for the front door's verdict;
- the end of our parent: a closed stdin ends this whole process group.

And two for faults: a function's credentials name its execution environment, so that the front door knows
whose call it is, and the function's process in there can be killed.

And two for plans: a change set names only what the stack will have, and a stack may import what services are made of.

And one for balancing: a target group tells the load balancers whose rules forward to it.

Nothing is decided here. Verdicts are the front door's.
"""

import asyncio
import functools
import json
import os
import queue
import random
import signal
import socket
import string
import sys
import threading
import time
import urllib.request

FRONT_DOOR = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
TELL_TIMEOUT_S = 30
# CloudFormation waits at most three hours for an ECS service.
STABILIZE_TIMEOUT_S = 3 * 3600
GRACE_S = 15
ROOT = "AWS::CloudFormation::Stack"
SERVICE = "AWS::ECS::Service"
WAIT_CONDITION = "AWS::CloudFormation::WaitCondition"

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_told = queue.Queue()


def ask(path, body, timeout_s=TELL_TIMEOUT_S):
    request = urllib.request.Request(
        FRONT_DOOR + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with _direct.open(request, timeout=timeout_s) as answer:
        return json.loads(answer.read() or b"{}")


def tell_in_order():
    while True:
        path, body = _told.get()
        try:
            ask(path, body)
        except OSError as failure:
            print(f"the front door did not take {path}: {failure}", file=sys.stderr)


def end_with_parent():
    while sys.stdin.buffer.read(1024):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_S)
    os.killpg(0, signal.SIGKILL)


def suffix():
    return "".join(random.choices(string.ascii_letters + string.digits, k=12))


def announce_statuses():
    from ministack.core.responses import get_account_id, get_region
    from ministack.services.cloudformation import changesets, handlers, stacks

    original = stacks._add_event

    @functools.wraps(original)
    def add_event(stack_id, stack_name, logical_id, resource_type, status,
                  reason="", physical_id="", detailed_status=""):
        if resource_type == WAIT_CONDITION:
            # It is only ever made, in an update too; the emulator names its events after the operation.
            status = status.replace("UPDATE_", "CREATE_")
        is_root = resource_type == ROOT and logical_id == stack_name
        if is_root and status == "UPDATE_COMPLETE":
            # AWS cleans up after every update; the emulator leaves the status out.
            add_event(stack_id, stack_name, logical_id, resource_type,
                      "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "", physical_id)
        original(stack_id, stack_name, logical_id, resource_type, status,
                 reason, physical_id, detailed_status)
        if is_root:
            _told.put(("/_tidegate/hook/stack", {
                "account": get_account_id(),
                "region": get_region(),
                "stack": stack_id,
                "status": status,
                "reason": reason,
                "token": stacks.CLIENT_REQUEST_TOKEN.get() or None,
            }))

    for module in (stacks, changesets, handlers):
        if getattr(module, "_add_event", None) is original:
            module._add_event = add_event


def keep_accounts_apart():
    """Without this a function made in one account ends the running functions of that name in all others."""
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import lambda_svc

    original = lambda_svc.invalidate_worker

    @functools.wraps(original)
    def invalidate(name, qualifier=None, account=None, region=None):
        original(name, qualifier, account or get_account_id(), region or get_region())

    lambda_svc.invalidate_worker = invalidate


def end_deleted_functions():
    """A stack that deletes a function leaves its processes waiting for events that can no longer come."""
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    original = handler["delete"]

    @functools.wraps(original)
    def delete(name, props):
        original(name, props)
        # Processes take their time to end; other requests need not wait for that.
        function = (name, None, get_account_id(), get_region())
        threading.Thread(target=lambda_svc.invalidate_worker, args=function, daemon=True).start()

    handler["delete"] = delete


def name_environments():
    """A function's credentials are a session's, as on AWS; its token says here which environment it is."""
    from ministack.services import lambda_svc

    original = lambda_svc._provided_worker_env

    @functools.wraps(original)
    def worker_env(config, code_dir, port):
        session = {"AWS_SESSION_TOKEN": f"{config['FunctionName']}:{port}"}
        return {**original(config, code_dir, port), **session}

    lambda_svc._provided_worker_env = worker_env


def kill_environment(port):
    """Kills the function's process in that environment in the middle of an event; False if it handles none."""
    from ministack.core import lambda_runtime

    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
    for worker in workers:
        server = getattr(worker, "_server", None)
        if server is None or server.server_address[1] != port:
            continue
        # Under its lock no result can be taken in between.
        with worker._state_lock:
            process = worker._proc
            if process is not None and worker._current_request_id is not None:
                process.kill()
                return True
    return False


def with_kills(app):
    async def answer(scope, receive, send):
        port = scope.get("path", "").removeprefix("/_tidegate/kill/")
        if scope["type"] != "http" or not port.isdigit():
            return await app(scope, receive, send)
        body = json.dumps(kill_environment(int(port))).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    return answer


def give_back_messages():
    """Whoever had received a kept message ended with the last run: nobody else will ever delete it."""
    from ministack.services import sqs

    original = sqs.load_persisted_state

    @functools.wraps(original)
    def load(data):
        original(data)
        for _, queue in sqs._queues.all_items():
            for message in queue["messages"]:
                if message.get("receive_count"):
                    message["visible_at"] = 0

    sqs.load_persisted_state = load


def plan_what_will_be():
    """A resource whose condition is false is no part of a stack; the emulator's change sets name it all the same."""
    from ministack.services.cloudformation import changesets

    original = changesets._resolve_props_for_diff

    @functools.wraps(original)
    def resolve(template, params, *names):
        resolved = original(template, params, *names)
        if resolved:
            conditions = changesets._evaluate_conditions(template, params)
            resources = resolved["Resources"].items()
            resolved["Resources"] = {
                name: resource for name, resource in resources
                if conditions.get(resource.get("Condition"), True)
            }
        return resolved

    changesets._resolve_props_for_diff = resolve


def import_services():
    """The emulator's stacks import other types only: a service's resources are found, and taken as they are."""
    from ministack.services import alb, ecs
    from ministack.services.cloudformation import changesets, provisioners

    def of_alb(store, key):
        return lambda value: None if value in store() else missing(key, value)

    def missing(kind, value):
        return changesets._IMPORT_NOT_FOUND.format(type=kind, value=value)

    def service_of(arn):
        cluster, name = arn.split("/")[-2:]
        return ecs._services.get(f"{cluster}/{name}")

    group, rule = "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ElasticLoadBalancingV2::ListenerRule"
    definition = "AWS::ECS::TaskDefinition"
    types = {
        # Keys of the identifier, the physical id last; why it cannot be imported; its attributes.
        definition: (
            ("TaskDefinitionArn",),
            lambda arn: None if arn.split("/")[-1] in ecs._task_defs else missing(definition, arn),
            lambda arn: {"TaskDefinitionArn": arn},
        ),
        SERVICE: (
            ("Cluster", "ServiceArn"),
            lambda cluster, arn: None if service_of(arn) else missing(SERVICE, f"{arn}|{cluster}"),
            lambda arn: {"ServiceArn": arn, "Name": arn.split("/")[-1]},
        ),
        group: (
            ("TargetGroupArn",),
            of_alb(lambda: alb._tgs, group),
            lambda arn: {
                "TargetGroupArn": arn,
                "TargetGroupName": alb._tgs[arn]["TargetGroupName"],
                "TargetGroupFullName": alb._target_group_full_name_from_arn(arn),
            },
        ),
        rule: (("RuleArn",), of_alb(lambda: alb._rules, rule), lambda arn: {"RuleArn": arn}),
    }
    for kind, (keys, problem, attributes) in types.items():
        changesets._IMPORT_LOOKUPS[kind] = (keys, problem)

        def take(identifier, physical=keys[-1], attributes=attributes):
            return identifier[physical], attributes(identifier[physical])

        provisioners._RESOURCE_HANDLERS[kind]["import"] = take


def tell_load_balancers():
    """The emulator's target groups tell only of listeners that forward to them by default."""
    from ministack.services import alb

    original = alb._tg_xml

    def of_rule(rule):
        for action in rule["Actions"]:
            yield action.get("TargetGroupArn")
            for group in (action.get("ForwardConfig") or {}).get("TargetGroups", []):
                yield group.get("TargetGroupArn")

    @functools.wraps(original)
    def target_group(tg):
        listeners = {
            rule["ListenerArn"] for rule in list(alb._rules.values())
            if tg["TargetGroupArn"] in of_rule(rule)
        }
        by_rule = {alb._listeners[arn]["LoadBalancerArn"] for arn in listeners if arn in alb._listeners}
        return original({**tg, "LoadBalancerArns": sorted({*tg["LoadBalancerArns"], *by_rule})})

    alb._tg_xml = target_group


def wait_for_services():
    from ministack.core.responses import get_account_id, get_region
    from ministack.services.cloudformation import provisioners, stacks

    blocks = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind == SERVICE or blocks(kind)

    # A service whose update failed is put back by the rollback, which can fail in turn.
    sends_back = stacks._sends_back_failed_update
    stacks._sends_back_failed_update = lambda kind: kind == SERVICE or sends_back(kind)

    handler = provisioners._RESOURCE_HANDLERS[SERVICE]
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def verdict(step, stack, service, properties, timeout_s=TELL_TIMEOUT_S):
        return ask(f"/_tidegate/hook/service/{step}", {
            "account": get_account_id(),
            "region": get_region(),
            "stack": stack,
            "service": service,
            "taskDefinition": properties.get("TaskDefinition", ""),
        }, timeout_s)

    @functools.wraps(create)
    def create_and_wait(logical_id, props, stack_name):
        before = verdict("before", stack_name, None, props)
        if before["do"] == "fail":
            raise ValueError(before["reason"])
        # CloudFormation's generated names end in twelve letters and digits; the emulator's do not.
        named = {"ServiceName": f"{stack_name}-{logical_id}-{suffix()}", **props}
        physical_id, attributes = create(logical_id, named, stack_name)
        after = verdict("after", stack_name, physical_id, props, STABILIZE_TIMEOUT_S)
        if not after["stable"]:
            delete(physical_id, props)
            raise ValueError(after["reason"])
        return physical_id, attributes

    refused = {}

    @functools.wraps(update)
    def update_and_wait(physical_id, old_props, new_props, stack_name):
        # What ECS refused changed nothing: the rollback has nothing to put back.
        if (new_props, old_props) == refused.pop(physical_id, None):
            return update(physical_id, new_props, new_props, stack_name)
        before = verdict("before", stack_name, physical_id, new_props)
        if before["do"] == "fail":
            refused[physical_id] = (old_props, new_props)
            raise ValueError(before["reason"])
        if before["do"] == "skip":
            new_props = {**new_props, "TaskDefinition": old_props.get("TaskDefinition", "")}
        result = update(physical_id, old_props, new_props, stack_name)
        after = verdict("after", stack_name, physical_id, new_props, STABILIZE_TIMEOUT_S)
        if not after["stable"]:
            raise ValueError(after["reason"])
        return result

    handler["create"], handler["update"] = create_and_wait, update_and_wait


async def serve():
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack import app

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    await hypercorn_serve(with_kills(app.app), config)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    threading.Thread(target=tell_in_order, daemon=True).start()
    announce_statuses()
    keep_accounts_apart()
    end_deleted_functions()
    give_back_messages()
    name_environments()
    plan_what_will_be()
    import_services()
    tell_load_balancers()
    wait_for_services()
    asyncio.run(serve())
