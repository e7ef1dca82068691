//! Where the last stops, their queues and the functions of an installation are: its stack says so.

use std::collections::BTreeMap;

use aws::client::SdkConfig;
use aws::sdk::cloudformation::Client;
use intake::Function;
use intake::dead_letter::Stop;

use crate::installation::refusal;

const QUEUE: &str = "AWS::SQS::Queue";
const FUNCTION: &str = "AWS::Lambda::Function";
/// CloudFormation gives a hundred a page, and a stack has 500 at most.
const PAGES_MAX: u32 = 10;

pub(super) struct Installed {
    pub(super) config: SdkConfig,
    stack: String,
    /// Physical by logical id: URLs of queues, names of functions.
    queues: BTreeMap<String, String>,
    functions: BTreeMap<String, String>,
}

impl Installed {
    pub(super) async fn read(config: SdkConfig, stack: &str) -> Result<Self, String> {
        let client = Client::new(&config);
        let mut installed =
            Self { config, stack: stack.to_owned(), queues: BTreeMap::new(), functions: BTreeMap::new() };
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let page = client
                .list_stack_resources()
                .stack_name(stack)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| refusal("ListStackResources", &error))?;
            for resource in page.stack_resource_summaries() {
                let logical = resource.logical_resource_id().unwrap_or_default().to_owned();
                let physical = resource.physical_resource_id().unwrap_or_default().to_owned();
                match resource.resource_type() {
                    Some(QUEUE) => drop(installed.queues.insert(logical, physical)),
                    Some(FUNCTION) => drop(installed.functions.insert(logical, physical)),
                    Some(_) | None => {}
                }
            }
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        if installed.stops().next().is_none() {
            return Err(format!("stack {stack} has no QuarantineQueue: is it an installation of Tidegate?"));
        }
        Ok(installed)
    }

    /// Every last stop with its queue's URL.
    pub(super) fn stops(&self) -> impl Iterator<Item = (Stop, &str)> {
        self.queues.iter().filter_map(|(name, url)| Some((Stop::named(name)?, url.as_str())))
    }

    pub(super) fn queue(&self, logical_id: &str) -> Result<&str, String> {
        let url = self.queues.get(logical_id).map(String::as_str);
        url.ok_or_else(|| format!("stack {} has no queue {logical_id}", self.stack))
    }

    pub(super) fn function(&self, function: Function) -> Result<&str, String> {
        let mut logical_id = format!("{function}Function");
        logical_id[..1].make_ascii_uppercase();
        let name = self.functions.get(&logical_id).map(String::as_str);
        name.ok_or_else(|| format!("stack {} has no function {logical_id}", self.stack))
    }
}
