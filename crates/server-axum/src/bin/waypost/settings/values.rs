//! What the values of settings look like. Each refusal says what is wrong and what would be right.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use url::{Host, Url};
use waypost_core::credentials::ApiKeyText;

use super::server_url::ServerUrl;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A secret: shown by [`Secret::expose`] alone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(ApiKeyText);

impl Secret {
    /// Reads an API key. Its text never stands in a message.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let key = ApiKeyText::parse(text.trim());
        key.map(Self).ok_or_else(|| {
            "is not an API key (mistyped, or not 16 to 256 visible ASCII characters); make one with `waypost keys create`".to_owned()
        })
    }

    /// The key.
    pub(crate) fn expose(&self) -> &ApiKeyText {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Where links and everything else are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Database {
    /// One SQLite file; `waypost.db` of the data directory if no path is given.
    Sqlite(Option<PathBuf>),
    /// A PostgreSQL database.
    Postgres(ServerUrl),
    /// This process's memory.
    Memory,
}

impl Default for Database {
    fn default() -> Self {
        Self::Sqlite(None)
    }
}

impl Database {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const POSTGRES: [&str; 2] = ["postgres", "postgresql"];
        let text = text.trim();
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        match (scheme, text.strip_prefix("sqlite://")) {
            (_, Some("")) => Err("names no file; write sqlite://PATH, as in sqlite://links.db".to_owned()),
            (_, Some(path)) => Ok(Self::Sqlite(Some(path.into()))),
            ("memory", _) => Ok(Self::Memory),
            (scheme, _) if POSTGRES.contains(&scheme) => {
                let example = "postgres://USER:PASSWORD@HOST:PORT/DATABASE";
                ServerUrl::parse(text, "a PostgreSQL database", &POSTGRES, example).map(Self::Postgres)
            }
            // The text may hold a password.
            _ => Err("is not the URL of a store; write postgres://HOST/DATABASE, sqlite://PATH or memory:".to_owned()),
        }
    }
}

/// The address of a Redis.
pub(super) fn redis(text: &str) -> Result<ServerUrl, String> {
    ServerUrl::parse(text, "Redis", &["redis", "rediss"], "redis://USER:PASSWORD@HOST:PORT/DATABASE")
}

/// The addresses of a NATS cluster.
pub(super) fn nats(text: &str) -> Result<ServerUrl, String> {
    ServerUrl::parse_list(text, "NATS", &["nats", "tls"], "nats://USER:PASSWORD@HOST:PORT, several parted by commas")
}

/// How the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// Lines for people.
    Pretty,
}

impl LogFormat {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err(format!("`{text}` is not a format; write json or pretty")),
        }
    }
}

/// So many requests in so long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) quota: u32,
    pub(crate) window: Duration,
}

impl Rate {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not COUNT/TIME; write it as 2000/1s or 120000/1m");
        let (quota, window) = text.split_once('/').ok_or_else(wrong)?;
        let quota = quota.trim().parse().ok().filter(|quota| (1..=1_000_000_000).contains(quota)).ok_or_else(wrong)?;
        let window = duration(window.trim()).map_err(|_| wrong())?;
        if !(1..=2_678_400).contains(&window.as_secs()) || window.subsec_nanos() != 0 {
            return Err(format!("the time of `{text}` must be whole seconds, from 1s to 31d"));
        }
        Ok(Self { quota, window })
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = |port: &str| port.parse().ok();
    if let Some(port) = text.strip_prefix("localhost:").and_then(port) {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse().map_err(|_| {
        format!("`{text}` is not an address; write IP:PORT, as in 127.0.0.1:8080, or 0.0.0.0:8080 for every interface")
    })
}

pub(super) fn origin(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not an address of the web; write http(s)://HOST[:PORT] without a path");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let named = url.username().is_empty() && url.password().is_none() && url.has_host();
    if !matches!(url.scheme(), "http" | "https") || !bare || !named {
        return Err(wrong());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The parts of a list, without the blanks around them.
pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

pub(super) fn hosts(text: &str) -> Result<Vec<String>, String> {
    let host = |part: &str| match Host::parse(part) {
        Ok(_) => Ok(part.to_owned()),
        Err(_) => Err(format!("`{part}` is not a host name; write hosts alone, as in go.example.com,s.example.org")),
    };
    list(text).map(host).collect()
}

pub(super) fn networks(text: &str) -> Result<Vec<String>, String> {
    let network = |part: &str| {
        let (address, bits) = part.split_once('/').map_or((part, None), |(address, bits)| (address, Some(bits)));
        let most = address.parse::<IpAddr>().ok().map(|address| if address.is_ipv4() { 32 } else { 128 });
        let fits = |most: u8| bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most));
        if most.is_some_and(fits) {
            return Ok(part.to_owned());
        }
        Err(format!("`{part}` is not an address or a network; write 10.0.0.0/8 or fd00::/8"))
    };
    list(text).map(network).collect()
}

pub(super) fn origins(text: &str) -> Result<Vec<String>, String> {
    list(text).map(origin).collect()
}

pub(super) fn schemes(text: &str) -> Result<Vec<String>, String> {
    let scheme = |part: &str| {
        let letters = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if letters && part.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Ok(part.to_ascii_lowercase());
        }
        Err(format!("`{part}` is not a scheme; write schemes alone, as in http,https,ftp"))
    };
    let schemes: Vec<_> = list(text).map(scheme).collect::<Result<_, _>>()?;
    let runs_code = |scheme: &&String| matches!(scheme.as_str(), "javascript" | "data" | "vbscript");
    if let Some(scheme) = schemes.iter().find(runs_code) {
        return Err(format!("`{scheme}` would run code in the visitor's browser; leave it out"));
    }
    if schemes.is_empty() {
        return Err("is empty, so no link could lead anywhere; write http,https".to_owned());
    }
    Ok(schemes)
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    non_empty(text)
}

pub(super) fn existing_file(text: &str) -> Result<PathBuf, String> {
    let path = path(text)?;
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("there is no file `{text}`; correct the path, or leave the setting out"))
}

pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("`{text}` is neither yes nor no; write true or false")),
    }
}

/// A length of time: a whole number and `ms`, `s`, `m`, `h` or `d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a length of time; write it as 30s, 5m, 12h or 7d");
    let (number, unit) = split(text);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)
}

/// How long something is kept: an hour at least, since less would remove what was just made; ten years at most.
pub(super) fn kept(text: &str) -> Result<Duration, String> {
    let kept = duration(text)?;
    if (DAY / 24..=DAY * 3_650).contains(&kept) {
        return Ok(kept);
    }
    Err(format!("`{text}` is out of bounds; write a time from 1h to 3650d"))
}

/// A size: a whole number of bytes, or with `KiB`, `MiB` or `GiB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size; write it as 32MiB, or as a number of bytes");
    let (number, unit) = split(text);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

pub(super) fn spool_size(text: &str) -> Result<u64, String> {
    let bytes = size(text)?;
    if bytes >= 4 << 20 {
        return Ok(bytes);
    }
    Err(format!("`{text}` holds no segment of the spool; write 4MiB or more"))
}

/// How many connections a node may have to its database: two at least, so that engines and requests need not wait for
/// each other; a server allows some hundreds in all.
pub(super) fn connections(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is not a number of connections; write one from 2 to 1000");
    text.parse().ok().filter(|number| (2..=1_000).contains(number)).ok_or_else(wrong)
}

/// How many requests may be under way: a few always, and no more than a machine has files for.
pub(super) fn in_flight(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a number of requests; write one from 16 to 65536");
    text.parse().ok().filter(|number| (16..=65_536).contains(number)).ok_or_else(wrong)
}

/// How many connections a node takes: one for each front of a large machine at least, and no more than a system has files
/// for.
pub(super) fn client_connections(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a number of connections; write one from 64 to 1000000");
    text.parse().ok().filter(|number| (64..=1_000_000).contains(number)).ok_or_else(wrong)
}

/// How many servers keep each event: an odd number, so that most of them can agree.
pub(super) fn replicas(text: &str) -> Result<usize, String> {
    let wrong = || format!("`{text}` is not a number of servers that can agree; write 1, 3 or 5");
    text.parse().ok().filter(|number| matches!(number, 1 | 3 | 5)).ok_or_else(wrong)
}

/// A generation of keys.
pub(super) fn generation(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("`{text}` is not a whole number from 1; write 2"))
}

/// A name that every server takes without quotes.
pub(super) fn name(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let starts = text.starts_with(|first: char| first.is_ascii_lowercase());
    if starts && text.len() <= 48 && text.bytes().all(fits) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not a name here; write up to 48 of a-z, 0-9 and _, a letter first"))
}

/// A name of ours for a schema: those that begin with `pg_` belong to PostgreSQL.
pub(super) fn schema(text: &str) -> Result<String, String> {
    if text.starts_with("pg_") {
        return Err(format!("`{text}` would be a schema of PostgreSQL's own; choose a name without pg_"));
    }
    name(text)
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim_start())
}

pub(super) fn filter(text: &str) -> Result<String, String> {
    // A bare word that is no level would be taken for a module, and silence everything else.
    let is_level = |part: &str| part.contains('=') || part.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
    let is_filter = text.parse::<tracing_subscriber::filter::Targets>().is_ok();
    if is_filter && text.split(',').map(str::trim).all(is_level) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not a level; write error, warn, info, debug or trace, or info,MODULE=debug"))
}

/// A moment: RFC 3339, or a length of time from `now` on.
pub(crate) fn time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(ahead) = duration(text) {
        return now.checked_add(ahead).map_err(|_| format!("`{text}` is too far ahead; write it as 90d"));
    }
    text.parse().map_err(|_| format!("`{text}` is not a time; write it as 90d or 2030-12-31T00:00:00Z"))
}

/// Whether a path was given relative to nowhere: an empty one is a slip.
fn non_empty(text: &str) -> Result<PathBuf, String> {
    match text.trim() {
        "" => Err("is empty; name a path".to_owned()),
        _ => Ok(PathBuf::from(text)),
    }
}
