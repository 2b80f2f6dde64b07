//! What the gateway's chain costs a request, layer by layer, beside the bare handler in the same run.
//!
//! `cargo bench --bench chain --features memory,server` (`-- --rounds N` for more rounds).
//!
//! Routers in process, without sockets: the bare handler, then the same with one layer more each time, from the inside out,
//! until the whole chain stands, once for an API key and once for an access token that has been verified before. Each
//! round takes every router in turns; what is told is the median over the rounds of the CPU time of this thread, per
//! request, and what each layer adds. Limits are counted in memory. The access log writes JSON, into nothing. The target:
//! the whole chain adds at most 30 µs, with a token.

#![allow(clippy::disallowed_methods, reason = "a bench measures for real")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use http::{Method, Request};
use rustix::time::{ClockId, clock_gettime};
use tower::{Service, ServiceExt};
use waypost::clicks::{Describe, Hit, Visitor};
use waypost::clock::{Clock, SystemClock};
use waypost::credentials::{Scope, Scopes};
use waypost::entropy::OsEntropy;
use waypost::fields::{Fields, parse};
use waypost::limits::{Algorithm, Policy};
use waypost::links::{DestinationRules, Site};
use waypost::memory::{
    MemoryClickSpool, MemoryEventBus, MemoryInvalidations, MemoryPresenceStore, MemoryRateLimiter, MemoryStore,
};
use waypost::server::gateway::authentication::{self, Authentication};
use waypost::server::gateway::limit::{self, AddressLimit};
use waypost::server::gateway::*;
use waypost::server::{HttpOptions, router};
use waypost::{Platform, PlatformOptions, Ports};

const REQUESTS: usize = 4_000;
const TARGET: f64 = 30.0;

/// Describes nobody: nothing is followed here.
#[derive(Debug)]
struct Nobody;

impl Describe for Nobody {
    fn describe(&self, _: &Hit) -> Visitor {
        Visitor::default()
    }
}

async fn platform() -> Arc<Platform> {
    let store = Arc::new(MemoryStore::default());
    let limiter = Arc::new(MemoryRateLimiter::default());
    let ports = Ports {
        links: store.clone(),
        clicks: store.clone(),
        idempotency: store.clone(),
        outbox: store.clone(),
        bus: Arc::new(MemoryEventBus::new(&OsEntropy)),
        limiter: limiter.clone(),
        local_limiter: limiter,
        credentials: store.clone(),
        clients: store.clone(),
        members: store.clone(),
        grants: store.clone(),
        webhooks: store.clone(),
        deliveries: store.clone(),
        delivery_log: store.clone(),
        invalidations: Arc::new(MemoryInvalidations::default()),
        presence: Arc::new(MemoryPresenceStore::default()),
        spool: Arc::new(MemoryClickSpool::new(1 << 20, SystemClock.now(), &OsEntropy)),
        describe: Arc::new(Nobody),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        probes: vec![store],
    };
    let site = Site::new("http://waypost.example", &[], DestinationRules::default()).expect("a site");
    let plenty = Policy::new("api", Algorithm::TokenBucket, 1_000_000_000, Duration::from_secs(1)).expect("a policy");
    let plans = waypost::limits::Plans::default().with_common([plenty]);
    let options = PlatformOptions { plans, ..PlatformOptions::default() };
    Platform::assemble(ports, site, options).await.expect("a platform")
}

/// The text of a key, and that of a client's access token.
async fn credentials(platform: &Platform) -> (String, String) {
    let workspace = platform.credentials.workspace("default").await.expect("a workspace").id;
    let key = platform.credentials.issue(workspace, "bench", Scopes::ALL, None).await.expect("a key");
    let who = platform.credentials.authenticate(key.text.expose()).await.expect("a principal");
    let body = parse(br#"{"name": "bench", "scopes": ["*"]}"#).expect("JSON");
    let fields = Fields::of_body(body).expect("an object");
    let draft = waypost::clients::ClientDraft::read(fields, platform.limits.plans()).expect("a draft");
    let client = platform.clients.register(&who, draft).await.expect("a client").client;
    let token = platform.authorizations.for_client(&client, None).await.expect("a token");
    (key.text.expose().to_owned(), token.access.text.into())
}

/// The chain as it grows, from the bare handler to all of it.
fn levels(platform: &Arc<Platform>) -> Vec<(&'static str, Router)> {
    let table: routes::RouteTable = [routes::Route::new("/thing", [Method::GET])].into_iter().collect();
    let context = context::ContextSource::default();
    let clock = context.clock().clone();
    let farewell = deprecation::Farewell::default();
    let plenty =
        Policy::new("address", Algorithm::TokenBucket, 1_000_000_000, Duration::from_secs(1)).expect("a policy");
    let address = AddressLimit { limits: platform.limits.clone(), policy: plenty };
    let bare = || Router::new().route("/thing", get(|| async { "{}" }));
    // The layers within authentication need to know who it is: they are put under it one by one.
    let demand = from_fn_with_state(Scope::LinksRead, authorization::demand);
    let by_principal = from_fn_with_state(platform.limits.clone(), limit::by_principal);
    let recognise = from_fn_with_state(Authentication::new(platform.clone()), authentication::recognise);
    let mut levels = vec![
        ("bare handler", bare()),
        ("authentication", bare().layer(recognise.clone())),
        ("authorization", bare().layer(demand.clone()).layer(recognise.clone())),
        ("limit::by_principal", bare().layer(demand).layer(by_principal).layer(recognise)),
    ];
    macro_rules! grow {
        ($($name:literal: $layer:expr;)*) => {$(
            let (_, inner) = levels.last().expect("the bare one").clone();
            levels.push(($name, inner.layer($layer)));
        )*};
    }
    grow! {
        "deadline": from_fn_with_state(deadline::Deadline::default(), deadline::enforce);
        "admission": from_fn_with_state(admission::Admission::default(), admission::admit);
        "head_limits": from_fn_with_state(head_limits::HeadLimits::default(), head_limits::check);
        "catch_panic": catch_panic::layer();
        "options": from_fn_with_state(table.clone(), options::answer);
        "host": from_fn(host::check);
        "deprecation::end": from_fn_with_state(farewell.clone(), deprecation::end);
        "limit::by_address": from_fn_with_state(address, limit::by_address);
        "cors": from_fn_with_state(cors::Cors::default(), cors::share);
        "rate_headers": from_fn_with_state(rate_headers::RateHeaders::new(clock.clone()), rate_headers::stamp);
        "deprecation": from_fn_with_state(farewell, deprecation::announce);
        "envelope": from_fn_with_state(envelope::Envelope::new("http://waypost.example"), envelope::render);
        "security_headers": from_fn_with_state(
            security_headers::SecurityHeaders::new("http://waypost.example"), security_headers::stamp);
        "metrics": from_fn_with_state(metrics::RequestMetrics::new(clock.clone()), metrics::measure);
        "access_log": from_fn_with_state(access_log::AccessLog::new(clock), access_log::log);
        "routes": from_fn_with_state(table, routes::resolve);
        "hygiene": from_fn_with_state(hygiene::Hygiene::default(), hygiene::clean);
        "context": from_fn_with_state(context, context::establish);
    }
    levels
}

fn request(path: &str, bearer: &str) -> Request<Body> {
    let request = Request::get(path)
        .header("host", "waypost.example")
        .header("user-agent", "bench/1.0")
        .header("accept", "*/*")
        .header("authorization", bearer)
        .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711))));
    request.body(Body::empty()).expect("a request")
}

/// CPU time of this thread, in microseconds a request.
async fn cost(router: &Router, path: &str, bearer: &str) -> f64 {
    let mut service = router.clone().into_service::<Body>();
    let cpu = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
    };
    let before = cpu();
    for _ in 0..REQUESTS {
        let ready = ServiceExt::<Request<Body>>::ready(&mut service).await.expect("a router is ready");
        let response = ready.call(request(path, bearer)).await.expect("a router answers");
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        while let Some(frame) =
            std::future::poll_fn(|cx| http_body::Body::poll_frame(std::pin::Pin::new(&mut body), cx)).await
        {
            assert!(frame.is_ok());
        }
    }
    (cpu() - before) / REQUESTS as f64
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let rounds = std::env::args().skip_while(|argument| argument != "--rounds").nth(1);
    let rounds: usize = rounds.and_then(|text| text.parse().ok()).unwrap_or(15);
    tracing_subscriber::fmt().json().with_writer(io::sink).init();
    let platform = platform().await;
    let (key, token) = credentials(&platform).await;
    let whole = router(platform.clone(), HttpOptions::default()).expect("a router");
    let levels = levels(&platform);
    for (credential, text) in [("an API key", key), ("an access token", token)] {
        let bearer = format!("Bearer {text}");
        let mut costs = vec![Vec::new(); levels.len()];
        let mut in_all = Vec::new();
        for round in 0..=rounds {
            for ((_, router), costs) in levels.iter().zip(&mut costs) {
                let took = cost(router, "/thing", &bearer).await;
                if round > 0 {
                    costs.push(took);
                }
            }
            let took = cost(&whole, "/v1/event-types", &bearer).await;
            if round > 0 {
                in_all.push(took);
            }
        }
        println!("with {credential}, in µs of CPU a request (median of {rounds} rounds of {REQUESTS}):\n");
        println!("| layer, from the inside out | in all | adds |\n|---|--:|--:|");
        let costs: Vec<f64> = costs.into_iter().map(median).collect();
        for (at, ((name, _), cost)) in levels.iter().zip(&costs).enumerate() {
            let before = if at == 0 { *cost } else { costs[at - 1] };
            println!("| {name} | {cost:.1} | {:.1} |", cost - before);
        }
        // Here each layer is boxed by its own, so that they can be told apart; the server boxes the chain once.
        println!("\nlayer by layer, the chain adds {:.1} µs", costs[costs.len() - 1] - costs[0]);
        let adds = median(in_all) - costs[0];
        let verdict = if adds <= TARGET { "met" } else { "missed" };
        println!(
            "as the server stacks it, with the handler of `GET /v1/event-types`: {adds:.1} µs ({TARGET} µs: {verdict})\n"
        );
    }
}
