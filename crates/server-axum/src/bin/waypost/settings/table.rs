//! Every setting, once.

use super::choices::{Bus, Limiter};
use super::setting::{Group, Otherwise, Setting, YES_OR_NO, setting};
use super::values::{self, Database, LogFormat, Rate, Secret};
use super::webhooks::{self, SealKey};
use super::{live, oidc};
use crate::roles::Roles;
use waypost_adapters::egress::Proxy;

use Otherwise::{Told, Value};

/// The settings, those that are looked for most often first.
pub(super) static TABLE: [Setting; 55] = [
    setting!(
        "listen",
        "HOST:PORT",
        Value("127.0.0.1:8080"),
        Store,
        "Where the server listens; port 0 takes a free one",
        |it, text| values::address(text).map(|value| it.listen = Some(value))
    ),
    setting!(
        "public_url",
        "URL",
        Told("http:// and the address of listen, https:// with tls_certificate"),
        Store,
        "The address that short links begin with, as visitors see it",
        |it, text| values::origin(text).map(|value| it.public_url = Some(value))
    ),
    setting!(
        "domains",
        "HOST,…",
        Told("none"),
        Store,
        "Further hosts that links can be followed under",
        |it, text| values::hosts(text).map(|value| it.domains = value)
    ),
    setting!(
        "roles",
        "ROLE,…",
        Value("gateway,links,webhooks,feed,relay"),
        Serve,
        "What this node does: leads to servers elsewhere, serves the API and follows, relays events",
        |it, text| Roles::parse(text).map(|value| it.roles = value)
    ),
    setting!(
        "tls_certificate",
        "FILE",
        Told("none: plain HTTP"),
        Store,
        "The certificates to speak TLS with, in PEM, the server's own first; read again when they change",
        |it, text| values::existing_file(text).map(|value| it.tls_certificate = Some(value))
    ),
    setting!(
        "tls_key",
        "FILE",
        Told("none"),
        Store,
        "The key of tls_certificate, in PEM, without a passphrase",
        |it, text| values::existing_file(text).map(|value| it.tls_key = Some(value))
    ),
    setting!(
        "data_dir",
        "DIR",
        Value("waypost-data"),
        Store,
        "Where this node keeps what is its own: a store in a file, clicks that wait; made if it is not there",
        |it, text| values::path(text).map(|value| it.data_dir = value)
    ),
    setting!(secret "database_url", "URL", Told("sqlite:// and waypost.db in data_dir"), Store,
        "The store: postgres://USER:PASSWORD@HOST/DATABASE, sqlite://PATH, or memory: to keep nothing",
        |it, text| Database::parse(text).map(|value| it.database = value)),
    setting!(
        "database_connections",
        "COUNT",
        Value("10"),
        Store,
        "The most connections of this node to PostgreSQL, besides one that listens",
        |it, text| values::connections(text).map(|value| it.database_connections = value)
    ),
    setting!(
        "database_schema",
        "NAME",
        Told("the first of the user's search_path, mostly public"),
        Store,
        "The PostgreSQL schema that the tables stand in; made if it is not there",
        |it, text| values::schema(text).map(|value| it.database_schema = Some(value))
    ),
    setting!(secret "redis_url", "URL", Told("none"), Store,
        "A Redis for word of changed links, for limits, and for events if they go nowhere else",
        |it, text| values::redis(text).map(|value| it.redis_url = Some(value))),
    setting!("redis_prefix", "NAME", Value("waypost"), Store, "What every key in Redis begins with", |it, text| {
        values::name(text).map(|value| it.redis_prefix = value)
    }),
    setting!(secret "nats_url", "URL,…", Told("none"), Serve,
        "A NATS with JetStream for events",
        |it, text| values::nats(text).map(|value| it.nats_url = Some(value))),
    setting!("nats_prefix", "NAME", Value("waypost"), Serve, "What every stream in NATS begins with", |it, text| {
        values::name(text).map(|value| it.nats_prefix = value)
    }),
    setting!(
        "nats_replicas",
        "COUNT",
        Value("1"),
        Serve,
        "How many servers of NATS keep each event: 1, 3 or 5",
        |it, text| values::replicas(text).map(|value| it.nats_replicas = value)
    ),
    setting!(
        "bus",
        "auto|store|redis|nats",
        Value("auto"),
        Serve,
        "What carries the log of events; auto takes NATS, else the store",
        |it, text| Bus::parse(text).map(|value| it.bus_choice = value)
    ),
    setting!(
        "limiter",
        "auto|memory|store|redis",
        Value("auto"),
        Serve,
        "What counts requests; auto takes Redis, else a store that nodes share, else memory",
        |it, text| Limiter::parse(text).map(|value| it.limiter_choice = value)
    ),
    setting!(
        "start_patience",
        "TIME",
        Value("30s"),
        Store,
        "How long a start waits for a server that is away",
        |it, text| values::duration(text).map(|value| it.start_patience = value)
    ),
    setting!(secret "admin_key", "KEY", Told("one is made at the first start and printed once"), Serve,
        "The first API key, for automation: 16 to 256 visible ASCII characters",
        |it, text| Secret::parse(text).map(|value| it.admin_key = Some(value))),
    setting!(
        "trusted_proxies",
        "NETWORK,…",
        Told("none"),
        Serve,
        "Proxies whose X-Forwarded-For is believed: addresses and networks as 10.0.0.0/8",
        |it, text| values::networks(text).map(|value| it.trusted_proxies = value)
    ),
    setting!(
        "upstream_name",
        "NAME",
        Told("none: nobody is vouched for"),
        Serve,
        "What gateways among trusted_proxies call this node; it then takes the callers that they vouch for",
        |it, text| values::name(text).map(|value| it.upstream_name = Some(value))
    ),
    setting!(
        "cors_origins",
        "ORIGIN,…",
        Told("none"),
        Serve,
        "Web origins whose pages may call the API, as https://app.example.com",
        |it, text| values::origins(text).map(|value| it.cors_origins = value)
    ),
    setting!(
        "rate_limit",
        "COUNT/TIME",
        Value("120000/1m"),
        Serve,
        "How many API requests a key may make; an address twice as many",
        |it, text| Rate::parse(text).map(|value| it.rate_limit = Some(value))
    ),
    setting!(
        "token_generation",
        "NUMBER",
        Value("1"),
        Serve,
        "Which keys sign access tokens; another number, the same on every node, voids all that were issued before",
        |it, text| values::generation(text).map(|value| it.token_generation = value)
    ),
    setting!(
        "allow_private_destinations",
        YES_OR_NO,
        Value("false"),
        Store,
        "Whether links may lead to private and loopback addresses",
        |it, text| values::flag(text).map(|value| it.allow_private_destinations = value)
    ),
    setting!(
        "destination_schemes",
        "SCHEME,…",
        Value("http,https"),
        Store,
        "The schemes that links may lead to",
        |it, text| values::schemes(text).map(|value| it.destination_schemes = value)
    ),
    setting!(
        "most_in_flight",
        "COUNT",
        Value("512"),
        Serve,
        "How many API requests may be under way; one address may have a quarter of them",
        |it, text| values::in_flight(text).map(|value| it.most_in_flight = value)
    ),
    setting!(
        "most_connections",
        "COUNT",
        Value("32768"),
        Serve,
        "How many connections this node takes, live ones included; each is an open file, and 1024 more are needed",
        |it, text| values::client_connections(text).map(|value| it.most_connections = value)
    ),
    setting!(
        "webhook_allow_http",
        YES_OR_NO,
        Value("false"),
        Serve,
        "Whether webhook endpoints may be registered without TLS",
        |it, text| values::flag(text).map(|value| it.webhook_allow_http = value)
    ),
    setting!(
        "webhook_allow",
        "HOST|NETWORK,…",
        Told("none: public addresses alone"),
        Serve,
        "What webhooks may lead to beyond public addresses: hosts, *.below, networks, each with :PORT if need be; :PORT alone opens a port",
        |it, text| webhooks::allow(text).map(|value| it.sending.allow = value)
    ),
    setting!(secret "webhook_proxy", "URL", Told("none"), Serve,
        "The HTTP proxy that webhooks go through, as http://USER:PASSWORD@HOST:PORT; it is given checked addresses",
        |it, text| Proxy::parse(text).map(|value| it.sending.proxy = Some(value)).map_err(|fault| fault.to_string())),
    setting!(
        "webhook_most_calls",
        "COUNT",
        Value("1024"),
        Serve,
        "How many calls of webhook receivers this node has under way at a time",
        |it, text| webhooks::most_calls(text).map(|value| it.sending.most_calls = value)
    ),
    setting!(
        "webhook_retries",
        "TIME,…",
        Value("5s,5m,30m,2h,5h,10h,14h,20h,24h"),
        Serve,
        "The waits before a delivery is tried again, each a fifth more or less at random; after the last it is given up",
        |it, text| webhooks::retries(text).map(|value| it.sending.retries = value)
    ),
    setting!(secret "seal_key", "KEY", Told("one of the store's own, which whoever reads the store can read"), Store,
        "The key that secrets of webhooks are sealed with in the store, the same on every node: 32 bytes in base64 or hexadecimal",
        |it, text| SealKey::parse(text).map(|value| it.sending.seal_key = Some(value))),
    setting!(secret "seal_key_before", "KEY,…", Told("none"), Store,
        "Keys that open what they sealed, and seal nothing: those that were seal_key before, or the one that will be",
        |it, text| SealKey::parse_list(text).map(|value| it.sending.seal_key_before = value)),
    setting!(
        "geoip_file",
        "FILE",
        Told("none: countries are not told"),
        Serve,
        "A MaxMind file (.mmdb) that knows the country of an address",
        |it, text| values::existing_file(text).map(|value| it.geoip_file = Some(value))
    ),
    setting!("keep_events", "TIME", Value("7d"), Serve, "How long events can be read", |it, text| values::kept(text)
        .map(|value| it.keep_events = value)),
    setting!(
        "keep_clicks",
        "TIME",
        Value("90d"),
        Serve,
        "How long single clicks can be exported; what they add up to stays",
        |it, text| values::kept(text).map(|value| it.keep_clicks = value)
    ),
    setting!(
        "keep_deliveries",
        "DAYS",
        Value("30d"),
        Serve,
        "How long deliveries of webhooks and their attempts can be looked up, at least 8d",
        |it, text| webhooks::keep(text).map(|value| it.sending.keep = value)
    ),
    setting!(
        "live_sessions",
        "COUNT",
        Value("25000"),
        Serve,
        "How many clients may listen to this node at a time, held polls included",
        |it, text| live::sessions(text).map(|value| it.live.most = value)
    ),
    setting!(
        "live_sessions_per_principal",
        "COUNT",
        Value("12500"),
        Serve,
        "Of these, so many of one key, client or user",
        |it, text| live::sessions(text).map(|value| it.live.most_per_principal = value)
    ),
    setting!(
        "live_sessions_per_address",
        "COUNT",
        Value("12500"),
        Serve,
        "Of these, so many from one client address (IPv6 by /64)",
        |it, text| live::sessions(text).map(|value| it.live.most_per_address = value)
    ),
    setting!(
        "live_drain_rate",
        "COUNT",
        Value("1000"),
        Serve,
        "How many listening clients a second are sent away when this node stops, and come back",
        |it, text| live::rate(text).map(|value| it.live.drain_rate = value)
    ),
    setting!(
        "link_cache_bytes",
        "SIZE",
        Value("32MiB"),
        Serve,
        "How much memory links may take on the redirect's path",
        |it, text| values::size(text).map(|value| it.link_cache_bytes = value)
    ),
    setting!(
        "spool_bytes",
        "SIZE",
        Value("1GiB"),
        Serve,
        "How much disk clicks may take until the store has counted them, at least 4 MiB",
        |it, text| values::spool_size(text).map(|value| it.spool_bytes = value)
    ),
    setting!(
        "shutdown_grace",
        "TIME",
        Value("30s"),
        Serve,
        "How long a stop may take: what is under way by then is cut off",
        |it, text| values::duration(text).map(|value| it.shutdown_grace = value)
    ),
    setting!(
        "oidc_issuer",
        "URL",
        Told("none: nobody signs in"),
        Store,
        "The OpenID provider that people sign in at, by its issuer",
        |it, text| oidc::some(text).map(|value| it.oidc.issuer = Some(value))
    ),
    setting!("oidc_client_id", "ID", Told("none"), Serve, "What the provider calls this server", |it, text| {
        oidc::some(text).map(|value| it.oidc.client_id = Some(value))
    }),
    setting!(secret "oidc_client_secret", "SECRET", Told("none: PKCE alone"), Serve,
        "The secret that the provider gave this server",
        |it, text| oidc::some(text).map(|value| it.oidc.client_secret = Some(value))),
    setting!(
        "oidc_scopes",
        "SCOPE …",
        Value("openid profile email"),
        Serve,
        "What the provider is asked for; openid must be among it",
        |it, text| oidc::some(text).map(|value| it.oidc.scopes = Some(value))
    ),
    setting!(
        "oidc_role",
        "none|viewer|editor|admin|owner",
        Value("none"),
        Serve,
        "The role of people who sign in and are no member yet; with none, an admin must add them",
        |it, text| oidc::role(text).map(|value| it.oidc.role = value)
    ),
    setting!(
        "log",
        "LEVEL",
        Told("info to serve, else warn"),
        Log,
        "What is logged: error, warn, info, debug or trace, or by module as info,waypost_core=debug",
        |it, text| values::filter(text).map(|value| it.log = Some(value))
    ),
    setting!(
        "log_format",
        "json|pretty",
        Told("pretty on a terminal, else json"),
        Log,
        "How it is logged, on standard error",
        |it, text| LogFormat::parse(text).map(|value| it.log_format = Some(value))
    ),
    setting!(
        "url",
        "URL",
        Told("none: the store itself"),
        Remote,
        "A running server to talk to, instead of the store",
        |it, text| values::origin(text).map(|value| it.url = Some(value))
    ),
    setting!(secret "key", "KEY", Told("none"), Remote,
        "The API key to show that server",
        |it, text| Secret::parse(text).map(|value| it.key = Some(value))),
];
