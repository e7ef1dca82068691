use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use super::*;

struct World {
    folder: TempDir,
    store: Store,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("images")).unwrap();
        for (path, content) in files {
            put(&folder.path().join("context"), path, content);
        }
        Self { folder, store }
    }

    fn request(&self) -> Request {
        let context = self.folder.path().join("context");
        Request { dockerfile: context.join("Dockerfile"), context, ..Request::default() }
    }

    fn build(&self, request: &Request) -> Result<Built, String> {
        build(&self.store, request, &mut |_| {}).map_err(|error| error.to_string())
    }

    fn digest(&self) -> String {
        self.build(&self.request()).unwrap().manifest.digest
    }

    fn config(&self, built: &Built) -> Value {
        serde_json::from_slice(&self.store.read(&built.config.digest).unwrap()).unwrap()
    }

    /// Paths in all layers, in order, folders with a slash at the end.
    fn paths(&self, built: &Built) -> Vec<String> {
        let manifest: Value =
            serde_json::from_slice(&self.store.read(&built.manifest.digest).unwrap()).unwrap();
        let mut paths = Vec::new();
        for layer in manifest["layers"].as_array().unwrap() {
            let bytes = self.store.read(layer["digest"].as_str().unwrap()).unwrap();
            assert_eq!(layer["size"], bytes.len());
            let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
            for entry in tar.entries().unwrap() {
                let entry = entry.unwrap();
                assert_eq!(entry.header().mtime().unwrap(), 0);
                paths.push(entry.path().unwrap().display().to_string());
            }
        }
        paths
    }
}

fn put(root: &Path, path: &str, content: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

#[test]
fn the_same_input_gives_the_same_digest_and_another_file_another() {
    let files = [("Dockerfile", "FROM debian:12\nCOPY . /app\n"), ("a", "1"), ("deep/b", "2")];
    let (one, two) = (World::new(&files), World::new(&files));
    let digest = one.digest();
    assert_eq!(two.digest(), digest);

    put(&one.folder.path().join("context"), ".git/index", "times");
    assert_eq!(one.digest(), digest);
    put(&one.folder.path().join("context"), "deep/b", "3");
    assert_ne!(one.digest(), digest);
    put(&two.folder.path().join("context"), "Dockerfile", "FROM debian:13\nCOPY . /app\n");
    assert_ne!(two.digest(), digest);
}

#[test]
fn what_dockerignore_leaves_out_changes_nothing_and_cannot_be_copied() {
    let world = World::new(&[
        ("Dockerfile", "FROM scratch\nCOPY . /app/\n"),
        (".dockerignore", "*\n!src\n**/*.tmp\n"),
        ("README.md", "1"),
        ("src/main.rs", "2"),
        ("src/x.tmp", "3"),
    ]);
    let built = world.build(&world.request()).unwrap();
    assert_eq!(world.paths(&built), ["app/", "app/src/", "app/src/main.rs"]);
    let context = world.folder.path().join("context");
    put(&context, "README.md", "changed");
    assert_eq!(world.digest(), built.manifest.digest);

    put(&context, "Dockerfile", "FROM scratch\n\nCOPY README.md /\n");
    let reason = "Dockerfile:3: failed to compute cache key: failed to calculate checksum of ref local: \"/README.md\": not found";
    assert_eq!(world.build(&world.request()).unwrap_err(), reason);
}

#[test]
fn stages_give_their_files_and_what_a_run_would_make_depends_on_their_sources() {
    let text = "
ARG RUST=1.91
FROM rust:$RUST AS build
WORKDIR /src
COPY . .
RUN cargo build --release
FROM unused AS unused
COPY gone /
FROM scratch
COPY --from=build /src/notice.txt /src/target/release/pay /bin/
CMD [\"/bin/pay\"]
";
    let world = World::new(&[("Dockerfile", text), ("main.rs", "1"), ("notice.txt", "hello")]);
    let built = world.build(&world.request()).unwrap();
    assert_eq!(world.paths(&built), ["bin/notice.txt", "bin/pay"]);
    put(&world.folder.path().join("context"), "main.rs", "2");
    assert_ne!(world.digest(), built.manifest.digest);

    let mut request = world.request();
    request.target = Some("build".into());
    let build_stage = world.build(&request).unwrap();
    assert!(world.paths(&build_stage).contains(&"src/main.rs".to_owned()));
    request.target = Some("unused".into());
    assert!(world.build(&request).unwrap_err().contains("\"/gone\": not found"));
    request.target = Some("nowhere".into());
    assert_eq!(world.build(&request).unwrap_err(), "target stage \"nowhere\" could not be found");
}

#[test]
fn another_run_gives_another_image_even_where_its_folder_is_copied_whole() {
    let text = |run: &str| {
        format!("FROM rust AS a\nCOPY main.rs /src/\nRUN {run}\nFROM scratch\nCOPY --from=a /src /\n")
    };
    let world = World::new(&[("Dockerfile", &text("one")), ("main.rs", "1")]);
    let digest = world.digest();
    put(&world.folder.path().join("context"), "Dockerfile", &text("two"));
    assert_ne!(world.digest(), digest);
}

#[test]
fn a_new_entry_point_forgets_the_command_of_its_base() {
    let text = "FROM debian AS base\nCMD [\"old\"]\nFROM base\nENTRYPOINT [\"/bin/run\"]\n";
    let world = World::new(&[("Dockerfile", text)]);
    let config = world.config(&world.build(&world.request()).unwrap());
    assert_eq!(config["config"]["Entrypoint"], json!(["/bin/run"]));
    assert_eq!(config["config"].get("Cmd"), None);
}

#[test]
fn nothing_is_made_up_where_nothing_could_have_made_it() {
    let text = "FROM scratch AS a\nCOPY Dockerfile /\nFROM scratch\nCOPY --from=a /other /\n";
    let world = World::new(&[("Dockerfile", text)]);
    assert!(world.build(&world.request()).unwrap_err().starts_with("Dockerfile:4: "));
}

#[test]
fn the_configuration_says_how_to_run_the_image() {
    let text = "
FROM debian AS base
ENV PORT=80 HOME=/root
CMD old
FROM base
ARG VERSION=1
ARG PORT=90
LABEL version=\"v$VERSION\" port=${PORT}
WORKDIR /srv
WORKDIR app
EXPOSE $PORT 53/udp
USER 1000
ENTRYPOINT [\"/bin/run\"]
CMD --port $PORT
HEALTHCHECK CMD true
";
    let world = World::new(&[("Dockerfile", text)]);
    let mut request = world.request();
    request.arguments.insert("VERSION".into(), "2".into());
    request.labels.push(("revision".into(), "abc".into()));
    let built = world.build(&request).unwrap();
    let config = world.config(&built);
    assert_eq!(
        config["config"],
        json!({
            "Env": ["PORT=80", "HOME=/root"],
            "Entrypoint": ["/bin/run"],
            "Cmd": ["/bin/sh", "-c", "--port $PORT"],
            "ExposedPorts": { "80/tcp": {}, "53/udp": {} },
            "Labels": { "version": "v2", "port": "80", "revision": "abc" },
            "User": "1000",
            "WorkingDir": "/srv/app",
        })
    );
    assert_eq!((&config["os"], &config["architecture"]), (&json!("linux"), &json!("amd64")));
    let layers = config["rootfs"]["diff_ids"].as_array().unwrap().len();
    let steps = config["history"].as_array().unwrap().iter().filter(|one| one.get("empty_layer").is_none());
    assert_eq!(steps.count(), layers);
}

#[test]
fn an_unusable_dockerfile_builds_nothing() {
    for (text, reason) in [
        ("", "dockerfile parse error: file with no instructions"),
        ("FROM $NOTHING\n", "dockerfile parse error on line 1: base name ($NOTHING) should not be blank"),
        ("FROM a\nBUILD b\n", "dockerfile parse error on line 2: unknown instruction: BUILD"),
    ] {
        let world = World::new(&[("Dockerfile", text)]);
        assert_eq!(world.build(&world.request()).unwrap_err(), reason);
    }
    let world = World::new(&[("other", "")]);
    assert!(world.build(&world.request()).unwrap_err().ends_with("Dockerfile: no such file or directory"));
}
