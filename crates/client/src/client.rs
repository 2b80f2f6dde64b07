//! The client: where the server is, who asks, and how a request gets there and back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::Url;
use serde::de::DeserializeOwned;
use waypost_core::clock::{Clock, SystemClock};
use waypost_core::wire::v1::{ErrorBody, ErrorCode};

use crate::error::{Error, ErrorKind};
use crate::links::Links;
use crate::retry::{self, Outcome};

/// The server gives itself 30 s; what takes longer is lost on the way.
const PATIENCE: Duration = Duration::from_secs(40);

/// A client of one server, under one key. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: Arc<str>,
    clock: Arc<dyn Clock>,
}

/// A request, ready to be sent as often as it takes.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) body: Option<Vec<u8>>,
}

/// A good answer.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) headers: HeaderMap,
    pub(crate) body: T,
}

impl Client {
    /// A client of the server at `base`, as `https://go.example.com`, that shows `key`.
    ///
    /// # Errors
    /// [`ErrorKind::Address`] for an address that is none.
    pub fn new(base: &str, key: &str) -> Result<Self, Error> {
        let fault = |message: String| Error::new(ErrorKind::Address, message);
        let base = Url::parse(base).map_err(|cause| fault(format!("{base:?} is not a URL")).with_source(cause))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(fault(format!("\"{base}\" must be http or https")));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("waypost-client/", env!("CARGO_PKG_VERSION")))
            .timeout(PATIENCE)
            // A redirect would carry the key to another place.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|cause| fault("no client can be made".to_owned()).with_source(cause))?;
        Ok(Self { http, base, key: key.into(), clock: Arc::new(SystemClock) })
    }

    /// The same client with a clock of the caller's, for tests.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Links.
    pub fn links(&self) -> Links<'_> {
        Links::new(self)
    }

    /// Sends a request until it is answered for good.
    pub(crate) async fn send<T: DeserializeOwned>(&self, request: Request) -> Result<Answer<T>, Error> {
        let is_safe = request.method == Method::GET || request.idempotency_key.is_some();
        let mut attempt = 1;
        loop {
            let (outcome, error) = match self.attempt(&request).await {
                Ok((status, headers, body)) if status.is_success() => return read(headers, &body),
                Ok((status, headers, body)) => refused(status, &headers, &body),
                Err(error) => (Outcome::Silence, error),
            };
            let Some(wait) = retry::wait(outcome, attempt, is_safe) else {
                return Err(error);
            };
            attempt += 1;
            self.clock.sleep_until(self.clock.now() + wait).await;
        }
    }

    async fn attempt(&self, request: &Request) -> Result<(StatusCode, HeaderMap, Vec<u8>), Error> {
        let unreachable = |cause: reqwest::Error| {
            let message = format!("{} cannot be reached{}", self.base, because(&cause));
            Error::new(ErrorKind::Unreachable, message).with_source(cause.without_url())
        };
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), request.path));
        let mut builder = self
            .http
            .request(request.method.clone(), url)
            .bearer_auth(&self.key)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .query(&request.query);
        if let Some(key) = &request.idempotency_key {
            builder = builder.header("idempotency-key", key);
        }
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body.clone());
        }
        let response = builder.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(unreachable)?;
        Ok((status, headers, body.into()))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// The innermost cause, which says what really happened.
fn because(cause: &reqwest::Error) -> String {
    let mut source = std::error::Error::source(cause);
    let mut innermost = None;
    while let Some(cause) = source {
        innermost = Some(cause.to_string());
        source = cause.source();
    }
    innermost.map(|text| format!(" ({text})")).unwrap_or_default()
}

fn read<T: DeserializeOwned>(headers: HeaderMap, body: &[u8]) -> Result<Answer<T>, Error> {
    let body = serde_json::from_slice(body).map_err(|cause| {
        Error::new(ErrorKind::Unreadable, "the answer is none that Waypost gives; check the address").with_source(cause)
    })?;
    Ok(Answer { headers, body })
}

fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Outcome, Error) {
    let detail = serde_json::from_slice::<ErrorBody>(body).ok().map(|body| body.error);
    let code = detail.as_ref().and_then(|detail| ErrorCode::parse(&detail.code));
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let outcome = Outcome::Status(status.as_u16(), code, seconds.map(Duration::from_secs));
    let message = match &detail {
        Some(detail) => format!("{} ({}, request {})", detail.message, detail.code, detail.request_id),
        None => format!("the server answered {status}"),
    };
    (outcome, Error::new(ErrorKind::Refused(status.as_u16()), message).with_detail(detail))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use waypost_core::clock::ManualClock;
    use waypost_core::wire::v1::CreateLink;

    use super::*;

    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n";
    const IN_FLIGHT: &str = "HTTP/1.1 409 Conflict\r\nRetry-After: 1\r\nContent-Length: 145\r\n\r\n{\"error\": {\"code\": \"IDEMPOTENCY_IN_FLIGHT\", \"message\": \"It is being carried out\", \"details\": [], \"request_id\": \"req_1\", \"documentation_url\": \"\"}}";
    const DONE: &str = "HTTP/1.1 207 Multi-Status\r\nIdempotent-Replayed: true\r\nContent-Length: 28\r\n\r\n{\"results\":[{\"status\":201}]}";

    /// A server that gives these answers, one a connection, and counts them.
    async fn server(answers: &'static [&'static str]) -> (String, Arc<AtomicU32>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let given = Arc::new(AtomicU32::new(0));
        let count = given.clone();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4_096];
                let read = stream.read(&mut request).await.unwrap();
                assert!(read > 0);
                count.fetch_add(1, Ordering::SeqCst);
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        (url, given)
    }

    #[tokio::test]
    async fn what_was_turned_away_is_sent_again_after_the_wait() {
        let (url, given) = server(&[BUSY, IN_FLIGHT, DONE]).await;
        let clock = ManualClock::new("2026-11-20T00:00:00Z".parse().unwrap());
        let begun = clock.now();
        let client = Client::new(&url, "an-operators-own-key").unwrap().with_clock(Arc::new(clock.clone()));
        let link = CreateLink { destination: "https://example.com/".to_owned(), ..CreateLink::default() };
        let sending =
            tokio::spawn(async move { client.links().create_many(vec![link]).idempotency_key("k").send().await });
        while !sending.is_finished() {
            // A wait is over only once somebody moves the clock.
            clock.advance(Duration::from_millis(10));
            tokio::task::yield_now().await;
        }
        let created = sending.await.unwrap().unwrap();
        assert!(created.replayed && created.results[0].status == 201);
        assert_eq!(given.load(Ordering::SeqCst), 3);
        assert!(clock.now().duration_since(begun).as_secs() >= 4);
    }

    #[tokio::test]
    async fn a_refusal_is_told_with_the_servers_words() {
        let (url, given) = server(&[
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 140\r\n\r\n{\"error\": {\"code\": \"UNAUTHENTICATED\", \"message\": \"The API key is not known\", \"details\": [], \"request_id\": \"req_1\", \"documentation_url\": \"\"}}",
        ])
        .await;
        let client = Client::new(&url, "another-operators-key").unwrap();
        let error = client.links().list().send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused(401));
        assert_eq!(error.to_string(), "The API key is not known (UNAUTHENTICATED, request req_1)");
        assert_eq!(given.load(Ordering::SeqCst), 1);
        assert!(!format!("{client:?}").contains("operators"));
    }
}
