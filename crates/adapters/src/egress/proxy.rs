//! A proxy on the way out.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use super::{Dial, EgressClass, EgressError};

/// An HTTP proxy that connects further by `CONNECT` (RFC 9110 §9.3.6).
///
/// The guard decides before it is asked, and it is asked for the very address that was checked: no name is left for it to
/// resolve. TLS is with the receiver, through it. What it is told itself, a password included, travels in clear text, so it
/// belongs into the same network.
#[derive(Clone)]
pub struct Proxy {
    host: String,
    port: u16,
    /// `Proxy-Authorization`, as it is sent (RFC 7617).
    authorization: Option<String>,
}

/// Why a text names no proxy. The text itself is not told: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the address of an HTTP proxy; write it as http://USER:PASSWORD@HOST:PORT, without a path")]
pub struct InvalidProxy;

/// The longest head that a proxy may answer with: a status, and a few fields that nobody reads.
const LONGEST_HEAD: usize = 8 * 1_024;

impl Proxy {
    /// Reads `http://HOST:PORT`, with user and password before the host where the proxy asks for them.
    ///
    /// # Errors
    /// [`InvalidProxy`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidProxy> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidProxy)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if url.scheme() != "http" || !is_bare {
            return Err(InvalidProxy);
        }
        let decoded = |part: &str| percent_decode_str(part).collect::<Vec<u8>>();
        let authorization = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let password = decoded(url.password().unwrap_or_default());
            let credentials = [&decoded(url.username()), &b":"[..], &password].concat();
            format!("Basic {}", STANDARD.encode(credentials))
        });
        let host = url.host_str().ok_or(InvalidProxy)?.trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port: url.port_or_known_default().ok_or(InvalidProxy)?, authorization })
    }

    fn request(&self, address: SocketAddr) -> String {
        let authorization = match &self.authorization {
            Some(value) => format!("Proxy-Authorization: {value}\r\n"),
            None => String::new(),
        };
        format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n{authorization}\r\n")
    }
}

#[async_trait]
impl Dial for Proxy {
    async fn dial(&self, address: SocketAddr) -> Result<TcpStream, EgressError> {
        let away = |fault: io::Error| {
            tracing::warn!(proxy = %self, error = %fault, "the proxy cannot be reached");
            EgressError::new(EgressClass::Refused, "the sender's proxy cannot be reached").with_source(fault)
        };
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(away)?;
        stream.set_nodelay(true).map_err(away)?;
        stream.write_all(self.request(address).as_bytes()).await.map_err(away)?;
        match status(&mut stream).await.map_err(away)? {
            200..300 => Ok(stream),
            504 => Err(EgressError::timeout()),
            407 => {
                tracing::warn!(proxy = %self, "the proxy wants another user or password");
                Err(EgressError::new(EgressClass::Refused, "the sender's proxy refuses the sender"))
            }
            // Whatever it means by it: policy and an address that nobody answers at look alike, as they should.
            _ => Err(EgressError::new(EgressClass::Refused, "nobody took the connection")),
        }
    }
}

/// The status that the proxy answers with. Nothing may follow its head: the receiver speaks second.
async fn status(stream: &mut TcpStream) -> io::Result<u16> {
    let mut head = Vec::with_capacity(256);
    let bad = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let end = loop {
        if let Some(at) = head.windows(4).position(|part| part == b"\r\n\r\n") {
            break at + 4;
        }
        if head.len() >= LONGEST_HEAD {
            return Err(bad("the proxy's answer is too long"));
        }
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    if end != head.len() {
        return Err(bad("more came behind the proxy's answer"));
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("HTTP/1."));
    let status = line.and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    status.ok_or_else(|| bad("the proxy does not speak HTTP"))
}

/// Without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_asked_for_an_address_and_never_shows_its_password() {
        let proxy = Proxy::parse("http://me:hunter%202@proxy.internal:3128").unwrap();
        assert_eq!(
            proxy.request("[2a00::1]:443".parse().unwrap()),
            "CONNECT [2a00::1]:443 HTTP/1.1\r\nHost: [2a00::1]:443\r\nProxy-Authorization: Basic bWU6aHVudGVyIDI=\r\n\r\n"
        );
        assert_eq!(format!("{proxy} {proxy:?}"), "proxy.internal:3128 Proxy(proxy.internal:3128)");
        assert_eq!(Proxy::parse("http://[::1]").unwrap().to_string(), "[::1]:80");
        for text in ["", "proxy:3128", "https://proxy", "socks5://proxy", "http://proxy/path", "http://a:b@c?d"] {
            assert!(Proxy::parse(text).is_err(), "{text}");
        }
    }
}
