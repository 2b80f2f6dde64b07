//! Links.

use http::Method;
use waypost_core::wire::v1::{BulkCreate, BulkResult, BulkResults, CreateLink, Link, Page};

use crate::client::{Client, Request};
use crate::error::{Error, ErrorKind};

/// Requests about links.
#[derive(Clone, Copy, Debug)]
pub struct Links<'a> {
    client: &'a Client,
}

impl<'a> Links<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Makes up to 1,000 links, each for itself. Needs the scope `links:write`.
    pub fn create_many(self, items: Vec<CreateLink>) -> CreateMany<'a> {
        CreateMany { client: self.client, items, idempotency_key: None }
    }

    /// Lists links. Needs the scope `links:read`.
    pub fn list(self) -> ListLinks<'a> {
        ListLinks { client: self.client, query: Vec::new() }
    }
}

/// A bulk create that is being put together.
#[derive(Debug)]
#[must_use = "nothing happens before `send`"]
pub struct CreateMany<'a> {
    client: &'a Client,
    items: Vec<CreateLink>,
    idempotency_key: Option<String>,
}

/// What became of a bulk create.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatedMany {
    /// One for each item, in order.
    pub results: Vec<BulkResult>,
    /// Whether this is the answer to an earlier request with the same key.
    pub replayed: bool,
}

impl CreateMany<'_> {
    /// Names the request, so that it is carried out once however often it is sent; without a key it is sent again only
    /// where it is sure that nothing was done.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Sends it. Not cancel safe without a key: it may have been carried out.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when the request as a whole is refused; what is wrong with single items is in the results.
    pub async fn send(self) -> Result<CreatedMany, Error> {
        let body = BulkCreate { items: self.items, atomic: None };
        let body = serde_json::to_vec(&body).map_err(|cause| {
            Error::new(ErrorKind::Unreadable, "the links cannot be written as JSON").with_source(cause)
        })?;
        let request = Request {
            method: Method::POST,
            path: "/v1/links/bulk",
            query: Vec::new(),
            idempotency_key: self.idempotency_key,
            body: Some(body),
        };
        let answer = self.client.send::<BulkResults>(request).await?;
        let replayed = answer.headers.get("idempotent-replayed").is_some_and(|value| value == "true");
        Ok(CreatedMany { results: answer.body.results, replayed })
    }
}

/// A listing that is being put together.
#[derive(Debug)]
#[must_use = "nothing happens before `send`"]
pub struct ListLinks<'a> {
    client: &'a Client,
    query: Vec<(&'static str, String)>,
}

impl ListLinks<'_> {
    /// Only links that lead exactly there, in the form in which the server keeps it.
    pub fn destination(self, destination: &str) -> Self {
        self.with("destination", destination)
    }

    /// Only links with this text in slug, title or destination; ASCII letters match in either case.
    pub fn text(self, text: &str) -> Self {
        self.with("q", text)
    }

    /// At most so many, 1 to 100.
    pub fn limit(self, limit: u16) -> Self {
        self.with("limit", &limit.to_string())
    }

    /// In this order: `created_at`, `-created_at`, `updated_at`, `slug`, ….
    pub fn sort(self, sort: &str) -> Self {
        self.with("sort", sort)
    }

    /// Goes on where an earlier page ended.
    pub fn cursor(self, cursor: &str) -> Self {
        self.with("cursor", cursor)
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.query.retain(|(set, _)| *set != name);
        self.query.push((name, value.to_owned()));
        self
    }

    /// Sends it. Cancel safe.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] with the server's reason.
    pub async fn send(self) -> Result<Page<Link>, Error> {
        let request =
            Request { method: Method::GET, path: "/v1/links", query: self.query, idempotency_key: None, body: None };
        Ok(self.client.send(request).await?.body)
    }
}
