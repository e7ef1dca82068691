#!/usr/bin/env bash
# Builds the functions for AWS into .aws-sam/build and prints each one's zip size. Then `sam deploy --guided` installs.
# `./package.sh PushFunction` builds that one alone. Needs Rust and Python 3; sam and cargo-lambda go to .tidegate/, pinned.
# The first build of all takes tens of minutes on two cores: every function is optimised across its whole program.
set -euo pipefail
cd "$(dirname "$0")"

export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-eu-west-1}
source tests/venv.sh
venv sam
venv package
export PATH=$PWD/.tidegate/package/bin:$PATH

# sam runs cargo-lambda in each function's own folder, so that none links another's SDK clients.
.tidegate/sam/bin/sam build "$@"

python3 - <<'PYTHON'
import pathlib
import zipfile

zips = pathlib.Path(".aws-sam/zips")
zips.mkdir(exist_ok=True)
print(f"{'function':<18} {'binary MB':>9} {'zip MB':>7}")
for binary in sorted(pathlib.Path(".aws-sam/build").glob("*/bootstrap")):
    function = binary.parent.name
    archive = zips / f"{function}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.write(binary, "bootstrap")
    print(f"{function:<18} {binary.stat().st_size / 1e6:>9.2f} {archive.stat().st_size / 1e6:>7.2f}")
PYTHON
