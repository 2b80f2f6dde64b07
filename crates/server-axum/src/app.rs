//! The application: the platform, and what HTTP adds to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use waypost_core::limits::{Algorithm, Decision, Policy};
use waypost_core::links::Site;
use waypost_core::{Platform, Result};

use crate::gateway::client_address::{ClientAddress, TrustedProxies};
use crate::gateway::context::ContextSource;
use crate::gateway::csrf::SameOrigin;
use crate::gateway::deprecation::Farewell;
use crate::gateway::envelope::Envelope;
use crate::gateway::metrics::MetricsExporter;

/// What can be tuned about HTTP; each default says why it is so.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// What a principal is allowed. 2,000 a second on average, in bursts of a minute's worth: a bound for scripts that
    /// run away, which no honest import meets.
    pub per_principal: Policy,
    /// What a client address is allowed, before anything is known of who asks. Twice as much as a principal, since
    /// several may share an address.
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
    /// The time of a request in all, from its head to the end of its handler (§12).
    pub deadline: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        let policy = |name, algorithm, quota| Policy::new(name, algorithm, quota, MINUTE).expect("bounds of ours");
        Self {
            per_principal: policy("api", Algorithm::TokenBucket, 120_000),
            per_address: policy("address", Algorithm::TokenBucket, 240_000),
            failures: policy("failed-logins", Algorithm::SlidingWindow, 600),
            misses: policy("unknown-links", Algorithm::SlidingWindow, 6_000),
            trusted_proxies: TrustedProxies::default(),
            cors_origins: Vec::new(),
            most_in_flight: 512,
            deadline: Duration::from_secs(30),
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
    pub(crate) same_origin: SameOrigin,
    /// Who still calls routes that are on their way out.
    pub farewell: Farewell,
    draining: AtomicBool,
}

impl App {
    /// Serves `platform`.
    pub fn new(platform: Arc<Platform>, options: HttpOptions, metrics: Option<MetricsExporter>) -> Arc<Self> {
        let (clock, entropy) = (platform.clock.clone(), platform.entropy.clone());
        let farewell = Farewell::new(clock.clone());
        let contexts = ContextSource::new(options.trusted_proxies.clone(), clock, entropy);
        let envelope = Envelope::new(platform.site.public_url());
        let same_origin = SameOrigin::new(platform.site.public_url());
        let draining = AtomicBool::new(false);
        Arc::new(Self { platform, options, metrics, contexts, envelope, same_origin, farewell, draining })
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
