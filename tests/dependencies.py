#!/usr/bin/env python3
"""What each package may reach. The tables are reviewed: a function links the clients that it uses, and no others."""

import subprocess
import sys

# No async runtime and no SDK: these run inside the simulation, seeded, without a network.
PURE = ["adoption", "config", "databases", "engine", "fuzz", "intake", "model", "proof", "simulation", "slack"]
NEVER_IN_PURE = ("tokio", "hyper", "reqwest", "lambda_runtime", "aws-config", "aws-sdk-", "aws-smithy-")

# Every client adds to a function's size and to its cold start.
CLIENTS = {
    "tidegate-push": {"dynamodb", "sqs", "codecommit", "ssm", "s3"},
    "tidegate-build": {"dynamodb", "sqs", "codebuild", "ecr", "cloudwatchlogs"},
    "tidegate-image": {"dynamodb", "sqs", "codebuild", "ecr", "cloudwatchlogs"},
    "tidegate-approval": {"dynamodb", "sqs", "ssm", "secretsmanager", "sns", "codepipeline"},
    "tidegate-database": {"dynamodb", "sqs"},
    "tidegate-backups": {"dynamodb", "sqs", "ssm", "rds", "codebuild", "lambda", "backup"},
    "tidegate-slack": {"dynamodb", "sqs", "ssm"},
    "tidegate-stack": {"dynamodb", "sqs", "cloudformation", "ecs"},
    "tidegate-builder": {"dynamodb", "sqs", "codebuild", "ecr", "cloudwatchlogs", "ssm"},
    "tidegate-deployer": {"dynamodb", "sqs", "codecommit", "ssm", "s3", "cloudformation", "ecs", "cloudwatchlogs", "rds", "secretsmanager"},
    "tidegate-notify": {"dynamodb", "sqs", "sns", "ssm", "secretsmanager"},
    "tidegate-sweep": {"dynamodb", "sqs", "ssm", "codecommit"},
}
SDK = "aws-sdk-"
BROUGHT_BY_AWS_CONFIG = {"sts"}  # For credentials by assumed role; aws-config has no feature to leave it out.
# A second TLS stack and its entropy cost a cold start 25 ms of processor time; ring alone is meant to be linked.
NEVER_IN_FUNCTIONS = ("aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls")


def reached(package):
    """Names of the crates that `package`, built alone, links."""
    tree = subprocess.run(
        ["cargo", "tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    return {line.split()[0] for line in tree.splitlines() if line.strip()} - {package}


def faults():
    for package in PURE:
        for crate in sorted(reached(package)):
            if crate.startswith(NEVER_IN_PURE):
                yield f"{package} reaches {crate}"
    for package, expected in CLIENTS.items():
        crates = reached(package)
        clients = {crate.removeprefix(SDK) for crate in crates if crate.startswith(SDK)} - BROUGHT_BY_AWS_CONFIG
        for client in sorted(clients - expected):
            yield f"{package} links {SDK}{client}, which the table in tests/dependencies.py does not grant it"
        for client in sorted(expected - clients):
            yield f"{package} no longer links {SDK}{client}: take it out of the table in tests/dependencies.py"
        for crate in sorted(crates):
            if crate.startswith(NEVER_IN_FUNCTIONS):
                yield f"{package} links {crate}"


def main():
    found = list(faults())
    for fault in found:
        print(f"dependencies: {fault}", file=sys.stderr)
    if not found:
        print(f"dependencies: {len(PURE)} pure packages and {len(CLIENTS)} functions are as reviewed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
