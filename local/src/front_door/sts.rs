//! GetCallerIdentity: whose signature a request bears. The only request here whose signature is checked, for it is the only
//! one that proves anything.
//!
//! Source: IAM user guide, "Create a signed AWS API request".

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Incoming;
use crate::people::{SECRET_KEY, unique_id, user_of};
use crate::stand_in::Answer;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Source: as above: a request must reach AWS within five minutes of its time.
const SKEW_MAX_S: i64 = 300;

pub(crate) fn answer(incoming: &Incoming, now_s: i64) -> Answer {
    let wants_json = header(&incoming.headers, "accept").is_some_and(|accept| accept == "application/json");
    match caller(incoming, now_s) {
        Ok((account, name)) => identity(&account, &name, wants_json),
        Err((code, why)) => error(code, why, wants_json),
    }
}

type Refused = (&'static str, &'static str);

const NO_MATCH: Refused = (
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided.",
);

fn caller(incoming: &Incoming, now_s: i64) -> Result<(String, String), Refused> {
    let headers = &incoming.headers;
    let incomplete = ("IncompleteSignature", "The authorization header is not complete.");
    let authorization = header(headers, "authorization")
        .ok_or(("MissingAuthenticationToken", "Request is missing Authentication Token"))?;
    let fields = authorization.strip_prefix(ALGORITHM).ok_or(incomplete)?;
    let fields: BTreeMap<&str, &str> =
        fields.split(',').filter_map(|field| field.trim().split_once('=')).collect();
    let field = |name: &str| fields.get(name).copied().ok_or(incomplete);
    let (credential, signed, signature) =
        (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
    let parts: Vec<&str> = credential.split('/').collect();
    let [key, day, region, service, "aws4_request"] = parts[..] else { return Err(incomplete) };
    let date = header(headers, "x-amz-date").ok_or(incomplete)?;
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).map_err(|_| incomplete)?;
    let time_s = time.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| incomplete)?.timestamp().as_second();
    if !date.starts_with(day) || (now_s - time_s).abs() > SKEW_MAX_S {
        return Err(("SignatureDoesNotMatch", "Signature expired."));
    }
    let names: Vec<&str> = signed.split(';').collect();
    let must = |name: &str| name == "host" || name.starts_with("x-amz-");
    if !names.contains(&"host")
        || headers.keys().any(|name| must(name.as_str()) && !names.contains(&name.as_str()))
    {
        return Err(NO_MATCH);
    }
    let mut canonical = String::new();
    for name in &names {
        let values: Option<Vec<&str>> =
            headers.get_all(*name).iter().map(|value| value.to_str().ok()).collect();
        let values = values.filter(|values| !values.is_empty()).ok_or(NO_MATCH)?;
        let trimmed: Vec<String> =
            values.iter().map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        canonical += &format!("{name}:{}\n", trimmed.join(","));
    }
    let (path, query) = incoming.path_and_query.split_once('?').unwrap_or((&incoming.path_and_query, ""));
    let mut parameters: Vec<&str> = query.split('&').collect();
    parameters.sort_unstable();
    let (method, query, body) =
        (&incoming.method, parameters.join("&"), hex(&Sha256::digest(&incoming.body)));
    let request = format!("{method}\n{path}\n{query}\n{canonical}\n{signed}\n{body}");
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let (account, name) = user_of(key)
        .ok_or(("InvalidClientTokenId", "The security token included in the request is invalid."))?;
    let mut signing_key = format!("AWS4{SECRET_KEY}").into_bytes();
    for part in [day, region, service, "aws4_request"] {
        signing_key = mac(&signing_key, part);
    }
    if hex(&mac(&signing_key, &to_sign)) != signature {
        return Err(NO_MATCH);
    }
    Ok((account.to_owned(), name.to_owned()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn identity(account: &str, name: &str, wants_json: bool) -> Answer {
    let (arn, id) = (format!("arn:aws:iam::{account}:user/{name}"), unique_id(account, name));
    let request = crate::fresh::uuid();
    let (content_type, body) = if wants_json {
        let result = json!({ "Account": account, "Arn": arn, "UserId": id });
        let response =
            json!({ "GetCallerIdentityResult": result, "ResponseMetadata": { "RequestId": request } });
        ("application/json", json!({ "GetCallerIdentityResponse": response }).to_string())
    } else {
        let body = format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>{arn}</Arn><UserId>{id}</UserId><Account>{account}</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        );
        ("text/xml", body)
    };
    Answer { status: 200, content_type, headers: Vec::new(), body: body.into() }
}

fn error(code: &str, why: &str, wants_json: bool) -> Answer {
    let request = crate::fresh::uuid();
    let (content_type, body) = if wants_json {
        let error = json!({ "Type": "Sender", "Code": code, "Message": why });
        ("application/json", json!({ "Error": error, "RequestId": request }).to_string())
    } else {
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{why}</Message></Error><RequestId>{request}</RequestId></ErrorResponse>"
        );
        ("text/xml", body)
    };
    Answer { status: 403, content_type, headers: Vec::new(), body: body.into() }
}
