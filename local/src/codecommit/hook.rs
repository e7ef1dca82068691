//! How a push becomes known: a post-receive hook tells the front door.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

/// Names the front door of the present run; the hooks of all repositories under the root read it.
const FRONT_DOOR_FILE: &str = "front-door";

/// Needs nothing but bash. A push succeeds whether or not anybody listens: AWS's patrol finds what was not announced.
const POST_RECEIVE: &str = r#"#!/usr/bin/env bash
# Tells the local AWS of this push. Without one running, the push still succeeds.
LC_ALL=C
repository=$(pwd -P)
account=$(basename "$(dirname "$repository")")
name=$(basename "$repository" .git)
body="$account $name"$'\n'"$(cat)"$'\n'

address=$(cat ../../front-door 2>/dev/null) || exit 0
address=${address#http://}
address=${address%%/*}
{
  exec 3<>"/dev/tcp/${address%:*}/${address##*:}" || exit 0
  printf 'POST /_tidegate/pushed HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
    "$address" "${#body}" "$body" >&3
  read -r -t 10 _ <&3
} 2>/dev/null
exit 0
"#;

pub(super) fn install(repository: &Path) -> io::Result<()> {
    let hooks = repository.join("hooks");
    fs::create_dir_all(&hooks)?;
    let file = hooks.join("post-receive");
    fs::write(&file, POST_RECEIVE)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))
}

pub(super) fn announce_at(root: &Path, front_door: &str) -> io::Result<()> {
    fs::create_dir_all(root)?;
    fs::write(root.join(FRONT_DOOR_FILE), front_door.trim_end_matches('/'))
}
