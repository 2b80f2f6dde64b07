//! A small blocking HTTP client for API calls: one connection each, JSON in, JSON out.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than the server's own limit for a request (30 s), so that its answer comes first.
const TIMEOUT: Duration = Duration::from_secs(35);

/// The API of one server, as one caller sees it.
///
/// Clones share the address: when the server restarts on another port, all of them follow.
#[derive(Clone)]
pub struct Api {
    address: Arc<RwLock<SocketAddr>>,
    key: Option<String>,
    patience: Duration,
}

/// An answer that arrived completely.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Header lines in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header line of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Value::Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// This answer if it has the status, else an error that shows it.
    pub fn expect(self, status: u16) -> io::Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        let body = String::from_utf8_lossy(&self.body);
        Err(io::Error::other(format!("expected status {status}, got {}: {body}", self.status)))
    }
}

impl Api {
    /// A caller with this key at this address.
    pub fn new(address: SocketAddr, key: Option<&str>) -> Self {
        let address = Arc::new(RwLock::new(address));
        Self { address, key: key.map(str::to_owned), patience: TIMEOUT }
    }

    /// The same caller, who waits that long for an answer instead of 35 s.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The address at this moment.
    pub fn address(&self) -> SocketAddr {
        *self.address.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends this caller and all its clones to another address.
    pub fn move_to(&self, address: SocketAddr) {
        *self.address.write().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// `GET` of a path.
    pub fn get(&self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, &[], None)
    }

    /// `PATCH` of a JSON body to a path.
    pub fn patch(&self, path: &str, body: &Value) -> io::Result<Answer> {
        self.send("PATCH", path, &[], Some(body))
    }

    /// `POST` of a JSON body to a path.
    pub fn post(&self, path: &str, body: &Value, idempotency_key: Option<&str>) -> io::Result<Answer> {
        let headers: Vec<_> = idempotency_key.map(|key| ("Idempotency-Key", key)).into_iter().collect();
        self.send("POST", path, &headers, Some(body))
    }

    /// Creates a link; a random slug unless one is given.
    pub fn create_link(
        &self,
        destination: &str,
        slug: Option<&str>,
        idempotency_key: Option<&str>,
    ) -> io::Result<Answer> {
        let mut body = json!({ "destination": destination });
        if let Some(slug) = slug {
            body["slug"] = slug.into();
        }
        self.post("/v1/links", &body, idempotency_key)
    }

    /// Sends one request on a connection of its own and reads the answer to its end.
    ///
    /// # Errors
    ///
    /// When no complete answer arrives within 35 s, or what was chosen instead: the server may or may not have acted.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> io::Result<Answer> {
        let body = body.map(|body| ("application/json", body.to_string()));
        self.exchange(method, path, headers, body)
    }

    /// `POST` of a form to a path.
    ///
    /// # Errors
    ///
    /// As [`Api::send`].
    pub fn form(&self, path: &str, headers: &[(&str, &str)], form: &str) -> io::Result<Answer> {
        let body = ("application/x-www-form-urlencoded", form.to_owned());
        self.exchange("POST", path, headers, Some(body))
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<(&str, String)>,
    ) -> io::Result<Answer> {
        let address = self.address();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        if let Some(key) = &self.key {
            request.push_str(&format!("Authorization: Bearer {key}\r\n"));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some((media, body)) = &body {
            request.push_str(&format!("Content-Type: {media}\r\nContent-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body.as_ref().map_or("", |(_, body)| body));

        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.write_all(request.as_bytes())?;
        let received = read_to_end(&mut stream, self.patience)?;
        parse(&received, method == "HEAD")
    }
}

/// Reads until the answer is whole, or the server closes the connection; a timeout on each read alone would let a trickle go on for ever.
fn read_to_end(stream: &mut TcpStream, patience: Duration) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + patience;
    let mut received = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer)? {
            0 => return Ok(received),
            count => received.extend_from_slice(&buffer[..count]),
        }
        if is_whole(&received) {
            return Ok(received);
        }
    }
}

/// Whether an answer that says how long it is has come to its end. Not every server closes a connection because it is asked to.
fn is_whole(received: &[u8]) -> bool {
    let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| received.len() >= end + 4 + length)
}

fn parse(received: &[u8], is_head: bool) -> io::Result<Answer> {
    let broken = |what: &str| io::Error::new(io::ErrorKind::UnexpectedEof, what.to_owned());
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or_else(|| broken("no complete head"))?;
    let head = String::from_utf8_lossy(&received[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| broken("no status line"))?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    let body = &received[end + 4..];
    answer.body = if is_head || matches!(status, 204 | 304) {
        Vec::new()
    } else if answer.header("transfer-encoding").is_some() {
        unchunk(body).ok_or_else(|| broken("a chunked body that is not complete"))?
    } else {
        let length = answer.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(body.len());
        body.get(..length).ok_or_else(|| broken("a body shorter than its Content-Length"))?.to_vec()
    };
    Ok(answer)
}

/// RFC 9112 §7.1, without trailers; `None` unless the last chunk is there.
fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        let chunk = bytes.get(end + 2..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunk.get(..size)?);
        bytes = chunk.get(size..)?.strip_prefix(b"\r\n")?;
    }
}
