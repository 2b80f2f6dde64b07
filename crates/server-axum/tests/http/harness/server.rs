//! The server under test.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use http::Method;
use serde_json::{Value, json};
use waypost_adapters::memory::{
    MemoryClickSpool, MemoryEventBus, MemoryInvalidations, MemoryPresenceStore, MemoryRateLimiter, MemoryStore,
};
use waypost_core::clicks::{Describe, Hit, Visitor};
use waypost_core::clock::{Clock, ManualClock};
use waypost_core::credentials::Scopes;
use waypost_core::engine::{Engine, Next};
use waypost_core::entropy::{Entropy, SeededEntropy};
use waypost_core::events::{Event, EventType, Payload};
use waypost_core::ids::EventId;
use waypost_core::layers::RetryOptions;
use waypost_core::limits::Plans;
use waypost_core::links::{DestinationRules, Site};
use waypost_core::push::LiveOptions;
use waypost_core::webhooks::Delivery;
use waypost_core::{IdentityOptions, Platform, PlatformOptions, Ports, WebhookOptions};
use waypost_server_axum::{HttpOptions, router};

use super::receiver::Receiver;
use super::steered::{SteeredLinks, Steering};
use super::{Asking, Reply};

/// Where the server believes to be.
pub(crate) const PUBLIC_URL: &str = "https://go.example";
/// What time it is when a server starts.
const START: &str = "2026-11-20T12:00:00Z";

/// A server, its clock, and a key that may do everything.
pub(crate) struct Server {
    router: Router,
    pub(crate) platform: Arc<Platform>,
    pub(crate) clock: ManualClock,
    /// What the link store is told to do.
    pub(crate) links: Steering,
    /// Who takes what is sent to webhook endpoints.
    pub(crate) receiver: Receiver,
    store: Arc<MemoryStore>,
    key: String,
}

/// What can be chosen about a server.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) http: HttpOptions,
    pub(crate) domains: Vec<String>,
    pub(crate) plans: Plans,
    /// Whom it believes; the way to them is filled in.
    pub(crate) identity: IdentityOptions,
    /// How webhooks are sent; the way to receivers is filled in.
    pub(crate) webhooks: WebhookOptions,
    /// How live sessions are kept.
    pub(crate) live: LiveOptions,
    /// Whether there is no way to receivers.
    pub(crate) is_cut_off: bool,
    /// Each node of a platform draws from another one.
    pub(crate) seed: u64,
    /// The store and the clock of another node, for a second one.
    pub(crate) beside: Option<(Arc<MemoryStore>, ManualClock)>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7 + setup.seed));
        let (store, clock) = setup
            .beside
            .unwrap_or_else(|| (Arc::new(MemoryStore::default()), ManualClock::new(START.parse().unwrap())));
        let steering = Steering::default();
        let limiter = Arc::new(MemoryRateLimiter::default());
        let ports = Ports {
            links: Arc::new(SteeredLinks::new(store.clone(), steering.clone())),
            clicks: store.clone(),
            idempotency: store.clone(),
            outbox: store.clone(),
            bus: Arc::new(MemoryEventBus::new(&*entropy)),
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
            spool: Arc::new(MemoryClickSpool::new(64 << 20, clock.now(), &*entropy)),
            describe: Arc::new(Reader),
            clock: Arc::new(clock.clone()),
            entropy,
            probes: vec![store.clone()],
        };
        let site = Site::new(PUBLIC_URL, &setup.domains, DestinationRules::default()).unwrap();
        let receiver = Receiver::default();
        let mut webhooks = setup.webhooks;
        if !setup.is_cut_off {
            webhooks.transport = Some(Arc::new(receiver.clone()));
        }
        // A repetition would wait for a clock that stands still.
        let options = PlatformOptions {
            retries: RetryOptions::NEVER,
            plans: setup.plans,
            identity: setup.identity,
            webhooks,
            live: setup.live,
            ..PlatformOptions::default()
        };
        let platform = Platform::assemble(ports, site, options).await.unwrap();
        let router = router(platform.clone(), setup.http).unwrap();
        let mut server = Self { router, platform, clock, links: steering, receiver, store, key: String::new() };
        server.key = server.issue("default", "*").await;
        server
    }

    /// What a second node over the same store is set up with.
    pub(crate) fn beside(&self, identity: IdentityOptions) -> Setup {
        Setup { beside: Some((self.store.clone(), self.clock.clone())), identity, seed: 1, ..Setup::default() }
    }

    /// The text of a new key with these scopes in the workspace of this name.
    pub(crate) async fn issue(&self, workspace: &str, scopes: &str) -> String {
        let credentials = &self.platform.credentials;
        let workspace = credentials.workspace(workspace).await.unwrap();
        let scopes = Scopes::parse(scopes).unwrap();
        let issued = credentials.issue(workspace.id, "test", scopes, None).await.unwrap();
        issued.text.expose().to_owned()
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// A request by the key that may do everything.
    pub(crate) fn ask(&self, method: Method, path: &str) -> Asking {
        self.anonymous(method, path).key(&self.key)
    }

    /// A request without credentials.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> Asking {
        Asking::new(self.router(), method, path)
    }

    pub(crate) fn get(&self, path: &str) -> Asking {
        self.ask(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Asking {
        self.ask(Method::POST, path).json(body)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Asking {
        let body = body.to_string();
        self.ask(Method::PATCH, path).header("content-type", "application/merge-patch+json").body(body)
    }

    pub(crate) fn delete(&self, path: &str) -> Asking {
        self.ask(Method::DELETE, path)
    }

    /// A form, as OAuth clients send them.
    pub(crate) fn form(&self, path: &str, parameters: &[(&str, &str)]) -> Asking {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.anonymous(Method::POST, path).header("content-type", "application/x-www-form-urlencoded").body(form)
    }

    /// A visitor who follows a link.
    pub(crate) fn follow(&self, path: &str) -> Asking {
        self.anonymous(Method::GET, path)
    }

    /// Makes a link and gives it.
    pub(crate) async fn make(&self, body: Value) -> Value {
        let reply = self.post("/v1/links", &body).send().await;
        assert_eq!(reply.status, 201, "{body}: {}", reply.text());
        reply.json()
    }

    /// Makes a link of this slug, and gives the path of it in the API.
    pub(crate) async fn make_slug(&self, slug: &str) -> String {
        let link = self.make(json!({"destination": "https://example.com/", "slug": slug})).await;
        format!("/v1/links/{}", link["id"].as_str().unwrap())
    }

    /// How many links the workspace has, counted over all pages.
    pub(crate) async fn count(&self) -> usize {
        let (mut links, mut path) = (0, "/v1/links?limit=100".to_owned());
        loop {
            let page = self.get(&path).send().await;
            links += page.json()["data"].as_array().unwrap().len();
            match page.next() {
                Some(next) => path = next,
                None => return links,
            }
        }
    }

    /// Has an event owed to this endpoint of the workspace `default`, past the log; gives the path of the delivery below
    /// `/v1/webhooks`.
    pub(crate) async fn owe(&self, webhook: &str) -> String {
        let now = self.clock.now();
        let event = Event {
            id: EventId::fresh(now, &*self.platform.entropy),
            kind: EventType::parse("link.created").unwrap(),
            version: 1,
            created_at: now,
            workspace: self.platform.credentials.workspace("default").await.unwrap().id,
            subject: None,
            traceparent: None,
            data: Payload::trusted("{}".to_owned()),
        };
        let position = self.platform.ports().bus.bounds().await.unwrap().end;
        let delivery = Delivery { endpoint: webhook.parse().unwrap(), event, position, ordering: None };
        let id = delivery.id();
        assert_eq!(self.platform.ports().deliveries.enqueue(&[delivery], now).await.unwrap(), 1);
        format!("{webhook}/deliveries/{id}")
    }

    /// The engine of this name, to be stepped.
    pub(crate) fn engine(&self, name: &str) -> Box<dyn Engine> {
        self.platform.engines().into_iter().find(|engine| engine.name() == name).unwrap()
    }

    /// Lets every engine work until it has nothing left to do.
    pub(crate) async fn run_engines(&self) {
        for mut engine in self.platform.engines() {
            while matches!(engine.step(self.clock.now()).await.unwrap(), Next::Now) {}
        }
    }

    /// Follows, and gives where it leads.
    pub(crate) async fn destination(&self, path: &str) -> String {
        let reply: Reply = self.follow(path).send().await;
        assert_eq!(reply.status, 302, "{path}: {}", reply.text());
        reply.header("location").to_owned()
    }
}

/// Knows visitors by what a test writes into their user agent: `bot`, or a browser's name.
#[derive(Debug)]
struct Reader;

impl Describe for Reader {
    fn describe(&self, hit: &Hit) -> Visitor {
        let agent = String::from_utf8_lossy(&hit.user_agent).into_owned();
        let is_bot = agent == "bot" || hit.address == IpAddr::V4(Ipv4Addr::BROADCAST);
        let browser = (!agent.is_empty() && !is_bot).then(|| agent.into_boxed_str());
        Visitor { is_bot, browser, ..Visitor::default() }
    }
}
