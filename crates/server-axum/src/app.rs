//! The application: the platform, and what HTTP adds to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use waypost_core::limits::{Algorithm, Decision, Policy};
use waypost_core::links::Site;
use waypost_core::{Platform, Result};

use crate::gateway::authentication::Authentication;
use crate::gateway::client_address::{ClientAddress, TrustedProxies};
use crate::gateway::context::ContextSource;
use crate::gateway::deprecation::{Declared, Farewell};
use crate::gateway::envelope::Envelope;
use crate::gateway::metrics::MetricsExporter;
use crate::gateway::routes::RouteTable;
use crate::gateway::security_headers::SecurityHeaders;

/// What can be tuned about HTTP; each default says why it is so.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// What a client address is allowed, before anything is known of who asks. Twice as much as a principal on the common
    /// plan, since several may share an address.
    pub per_address: Policy,
    /// How many credentials that are not good an address may show before it is told to wait. Guessing 256 bits is hopeless
    /// anyway.
    pub failures: Policy,
    /// How many short links that are not there an address may follow: what a walk through the slugs runs into.
    pub misses: Policy,
    /// Proxies that are believed about whom they speak for.
    pub trusted_proxies: TrustedProxies,
    /// Origins whose pages may call the API with a browser; none unless the operator says so.
    pub cors_origins: Vec<String>,
    /// API requests at work at a time; more are turned away at once, since a queue only adds waiting to overload.
    pub most_in_flight: usize,
    /// Of these, so many from one client address (IPv6 by /64), so that nobody takes them all; a quarter unless set.
    pub most_in_flight_per_address: Option<usize>,
    /// The time of a request in all, from its head to the end of its handler (§12).
    pub deadline: Duration,
    /// The time of an answer's body, from its head on; a minute is 16 MiB at 280 KiB a second. Streams have none.
    pub answer_deadline: Duration,
    /// Routes on their way out, beside those that this version itself sends off.
    pub farewells: Vec<Declared>,
    /// Headers to take off every request beside [those that no client may send](crate::gateway::hygiene::IDENTITY).
    pub identity_headers: Vec<String>,
    /// Whether a trusted proxy may say who the caller is, in `Waypost-Principal`. Off, since its signature must be
    /// verified by who lets it through.
    pub trust_gateway: bool,
    /// The name under which gateways vouch for callers to this node; none of their words is taken without one.
    pub vouched_as: Option<String>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        let policy = |name, algorithm, quota| Policy::new(name, algorithm, quota, MINUTE).expect("bounds of ours");
        Self {
            per_address: policy("address", Algorithm::TokenBucket, 240_000),
            failures: policy("failed-logins", Algorithm::SlidingWindow, 600),
            misses: policy("unknown-links", Algorithm::SlidingWindow, 6_000),
            trusted_proxies: TrustedProxies::default(),
            cors_origins: Vec::new(),
            most_in_flight: 512,
            most_in_flight_per_address: None,
            deadline: Duration::from_secs(30),
            answer_deadline: Duration::from_secs(60),
            farewells: Vec::new(),
            identity_headers: Vec::new(),
            trust_gateway: false,
            vouched_as: None,
        }
    }
}

/// The platform, and what HTTP adds to it.
#[derive(Debug)]
pub struct App {
    /// The services.
    pub platform: Arc<Platform>,
    /// How HTTP is served.
    pub options: HttpOptions,
    /// What `/metrics` shows, if there is a recorder of ours.
    pub metrics: Option<MetricsExporter>,
    pub(crate) contexts: ContextSource,
    pub(crate) envelope: Envelope,
    pub(crate) security: SecurityHeaders,
    pub(crate) authentication: Authentication,
    /// Who still calls routes that are on their way out.
    pub farewell: Farewell,
    /// The routes as they are served.
    pub(crate) paths: OnceLock<RouteTable>,
    draining: AtomicBool,
}

impl App {
    /// Serves `platform`.
    pub fn new(platform: Arc<Platform>, options: HttpOptions, metrics: Option<MetricsExporter>) -> Arc<Self> {
        let (clock, entropy) = (platform.clock.clone(), platform.entropy.clone());
        let farewell = Farewell::new(clock.clone());
        let contexts = ContextSource::new(options.trusted_proxies.clone(), clock, entropy);
        let envelope = Envelope::new(platform.site.public_url());
        let security = SecurityHeaders::new(platform.site.public_url());
        let authentication = Authentication::new(platform.clone()).counting(options.failures.clone());
        let authentication = match &options.vouched_as {
            Some(name) => authentication.vouched_as(name),
            None => authentication,
        };
        let (paths, draining) = (OnceLock::new(), AtomicBool::new(false));
        Arc::new(Self {
            platform,
            options,
            metrics,
            contexts,
            envelope,
            security,
            authentication,
            farewell,
            paths,
            draining,
        })
    }

    /// The public face.
    pub fn site(&self) -> &Site {
        &self.platform.site
    }

    /// From now on `/readyz` says no, so that balancers send nobody here any more.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the server is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Takes one from the bucket of credentials that were not good; says whether there was one.
    pub(crate) async fn note_failed_login(&self, client: ClientAddress) -> Decision {
        self.platform.limits.take(&self.options.failures, &client.limit_key(), 1).await
    }

    /// Asks everything that must be there, side by side, each within two seconds: longer is as good as away.
    pub(crate) async fn probe(&self) -> Vec<(String, Result<()>)> {
        const PATIENCE: Duration = Duration::from_secs(2);
        let late = |_| Err(waypost_core::Error::new(waypost_core::Kind::Timeout, "no answer within 2 s"));
        let asked = self.platform.ports().probes.iter().map(|probe| async move {
            let outcome = tokio::time::timeout(PATIENCE, probe.check()).await.unwrap_or_else(late);
            (probe.name().to_owned(), outcome)
        });
        futures_util::future::join_all(asked).await
    }
}
