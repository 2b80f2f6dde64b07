//! Where NATS is, and how the log is kept there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::ServerAddr;
use waypost_core::clock::{Clock, SystemClock};

use super::error::Fault;

/// Where NATS is, and how the log is kept there.
///
/// ```
/// use waypost_adapters::nats::{NatsCredentials, NatsOptions};
///
/// let credentials = NatsCredentials::Token("secret".to_owned());
/// let options = NatsOptions { replicas: 3, credentials, ..NatsOptions::new("nats://nats.example.com") };
/// assert!(!format!("{options:?}").contains("secret"));
/// ```
#[derive(Clone)]
pub struct NatsOptions {
    /// `nats://USER:PASSWORD@HOST:PORT`, `nats://TOKEN@HOST:PORT` or `tls://…`, one for each server of the cluster
    /// that is known beforehand; the others tell of themselves.
    pub servers: Vec<String>,
    /// Who this node is to the server; by default what the addresses say.
    pub credentials: NatsCredentials,
    /// What the names of streams, buckets and subjects begin with, by default `waypost`: letters, digits, `-` and `_`.
    pub prefix: String,
    /// How many servers keep each event, by default 1. Three survive the loss of one.
    pub replicas: usize,
    /// How large the log may become on the disk; by default as large as the server lets it. A log that is full refuses
    /// events; it never drops old ones by itself.
    pub max_bytes: Option<u64>,
    /// The largest event, by default 256 KiB: ten times what a link with all its metadata takes, and below the 1 MiB
    /// that NATS takes by default.
    pub max_event_bytes: usize,
    /// How long the server knows the ids of what it was given, by default 20 minutes. Each id takes some 150 bytes of
    /// the server's memory meanwhile: 180 MB at 1,000 events a second. What is older is looked up in the log; see
    /// [the module](super) on what this must outlast.
    pub duplicate_window: Duration,
    /// How long opening may take, by default 3 s: several round trips around the world.
    pub connect_timeout: Duration,
    /// How long the server may take to answer, by default 5 s: a cluster elects a new leader in that time.
    pub timeout: Duration,
    /// Tells which events are older than the server's memory of ids.
    pub clock: Arc<dyn Clock>,
}

/// Who a node is to the server.
#[derive(Clone, Default)]
pub enum NatsCredentials {
    /// What the first address says that says anything; nobody if none does.
    #[default]
    InAddress,
    /// A user and a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token.
    Token(String),
    /// The text of a `.creds` file: a JWT and the seed of its key.
    Creds(String),
}

impl NatsOptions {
    /// The defaults, for the server at `address`; several are separated by commas.
    pub fn new(address: impl AsRef<str>) -> Self {
        Self {
            servers: address.as_ref().split(',').map(|one| one.trim().to_owned()).collect(),
            credentials: NatsCredentials::InAddress,
            prefix: "waypost".to_owned(),
            replicas: 1,
            max_bytes: None,
            max_event_bytes: 256 * 1024,
            duplicate_window: Duration::from_secs(20 * 60),
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(5),
            clock: Arc::new(SystemClock),
        }
    }

    /// The addresses, read.
    pub(super) fn addresses(&self) -> Result<Vec<ServerAddr>, Fault> {
        let read = |server: &String| {
            let address: ServerAddr = server.parse().map_err(|_| Fault::Address)?;
            if address.host().is_empty() { Err(Fault::Address) } else { Ok(address) }
        };
        self.servers.iter().map(read).collect()
    }

    /// Who this node is: what the options say, or else the first address that says it. A user without a password is a
    /// token, as with other clients of NATS.
    fn login(&self) -> Result<NatsCredentials, Fault> {
        let NatsCredentials::InAddress = &self.credentials else {
            return Ok(self.credentials.clone());
        };
        let addresses = self.addresses()?;
        let Some((user, address)) = addresses.iter().find_map(|one| Some((one.username()?, one))) else {
            return Ok(NatsCredentials::InAddress);
        };
        let decoded = |text: &str| decoded(text).ok_or(Fault::Address);
        Ok(match address.password() {
            Some(password) => NatsCredentials::Password { user: decoded(user)?, password: decoded(password)? },
            None => NatsCredentials::Token(decoded(user)?),
        })
    }

    /// How the connection behaves, whoever it is made for.
    pub(super) fn connection(&self) -> Result<async_nats::ConnectOptions, Fault> {
        let options = async_nats::ConnectOptions::new()
            .name("waypost")
            .connection_timeout(self.connect_timeout)
            .request_timeout(Some(self.timeout))
            // For ever: a bus that comes back after a night needs no human.
            .max_reconnects(None)
            .reconnect_delay_callback(|attempts| {
                let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
                Duration::from_millis(50).saturating_mul(attempts).min(Duration::from_secs(2))
            })
            // A connection that silently died is noticed within three of these.
            .ping_interval(Duration::from_secs(10));
        Ok(match self.login()? {
            NatsCredentials::InAddress => options,
            NatsCredentials::Password { user, password } => options.user_and_password(user, password),
            NatsCredentials::Token(token) => options.token(token),
            NatsCredentials::Creds(text) => options.credentials(&text).map_err(|_| Fault::Credentials)?,
        })
    }

    /// Whether names may begin with the prefix.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_name = !self.prefix.is_empty() && self.prefix.len() <= 100 && self.prefix.bytes().all(fits);
        if is_name { Ok(()) } else { Err(Fault::Prefix) }
    }
}

/// A part of an address, its `%` and two digits resolved.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (digits, after) = rest.split_first_chunk::<2>()?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Debug for NatsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsOptions")
            .field("prefix", &self.prefix)
            .field("replicas", &self.replicas)
            .field("max_bytes", &self.max_bytes)
            .field("duplicate_window", &self.duplicate_window)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NatsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InAddress => "InAddress",
            Self::Password { .. } => "Password(..)",
            Self::Token(_) => "Token(..)",
            Self::Creds(_) => "Creds(..)",
        })
    }
}

impl From<&str> for NatsOptions {
    fn from(address: &str) -> Self {
        Self::new(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_who_we_are() {
        let login = |address: &str| NatsOptions::new(address).login().expect("an address");
        assert!(matches!(
            login("nats://one, nats://us%40er:p%3Ass@two"),
            NatsCredentials::Password { user, password } if user == "us@er" && password == "p:ss"
        ));
        assert!(matches!(login("tls://t0ken@one:4222"), NatsCredentials::Token(token) if token == "t0ken"));
        assert!(matches!(login("one"), NatsCredentials::InAddress));
        assert!(NatsOptions::new("nats://a%zz@one").login().is_err());
    }
}
