#!/usr/bin/env bash
# Lints every template and checks what no linter knows. Python's tools go to .tidegate/, pinned; after that no network.
set -euo pipefail
cd "$(dirname "$0")/.."

# No account, no telemetry: nothing here may ask AWS. The linters know their rules by region.
export AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null
export AWS_SHARED_CREDENTIALS_FILE=/dev/null SAM_CLI_TELEMETRY=0 PYTHONDONTWRITEBYTECODE=1
unset AWS_PROFILE

# An environment each: aws-sam-cli pins another cfn-lint, and checkov's dependencies are its own.
source tests/venv.sh
venv lint
venv sam
venv security

templates=(template.yaml stacks/*.yaml)

echo "templates: cfn-lint"
.tidegate/lint/bin/cfn-lint "${templates[@]}"

echo "templates: cfn-lint of what the test set's configs render to"
rm -rf .tidegate/rendered
cargo run --quiet --locked --package config --example render -- .tidegate/rendered
.tidegate/lint/bin/cfn-lint .tidegate/rendered/*.json

for template in "${templates[@]}"; do
    echo "templates: sam validate --lint $template"
    .tidegate/sam/bin/sam validate --lint --template-file "$template"
done

echo "templates: security, with the exceptions of .checkov.yaml"
.tidegate/security/bin/checkov --config-file .checkov.yaml --file "${templates[@]}" .tidegate/rendered/*.json

echo "templates: our own checks, and that each of them can fail"
.tidegate/lint/bin/python tests/templates_check.py
.tidegate/lint/bin/python tests/templates_check_test.py
