#!/usr/bin/env bash
# Changes the model and the engine in one place at a time and runs their tests and a short simulation against each change
# (.cargo/mutants.toml). Hours on two cores; `tests/mutants.sh --file shared/model/src/build.rs` does one file.
# What survives is in mutants.out/missed.txt: a test is missing, or the change means the same.
set -euo pipefail
cd "$(dirname "$0")/.."

version=27.1.0
if ! .tidegate/mutants/bin/cargo-mutants --version 2>/dev/null | grep -qF "$version"; then
  cargo install cargo-mutants --version "$version" --locked --root .tidegate/mutants
fi
export PROPTEST_CASES=${PROPTEST_CASES:-32}
exec .tidegate/mutants/bin/cargo-mutants mutants --package model --package engine --jobs 1 --output .tidegate/mutants "$@"
