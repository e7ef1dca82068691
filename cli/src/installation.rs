//! Which Tidegate a command talks to: the running local mode, or one installed in an AWS account.

use ::local::people::{LOCAL_USER, access_key};
use aws::sdk::cloudformation::Client;
use aws::sdk::cloudformation::error::ProvideErrorMetadata;
use aws::sdk::cloudformation::types::Stack;
use aws::{Aws, Settings};
use intake::Function;

use crate::local;

#[derive(clap::Args)]
pub(crate) struct Installation {
    /// The stack of an installation in the AWS account that your credentials name. Without it: local mode.
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,
}

type SdkConfig = aws::client::SdkConfig;

/// AWS's own code and message; an SDK error's full text is for programmers.
pub(crate) fn refusal(call: &str, error: &(impl ProvideErrorMetadata + std::error::Error)) -> String {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{call} was refused ({code}): {message}"),
        (code, _) => {
            let cause = std::iter::successors(error.source(), |cause| cause.source()).last();
            let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
            format!("{call} failed{}: {cause}", code.map_or(String::new(), |code| format!(" ({code})")))
        }
    }
}

impl Installation {
    pub(crate) fn is_local(&self) -> bool {
        self.stack.is_none()
    }

    /// What a further command needs to speak to the same installation.
    pub(crate) fn flag(&self) -> String {
        self.stack.as_ref().map_or(String::new(), |stack| format!(" --stack {stack}"))
    }

    /// The stack that Tidegate itself is.
    pub(crate) fn stack_name(&self) -> &str {
        self.stack.as_deref().unwrap_or(::local::account::STACK)
    }

    pub(crate) async fn sdk_config(&self) -> Result<SdkConfig, String> {
        self.sdk_config_of(LOCAL_USER).await
    }

    /// In local mode as the user of that name; elsewhere your credentials say who you are.
    pub(crate) async fn sdk_config_of(&self, local_user: &str) -> Result<SdkConfig, String> {
        match &self.stack {
            Some(_) => Ok(aws::client::load(None, None).await),
            None => {
                let running = local::running()?;
                let key = access_key(local::ACCOUNT, local_user);
                Ok(aws::client::load(Some(&running.endpoint), Some(&key)).await)
            }
        }
    }

    /// What its orders are for.
    pub(crate) async fn identity(&self, config: &SdkConfig) -> Result<proof::Installation, String> {
        let stack = describe(config, self.stack_name()).await?;
        let id = stack.stack_id().unwrap_or_default();
        id.parse().map_err(|fault| format!("DescribeStacks answered {id:?}: {fault}"))
    }

    /// The ports, knowing the installation's table.
    pub(crate) async fn aws(&self) -> Result<Aws, String> {
        let config = self.sdk_config().await?;
        let table = match &self.stack {
            None => local::running()?.table.clone(),
            Some(stack) => output_of(&config, stack, "TableName").await?,
        };
        Ok(Aws::new(&config, Settings::default().with("TIDEGATE_TABLE", &table)))
    }
}

impl Installation {
    /// An output of its stack.
    pub(crate) async fn output(&self, config: &SdkConfig, name: &str) -> Result<String, String> {
        output_of(config, self.stack_name(), name).await
    }

    /// The name of a function that takes orders.
    pub(crate) async fn function(&self, config: &SdkConfig, function: Function) -> Result<String, String> {
        let mut output = format!("{function}FunctionName");
        output[..1].make_ascii_uppercase();
        output_of(config, self.stack_name(), &output).await
    }
}

async fn describe(config: &SdkConfig, stack: &str) -> Result<Stack, String> {
    let described = Client::new(config)
        .describe_stacks()
        .stack_name(stack)
        .send()
        .await
        .map_err(|error| refusal("DescribeStacks", &error))?;
    described.stacks().first().cloned().ok_or_else(|| format!("there is no stack {stack}"))
}

async fn output_of(config: &SdkConfig, stack: &str, name: &str) -> Result<String, String> {
    let described = describe(config, stack).await?;
    described
        .outputs()
        .iter()
        .find(|output| output.output_key() == Some(name))
        .and_then(|output| output.output_value())
        .map(str::to_owned)
        .ok_or_else(|| format!("stack {stack} has no output {name}: is it an installation of Tidegate?"))
}
