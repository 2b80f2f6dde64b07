//! A node with PostgreSQL under it, and the events that it is given.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use waypost::clicks::{Describe, Hit, Visitor};
use waypost::clock::{Clock as _, SystemClock};
use waypost::credentials::{Principal, Scopes};
use waypost::egress::{AllowRule, Guard, GuardOptions, GuardedConnector};
use waypost::entropy::OsEntropy;
use waypost::events::{Event, EventType, Payload};
use waypost::fields::{Fields, parse};
use waypost::ids::{EventId, LinkId, WebhookId, WorkspaceId};
use waypost::links::{DestinationRules, Site};
use waypost::memory::{MemoryClickSpool, MemoryInvalidations, MemoryPresenceStore};
use waypost::postgres::{
    Postgres, PostgresClickStore, PostgresClientStore, PostgresCredentialStore, PostgresEventBus, PostgresGrantStore,
    PostgresIdempotencyStore, PostgresLinkStore, PostgresMemberStore, PostgresOutbox, PostgresRateLimiter,
    PostgresWebhookStore,
};
use waypost::webhook::{HttpWebhookOptions, HttpWebhookTransport};
use waypost::webhooks::EndpointDraft;
use waypost::{Platform, PlatformOptions, Ports, WebhookOptions, engine};

use crate::Outcome;
use crate::schema::Schema;

/// The data of an event: about what a link has.
const FILLING: usize = 400;

/// Describes nobody: nothing is followed here.
#[derive(Debug)]
struct Nobody;

impl Describe for Nobody {
    fn describe(&self, _: &Hit) -> Visitor {
        Visitor::default()
    }
}

/// A node whose engines are at work.
pub(super) struct Node {
    pub(super) platform: Arc<Platform>,
    who: Principal,
    stop: CancellationToken,
    engines: Vec<JoinHandle<()>>,
}

impl Node {
    pub(super) async fn start(schema: &Schema) -> Outcome<Self> {
        let platform = platform(schema.node(16).await?).await?;
        let workspace = platform.credentials.workspace("default").await?.id;
        let key = platform.credentials.issue(workspace, "bench", Scopes::ALL, None).await?;
        let who = platform.credentials.authenticate(key.text.expose()).await?;
        let stop = CancellationToken::new();
        let wanted = |name: &str| ["relay", "webhook_fanout", "webhook_dispatcher"].contains(&name);
        let engines = platform.engines().into_iter().filter(|engine| wanted(engine.name()));
        let running = engines.map(|engine| {
            tokio::spawn(engine::run(engine, platform.clock.clone(), platform.entropy.clone(), stop.clone()))
        });
        let engines = running.collect();
        Ok(Self { platform, who, stop, engines })
    }

    pub(super) fn workspace(&self) -> WorkspaceId {
        self.who.workspace
    }

    /// Registers an endpoint for events of a kind.
    pub(super) async fn registers(&self, url: &str, kind: &str) -> Outcome<WebhookId> {
        let body = parse(format!(r#"{{"url": "{url}", "events": ["{kind}"]}}"#).as_bytes())?;
        let draft = EndpointDraft::read(Fields::of_body(body)?, true)?;
        Ok(self.platform.webhooks.register(&self.who, draft).await?.endpoint.id)
    }

    /// An event of a kind, as large as one of a link.
    pub(super) fn event(&self, kind: &str) -> Event {
        let now = SystemClock.now();
        let filling = "x".repeat(FILLING);
        Event {
            id: EventId::fresh(now, &OsEntropy),
            kind: EventType::parse(kind).expect("a type"),
            version: 1,
            created_at: now,
            workspace: self.workspace(),
            subject: Some(LinkId::fresh(now, &OsEntropy).to_string()),
            traceparent: None,
            data: Payload::of(&serde_json::json!({ "filling": filling })).expect("JSON"),
        }
    }

    /// Commits events; the moment is that after the commit.
    pub(super) async fn commits(&self, events: &[Event]) -> Outcome<Instant> {
        self.platform.ports().outbox.append(events).await?;
        Ok(Instant::now())
    }

    /// Ends it as a server would.
    pub(super) async fn stop(self) -> Outcome<()> {
        self.stop.cancel();
        for engine in self.engines {
            tokio::time::timeout(Duration::from_secs(30), engine).await??;
        }
        Ok(())
    }
}

/// A way to receivers that may be on this machine.
fn transport() -> Outcome<HttpWebhookTransport> {
    let allow = vec![AllowRule::parse("127.0.0.1")?];
    let guard = Guard::new(GuardOptions { allow, ..GuardOptions::default() });
    let options = HttpWebhookOptions { allow_http: true, ..HttpWebhookOptions::default() };
    Ok(HttpWebhookTransport::new(GuardedConnector::new(guard), Arc::new(SystemClock), options)?)
}

async fn platform(db: Postgres) -> Outcome<Arc<Platform>> {
    let limiter = Arc::new(PostgresRateLimiter::new(&db));
    let webhooks = Arc::new(PostgresWebhookStore::new(&db));
    let ports = Ports {
        links: Arc::new(PostgresLinkStore::new(&db)),
        clicks: Arc::new(PostgresClickStore::new(&db)),
        idempotency: Arc::new(PostgresIdempotencyStore::new(&db)),
        outbox: Arc::new(PostgresOutbox::new(&db)),
        bus: Arc::new(PostgresEventBus::new(&db)),
        limiter: limiter.clone(),
        local_limiter: limiter,
        credentials: Arc::new(PostgresCredentialStore::new(&db)),
        clients: Arc::new(PostgresClientStore::new(&db)),
        members: Arc::new(PostgresMemberStore::new(&db)),
        grants: Arc::new(PostgresGrantStore::new(&db)),
        webhooks: webhooks.clone(),
        deliveries: webhooks.clone(),
        delivery_log: webhooks,
        invalidations: Arc::new(MemoryInvalidations::default()),
        presence: Arc::new(MemoryPresenceStore::default()),
        spool: Arc::new(MemoryClickSpool::new(1 << 20, SystemClock.now(), &OsEntropy)),
        describe: Arc::new(Nobody),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        probes: Vec::new(),
    };
    let site = Site::new("http://waypost.example", &[], DestinationRules::default())?;
    let webhooks =
        WebhookOptions { transport: Some(Arc::new(transport()?)), allow_http: true, ..WebhookOptions::default() };
    Ok(Platform::assemble(ports, site, PlatformOptions { webhooks, ..PlatformOptions::default() }).await?)
}
