//! The few `aws` commands that a build needs.

use std::process::ExitCode;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::environment::Environment;
use crate::json_call::CallError;

/// The AWS CLI's exit status for an error that the service answered.
const SERVICE_ERROR: u8 = 254;
/// And for arguments it does not understand.
const USAGE_ERROR: u8 = 252;

pub(super) async fn run(arguments: Vec<String>) -> ExitCode {
    if arguments.first().is_some_and(|first| first == "--version") {
        println!("aws-cli/2 (tidegate's stand-in for a local build)");
        return ExitCode::SUCCESS;
    }
    match answer(&arguments).await {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(Failure::Usage(message)) => {
            eprintln!("aws: {message}");
            ExitCode::from(USAGE_ERROR)
        }
        Err(Failure::Service { operation, error }) => {
            match error {
                CallError::Refused { kind, message } => {
                    eprintln!("An error occurred ({kind}) when calling the {operation} operation: {message}");
                }
                error @ CallError::Unreachable { .. } => {
                    eprintln!("Could not connect to the endpoint URL: {error}")
                }
            }
            ExitCode::from(SERVICE_ERROR)
        }
    }
}

enum Failure {
    Usage(String),
    Service { operation: &'static str, error: CallError },
}

async fn answer(arguments: &[String]) -> Result<String, Failure> {
    let usage = |message: String| Failure::Usage(message);
    let options = Options::parse(arguments).map_err(usage)?;
    let mut environment = Environment::read().map_err(usage)?;
    if let Some(region) = &options.region {
        environment.region.clone_from(region);
    }
    match options.command.join(" ").as_str() {
        "ecr get-login-password" => password(&environment).await,
        "ecr describe-images" => {
            let name =
                options.repository.clone().ok_or_else(|| usage("--repository-name is required".into()))?;
            let mut body = json!({ "repositoryName": name });
            if !options.image_ids.is_empty() {
                body["imageIds"] = options.image_ids.clone().into();
            }
            let operation = "DescribeImages";
            let told = environment.ecr(operation, &body).await;
            let told = told.map_err(|error| Failure::Service { operation, error })?;
            options.show(&told).map_err(usage)
        }
        other => Err(usage(format!(
            "{other:?} is not part of a local build: ecr get-login-password and ecr describe-images are"
        ))),
    }
}

async fn password(environment: &Environment) -> Result<String, Failure> {
    let operation = "GetAuthorizationToken";
    let told = environment.ecr(operation, &json!({})).await;
    let told = told.map_err(|error| Failure::Service { operation, error })?;
    let token = told["authorizationData"][0]["authorizationToken"].as_str().unwrap_or_default();
    let text = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| text.strip_prefix("AWS:").map(str::to_owned))
        .ok_or_else(|| Failure::Usage("ECR gave an authorization token that is none".into()))
}

#[derive(Debug, Default, PartialEq)]
struct Options {
    command: Vec<String>,
    region: Option<String>,
    repository: Option<String>,
    query: Option<String>,
    text: bool,
    image_ids: Vec<Value>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = arguments.iter().peekable();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--") else {
                options.command.push(word.clone());
                continue;
            };
            let (name, stated) =
                flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value.to_owned())));
            let mut value = || {
                stated
                    .clone()
                    .or_else(|| words.next().cloned())
                    .ok_or_else(|| format!("--{name}: expected one argument"))
            };
            match name {
                "region" => options.region = Some(value()?),
                "repository-name" => options.repository = Some(value()?),
                "query" => options.query = Some(value()?),
                "output" => options.text = value()? == "text",
                "no-cli-pager" => {}
                "image-ids" => {
                    options.image_ids.push(image_id(&value()?)?);
                    while let Some(next) = words.next_if(|word| word.contains('=') && !word.starts_with("--"))
                    {
                        options.image_ids.push(image_id(next)?);
                    }
                }
                _ => return Err(format!("--{name} is not supported in a local build")),
            }
        }
        Ok(options)
    }

    fn show(&self, told: &Value) -> Result<String, String> {
        let chosen = match &self.query {
            Some(query) => choose(told, query)?,
            None => told,
        };
        if !self.text {
            return Ok(serde_json::to_string_pretty(chosen).unwrap_or_default());
        }
        match chosen {
            Value::Null => Ok("None".to_owned()),
            Value::String(text) => Ok(text.clone()),
            Value::Bool(_) | Value::Number(_) => Ok(chosen.to_string()),
            Value::Array(_) | Value::Object(_) => {
                Err("--output text needs a --query that gives one value, in a local build".into())
            }
        }
    }
}

/// `imageTag=…` or `imageDigest=…`, or both with a comma.
fn image_id(text: &str) -> Result<Value, String> {
    let mut id = json!({});
    for pair in text.split(',') {
        match pair.split_once('=') {
            Some((name @ ("imageTag" | "imageDigest"), value)) => id[name] = value.into(),
            _ => return Err(format!("--image-ids {text:?}: imageTag=… or imageDigest=… is expected")),
        }
    }
    Ok(id)
}

/// The part of JMESPath that names one thing: `a[0].b`.
fn choose<'a>(told: &'a Value, query: &str) -> Result<&'a Value, String> {
    let refused = || format!("--query {query:?} is not supported in a local build; a path such as a[0].b is");
    let mut chosen = told;
    for part in query.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, Some(index.strip_suffix(']').ok_or_else(refused)?)),
            None => (part, None),
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(refused());
        }
        chosen = &chosen[name];
        if let Some(index) = index {
            chosen = &chosen[index.parse::<usize>().map_err(|_| refused())?];
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_buildspecs_question_is_understood() {
        let line = "ecr describe-images --repository-name team/pay --image-ids imageTag=tg-1 --query imageDetails[0].imageDigest --output text";
        let options = parse(line).unwrap();
        assert_eq!(options.command, ["ecr", "describe-images"]);
        assert_eq!(options.repository.as_deref(), Some("team/pay"));
        assert_eq!(options.image_ids, [json!({ "imageTag": "tg-1" })]);
        let told = json!({ "imageDetails": [{ "imageDigest": "sha256:1" }] });
        assert_eq!(options.show(&told).unwrap(), "sha256:1");
        assert_eq!(options.show(&json!({ "imageDetails": [] })).unwrap(), "None");
    }

    #[test]
    fn what_is_not_understood_is_said() {
        assert!(parse("ecr describe-images --max-items 3").unwrap_err().contains("--max-items"));
        assert!(parse("ecr describe-images --image-ids tag=1").unwrap_err().contains("imageTag"));
        assert!(choose(&json!({}), "a[*].b").is_err());
    }
}
