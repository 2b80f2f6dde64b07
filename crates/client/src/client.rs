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
        let base = Url::parse(base)
            .map_err(|cause| fault(format!("{base:?} is not a URL")).with_source(cause))?;
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
        Ok(Self {
            http,
            base,
            key: key.into(),
            clock: Arc::new(SystemClock),
        })
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
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        request: Request,
    ) -> Result<Answer<T>, Error> {
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
        url.set_path(&format!(
            "{}{}",
            self.base.path().trim_end_matches('/'),
            request.path
        ));
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
            builder = builder
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.clone());
        }
        let response = builder.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(unreachable)?;
        Ok((status, headers, body.into()))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
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
    innermost
        .map(|text| format!(" ({text})"))
        .unwrap_or_default()
}

fn read<T: DeserializeOwned>(headers: HeaderMap, body: &[u8]) -> Result<Answer<T>, Error> {
    let body = serde_json::from_slice(body).map_err(|cause| {
        Error::new(
            ErrorKind::Unreadable,
            "the answer is none that Waypost gives; check the address",
        )
        .with_source(cause)
    })?;
    Ok(Answer { headers, body })
}

fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Outcome, Error) {
    let detail = serde_json::from_slice::<ErrorBody>(body)
        .ok()
        .map(|body| body.error);
    let code = detail
        .as_ref()
        .and_then(|detail| ErrorCode::parse(&detail.code));
    let seconds = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let outcome = Outcome::Status(status.as_u16(), code, seconds.map(Duration::from_secs));
    let message = match &detail {
        Some(detail) => format!(
            "{} ({}, request {})",
            detail.message, detail.code, detail.request_id
        ),
        None => format!("the server answered {status}"),
    };
    (
        outcome,
        Error::new(ErrorKind::Refused(status.as_u16()), message).with_detail(detail),
    )
}
