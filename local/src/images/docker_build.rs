//! `docker build` and `docker buildx build`: their options.

use std::{fs, path::PathBuf};

use serde_json::json;

use super::{
    build::{self, Built, MANIFEST_TYPE, Request},
    environment::Environment,
    push,
    reference::Reference,
    store::Store,
};

#[derive(Debug, Default)]
struct Options {
    request: Request,
    tags: Vec<Reference>,
    push: bool,
    quiet: bool,
    id_file: Option<PathBuf>,
    metadata_file: Option<PathBuf>,
}

/// With a value, and without any meaning for an image that is built here.
const IGNORED_VALUES: [&str; 14] = [
    "add-host",
    "allow",
    "attest",
    "builder",
    "cache-from",
    "cache-to",
    "network",
    "no-cache-filter",
    "output",
    "progress",
    "provenance",
    "sbom",
    "secret",
    "ssh",
];
const IGNORED_FLAGS: [&str; 6] = ["compress", "force-rm", "load", "no-cache", "pull", "rm"];

pub(super) async fn run(environment: &Environment, arguments: &[String]) -> Result<(), String> {
    let options = parse(arguments)?;
    let store = Store::open(&environment.images).map_err(|error| error.to_string())?;
    let mut number = 0;
    let mut log = |line: &str| {
        number += 1;
        eprintln!("#{number} {line}");
    };
    let built = build::build(&store, &options.request, &mut log)
        .map_err(|error| format!("failed to build: failed to solve: {error}"))?;
    write(&options, &built).map_err(|error| error.to_string())?;
    for tag in &options.tags {
        store.tag(tag, &built.manifest.digest).map_err(|error| error.to_string())?;
        eprintln!("naming to {tag} done");
    }
    eprintln!("writing image {} done", built.config.digest);
    if options.quiet {
        println!("{}", built.config.digest);
    }
    if options.push {
        for tag in &options.tags {
            push::push(environment, &store, tag).await?;
        }
    }
    Ok(())
}

fn write(options: &Options, built: &Built) -> std::io::Result<()> {
    if let Some(file) = &options.id_file {
        fs::write(file, &built.config.digest)?;
    }
    if let Some(file) = &options.metadata_file {
        let names: Vec<String> = options.tags.iter().map(Reference::to_string).collect();
        let metadata = json!({
            "containerimage.config.digest": built.config.digest,
            "containerimage.descriptor": {
                "mediaType": MANIFEST_TYPE, "digest": built.manifest.digest, "size": built.manifest.size,
            },
            "containerimage.digest": built.manifest.digest,
            "image.name": names.join(","),
        });
        fs::write(file, metadata.to_string())?;
    }
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let (mut context, mut file): (Option<String>, Option<String>) = (None, None);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix('-').filter(|flag| !flag.is_empty()) else {
            if context.replace(word.clone()).is_some() {
                return Err("\"docker build\" requires exactly 1 argument.".into());
            }
            continue;
        };
        let flag = flag.trim_start_matches('-');
        let (name, stated) =
            flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value.to_owned())));
        let mut value = || {
            stated
                .clone()
                .or_else(|| words.next().cloned())
                .ok_or_else(|| format!("flag needs an argument: {word}"))
        };
        let pair = |text: &str| match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (text.to_owned(), std::env::var(text).unwrap_or_default()),
        };
        match name {
            "t" | "tag" => options.tags.push(value()?.parse()?),
            "f" | "file" => file = Some(value()?),
            "build-arg" => options.request.arguments.extend([pair(&value()?)]),
            "label" => options.request.labels.push(pair(&value()?)),
            "target" => options.request.target = Some(value()?),
            "platform" => {
                let platform = value()?;
                if platform.contains(',') {
                    return Err("multiple platforms are not built locally".into());
                }
                options.request.platform = Some(platform);
            }
            "iidfile" => options.id_file = Some(value()?.into()),
            "metadata-file" => options.metadata_file = Some(value()?.into()),
            "push" => options.push = true,
            "q" | "quiet" => options.quiet = true,
            name if IGNORED_FLAGS.contains(&name) => {}
            name if IGNORED_VALUES.contains(&name) => {
                value()?;
            }
            _ => return Err(format!("unknown flag: {word}")),
        }
    }
    let context = context.ok_or("\"docker build\" requires exactly 1 argument.")?;
    if context == "-" || context.contains("://") {
        return Err(format!("{context}: only a folder can be built locally"));
    }
    options.request.context = context.into();
    if !options.request.context.is_dir() {
        let shown = options.request.context.display();
        return Err(format!("unable to prepare context: path {shown:?} not found"));
    }
    options.request.dockerfile =
        file.map_or_else(|| options.request.context.join("Dockerfile"), PathBuf::from);
    if options.push && options.tags.is_empty() {
        return Err("tag is needed when pushing to registry".into());
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_usual_options_are_understood() {
        let line = "-t a:1 --tag=b/c -f ./x/Dockerfile --build-arg A=1 --label l=2 --target t --provenance=false --no-cache --progress plain .";
        let options = parse(&words(line)).unwrap();
        assert_eq!(options.tags.iter().map(Reference::to_string).collect::<Vec<_>>(), ["a:1", "b/c:latest"]);
        assert_eq!(options.request.dockerfile, PathBuf::from("./x/Dockerfile"));
        assert_eq!(options.request.arguments["A"], "1");
        assert_eq!(options.request.target.as_deref(), Some("t"));
        assert_eq!(parse(&words(".")).unwrap().request.dockerfile, PathBuf::from("./Dockerfile"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (line, reason) in [
            ("-t a", "requires exactly 1 argument"),
            (". .", "requires exactly 1 argument"),
            ("--squash .", "unknown flag: --squash"),
            (". -t", "flag needs an argument: -t"),
            ("--push .", "tag is needed"),
            ("-t UPPER .", "invalid reference format"),
            ("nowhere", "unable to prepare context"),
            ("-", "only a folder can be built"),
            ("--platform linux/amd64,linux/arm64 .", "multiple platforms"),
        ] {
            let refused = parse(&words(line)).unwrap_err();
            assert!(refused.contains(reason), "{line}: {refused}");
        }
    }
}
