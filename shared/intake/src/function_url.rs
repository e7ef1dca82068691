//! Requests to the Function URL, whose only expected caller is Slack.
//!
//! Source: Lambda guide, "Function URL request payload" (format 2.0); docs.slack.dev, "Verifying requests from Slack".

use crate::unreadable::{At, Unreadable};
use crate::{Meaning, Subject, Why};

/// Whether a request claims to be Slack's: it is signed and has a body. The signature is checked by `slack`, over the
/// decoded bytes of the body.
pub(crate) fn read(request: &At<'_>) -> Result<Meaning, Unreadable> {
    let http = request.field("requestContext").field("http");
    http.object()?;
    let method = http.field("method").text("a method of HTTP")?;
    let path = request.field("rawPath").text("a path")?;
    // Names of headers arrive in lower case.
    let headers = request.field("headers");
    let has = |name: &str| headers.field(name).value.as_str().is_some_and(|value| !value.is_empty());
    let signed = has("x-slack-signature") && has("x-slack-request-timestamp");
    if !signed || method != "POST" {
        return Ok(Meaning::Ignored(Why::NotSigned { method: method.to_owned() }));
    }
    request.field("body").text("the body that the signature is for")?;
    Ok(Meaning::Signal(Subject::Slack { path: path.to_owned() }))
}
