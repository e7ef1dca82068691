//! A developer's side: a git working copy of the service, pushed for real.

use std::path::{Path, PathBuf};
use std::process::Command;

use model::ids::Revision;
use serde_json::{Value, json};

pub(crate) const BRANCH: &str = "main";

const CONFIG_FILE: &str = "ecs-service-config.json";
const DOCKERFILE: &str = "\
FROM public.ecr.aws/docker/library/nginx:stable-alpine
COPY public/ /usr/share/nginx/html/
EXPOSE 8080
";
/// Fixed, so that the same files are the same commit in every run.
const DATE: &str = "2026-01-05T10:00:00Z";

pub(crate) struct WorkingCopy {
    folder: PathBuf,
}

/// What the sample service asks for.
pub(crate) fn sample_config() -> Value {
    json!({
        "service": "payments",
        "kind": "web",
        "routing": { "paths": ["/payments", "/payments/*"], "priority": 120 },
        "container": { "port": 8080, "cpu": 256, "memoryMiB": 512 },
        "environments": { "production": { "branch": BRANCH, "approval": { "required": 1 } } },
    })
}

impl WorkingCopy {
    /// The sample service, not committed yet.
    pub(crate) fn new(folder: &Path, remote: &str) -> Self {
        let copy = Self { folder: folder.to_owned() };
        copy.write("Dockerfile", DOCKERFILE);
        copy.write_config(&sample_config());
        copy.git(&["init", "--quiet", "--initial-branch", BRANCH]);
        copy.git(&["remote", "add", "origin", remote]);
        copy
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let file = self.folder.join(name);
        let folder = file.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text)).unwrap_or_else(|error| {
            panic!("{}: {error}", file.display());
        });
    }

    pub(crate) fn write_config(&self, config: &Value) {
        self.write(CONFIG_FILE, &format!("{config:#}\n"));
    }

    /// Commits everything, even when nothing changed.
    pub(crate) fn commit(&self, message: &str) -> Revision {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    pub(crate) fn reset_to(&self, revision: &Revision) {
        self.git(&["reset", "--quiet", "--hard", revision.as_str()]);
    }

    pub(crate) fn push(&self) {
        self.git(&["push", "--quiet", "--force", "origin", BRANCH]);
    }

    pub(crate) fn head(&self) -> Revision {
        self.git(&["rev-parse", "HEAD"]).parse().expect("git names its head by a revision")
    }

    /// Apart from the configuration, hooks and signing keys of whoever runs the tests.
    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.com", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(&self.folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_AUTHOR_DATE", DATE)
            .env("GIT_COMMITTER_DATE", DATE)
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .expect("git is installed");
        assert!(
            output.status.success(),
            "git {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}
