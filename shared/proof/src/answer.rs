//! What STS answers.

use model::ids::IamId;
use serde::Deserialize;

use crate::Installation;
use crate::refusal::Refusal;

/// STS's own answers have about 400.
pub const ANSWER_BYTES_MAX: usize = 4096;
/// Names of roles that AWS's services act by. Source: IAM user guide, "Create a service-linked role".
const SERVICE_ROLE: &str = "AWSServiceRole";

/// An answer as it came; of a longer one its first `ANSWER_BYTES_MAX` bytes and at least one more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

/// Exactly this: a field more, less, twice or of another name is no answer of GetCallerIdentity.
///
/// Source: STS API, GetCallerIdentity; its JSON form as aws-iam-authenticator reads it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "GetCallerIdentityResponse")]
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Response {
    get_caller_identity_result: Caller,
    #[serde(rename = "ResponseMetadata")]
    _metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Caller {
    account: String,
    arn: String,
    user_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Metadata {
    #[serde(rename = "RequestId")]
    _request_id: String,
}

/// Whose signature it was.
///
/// # Errors
/// Why nobody is proven.
pub fn caller(answered: &Answered, installation: &Installation) -> Result<IamId, Refusal> {
    match answered.status {
        200 => {}
        status @ (400 | 401 | 403) => return Err(Refusal::NotTaken { status }),
        300..400 => return Err(Refusal::Strange("sends elsewhere")),
        _ => return Err(Refusal::Strange("answers with another status than 200")),
    }
    if answered.body.len() > ANSWER_BYTES_MAX {
        return Err(Refusal::Strange("answers at length"));
    }
    if answered.content_type.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Refusal::Strange("answers with something else than JSON"));
    }
    let document: Document = serde_json::from_slice(&answered.body)
        .map_err(|_| Refusal::Strange("answers with another document than GetCallerIdentity's"))?;
    identity(&document.response.get_caller_identity_result, installation)
}

fn identity(caller: &Caller, installation: &Installation) -> Result<IamId, Refusal> {
    let Caller { account, arn, user_id } = caller;
    if account != installation.account() {
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let theirs = if is_account { account.clone() } else { "another kind".to_owned() };
        return Err(Refusal::AnotherAccount { theirs, ours: installation.account().to_owned() });
    }
    const AT_ODDS: Refusal = Refusal::Strange("names an ARN and a unique id that do not belong together");
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, service, "", of, resource] = parts[..] else { return Err(AT_ODDS) };
    if partition != installation.partition() || of != account {
        return Err(AT_ODDS);
    }
    let id = || user_id.parse::<IamId>().map_err(|_| AT_ODDS);
    match (service, resource.split('/').collect::<Vec<_>>().as_slice()) {
        ("iam", ["root"]) => {
            Err(Refusal::NotAPerson("the account's root user gives no orders: it is nobody in particular"))
        }
        ("iam", ["user", _, ..]) => {
            id().and_then(|id| if id.role().is_none() { Ok(id) } else { Err(AT_ODDS) })
        }
        ("sts", ["assumed-role", role, _]) if role.starts_with(SERVICE_ROLE) => {
            Err(Refusal::NotAPerson("a role that AWS's services act by gives no orders"))
        }
        ("sts", ["assumed-role", _, session]) => {
            let id = id()?;
            let is_its = id.role().is_some_and(|role| id.as_str() == format!("{role}:{session}"));
            if is_its { Ok(id) } else { Err(AT_ODDS) }
        }
        ("sts", ["federated-user", _]) => Err(Refusal::NotAPerson(
            "a federated user gives no orders: whoever made its session chose the name",
        )),
        _ => Err(AT_ODDS),
    }
}
