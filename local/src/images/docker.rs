//! The `docker` commands that a build needs.

use std::{io::Read, process::ExitCode};

use serde_json::{Value, json};

use super::{
    docker_build,
    environment::Environment,
    push,
    store::{Store, config_digest},
};

pub(super) async fn run(arguments: Vec<String>) -> ExitCode {
    match command(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("ERROR: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn command(arguments: &[String]) -> Result<(), String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let environment = Environment::read()?;
    match words.as_slice() {
        ["version" | "--version" | "-v" | "info", ..]
        | ["buildx", "version" | "create" | "use" | "inspect", ..] => {
            println!("Docker version 0 (tidegate's stand-in for a local build)");
            Ok(())
        }
        ["login", ..] => login(&environment, &arguments[1..]),
        ["logout", ..] => Ok(()),
        ["build", ..] => docker_build::run(&environment, &arguments[1..]).await,
        ["buildx" | "image" | "builder", "build", ..] => {
            docker_build::run(&environment, &arguments[2..]).await
        }
        ["tag", source, target] | ["image", "tag", source, target] => tag(&environment, source, target),
        ["push", ..] => push_one(&environment, &words[1..]).await,
        ["image", "push", ..] => push_one(&environment, &words[2..]).await,
        ["inspect", ..] => inspect(&environment, &words[1..]),
        ["image", "inspect", ..] => inspect(&environment, &words[2..]),
        _ => Err(format!(
            "docker {} is not part of a local build: login, build, tag, push and inspect are",
            arguments.join(" ")
        )),
    }
}

fn open(environment: &Environment) -> Result<Store, String> {
    Store::open(&environment.images).map_err(|error| error.to_string())
}

fn login(environment: &Environment, arguments: &[String]) -> Result<(), String> {
    let (mut registry, mut user, mut from_input, mut password) = (None, None, false, None);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let (name, stated) = match word.split_once('=') {
            Some((name, value)) if name.starts_with('-') => (name, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        match name {
            "-u" | "--username" => user = stated.or_else(|| words.next().cloned()),
            "-p" | "--password" => password = stated.or_else(|| words.next().cloned()),
            "--password-stdin" => from_input = true,
            name if name.starts_with('-') => return Err(format!("unknown flag: {word}")),
            _ => registry = Some(word.trim_start_matches("https://").trim_end_matches('/').to_owned()),
        }
    }
    if from_input {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
        password = Some(text.trim_end().to_owned());
    }
    if user.as_deref() != Some("AWS") {
        return Err("a registry of ECR takes the user AWS".into());
    }
    if password.unwrap_or_default().is_empty() {
        return Err("Error: Password required".into());
    }
    let registry = registry.ok_or("a local build logs in to a registry of ECR; none is named")?;
    open(environment)?.log_in(&registry).map_err(|error| error.to_string())?;
    println!("Login Succeeded");
    Ok(())
}

fn tag(environment: &Environment, source: &str, target: &str) -> Result<(), String> {
    let store = open(environment)?;
    let manifest = find(&store, source)?;
    store.tag(&target.parse()?, &manifest).map_err(|error| error.to_string())
}

async fn push_one(environment: &Environment, words: &[&str]) -> Result<(), String> {
    let names: Vec<&&str> = words.iter().filter(|word| !word.starts_with('-')).collect();
    match names.as_slice() {
        [name] => push::push(environment, &open(environment)?, &name.parse()?).await,
        _ => Err("\"docker push\" requires exactly 1 argument.".into()),
    }
}

fn inspect(environment: &Environment, words: &[&str]) -> Result<(), String> {
    let (mut format, mut names) = (None, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-f" | "--format" => format = words.next().map(|word| (*word).to_owned()),
            word if word.starts_with("--format=") => {
                format = word.strip_prefix("--format=").map(str::to_owned)
            }
            "--type" => {
                words.next();
            }
            word if word.starts_with('-') => {}
            name => names.push(name),
        }
    }
    let store = open(environment)?;
    for name in names {
        let told = told(&store, &find(&store, name)?).map_err(|error| error.to_string())?;
        match &format {
            Some(format) => println!("{}", show(&told, format)?),
            None => println!("{}", serde_json::to_string_pretty(&json!([told])).unwrap_or_default()),
        }
    }
    Ok(())
}

fn find(store: &Store, name: &str) -> Result<String, String> {
    let found = store.find(name).map_err(|error| error.to_string())?;
    found.ok_or_else(|| format!("Error response from daemon: No such image: {name}"))
}

fn told(store: &Store, manifest: &str) -> std::io::Result<Value> {
    let id = config_digest(&store.read(manifest)?).unwrap_or_default();
    let config: Value = serde_json::from_slice(&store.read(&id)?)?;
    let (tags, digests) = store.names(manifest)?;
    Ok(json!({
        "Id": id,
        "RepoTags": tags,
        "RepoDigests": digests,
        "Architecture": config["architecture"],
        "Os": config["os"],
        "Config": config["config"],
    }))
}

/// `{{.Name}}`, `{{index .Name 0}}` and `{{json .Name}}`, alone.
fn show(told: &Value, format: &str) -> Result<String, String> {
    let refused = || format!("--format {format:?} is not supported in a local build");
    let inside = format.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).ok_or_else(refused)?;
    let words: Vec<&str> = inside.split_whitespace().collect();
    let field = |path: &str| {
        let path = path.strip_prefix('.').ok_or_else(refused)?;
        Ok::<&Value, String>(
            path.split('.').filter(|name| !name.is_empty()).fold(told, |value, name| &value[name]),
        )
    };
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match words.as_slice() {
        [path] => field(path).map(plain),
        ["json", path] => field(path).map(Value::to_string),
        ["index", path, number] => {
            let list = field(path)?;
            let number: usize = number.parse().map_err(|_| refused())?;
            list.get(number).map(plain).ok_or_else(|| {
                format!("template parsing error: error calling index: index out of range: {number}")
            })
        }
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_formats_are_shown() {
        let told = json!({ "Id": "sha256:1", "RepoDigests": ["a@sha256:2"], "Config": { "User": "ana" } });
        for (format, shown) in [
            ("{{.Id}}", "sha256:1"),
            ("{{index .RepoDigests 0}}", "a@sha256:2"),
            ("{{json .RepoDigests}}", "[\"a@sha256:2\"]"),
            ("{{ .Config.User }}", "ana"),
        ] {
            assert_eq!(show(&told, format).unwrap(), shown, "{format}");
        }
        for format in ["Id", "{{range .RepoDigests}}", "{{index .RepoDigests 1}}"] {
            assert!(show(&told, format).is_err(), "{format}");
        }
    }
}
