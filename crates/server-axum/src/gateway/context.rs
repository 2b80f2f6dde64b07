//! What every layer and handler knows of a request: its id, its trace, its caller.
//!
//! Outermost of all, since everything after it names the request. On a foreign axum router, alone:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::context::{self, ContextSource};
//!
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(ContextSource::default(), context::establish));
//! ```
//!
//! The peer is taken from axum's `ConnectInfo<SocketAddr>`; without it the caller's address is
//! [`UNKNOWN`](ClientAddress::UNKNOWN).

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use jiff::Timestamp;
use waypost_core::clock::{Clock, SystemClock};
use waypost_core::credentials::Actor;
use waypost_core::entropy::{Entropy, OsEntropy};
use waypost_core::ids::WorkspaceId;

use super::client_address::{ClientAddress, TrustedProxies};
use super::request_id::{RequestTag, X_REQUEST_ID};
use super::traceparent::TraceParent;

/// Who was recognised, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Who it is.
    pub actor: Actor,
}

/// What is known of a request; a request extension, cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestContext(Arc<Known>);

#[derive(Debug)]
struct Known {
    id: RequestTag,
    traceparent: TraceParent,
    client: ClientAddress,
    started: Timestamp,
    caller: OnceLock<Caller>,
}

impl RequestContext {
    /// The request's id.
    pub fn id(&self) -> &RequestTag {
        &self.0.id
    }

    /// The caller's trace, or a new one.
    pub fn traceparent(&self) -> TraceParent {
        self.0.traceparent
    }

    /// Where it came from.
    pub fn client(&self) -> ClientAddress {
        self.0.client
    }

    /// When its head had been read.
    pub fn started(&self) -> Timestamp {
        self.0.started
    }

    /// Who it is, once that was found out.
    pub fn caller(&self) -> Option<Caller> {
        self.0.caller.get().copied()
    }

    /// Notes who it is. The first word counts: a request has one caller.
    pub fn identify(&self, caller: Caller) {
        let _ = self.0.caller.set(caller);
    }
}

/// Makes contexts; shared by all requests.
#[derive(Clone, Debug)]
pub struct ContextSource {
    proxies: Arc<TrustedProxies>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Default for ContextSource {
    /// No trusted proxies, the machine's clock and randomness.
    fn default() -> Self {
        Self::new(TrustedProxies::default(), Arc::new(SystemClock), Arc::new(OsEntropy))
    }
}

impl ContextSource {
    /// A source that believes `proxies`.
    pub fn new(proxies: TrustedProxies, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { proxies: Arc::new(proxies), clock, entropy }
    }

    /// The clock that it reads.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// An id alone: what the redirect's path needs.
    pub fn tag(&self, headers: &HeaderMap, now: Timestamp) -> RequestTag {
        RequestTag::of(headers, now, &*self.entropy)
    }

    /// The caller's address alone.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        self.proxies.client(peer, headers)
    }

    /// The whole context of a request whose connection is with `peer`.
    pub fn of(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> RequestContext {
        let started = self.clock.now();
        RequestContext(Arc::new(Known {
            id: self.tag(headers, started),
            traceparent: TraceParent::carried(headers).unwrap_or_else(|| TraceParent::fresh(&*self.entropy)),
            client: peer.map_or(ClientAddress::UNKNOWN, |peer| self.client(peer, headers)),
            started,
            caller: OnceLock::new(),
        }))
    }
}

/// How long ago `started` was; zero if the clock went back.
pub fn elapsed(started: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(started)).unwrap_or(Duration::ZERO)
}

/// Puts a [`RequestContext`] into the request, unless one is there already, and the id onto the response.
pub async fn establish(State(source): State<ContextSource>, mut request: Request, next: Next) -> Response {
    let context = match request.extensions().get::<RequestContext>() {
        Some(context) => context.clone(),
        None => {
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
            let context = source.of(request.headers(), peer);
            request.extensions_mut().insert(context.clone());
            context
        }
    };
    let mut response = next.run(request).await;
    response.headers_mut().insert(X_REQUEST_ID, context.id().header().clone());
    response
}
