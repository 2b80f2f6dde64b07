//! The platform: the services, put together once, for whatever protocol speaks to them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::clicks::{Analytics, ClickRetention, Drain, DrainOptions, Teller, TellerOptions};
use crate::clients::Clients;
use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::engine::Engine;
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::events::{Feed, Retention};
use crate::grants::{Authorizations, GrantSweeper, Sessions};
use crate::idempotency::{Idempotency, IdempotencyOptions};
use crate::issuers::{IssuerHttp, IssuerOptions, Issuers, KeyRefresher};
use crate::layers::RetryOptions;
use crate::limits::{Limits, Plans};
use crate::links::{Announcer, Changes, Expiry, Follows, Forgetter, LinkCache, Links, Site};
use crate::login::{self, Login, LoginOptions};
use crate::members::Members;
use crate::outbox::{Relay, RelayOptions};
use crate::page::Cursors;
use crate::ports::Ports;
use crate::push::presence::Presences;
use crate::push::{Hub, LiveOptions, Tail};
use crate::seal::Seal;
use crate::tickets::Tickets;
use crate::tokens::{TokenOptions, Tokens};
use crate::webhooks::{
    Backlog, DeliveryRetention, Dispatcher, DispatcherOptions, Fanout, Messages, Notices, WebhookTransport, Webhooks,
};

/// What can be tuned; each default says why it is so.
#[derive(Clone, Debug)]
pub struct PlatformOptions {
    /// How much memory links may take on the redirect's path. 32 MiB holds about 100,000 links.
    pub link_cache_bytes: u64,
    /// How long events can be read. A week: a listener that was away over a long weekend misses nothing.
    pub keep_events: Duration,
    /// How long single clicks are kept for export; what they add up to is kept for good. 90 days: a quarter.
    pub keep_clicks: Duration,
    /// How keyed requests are kept; their effects are fenced, so the lease is the short one.
    pub idempotency: IdempotencyOptions,
    /// How events get to the bus.
    pub relay: RelayOptions,
    /// How clicks get into the roll-ups.
    pub drain: DrainOptions,
    /// How what was counted is told.
    pub teller: TellerOptions,
    /// How calls of the ports are made again that failed in passing.
    pub retries: RetryOptions,
    /// How much is allowed, by plan.
    pub plans: Plans,
    /// How webhooks are sent.
    pub webhooks: WebhookOptions,
    /// How live sessions are kept.
    pub live: LiveOptions,
    /// How access tokens are made.
    pub tokens: TokenOptions,
    /// Whom tokens and people are believed by beside the platform itself: nobody, unless the operator says so.
    pub identity: IdentityOptions,
}

/// Whom tokens and people are believed by beside the platform itself.
#[derive(Clone, Debug, Default)]
pub struct IdentityOptions {
    /// The way to issuers and to the provider; without it, neither may be named.
    pub http: Option<Arc<dyn IssuerHttp>>,
    /// The issuers whose tokens are taken.
    pub issuers: Vec<IssuerOptions>,
    /// The provider that people sign in at.
    pub login: Option<LoginOptions>,
}

/// How webhooks are sent; each default says why it is so.
#[derive(Clone, Debug)]
pub struct WebhookOptions {
    /// The way to receivers. Without it, endpoints are registered and what is owed to them waits for a node that has one.
    pub transport: Option<Arc<dyn WebhookTransport>>,
    /// Whether endpoints may be called without TLS. Not, since what they are told is private.
    pub allow_http: bool,
    /// The key that secrets are sealed with, the same on every node. Without one, a key of the store's own is used, and
    /// whoever reads the store reads the secrets.
    pub seal_key: Option<[u8; 32]>,
    /// Keys that open what they sealed and seal nothing: those before `seal_key`, or the one that will be it, so that no
    /// node meets a secret that it cannot open while the nodes are restarted one by one.
    pub seal_keys_before: Vec<[u8; 32]>,
    /// How deliveries are sent.
    pub dispatcher: DispatcherOptions,
    /// How long deliveries and attempts are kept: 30 days, a month of evidence. A replay reaches back no further.
    pub keep: Duration,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            transport: None,
            allow_http: false,
            seal_key: None,
            seal_keys_before: Vec::new(),
            dispatcher: DispatcherOptions::default(),
            keep: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

impl Default for PlatformOptions {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            link_cache_bytes: 32 * 1_024 * 1_024,
            keep_events: 7 * DAY,
            keep_clicks: 90 * DAY,
            idempotency: IdempotencyOptions {
                lease: IdempotencyOptions::FENCED_LEASE,
                ..IdempotencyOptions::default()
            },
            relay: RelayOptions::default(),
            drain: DrainOptions::default(),
            teller: TellerOptions::default(),
            retries: RetryOptions::default(),
            plans: Plans::default(),
            webhooks: WebhookOptions::default(),
            live: LiveOptions::default(),
            tokens: TokenOptions::default(),
            identity: IdentityOptions::default(),
        }
    }
}

/// The services of a platform. Protocols call these and nothing below them.
#[derive(Debug)]
pub struct Platform {
    /// Links: create, read, edit, delete.
    pub links: Links,
    /// Following links.
    pub follows: Follows,
    /// Statistics.
    pub analytics: Analytics,
    /// Events.
    pub feed: Feed,
    /// Live sessions of this node.
    pub live: Arc<Hub>,
    /// Keys and who shows them.
    pub credentials: Credentials,
    /// Webhook endpoints.
    pub webhooks: Webhooks,
    /// OAuth clients.
    pub clients: Clients,
    /// Access tokens.
    pub tokens: Arc<Tokens>,
    /// What clients are granted.
    pub authorizations: Authorizations,
    /// Tokens of foreign issuers.
    pub issuers: Issuers,
    /// Sessions of browsers.
    pub sessions: Sessions,
    /// What opens live streams without a header.
    pub tickets: Tickets,
    /// The people of workspaces.
    pub members: Members,
    /// Signing in, where there is a provider to sign in at.
    pub login: Option<Login>,
    /// Requests that are carried out once.
    pub idempotency: Idempotency,
    /// What is allowed.
    pub limits: Limits,
    /// Who is watching what.
    pub presences: Presences,
    /// The public face.
    pub site: Arc<Site>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
    messages: Arc<Messages>,
    cache: Arc<LinkCache>,
    changes: Arc<Changes>,
    ports: Ports,
    options: PlatformOptions,
}

impl Platform {
    /// Puts a platform together. Asks the credential store for the secret that cursors are sealed with, which the nodes
    /// of a platform share.
    ///
    /// # Errors
    /// Those of the credential store.
    pub async fn assemble(ports: Ports, site: Site, options: PlatformOptions) -> Result<Arc<Self>> {
        let (clock, entropy) = (ports.clock.clone(), ports.entropy.clone());
        let ports = ports.in_layers(options.retries);
        let credentials = Credentials::new(ports.credentials.clone(), clock.clone(), entropy.clone());
        let cursors = Arc::new(Cursors::new(credentials.secret("cursors").await?));
        let site = Arc::new(site);
        let cache = Arc::new(LinkCache::new(options.link_cache_bytes));
        let changes = Arc::new(Changes::new(cache.clone()));
        let links = Links::new(
            ports.links.clone(),
            changes.clone(),
            cursors.clone(),
            site.clone(),
            clock.clone(),
            entropy.clone(),
        );
        let follows =
            Follows::new(cache.clone(), ports.links.clone(), ports.clicks.clone(), ports.spool.clone(), clock.clone());
        // Without the slash at its end: as an issuer it is compared byte for byte (RFC 8414 §2).
        let issuer = site.url("");
        let tokens = Arc::new(Tokens::new(&issuer, &ports, options.tokens));
        let (issuers, login) = identity(&options.identity, &credentials, &ports, site.public_url()).await?;
        let (grants, members) = (ports.grants.clone(), ports.members.clone());
        let seal = Arc::new(seal(&options.webhooks, &credentials).await?);
        let messages = Arc::new(Messages::new(
            seal.clone(),
            cursors.clone(),
            Credentials::new(ports.credentials.clone(), clock.clone(), entropy.clone()),
            options.tokens.generation,
            entropy.clone(),
        ));
        let presences = Presences::new(ports.presence.clone());
        Ok(Arc::new(Self {
            clients: Clients::new(&issuer, &ports),
            authorizations: Authorizations::new(tokens.clone(), &ports),
            tokens,
            issuers,
            login,
            sessions: Sessions::new(grants.clone(), members.clone(), clock.clone(), entropy.clone()),
            tickets: Tickets::new(ports.idempotency.clone(), seal, clock.clone(), entropy.clone()),
            members: Members::new(members, grants, clock.clone(), entropy.clone()),
            links,
            follows,
            analytics: Analytics::new(ports.clicks.clone(), ports.links.clone(), clock.clone()),
            live: Arc::new(Hub::new(
                ports.bus.clone(),
                cursors.clone(),
                presences.clone(),
                clock.clone(),
                entropy.clone(),
                options.live,
            )),
            feed: Feed::new(ports.bus.clone(), cursors),
            webhooks: Webhooks::new(
                &ports,
                messages.clone(),
                options.webhooks.transport.clone(),
                options.webhooks.keep,
            ),
            messages,
            credentials,
            idempotency: Idempotency::new(
                ports.idempotency.clone(),
                clock.clone(),
                entropy.clone(),
                options.idempotency,
            ),
            limits: Limits::new(
                ports.limiter.clone(),
                ports.local_limiter.clone(),
                options.plans.clone(),
                clock.clone(),
            ),
            presences,
            site,
            clock,
            entropy,
            cache,
            changes,
            ports,
            options,
        }))
    }

    /// What was tuned.
    pub fn options(&self) -> &PlatformOptions {
        &self.options
    }

    /// The parts below the services, for those who assemble and operate.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The engines that keep the platform going, each to be run by [`engine::run`](crate::engine::run). Who stops them one
    /// by one does so in this order: clicks are counted, told of, and sent.
    pub fn engines(&self) -> Vec<Box<dyn Engine>> {
        let ports = &self.ports;
        let (clock, entropy, counted) = (self.clock.clone(), self.entropy.clone(), Arc::new(Notify::new()));
        let drain = Drain::new(
            ports.spool.clone(),
            ports.clicks.clone(),
            ports.describe.clone(),
            clock.clone(),
            counted.clone(),
            self.options.drain,
        );
        let teller = Teller::new(ports.clicks.clone(), clock, entropy.clone(), counted, self.options.teller);
        let mut engines: Vec<Box<dyn Engine>> = vec![
            Box::new(drain),
            Box::new(teller),
            Box::new(Relay::new(ports.outbox.clone(), ports.bus.clone(), entropy, self.options.relay)),
            Box::new(Announcer::new(self.changes.clone(), ports.invalidations.clone())),
            Box::new(Forgetter::new(self.cache.clone(), ports.invalidations.clone())),
            Box::new(Expiry::new(ports.links.clone(), self.links.clone())),
            Box::new(self.idempotency.sweeper()),
            Box::new(GrantSweeper::new(ports.grants.clone())),
            Box::new(Tail::new(self.live.clone())),
            Box::new(self.presences.keeper()),
            Box::new(Retention::new(ports.bus.clone(), self.options.keep_events)),
            Box::new(ClickRetention::new(ports.clicks.clone(), self.options.keep_clicks)),
        ];
        let provider = self.login.as_ref().map(Login::issuer);
        engines.extend(self.webhook_engines());
        for issuer in self.issuers.all().into_iter().chain(provider) {
            engines.push(Box::new(KeyRefresher::new(issuer)));
        }
        engines
    }

    /// What has events owed to endpoints, sends them, and forgets what became of them.
    fn webhook_engines(&self) -> Vec<Box<dyn Engine>> {
        let (ports, options) = (&self.ports, &self.options.webhooks);
        let fanout = Fanout::new(ports.bus.clone(), ports.webhooks.clone(), ports.deliveries.clone());
        let mut engines: Vec<Box<dyn Engine>> = vec![
            Box::new(fanout),
            Box::new(Backlog::new(ports.deliveries.clone())),
            Box::new(DeliveryRetention::new(ports.delivery_log.clone(), options.keep)),
        ];
        if let Some(transport) = &options.transport {
            engines.push(Box::new(Dispatcher::new(
                ports.deliveries.clone(),
                transport.clone(),
                self.messages.clone(),
                Notices::new(ports.webhooks.clone(), ports.outbox.clone(), self.entropy.clone()),
                self.clock.clone(),
                self.entropy.clone(),
                options.dispatcher.clone(),
            )));
        }
        engines
    }
}

/// What secrets are sealed with: the operator's key, or the store's own, which also opens what was sealed before there was
/// one.
async fn seal(options: &WebhookOptions, credentials: &Credentials) -> Result<Seal> {
    let own = credentials.secret("seal").await?;
    let mut older = options.seal_keys_before.clone();
    older.push(own);
    Ok(Seal::new(&options.seal_key.unwrap_or(own), &older))
}

/// Puts together what believes issuers and the provider. The workspaces that they name are made if they are not there.
async fn identity(
    options: &IdentityOptions,
    credentials: &Credentials,
    ports: &Ports,
    public_url: &str,
) -> Result<(Issuers, Option<Login>)> {
    let (clock, entropy) = (ports.clock.clone(), ports.entropy.clone());
    let Some(http) = &options.http else {
        if options.issuers.is_empty() && options.login.is_none() {
            return Ok((Issuers::none(clock), None));
        }
        return Err(Error::internal("issuers are named, and no way to them"));
    };
    let mut workspaces = HashMap::new();
    for name in options.issuers.iter().flat_map(IssuerOptions::workspaces) {
        workspaces.insert(name.clone(), credentials.workspace(name).await?.id);
    }
    let issuers = Issuers::new(options.issuers.clone(), workspaces, http, clock.clone())?;
    let Some(options) = options.login.clone() else { return Ok((issuers, None)) };
    let login = Login::new(login::Parts {
        workspace: credentials.workspace(&options.workspace).await?.id,
        redirect_uri: login::redirect_uri(public_url),
        secret: credentials.secret("login-attempts").await?,
        http: http.clone(),
        grants: ports.grants.clone(),
        options,
        clock,
        entropy,
    })?;
    Ok((issuers, Some(login)))
}
