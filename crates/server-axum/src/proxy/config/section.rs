//! The section as it is written.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Fault, Size, Span};

/// The section `[gateway]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The version of this form; 1.
    pub version: u64,
    /// What is routed where; none by default.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Where it can be routed to.
    #[serde(default)]
    pub upstreams: Vec<Upstream>,
}

/// How a route's requests run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// One request, one answer; its time holds for both, to the last byte.
    #[default]
    Unary,
    /// The answer is a stream without end (server-sent events, a download): its time holds for the head alone.
    Stream,
    /// The connection may become a WebSocket: its time holds for the head alone.
    Upgrade,
}

impl RouteKind {
    /// The name as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unary => "unary",
            Self::Stream => "stream",
            Self::Upgrade => "upgrade",
        }
    }
}

/// One route: a path, and what becomes of its requests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The path: `/shop/items/{id}`, fixed segments of `A-Z`, `a-z`, `0-9`, `.`, `_`, `~` and `-`; `{*rest}` at the end takes whatever follows.
    pub path: String,
    /// The methods, of `GET`, `HEAD`, `POST`, `PUT`, `PATCH` and `DELETE`. `GET` brings `HEAD`; `OPTIONS` is answered here.
    pub methods: Vec<String>,
    /// The scope that credentials must have. Exactly one of this and `public` must be given.
    #[serde(default)]
    pub scope: Option<String>,
    /// Whether everyone may, without credentials.
    #[serde(default)]
    pub public: bool,
    /// The policy of the limit; by principal, or by address on a public route. Default: the server's own.
    #[serde(default)]
    pub policy: Option<String>,
    /// How its requests run; `unary` by default.
    #[serde(default)]
    pub kind: RouteKind,
    /// The time of a request; 30 s by default, as for the server's own routes. At most an hour.
    #[serde(default = "thirty_seconds")]
    pub timeout: Span,
    /// How long nothing may move on a stream or an upgraded connection, its reader's side included; 5 min by default, ten times what servers wait
    /// between two heartbeats.
    #[serde(default = "five_minutes")]
    pub idle_timeout: Span,
    /// The most bytes of a request's body; 1 MiB by default, as for the server's own routes.
    #[serde(default = "one_mebibyte")]
    pub body_limit: Size,
    /// The name of the upstream.
    pub upstream: String,
    /// Left off the path's beginning before it goes on; whole segments. None by default.
    #[serde(default)]
    pub strip_prefix: Option<String>,
}

/// One upstream: servers that answer the same.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Its name: up to 48 of `a-z`, `0-9`, `-` and `_`.
    pub name: String,
    /// The servers, 1 to 64.
    pub targets: Vec<Target>,
    /// Whether HTTP/2 is spoken without asking (prior knowledge). By default HTTP/1.1 in clear text, and what TLS agrees
    /// on otherwise.
    #[serde(default)]
    pub http2: bool,
    /// How long a connection may take to be there, TLS included; 1 s by default: a server of one's own that takes longer is away.
    #[serde(default = "one_second")]
    pub connect_timeout: Span,
    /// How many idle connections are kept for each target; 64 by default.
    #[serde(default = "max_idle")]
    pub max_idle: u32,
    /// How many requests may be under way at each target; 1,024 by default. Above that another is asked, or 503 answered.
    #[serde(default = "max_in_flight")]
    pub max_in_flight: u32,
    /// Whether `Authorization` and `Cookie` of clients go on to it; not by default, since it is told who is asking.
    #[serde(default)]
    pub pass_credentials: bool,
    /// Active health checks; none by default.
    #[serde(default)]
    pub health: Option<Health>,
    /// When a request is sent again.
    #[serde(default)]
    pub retries: Retries,
    /// When a target is given a rest.
    #[serde(default)]
    pub breaker: Breaker,
    /// When a target is set aside since it does worse than the others.
    #[serde(default)]
    pub ejection: Ejection,
}

/// One server of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its address: `http://host:port` or `https://host`; a path is put before every request's.
    pub url: String,
    /// Its share of the requests, 0 to 1,000; 1 by default. A canary has 5 beside a 95; 0 takes none.
    #[serde(default = "one")]
    pub weight: u32,
}

/// Asking targets whether they are well.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// What is asked for with `GET`; any 2xx is well.
    pub path: String,
    /// How long between two questions; 5 s by default.
    #[serde(default = "five_seconds")]
    pub interval: Span,
    /// How long an answer may take; 1 s by default.
    #[serde(default = "one_second")]
    pub timeout: Span,
    /// After how many good answers in a row a target is well again; 2 by default.
    #[serde(default = "two")]
    pub healthy_after: u32,
    /// After how many bad answers in a row it is not; 3 by default, so that one lost packet does nothing.
    #[serde(default = "three")]
    pub unhealthy_after: u32,
}

/// Sending a request again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retries {
    /// How often a request is sent at most, the first time included; 2 by default, 1 for never again.
    pub attempts: u32,
    /// How many repetitions there may be before successes earn more, one in ten; 100 by default.
    pub budget: u32,
}

/// Giving a target a rest once too much of what it is asked fails.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// How long requests are counted together; 10 s by default.
    pub window: Span,
    /// How many requests there must have been in it; 20 by default: fewer prove nothing.
    pub requests: u32,
    /// How many in a hundred must have failed; 50 by default.
    pub failure_percent: u32,
    /// How long the rest is; 5 s by default.
    pub open_for: Span,
    /// How many trial requests must go well after it; 3 by default. One at a time is let through.
    pub trials: u32,
}

/// Setting aside a target whose answers fail one after the other. At least half of those that can be
/// asked stay.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ejection {
    /// After how many failures in a row; 5 by default.
    pub failures: u32,
    /// For how long the first time; 10 s by default. The second time twice as long, and so on.
    pub time: Span,
    /// For how long at most; 5 min by default.
    pub longest: Span,
}

impl Default for Retries {
    fn default() -> Self {
        Self { attempts: 2, budget: 100 }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { window: Span::seconds(10), requests: 20, failure_percent: 50, open_for: Span::seconds(5), trials: 3 }
    }
}

impl Default for Ejection {
    fn default() -> Self {
        Self { failures: 5, time: Span::seconds(10), longest: Span::seconds(300) }
    }
}

fn thirty_seconds() -> Span {
    Span::seconds(30)
}

fn five_minutes() -> Span {
    Span::seconds(300)
}

fn five_seconds() -> Span {
    Span::seconds(5)
}

fn one_second() -> Span {
    Span::seconds(1)
}

fn one_mebibyte() -> Size {
    Size::bytes(1 << 20)
}

fn max_idle() -> u32 {
    64
}

fn max_in_flight() -> u32 {
    1_024
}

fn one() -> u32 {
    1
}

fn two() -> u32 {
    2
}

fn three() -> u32 {
    3
}

impl Section {
    /// Reads the section out of a value of any format.
    ///
    /// # Errors
    /// Every entry whose form is not right, by its place: a name that is not known, one that is missing, a value of
    /// another kind.
    pub fn read(value: Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let Value::Object(mut fields) = value else {
            return Err(vec![Fault::new("gateway", "is not a table; write [gateway] and version = 1 below it")]);
        };
        // One by one, so that a slip in one entry does not hide those in the others.
        let routes = entries(fields.remove("routes"), "gateway.routes", &mut faults);
        let upstreams = entries(fields.remove("upstreams"), "gateway.upstreams", &mut faults);
        match serde_json::from_value::<Self>(Value::Object(fields)) {
            Ok(section) if faults.is_empty() => Ok(Self { routes, upstreams, ..section }),
            Ok(_) => Err(faults),
            Err(fault) => {
                faults.insert(0, Fault::new("gateway", told(&fault)));
                Err(faults)
            }
        }
    }
}

fn entries<T: DeserializeOwned>(value: Option<Value>, place: &str, faults: &mut Vec<Fault>) -> Vec<T> {
    let items = match value {
        None => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => {
            faults.push(Fault::new(place, format!("is not a list; write [[{place}]] above each entry")));
            return Vec::new();
        }
    };
    let mut entries = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        match serde_json::from_value(item) {
            Ok(entry) => entries.push(entry),
            Err(fault) => faults.push(Fault::new(format!("{place}[{index}]"), told(&fault))),
        }
    }
    entries
}

fn told(fault: &serde_json::Error) -> String {
    format!("{fault}; correct it (`waypost gateway schema` prints the form)")
}
