//! The connections to one target: pooled, HTTP/1.1 or HTTP/2, in clear text or over TLS.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;

use super::connector::Timed;

/// How connections are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClientOptions {
    pub(super) http2: bool,
    pub(super) connect_timeout: Duration,
    pub(super) max_idle: u32,
}

/// What certificates are held against: what the machine trusts. Without TLS nothing is loaded.
fn tls(is_secure: bool) -> Result<ClientConfig, rustls::Error> {
    // With the provider named: another one in the program must not decide, nor make this panic.
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?;
    let builder = match is_secure {
        true => builder.try_with_platform_verifier()?,
        false => builder.with_root_certificates(rustls::RootCertStore::empty()),
    };
    Ok(builder.with_no_client_auth())
}

/// The clients of one target.
pub(super) struct Clients {
    /// For requests: one for each thread that answers, as far as there are processors. A connection is then used by the
    /// thread that drives it, and a request wakes no other; a pool for all would hand every second one over.
    plain: Box<[Client<Timed, Body>]>,
    /// For connections that become something else, which HTTP/2 cannot do: HTTP/1.1 whatever TLS would agree on.
    upgrading: Client<Timed, Body>,
}

/// Longer than most servers keep an idle connection (nginx: 75 s), shorter than firewalls forget it. A connection that
/// the server closes first costs one repetition; [`TcpKeepalive`](HttpConnector::set_keepalive) notices dead ones.
const IDLE: Duration = Duration::from_secs(60);

/// Above that, the connections that each keeps for itself would outweigh what a hand-over costs.
const MOST_SHARES: usize = 16;

impl Clients {
    pub(super) fn new(options: &ClientOptions, is_secure: bool) -> Result<Self, rustls::Error> {
        let http = || {
            let mut connector = HttpConnector::new();
            connector.set_nodelay(true);
            connector.set_keepalive(Some(IDLE));
            connector.enforce_http(false);
            connector
        };
        let tls = tls(is_secure)?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let connector = match options.http2 {
            true => connector.enable_http2().wrap_connector(http()),
            false => connector.enable_all_versions().wrap_connector(http()),
        };
        let upgrading =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(http());
        let [connector, upgrading] =
            [connector, upgrading].map(|connector| Timed::new(connector, options.connect_timeout));
        let builder = || {
            let mut builder = Client::builder(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(options.max_idle as usize)
                // What a gateway reads of a head, at the most: as much as a client may send.
                .http1_max_buf_size(64 * 1024)
                .http1_max_headers(256)
                .http2_max_header_list_size(64 * 1024)
                .http2_keep_alive_interval(Duration::from_secs(20))
                .http2_keep_alive_timeout(Duration::from_secs(10))
                // Fixed, and the connection's far above a stream's: one answer that nobody reads must not stall the others
                // beside it. 64 stalled streams fill it, and a connection holds no more than these 16 MiB.
                .http2_initial_stream_window_size(256 * 1024)
                .http2_initial_connection_window_size(16 * 1024 * 1024);
            builder
        };
        let shares = available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_SHARES);
        let mut builder = builder();
        let upgrading = builder.build(upgrading);
        builder.http2_only(options.http2).pool_max_idle_per_host((options.max_idle as usize).div_ceil(shares));
        Ok(Self { plain: (0..shares).map(|_| builder.build(connector.clone())).collect(), upgrading })
    }

    pub(super) async fn send(&self, request: Request<Body>, upgrades: bool) -> Result<Response<Incoming>, TargetError> {
        let client = if upgrades { &self.upgrading } else { &self.plain[share() % self.plain.len()] };
        client
            .request(request)
            .await
            .map_err(|fault| TargetError { is_connect: fault.is_connect(), source: Box::new(fault) })
    }
}

/// The number of this thread among those that have asked.
fn share() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static SHARE: usize = THREADS.fetch_add(1, Ordering::Relaxed));
    SHARE.with(|share| *share)
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

/// No answer: there was no connection, or it broke before the head.
#[derive(Debug, thiserror::Error)]
#[error("{}", if *is_connect { "the target could not be reached" } else { "the connection to the target broke" })]
pub struct TargetError {
    is_connect: bool,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl TargetError {
    /// Whether nothing can have reached the target.
    pub fn is_connect(&self) -> bool {
        self.is_connect
    }
}
