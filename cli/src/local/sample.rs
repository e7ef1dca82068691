//! The sample service: a repository as a team would have it.

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const REPOSITORY: &str = "payments";
pub(crate) const SERVICE: &str = "payments";
pub(crate) const ENVIRONMENT: &str = "production";
pub(crate) const BRANCH: &str = "main";

const CONFIG: &str = r#"{
  "service": "payments",
  "kind": "web",
  "routing": { "paths": ["/payments", "/payments/*"], "priority": 120 },
  "container": { "port": 8080, "cpu": 256, "memoryMiB": 512 },
  "environments": {
    "production": { "branch": "main", "approval": { "required": 1 } }
  }
}
"#;

const DOCKERFILE: &str = "\
FROM public.ecr.aws/docker/library/nginx:stable-alpine
COPY public/ /usr/share/nginx/html/
EXPOSE 8080
";

const VERSION_FILE: &str = "public/version.txt";

/// A working copy of the sample repository.
pub(crate) struct Sample {
    pub folder: PathBuf,
}

impl Sample {
    /// Makes the working copy, or opens the one that an earlier run kept, pointing at where the repository is now.
    pub(crate) fn open(folder: &Path, url: &str) -> Result<Self, String> {
        let sample = Self { folder: folder.to_owned() };
        if folder.join(".git").is_dir() {
            sample.git(&["remote", "set-url", "origin", url])?;
            return Ok(sample);
        }
        sample.write("ecs-service-config.json", CONFIG)?;
        sample.write("Dockerfile", DOCKERFILE)?;
        sample.git(&["init", "--quiet", "--initial-branch", BRANCH])?;
        sample.git(&["remote", "add", "origin", url])?;
        Ok(sample)
    }

    /// Commits the next version of the service.
    pub(crate) fn commit_next_version(&self) -> Result<String, String> {
        let last: u32 = std::fs::read_to_string(self.folder.join(VERSION_FILE))
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
        self.write(VERSION_FILE, &format!("{}\n", last + 1))?;
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", &format!("Version {}", last + 1)])?;
        self.git(&["rev-parse", "HEAD"])
    }

    /// A real `git push`.
    pub(crate) fn push(&self) -> Result<(), String> {
        self.git(&["push", "--quiet", "origin", BRANCH]).map(drop)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let file = self.folder.join(name);
        let written = match file.parent() {
            Some(folder) => std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text)),
            None => std::fs::write(&file, text),
        };
        written.map_err(|error| format!("cannot write {}: {error}", file.display()))
    }

    /// Runs git apart from the user's own configuration, hooks and signing keys.
    fn git(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=Sample",
                "-c",
                "user.email=sample@localhost",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .current_dir(&self.folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .output()
            .map_err(|error| format!("cannot run git: {error}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(format!(
                "git {} failed: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            ))
        }
    }
}
