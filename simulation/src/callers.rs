//! STS, as far as it says whose signature a request bears; and people who sign what they order.

use engine::failure::Failure;
use intake::Given;
use proof::{Answered, BODY, Installation, Proof, Request, Unsigned};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::events::{ACCOUNT, REGION};
use crate::world::World;

/// Who has keys: name, access key, unique id. Ana works by a role; zoe is of the account, and nobody in the directory.
const KEYS: [(&str, &str, &str); 5] = [
    ("ana", "ASIASIMULATEDANA", "AROA0000000000000001:ana"),
    ("ben", "AKIASIMULATEDBEN", "AIDA0000000000000002"),
    ("cleo", "AKIASIMULATEDCLEO", "AIDA0000000000000003"),
    ("dana", "AKIASIMULATEDDANA", "AIDA0000000000000004"),
    ("zoe", "AKIASIMULATEDZOE", "AIDA0000000000000099"),
];

/// Comes with what ana signs, and must be told nobody else (I9).
pub(crate) const SESSION_TOKEN: &str = "THE+SESSION+TOKEN+OF+ANA/SIMULATED==";
/// Begins the id of every order whose proof is none.
pub(crate) const FORGED: &str = "forged-";

pub(crate) fn unique_id(name: &str) -> Option<&'static str> {
    KEYS.iter().find(|(known, _, _)| *known == name).map(|(_, _, id)| *id)
}

/// Whose order it is, by the key in its payload.
pub(crate) fn who_ordered(payload: &str) -> Option<&'static str> {
    KEYS.iter().find(|(_, key, _)| payload.contains(key)).map(|(name, _, _)| *name)
}

pub(crate) fn installation() -> Result<Installation, Failure> {
    let stack_id = format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/tidegate/simulated");
    stack_id.parse().map_err(|fault: proof::NotAStackId| Failure::refused("settings", fault.to_string()))
}

/// What invokes `approval` in that person's name at that time; `secret` is theirs, or somebody else's guess.
pub(crate) fn signed(name: &str, given: &Given, at_ms: u64, secret: &str) -> Vec<u8> {
    let (Some((_, key, _)), Ok(installation)) =
        (KEYS.iter().find(|(known, _, _)| *known == name), installation())
    else {
        return Vec::new();
    };
    let signed_at_s = i64::try_from(at_ms / 1000).unwrap_or_default();
    let token = (name == "ana").then_some(SESSION_TOKEN);
    let unsigned = Unsigned::of(&installation, &given.bound(&installation), signed_at_s, token);
    let signature = signature(secret, &unsigned.headers);
    let proof = Proof::new(&installation, &unsigned, key, signed_at_s, token, &signature);
    given.to_message(&proof).to_string().into_bytes()
}

pub(crate) fn secret(name: &str) -> String {
    format!("the secret key of {name}")
}

/// Not AWS's, but as bound to every header and to the body.
fn signature(secret: &str, headers: &[(&'static str, String)]) -> String {
    let hash = Sha256::digest(format!("{secret}\n{headers:?}\n{BODY}"));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl World {
    /// `unchecked`: whatever the signature is, it is taken for the key's.
    pub(crate) fn answer_sts(&mut self, request: &Request, unchecked: bool) -> Answered {
        let is_signed = |(name, _): &&(&'static str, String)| !matches!(*name, "authorization" | "accept");
        let signed: Vec<(&'static str, String)> = request.headers.iter().filter(is_signed).cloned().collect();
        let authorization = request.headers.iter().find(|(name, _)| *name == "authorization");
        let authorization = authorization.map_or("", |(_, value)| value.as_str());
        let caller = KEYS.iter().find(|(name, key, _)| {
            authorization.contains(&format!("Credential={key}/"))
                && (unchecked
                    || authorization.ends_with(&format!("Signature={}", signature(&secret(name), &signed))))
        });
        let (status, body) = match caller {
            Some((name, _, user_id)) => {
                let arn = if *name == "ana" {
                    format!("arn:aws:sts::{ACCOUNT}:assumed-role/Developer/ana")
                } else {
                    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
                };
                let result = json!({ "Account": ACCOUNT, "Arn": arn, "UserId": user_id });
                let metadata = json!({ "RequestId": "0d3cf0a2-6f43-4a7e-9a55-2f1a8c5b7e11" });
                let response = json!({ "GetCallerIdentityResult": result, "ResponseMetadata": metadata });
                (200, json!({ "GetCallerIdentityResponse": response }))
            }
            None => {
                self.coverage.hit("refused", "a signature that is none");
                (403, json!({ "Error": { "Code": "SignatureDoesNotMatch" } }))
            }
        };
        Answered { status, content_type: "application/json".to_owned(), body: body.to_string().into_bytes() }
    }
}
