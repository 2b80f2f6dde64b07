//! The client.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use url::{Url, form_urlencoded};
use waypost_core::issuers::{Document, IssuerHttp, may_ask};
use waypost_core::{Error, Result};

use super::error::Fault;

/// Sets of keys have a few KiB; what is larger is meant to keep us busy.
const MOST: usize = 256 * 1_024;
/// An issuer that takes longer is as good as away; people wait for it at the end of a login.
const PATIENCE: Duration = Duration::from_secs(5);
/// Ask again at once where a connection stood idle longer: many servers close after 60 s.
const IDLE: Duration = Duration::from_secs(30);

/// What can be tuned.
#[derive(Clone, Debug, Default)]
pub struct OidcOptions {
    /// A proxy for all requests; none, and none of the environment's either, unless this names one.
    pub proxy: Option<Url>,
}

/// Asks issuers over HTTPS, with rustls and the machine's own roots.
#[derive(Clone, Debug)]
pub struct OidcHttp {
    client: Client,
}

impl OidcHttp {
    /// A client of these options.
    ///
    /// # Errors
    /// [`Unavailable`](waypost_core::Kind::Unavailable) where TLS cannot be set up: the machine has no roots.
    pub fn new(options: &OidcOptions) -> Result<Self> {
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(2)
            .user_agent("waypost");
        let client = match &options.proxy {
            Some(proxy) => client.proxy(reqwest::Proxy::all(proxy.clone()).map_err(Fault::Client)?),
            None => client.no_proxy(),
        };
        Ok(Self { client: client.build().map_err(Fault::Client)? })
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Document, Fault> {
        let response = request.header(ACCEPT, "application/json").send().await.map_err(Fault::Request)?;
        let (status, max_age) = (response.status().as_u16(), max_age(response.headers()));
        Ok(Document { status, max_age, bytes: read(response).await? })
    }
}

fn allowed(url: &Url) -> Result<Url, Fault> {
    if may_ask(url) { Ok(url.clone()) } else { Err(Fault::Address(url.to_string())) }
}

async fn read(mut response: Response) -> Result<Bytes, Fault> {
    if response.content_length().is_some_and(|length| length > MOST as u64) {
        return Err(Fault::TooLarge);
    }
    let mut whole = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Fault::Request)? {
        if whole.len() + chunk.len() > MOST {
            return Err(Fault::TooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// How long an answer may be kept (RFC 9111 §5.2.2); what may not be kept is told as zero.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives: Vec<String> =
        values.flat_map(|value| value.split(',')).map(|one| one.trim().to_lowercase()).collect();
    if directives.iter().any(|one| one == "no-store" || one == "no-cache") {
        return Some(Duration::ZERO);
    }
    let seconds = directives.iter().find_map(|one| one.strip_prefix("max-age="))?;
    seconds.trim_matches('"').parse().ok().map(Duration::from_secs)
}

#[async_trait]
impl IssuerHttp for OidcHttp {
    async fn get(&self, url: &Url) -> Result<Document> {
        let document = self.ask(self.client.get(allowed(url)?)).await?;
        match document.status {
            200 => Ok(document),
            status => Err(Error::from(Fault::Status(status))),
        }
    }

    async fn post_form(&self, url: &Url, fields: &[(&str, &str)], authorization: Option<&str>) -> Result<Document> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(allowed(url)?).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = authorization.into_iter().fold(request, |request, value| request.header(AUTHORIZATION, value));
        Ok(self.ask(request.body(body)).await?)
    }
}
