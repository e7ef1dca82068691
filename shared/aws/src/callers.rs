//! Who calls: one request to STS, with others' signature. Neither the request nor what fails of it is ever told (I9).

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use engine::failure::Failure;
use engine::ports::Callers;
use proof::{ANSWER_BYTES_MAX, Answered, BODY, Installation, Request};

use crate::Aws;
use crate::failure::Call;

const GET_CALLER_IDENTITY: Call = Call::reads("sts GetCallerIdentity");
/// Whoever orders waits.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Callers for Aws {
    fn installation(&self) -> Result<Installation, Failure> {
        let stack_id = self.settings.required("TIDEGATE_STACK_ID")?;
        stack_id
            .parse()
            .map_err(|fault| Failure::refused("settings", format!("TIDEGATE_STACK_ID is {fault}")))
    }

    async fn ask_sts(&self, request: &Request) -> Result<Answered, Failure> {
        // The local AWS is one endpoint for every service; which is meant, the signed host says.
        let local =
            self.settings.optional("AWS_ENDPOINT_URL").map(|url| format!("{}/", url.trim_end_matches('/')));
        let url = local.unwrap_or_else(|| format!("https://{}/", request.host));
        let call = GET_CALLER_IDENTITY;
        let asked = http_request(request, &url)?;
        // A connector follows nobody elsewhere: a redirect is an answer like others.
        let answered = tokio::time::timeout(TIMEOUT, async {
            let answer = connector().call(asked).await.map_err(|_| "the connection failed")?;
            read(answer).await
        })
        .await;
        // In fixed words: the client's own could quote a header.
        match answered {
            Err(_elapsed) => Err(call.unanswered("no answer in time")),
            Ok(Err(why)) => Err(call.unanswered(why)),
            Ok(Ok(Answered { status, .. })) if status == 429 || status >= 500 => {
                Err(call.transient(format!("STS answered {status}")))
            }
            Ok(Ok(answered)) => Ok(answered),
        }
    }
}

fn connector() -> Connector {
    Connector::builder().tls_provider(crate::client::tls()).build()
}

fn http_request(request: &Request, url: &str) -> Result<HttpRequest, Failure> {
    let refused = |why: &'static str| GET_CALLER_IDENTITY.refused(why);
    let mut asked = HttpRequest::new(SdkBody::from(BODY));
    asked.set_method("POST").map_err(|_| refused("POST is not a method"))?;
    asked.set_uri(url).map_err(|_| refused("AWS_ENDPOINT_URL is not a URL"))?;
    for (name, value) in &request.headers {
        let set = asked.headers_mut().try_insert(*name, value.clone());
        set.map_err(|_| refused("a header cannot be sent"))?;
    }
    Ok(asked)
}

/// No more of it than is looked at.
async fn read(mut answer: HttpResponse) -> Result<Answered, &'static str> {
    let status = answer.status().as_u16();
    let content_type = answer.headers().get("content-type").unwrap_or_default().to_owned();
    let mut stream = ByteStream::new(std::mem::replace(answer.body_mut(), SdkBody::empty()));
    let mut body = Vec::new();
    while body.len() <= ANSWER_BYTES_MAX
        && let Some(bytes) = stream.next().await
    {
        body.extend_from_slice(&bytes.map_err(|_| "the answer broke off")?);
    }
    Ok(Answered { status, content_type, body })
}
