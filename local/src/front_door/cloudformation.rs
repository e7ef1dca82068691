//! CloudFormation on its way to the emulator: refusals that the emulator leaves out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use super::refusals::{self, Operation, Refusal};
use super::scope::Scope;
use super::upstream::{Reply, Unanswered, Upstream};
use super::{FrontDoor, Incoming, pass_on};
use crate::fresh;

/// Tokens remembered; AWS forgets them in its own time.
const TOKENS_KEPT_MAX: usize = 10_000;

type Form = BTreeMap<String, String>;

/// What the front door remembers of stacks.
#[derive(Default)]
pub(crate) struct Stacks {
    /// One operation at a time for each (account, region, stack): status is read before the operation is passed on.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// (account, region, token) → the request's fingerprint and its answer.
    tokens: Mutex<HashMap<String, (String, Reply)>>,
}

pub(crate) async fn answer(
    door: &FrontDoor,
    upstream: &Upstream,
    scope: &Scope,
    action: &str,
    mut incoming: Incoming,
) -> Result<Reply, reqwest::Error> {
    let mut form: Form = form_urlencoded::parse(&incoming.body).into_owned().collect();
    if let Some(url) = form.get("TemplateURL").and_then(|url| path_style(url, door.url())) {
        form.insert("TemplateURL".to_owned(), url);
        incoming.body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish().into();
    }
    if let ("DescribeStackResources", Some(id), None) =
        (action, form.get("PhysicalResourceId"), form.get("StackName"))
    {
        return match stack_of(upstream, scope, id).await {
            Ok(Some(stack)) => {
                form.insert("StackName".to_owned(), stack);
                incoming.body =
                    form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish().into();
                pass_on(upstream, incoming).await
            }
            Ok(None) => Ok(refused(&refusals::belongs_to_no_stack(id))),
            Err(Unanswered::Unreachable(failure)) => Err(failure),
            Err(Unanswered::Refused { .. }) => pass_on(upstream, incoming).await,
        };
    }
    if !changes_a_stack(action) {
        return pass_on(upstream, incoming).await;
    }
    let stack = stack_name(form.get("StackName").map_or("", String::as_str)).to_owned();
    let turn = door.stacks.turn(scope, &stack);
    let _turn = turn.lock().await;

    let fingerprint = fingerprint(&form);
    let token = form.get("ClientRequestToken").filter(|token| !token.is_empty());
    match token.and_then(|token| door.stacks.remembered(scope, token)) {
        Some((of_before, answer)) if of_before == fingerprint => return Ok(answer),
        Some(_) => return Ok(refused(&refusals::by_token(token.map_or("", String::as_str)))),
        None => {}
    }
    match refusal(upstream, scope, action, &stack, &form).await {
        Ok(Some(refusal)) => return Ok(refused(&refusal)),
        Ok(None) => {}
        Err(Unanswered::Unreachable(failure)) => return Err(failure),
        // What cannot be read of the stack or template, the emulator refuses itself.
        Err(Unanswered::Refused { .. }) => {}
    }
    let token = token.cloned();
    let reply = pass_on(upstream, incoming).await?;
    if let Some(token) = token
        && reply.status.is_success()
    {
        door.stacks.remember(scope, &token, fingerprint, &reply);
    }
    Ok(reply)
}

fn changes_a_stack(action: &str) -> bool {
    matches!(
        action,
        "CreateChangeSet"
            | "ExecuteChangeSet"
            | "CreateStack"
            | "UpdateStack"
            | "DeleteStack"
            | "ContinueUpdateRollback"
    )
}

async fn refusal(
    upstream: &Upstream,
    scope: &Scope,
    action: &str,
    stack: &str,
    form: &Form,
) -> Result<Option<Refusal>, Unanswered> {
    let change_set = form.get("ChangeSetName").map_or("", String::as_str);
    let kind = form.get("ChangeSetType").map_or("UPDATE", String::as_str);
    let operation = match action {
        "CreateChangeSet" if kind == "CREATE" => Some(Operation::PlanCreation { change_set }),
        "CreateChangeSet" if kind == "IMPORT" => Some(Operation::PlanImport),
        "CreateChangeSet" => Some(Operation::PlanUpdate),
        "ExecuteChangeSet" => Some(Operation::Execute),
        "UpdateStack" => Some(Operation::Update),
        "DeleteStack" => Some(Operation::Delete),
        _ => None,
    };
    if let Some(operation) = operation
        && let Some((id, status)) = status(upstream, scope, stack).await?
        && let Some(refusal) = refusals::by_status(operation, &id, &status)
    {
        return Ok(Some(refusal));
    }
    let has_template = form.contains_key("TemplateBody") || form.contains_key("TemplateURL");
    if !has_template {
        return Ok(None);
    }
    let required = required_capabilities(upstream, scope, form).await?;
    Ok(refusals::by_capabilities(&required, &members(form, "Capabilities")))
}

/// The stack that has a resource of that physical id; the emulator only looks into stacks that are named.
async fn stack_of(upstream: &Upstream, scope: &Scope, id: &str) -> Result<Option<String>, Unanswered> {
    let stacks = upstream.query(scope, &request("DescribeStacks", &[])).await?;
    let resource = format!("<PhysicalResourceId>{id}</PhysicalResourceId>");
    for stack in elements(&stacks, "StackName") {
        let resources = request("DescribeStackResources", &[("StackName", stack)]);
        if upstream.query(scope, &resources).await?.contains(&resource) {
            return Ok(Some(stack.to_owned()));
        }
    }
    Ok(None)
}

/// The stack's id and status; none when there is no such stack.
async fn status(
    upstream: &Upstream,
    scope: &Scope,
    stack: &str,
) -> Result<Option<(String, String)>, Unanswered> {
    let described = upstream.query(scope, &request("DescribeStacks", &[("StackName", stack)])).await;
    let xml = match described {
        Ok(xml) => xml,
        Err(Unanswered::Refused { status: 400, .. }) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let read = |name| elements(&xml, name).next().map(str::to_owned);
    Ok(read("StackId").zip(read("StackStatus")))
}

async fn required_capabilities(
    upstream: &Upstream,
    scope: &Scope,
    form: &Form,
) -> Result<Vec<String>, Unanswered> {
    let template = ["TemplateBody", "TemplateURL"]
        .into_iter()
        .filter_map(|name| form.get(name).map(|value| (name, value.as_str())))
        .collect::<Vec<_>>();
    let xml = upstream.query(scope, &request("GetTemplateSummary", &template)).await?;
    let listed = elements(&xml, "Capabilities").next().unwrap_or_default();
    Ok(elements(listed, "member").map(str::to_owned).collect())
}

fn request(action: &str, parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    let fixed = [("Action", action), ("Version", "2010-05-15")];
    fixed.iter().chain(parameters).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Texts of elements of that name, in order; enough for the emulator's plain XML.
fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (text, after) = after.split_once(&close)?;
        rest = after;
        Some(text)
    })
}

/// `<list>.member.1`, `<list>.member.2`, …
fn members(form: &Form, list: &str) -> Vec<String> {
    (1..).map_while(|n| form.get(&format!("{list}.member.{n}")).cloned()).collect()
}

/// A stack may be named by its ARN, and an executed change set by its own, which names no stack.
fn stack_name(named: &str) -> &str {
    named.split_once(":stack/").and_then(|(_, path)| path.split('/').next()).unwrap_or(named)
}

/// Retries of one request are the same request, whatever order its parameters have.
fn fingerprint(form: &Form) -> String {
    let canonical = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `https://<bucket>.s3.<region>.amazonaws.com/<key>` as the emulator reads it; none if it is no such URL.
fn path_style(url: &str, endpoint: &str) -> Option<String> {
    let (host, key) = url.strip_prefix("https://")?.split_once('/')?;
    let (bucket, _) = host.strip_suffix(".amazonaws.com")?.split_once(".s3")?;
    Some(format!("{endpoint}/{bucket}/{key}"))
}

fn refused(refusal: &Refusal) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/xml"));
    Reply { status: StatusCode::BAD_REQUEST, headers, body: refusal.xml(&fresh::uuid()).into() }
}

impl Stacks {
    fn turn(&self, scope: &Scope, stack: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(key(scope, stack)).or_default())
    }

    fn remembered(&self, scope: &Scope, token: &str) -> Option<(String, Reply)> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&key(scope, token)).cloned()
    }

    fn remember(&self, scope: &Scope, token: &str, fingerprint: String, reply: &Reply) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= TOKENS_KEPT_MAX {
            tokens.clear();
        }
        tokens.insert(key(scope, token), (fingerprint, reply.clone()));
    }
}

fn key(scope: &Scope, name: &str) -> String {
    format!("{}/{}/{name}", scope.account, scope.region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_host_template_url_becomes_path_style() {
        assert_eq!(
            path_style(
                "https://artifacts-1.s3.eu-west-1.amazonaws.com/templates/ab.yaml",
                "http://127.0.0.1:1"
            ),
            Some("http://127.0.0.1:1/artifacts-1/templates/ab.yaml".to_owned())
        );
        assert_eq!(
            path_style("http://127.0.0.1:1/artifacts-1/templates/ab.yaml", "http://127.0.0.1:1"),
            None
        );
        assert_eq!(path_style("https://s3.eu-west-1.amazonaws.com/bucket/key", "http://127.0.0.1:1"), None);
    }

    #[test]
    fn a_stack_is_the_same_by_name_and_by_arn() {
        let arn = "arn:aws:cloudformation:eu-west-1:111122223333:stack/tidegate-payments-staging/1";
        assert_eq!(stack_name(arn), "tidegate-payments-staging");
        assert_eq!(stack_name("tidegate-payments-staging"), "tidegate-payments-staging");
    }

    #[test]
    fn lists_and_elements_are_read_in_order() {
        let form: Form = [("Capabilities.member.1", "A"), ("Capabilities.member.2", "B")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(members(&form, "Capabilities"), ["A", "B"]);
        assert_eq!(elements("<a><b>1</b><b>2</b></a>", "b").collect::<Vec<_>>(), ["1", "2"]);
    }
}
