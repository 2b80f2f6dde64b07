//! A running server, spoken to as any client does.

use std::collections::{HashMap, VecDeque};

use waypost_client::{Client, ErrorKind};
use waypost_core::credentials::ApiKeyText;
use waypost_core::idempotency::Fingerprint;
use waypost_core::links::{Destination, DestinationRules, Slug};
use waypost_core::wire::v1::{self, ErrorCode};
use waypost_core::{Error, Kind};

use super::{Fate, Sink};
use crate::failure::Failure;
use crate::import::batch::Item;
use crate::import::draft;
use crate::import::formats::Row;
use crate::import::slugs::Slugs;

/// A server and the key to show it.
pub(in crate::import) struct RemoteSink {
    client: Client,
    slugs: Slugs,
}

impl RemoteSink {
    /// The server at `url`. Slugs are drawn under the key, so an import that is run again must show the same key.
    ///
    /// # Errors
    /// An address that is none.
    pub(in crate::import) fn new(url: &str, key: &ApiKeyText) -> Result<Self, Failure> {
        let client = Client::new(url, key.expose()).map_err(|fault| Failure::usage(format!("--url: {fault}")))?;
        Ok(Self { client, slugs: Slugs::new(key.hash().0) })
    }

    /// Whether the link that has the slug leads where this one would.
    async fn standing(&self, wanted: &v1::CreateLink) -> Result<Fate, Error> {
        let destination = normal(&wanted.destination);
        let slug = wanted.slug.as_deref().unwrap_or_default();
        // The domain that stands for the main one is known to the server alone; where the row names none, a link with
        // its slug and destination is what it asks for.
        let is_it = |link: &v1::Link| {
            link.slug == slug && wanted.domain.as_ref().is_none_or(|domain| link.domain.eq_ignore_ascii_case(domain))
        };
        let mut cursor: Option<String> = None;
        loop {
            // Hundreds of links may lead to one place, so the slug narrows the search.
            let listing = self.client.links().list().destination(&destination).text(slug).limit(100);
            let listing = match &cursor {
                Some(cursor) => listing.cursor(cursor),
                None => listing,
            };
            let page = listing.send().await.map_err(error)?;
            if page.data.iter().any(is_it) {
                return Ok(Fate::Already);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(Fate::Taken("the slug is taken by another link".to_owned()));
            }
        }
    }
}

/// The destination as the server keeps it.
fn normal(destination: &str) -> String {
    let scheme = destination.split(':').next().unwrap_or_default();
    let rules = DestinationRules { schemes: vec![scheme.to_owned()], allow_private: true, own: Vec::new() };
    Destination::parse(destination, &rules).map_or_else(|_| destination.to_owned(), |it| it.as_str().to_owned())
}

impl Sink for RemoteSink {
    type Ready = v1::CreateLink;

    fn slugs(&self) -> &Slugs {
        &self.slugs
    }

    fn loses(&self, row: &Row) -> Option<&'static str> {
        row.created_at.is_some().then_some("creation time, which no client can set (without --url it is kept)")
    }

    fn ready(&self, row: &Row, slug: &Slug) -> Result<v1::CreateLink, String> {
        draft::request(row, slug)
    }

    async fn write(&self, items: &[Item<v1::CreateLink>]) -> Result<VecDeque<Fate>, Error> {
        let requests: Vec<_> = items.iter().map(|item| item.ready.clone()).collect();
        let body = serde_json::to_vec(&requests).map_err(Error::internal)?;
        // The key is the batch itself: sent again after a lost answer, it is carried out once.
        let hash = Fingerprint::of("import", "", "", &body).to_bytes();
        let key: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let sent = self.client.links().create_many(requests).idempotency_key(format!("import-{key}")).send().await;
        let created = sent.map_err(error)?;
        let mut fates = VecDeque::with_capacity(items.len());
        let mut results = created.results.into_iter();
        let mut told = HashMap::new();
        for item in items {
            let result = results.next().ok_or_else(|| Error::internal("the server left out a result"))?;
            fates.push_back(match (result.link, result.error) {
                (Some(_), _) if created.replayed => Fate::Already,
                (Some(_), _) => Fate::Made,
                (None, Some(detail)) if ErrorCode::parse(&detail.code) == Some(ErrorCode::SlugTaken) => {
                    let place = (item.ready.slug.clone(), item.ready.destination.clone());
                    match told.get(&place) {
                        Some(fate) => Fate::clone(fate),
                        None => {
                            let fate = self.standing(&item.ready).await?;
                            told.insert(place, fate.clone());
                            fate
                        }
                    }
                }
                (None, Some(detail)) => Fate::Refused(in_words(&detail)),
                (None, None) => {
                    return Err(Error::internal("the server gave neither link nor error"));
                }
            });
        }
        Ok(fates)
    }

    async fn look(&self, items: &[Item<v1::CreateLink>]) -> Result<VecDeque<Fate>, Error> {
        Ok(items.iter().map(|_| Fate::Made).collect())
    }
}

fn in_words(detail: &v1::ErrorDetail) -> String {
    if detail.details.is_empty() {
        return detail.message.clone();
    }
    // `items[3].destination` is the place in the batch, which says nothing to whoever wrote the source.
    let field = |field: &str| field.split_once("].").map_or(field.to_owned(), |(_, field)| field.to_owned());
    let told = detail.details.iter().map(|issue| format!("{} {}", field(&issue.field), issue.issue));
    told.collect::<Vec<_>>().join("; ")
}

/// The client's error as one of ours; what the client itself retries has been retried by then.
fn error(fault: waypost_client::Error) -> Error {
    let kind = match fault.kind() {
        ErrorKind::Refused(401) => Kind::Unauthenticated,
        ErrorKind::Refused(403) => Kind::InsufficientScope,
        _ => Kind::Conflict,
    };
    Error::new(kind, fault.to_string()).with_source(fault)
}
