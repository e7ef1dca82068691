//! Whoever orders something: signs it as the identity whose AWS credentials this machine has, and invokes the function that takes it.

use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;

use ::local::people::LOCAL_USER;
use aws::client::SdkConfig;
use aws::sdk::lambda::Client;
use aws::sdk::lambda::primitives::Blob;
use intake::{Function, Given, REASON_CHARS_MAX};
use model::ids::OrderId;
use serde_json::Value;

use crate::fail;
use crate::installation::{Installation, refusal};

pub(crate) const REFUSED: u8 = 1;

#[derive(clap::Args)]
pub(crate) struct Orderer {
    /// In local mode: who orders. Elsewhere your AWS credentials prove who you are.
    #[arg(long = "as", value_name = "NAME", default_value = LOCAL_USER, conflicts_with = "stack")]
    local_user: String,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

impl Orderer {
    /// Gives an order and says what became of it.
    pub(crate) async fn give(&self, order: impl FnOnce(OrderId) -> Given) -> ExitCode {
        tell(self.ask(order).await)
    }

    /// What was taken, in the engine's own words.
    ///
    /// # Errors
    /// Why it was not.
    pub(crate) async fn ask(&self, order: impl FnOnce(OrderId) -> Given) -> Result<String, String> {
        let given = order(nonce()?);
        if given.reason().chars().count() > REASON_CHARS_MAX {
            return Err(format!("a reason has at most {REASON_CHARS_MAX} characters"));
        }
        let config = self.installation.sdk_config_of(&self.local_user).await?;
        let installation = self.installation.identity(&config).await?;
        let now_s = u32::try_from(jiff::Timestamp::now().as_second())
            .map_err(|_| "this machine's clock is in another century".to_owned())?;
        let proof = aws::sign(&config, &installation, &given.bound(&installation), now_s).await?;
        invoke(&config, &self.installation, given.function(), &given.to_message(&proof)).await
    }
}

/// Nobody ever chose it before. The standard library seeds each `RandomState` from the system.
fn nonce() -> Result<OrderId, String> {
    let number = || RandomState::new().hash_one(std::process::id());
    format!("cli-{:016x}{:016x}", number(), number()).parse().map_err(|malformed| format!("{malformed}"))
}

fn tell(taken: Result<String, String>) -> ExitCode {
    match taken {
        Ok(taken) => {
            println!("{taken}");
            ExitCode::SUCCESS
        }
        Err(why) => fail(REFUSED, why),
    }
}

/// What the function took, in the engine's own words.
async fn invoke(
    config: &SdkConfig,
    installation: &Installation,
    function: Function,
    order: &Value,
) -> Result<String, String> {
    let answer = Client::new(config)
        .invoke()
        .function_name(installation.function(config, function).await?)
        .payload(Blob::new(order.to_string()))
        .send()
        .await
        .map_err(|error| refusal("Invoke", &error))?;
    let payload = answer.payload().map(|payload| payload.as_ref().to_vec()).unwrap_or_default();
    let value: Value = serde_json::from_slice(&payload)
        .map_err(|error| format!("{function} answered what is no JSON: {error}"))?;
    if answer.function_error().is_some() {
        let why = value["errorMessage"].as_str().unwrap_or("no reason given");
        return Err(format!("{function} failed: {why}"));
    }
    let said = value["handled"][0].as_str().ok_or_else(|| format!("{function} answered {value}"))?;
    said.strip_prefix("taken: ").map(str::to_owned).ok_or_else(|| said.to_owned())
}
