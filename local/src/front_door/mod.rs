//! The only endpoint of the local AWS: answers what no emulator has, refuses what AWS would refuse, passes the
//! rest on, and sends the events that AWS would send.

mod cloudformation;
mod ecr;
mod ecs;
mod failing_image;
mod hooks;
mod rds;
mod refusals;
mod scaling;
pub(crate) mod scope;
mod storm;
mod sts;
mod tasks;
pub(crate) mod upstream;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::codebuild::CodeBuild;
use crate::codecommit::CodeCommit;
use crate::control::Control;
use crate::deployments::Rollout;
use crate::images::Registry;
use crate::problem::Problem;
use crate::slack::Slack;
use crate::stand_in::{Answer, Call, Events};
use scope::Scope;
pub(crate) use storm::cut_off;
use upstream::{Reply, Upstream};

/// The largest request: a function's zip with its debug information.
const REQUEST_MAX_BYTES: usize = 512 * 1024 * 1024;

/// (account, service ARN) → its deployments.
pub(crate) type Rollouts = BTreeMap<String, BTreeMap<String, Rollout>>;

pub(crate) struct FrontDoor {
    /// Set when the emulator is up: it must know our address before we know its.
    upstream: OnceLock<Upstream>,
    stand_ins: OnceLock<StandIns>,
    control: Control,
    events: Events,
    rollouts: Mutex<Rollouts>,
    stacks: cloudformation::Stacks,
    tasks: tasks::Tasks,
    port: u16,
    url: String,
}

/// What answers in AWS's place.
pub(crate) struct StandIns {
    pub(crate) codecommit: CodeCommit,
    pub(crate) codebuild: CodeBuild,
    pub(crate) registry: Registry,
}

impl FrontDoor {
    /// Listens on this loopback port, or on a free one where it is 0, for as long as the task is kept.
    pub(crate) async fn open(
        port: u16,
        control: Control,
        events: Events,
        rollouts: Rollouts,
        slack: Slack,
    ) -> Result<(Arc<Self>, JoinSet<()>), Problem> {
        let listen = |source| Problem::Listen { source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen)?;
        let port = listener.local_addr().map_err(listen)?.port();
        let door = Arc::new(Self {
            upstream: OnceLock::new(),
            stand_ins: OnceLock::new(),
            control,
            events,
            rollouts: Mutex::new(rollouts),
            stacks: cloudformation::Stacks::default(),
            tasks: tasks::Tasks::default(),
            port,
            url: format!("http://127.0.0.1:{port}"),
        });
        let router = Router::new()
            .route("/_tidegate/pushed", axum::routing::post(hooks::pushed))
            .route("/_tidegate/hook/stack", axum::routing::post(hooks::stack))
            .route("/_tidegate/hook/service/before", axum::routing::post(hooks::before))
            .route("/_tidegate/hook/service/after", axum::routing::post(hooks::after))
            .fallback(handle)
            .with_state(Arc::clone(&door))
            .merge(
                Router::new()
                    .route("/_slack/api/{method}", axum::routing::post(crate::slack::answer))
                    .with_state(slack),
            );
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            if let Err(failure) = axum::serve(listener, router).await {
                tracing::error!(%failure, "the front door closed");
            }
        });
        Ok((door, listening))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn connect(&self, upstream: Upstream, stand_ins: StandIns) {
        // Set once, by whoever opened the door; a second call would be a mistake without effect.
        let _ = self.upstream.set(upstream);
        let _ = self.stand_ins.set(stand_ins);
    }

    pub(crate) fn upstream(&self) -> Option<&Upstream> {
        self.upstream.get()
    }

    pub(crate) fn stand_ins(&self) -> Option<&StandIns> {
        self.stand_ins.get()
    }

    pub(crate) fn rollouts(&self) -> MutexGuard<'_, Rollouts> {
        self.rollouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request, read whole.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

async fn handle(State(door): State<Arc<FrontDoor>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, REQUEST_MAX_BYTES).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, format!("a request may have {REQUEST_MAX_BYTES} bytes"));
    };
    let Some(upstream) = door.upstream() else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the emulator is not up yet".to_owned());
    };
    let scope = Scope::of(&parts.headers, &parts.uri);
    let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let incoming = Incoming { method: parts.method, path_and_query, headers: parts.headers, body };
    let method = incoming.method.clone();
    let answered = match scope {
        Some(scope) => storm::answer(&door, upstream, scope, incoming).await,
        None => pass_on(upstream, incoming).await.map(|reply| reply.into_response(&method)),
    };
    answered.unwrap_or_else(|failure| {
        plain(StatusCode::BAD_GATEWAY, format!("the emulator did not answer: {failure}"))
    })
}

async fn answer(
    door: &FrontDoor,
    upstream: &Upstream,
    scope: Scope,
    incoming: Incoming,
) -> Result<Response<Body>, reqwest::Error> {
    let method = incoming.method.clone();
    let action = scope::action(&incoming.headers, &incoming.body, method.as_str());
    tracing::debug!(account = %scope.account, service = %scope.service, %action, "request");
    let call = Call {
        account: scope.account.clone(),
        region: scope.region.clone(),
        service: scope.service.clone(),
        action,
        headers: incoming.headers.clone(),
        body: incoming.body.clone(),
    };
    if (call.service.as_str(), call.action.as_str()) == ("sts", "GetCallerIdentity") {
        return Ok(from_stand_in(sts::answer(&incoming, jiff::Timestamp::now().as_second())));
    }
    // The emulator knows accounts, and nobody in them.
    let incoming = scope.as_its_account(incoming);
    if let Some(answer) = stand_in(door, &call).await {
        return Ok(from_stand_in(answer));
    }
    let reply = match (scope.service.as_str(), call.action.as_str()) {
        ("cloudformation", _) => {
            cloudformation::answer(door, upstream, &scope, &call.action, incoming).await?
        }
        ("ecs", _) => ecs::answer(door, upstream, &scope, &call.action, incoming).await?,
        ("ecr", "PutImage") => ecr::put_image(door, upstream, &scope, incoming).await?,
        (_, _) => pass_on(upstream, incoming).await?,
    };
    Ok(reply.into_response(&method))
}

/// The answer of whatever stands in for that service; none where the emulator's own is right.
async fn stand_in(door: &FrontDoor, call: &Call) -> Option<Answer> {
    let StandIns { codecommit, codebuild, registry } = door.stand_ins.get()?;
    match call.service.as_str() {
        "codecommit" => Some(codecommit.answer(call).await),
        "codebuild" if CodeBuild::answers(&call.action) => Some(codebuild.answer(call).await),
        "ecr" => registry.answer(call).await,
        "application-autoscaling" => scaling::answer(call),
        "rds" => rds::answer(call),
        _ => None,
    }
}

pub(crate) async fn pass_on(upstream: &Upstream, incoming: Incoming) -> Result<Reply, reqwest::Error> {
    let Incoming { method, path_and_query, headers, body } = incoming;
    upstream.forward(&method, &path_and_query, &headers, body).await
}

fn from_stand_in(answer: Answer) -> Response<Body> {
    let mut response = Response::builder().status(answer.status).header("content-type", answer.content_type);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap_or_else(|failure| {
        plain(StatusCode::INTERNAL_SERVER_ERROR, format!("a stand-in's answer is not HTTP: {failure}"))
    })
}

fn plain(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}
