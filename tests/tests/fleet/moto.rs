//! moto in its own process group, with an environment of its own.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// Installed once for all tests, which start at the same time.
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    let installed = Command::new("bash")
        .args(["-c", "set -euo pipefail; source tests/venv.sh; venv moto"])
        .current_dir(project())
        .status()
        .unwrap();
    assert!(installed.success(), "moto could not be installed into .tidegate/moto");
    project().join(".tidegate/moto/bin/python")
});

pub(crate) struct Moto {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Moto {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(&*PYTHON)
            .arg(project().join("tests/tests/fleet/serve.py"))
            .env_clear()
            .envs([
                ("PATH", "/usr/bin:/bin"),
                ("HOME", "/nonexistent"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let port = &answer(&mut answers)["port"];
        let url = format!("http://127.0.0.1:{port}");
        Self { child, orders, answers, url }
    }

    /// One line of `serve.py`'s.
    pub(crate) fn order(&mut self, order: &Value) {
        writeln!(self.orders, "{order}").unwrap();
        let answered = answer(&mut self.answers);
        assert_eq!(answered, serde_json::json!({}), "{order}");
    }
}

fn answer(answers: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    answers.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("moto said {line:?}"))
}

impl Drop for Moto {
    fn drop(&mut self) {
        // The leader is the only one of its group: moto's server is a thread of it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}
