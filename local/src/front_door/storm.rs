//! A function's call on its way through the account's faults. See `crate::faults`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::{future, stream};

use super::scope::{self, Scope};
use super::upstream::Upstream;
use super::{FrontDoor, Incoming};
use crate::faults::{Fault, FunctionCall, refusal};
use crate::fresh;

/// Longer than the SDK waits for an answer.
const LATE: Duration = Duration::from_secs(11);

/// Answers as the account's faults have it. Calls of others than functions are answered as they are.
pub(super) async fn answer(
    door: &Arc<FrontDoor>,
    upstream: &Upstream,
    scope: Scope,
    incoming: Incoming,
) -> Result<Response<Body>, reqwest::Error> {
    let action = scope::action(&incoming.headers, &incoming.body, incoming.method.as_str());
    let Some(call) = FunctionCall::of(&incoming.headers, &scope.service, &action) else {
        return super::answer(door, upstream, scope, incoming).await;
    };
    let fault = door.control.befalls(&scope.account, &call);
    if let Some(moment) = door.control.dies_in(&scope.account) {
        tokio::spawn(kill(Arc::clone(door), scope.account.clone(), call.clone(), moment));
    }
    let Some(fault) = fault else {
        return super::answer(door, upstream, scope, incoming).await;
    };
    tracing::debug!(account = %scope.account, service = %call.service, %action, ?fault, "fault");
    match fault {
        Fault::Throttled | Fault::Unavailable | Fault::Broken => Ok(refused(&call.service, fault)),
        Fault::Reset => Ok(cut_off()),
        Fault::AnswerLost => {
            super::answer(door, upstream, scope, incoming).await?;
            Ok(cut_off())
        }
        Fault::AnswerLate => {
            let answer = super::answer(door, upstream, scope, incoming).await?;
            tokio::time::sleep(LATE).await;
            Ok(answer)
        }
    }
}

/// Ends the function's process at its moment, if it still handles its event then.
async fn kill(door: Arc<FrontDoor>, account: String, call: FunctionCall, moment: Duration) {
    tokio::time::sleep(moment).await;
    let Some(upstream) = door.upstream() else { return };
    let killed = upstream.kill(call.environment).await.unwrap_or_else(|failure| {
        tracing::warn!(function = %call.function, %failure, "the function was not killed");
        false
    });
    door.control.was_killed(&account, &call.function, killed);
}

fn refused(service: &str, fault: Fault) -> Response<Body> {
    let Some(refusal) = refusal(service, fault, &fresh::uuid()) else { return cut_off() };
    let mut response = Response::new(Body::from(refusal.body));
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(refusal.content_type));
    if let Some(error) = refusal.query_error.and_then(|error| HeaderValue::from_str(&error).ok()) {
        headers.insert(HeaderName::from_static("x-amzn-query-error"), error);
    }
    response
}

/// Ends the connection without a byte of an answer: a body that fails before its head was sent.
pub(crate) fn cut_off() -> Response<Body> {
    let failure = io::Error::from(io::ErrorKind::ConnectionReset);
    Response::new(Body::from_stream(stream::once(future::ready(Err::<Bytes, _>(failure)))))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use axum::Router;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_connection_that_is_cut_off_gives_no_byte() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(async || cut_off());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let heard = tokio::task::spawn_blocking(move || {
            let mut connection = TcpStream::connect(address).unwrap();
            connection.write_all(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
            let mut heard = Vec::new();
            // An end and a reset are the same to a client that waits for an answer.
            let _ = connection.read_to_end(&mut heard);
            heard
        });
        assert_eq!(heard.await.unwrap(), b"");
    }
}
