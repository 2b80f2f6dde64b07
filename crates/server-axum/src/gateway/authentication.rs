//! Who is asking: a key, a token, a session's cookie, a ticket, or the word of a gateway; exactly one of them.
//!
//! Whoever is recognised stands in the request's extensions as a [`Principal`], for `authorization`, `limit` and handlers,
//! and by name in the log; what they showed stands there as [`Evidence`], for what lasts longer than the request. What is not good is counted against the address, which is told to wait once it was too often.
//! Whether a token is of the right kind, its key known and its time not over is core's matter
//! ([`Platform::recognise_shown`]); here is where it may stand in a request:
//!
//! - `Authorization: Bearer …`, once, the scheme in any case (RFC 6750 §2.1); never in the URL;
//! - the parameter `ticket`, at streams alone, where browsers can set no header: good once, for half a minute. It is taken
//!   off the request's address, so that nothing within sees it;
//! - the cookie of a session, only without that header, and for changes only from a page of this server ([`csrf`](super::csrf));
//! - `Waypost-Principal`, where gateways vouch for callers to this node; `hygiene` lets it through from them alone.
//!
//! Within `context`; before `limit`, which counts by principal.
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! # use std::sync::Arc;
//! use axum::{Extension, Router, middleware, routing::get};
//! use waypost_core::Platform;
//! use waypost_core::credentials::{Principal, Scope};
//! use waypost_server_axum::gateway::authentication::{self, Authentication};
//! use waypost_server_axum::gateway::{authorization, limit};
//!
//! # fn app(platform: Arc<Platform>) -> Router {
//! async fn mine(Extension(who): Extension<Principal>) -> String {
//!     format!("{} in {}", who.actor, who.workspace)
//! }
//! Router::new()
//!     .route("/mine", get(mine))
//!     .layer(middleware::from_fn_with_state(Scope::LinksRead, authorization::demand))
//!     .layer(middleware::from_fn_with_state(platform.limits.clone(), limit::by_principal))
//!     .layer(middleware::from_fn_with_state(Authentication::new(platform), authentication::recognise))
//! # }
//! ```

use std::sync::Arc;

use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HeaderValue, UPGRADE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, Uri};
use jiff::Timestamp;
use waypost_core::credentials::Principal;
use waypost_core::identity::Shown;
use waypost_core::limits::Policy;
use waypost_core::wire::v1::ErrorCode;
use waypost_core::{Kind, Platform};

use super::context::{Caller, RequestContext};
use super::csrf::SameOrigin;
use super::limit;
use crate::cookies::{self, SESSION};
use crate::error::ApiError;
use crate::proxy::forward::PRINCIPAL;

/// The parameter that holds a ticket.
pub const TICKET: &str = "ticket";

/// What a route takes as a sign of who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ways {
    /// Keys, tokens and sessions.
    #[default]
    All,
    /// The same, and tickets in the address.
    AllAndTickets,
    /// The session of a browser alone: what is about sessions themselves.
    Session,
}

/// What a caller showed, and until when it is good: a request extension, for handlers of streams, which ask again by a
/// [`proof`](Platform::proof) of it. There is none where a gateway vouched for the caller: its word is for one request.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What was shown.
    pub shown: Shown,
    /// From when on it is void by itself; never, for a key without an end.
    pub until: Option<Timestamp>,
}

/// Recognises who asks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authentication {
    platform: Arc<Platform>,
    ours: SameOrigin,
    failures: Option<Policy>,
    vouched_as: Option<Arc<str>>,
    ways: Ways,
}

impl Authentication {
    /// Asks `platform`.
    pub fn new(platform: Arc<Platform>) -> Self {
        let ours = SameOrigin::new(platform.site.public_url());
        Self { platform, ours, failures: None, vouched_as: None, ways: Ways::All }
    }

    /// Counts what is not good, by address.
    #[must_use]
    pub fn counting(self, failures: Policy) -> Self {
        Self { failures: Some(failures), ..self }
    }

    /// Takes the word of gateways, which know this node by that name. Behind `hygiene`, which sees to it that it is theirs.
    #[must_use]
    pub fn vouched_as(self, name: &str) -> Self {
        Self { vouched_as: Some(name.into()), ..self }
    }

    /// Takes only these signs.
    #[must_use]
    pub fn by(&self, ways: Ways) -> Self {
        Self { ways, ..self.clone() }
    }

    /// Who sent a request with this head. [`Evidence`], and a session that was shown, are left in its extensions.
    ///
    /// # Errors
    /// 401 for nobody, or somebody who is not known; 400 for two signs at once; 403 for a change that another site had the
    /// browser make; 429 for too many that were not good.
    pub async fn principal(&self, head: &mut Parts) -> Result<Principal, ApiError> {
        let takes_all = self.ways != Ways::Session;
        let ticket = if self.ways == Ways::AllAndTickets { take_ticket(head)? } else { None };
        if let (true, Some(name), Some(word)) = (takes_all, &self.vouched_as, head.headers.get(PRINCIPAL)) {
            let (method, path) = (head.method.as_str(), head.uri.path());
            let found = self.platform.tokens.accept(word.to_str().unwrap_or_default(), name, method, path).await;
            return self.told(head, found, None).await;
        }
        let (shown, text) = (head.headers.contains_key(AUTHORIZATION), bearer(&head.headers)?);
        let cookie = cookies::read(&head.headers, SESSION)?;
        if let Some(ticket) = ticket {
            // A browser sends its cookie along, whether the page wants it or not; the ticket is what the page wants.
            return match shown {
                false => self.by_ticket(head, &ticket).await,
                true => Err(two("a ticket and a header", "query.ticket", "stands beside `Authorization`")),
            };
        }
        match (text, cookie) {
            (_, Some(_)) if shown => {
                Err(two("a header and a cookie", "header.Authorization", "stands beside the cookie of a session"))
            }
            (Some(text), _) if takes_all => {
                let shown = Shown::bearer(text);
                let found = self.platform.recognise_shown(&shown).await.map(|found| {
                    head.extensions.insert(Evidence { shown, until: found.until });
                    found.principal
                });
                self.told(head, found, Some("Bearer realm=\"waypost\", error=\"invalid_token\"")).await
            }
            (_, Some(cookie)) => {
                match head.headers.contains_key(UPGRADE) {
                    // A socket is opened by GET, and what goes on in it no cookie rule sees.
                    true => self.ours.demand_for_socket(&head.headers)?,
                    false => self.ours.check(&head.method, &head.headers)?,
                }
                let shown = Shown::session(cookie);
                let found = self.platform.sessions.find(cookie).await.map(|session| {
                    let principal = session.principal();
                    head.extensions.insert(Evidence { shown, until: Some(session.ends_at()) });
                    head.extensions.insert(session);
                    principal
                });
                self.told(head, found, None).await
            }
            _ => Err(ApiError::new(
                ErrorCode::Unauthenticated,
                match self.ways {
                    Ways::Session => "This needs a browser that is signed in: the cookie of a session",
                    Ways::All | Ways::AllAndTickets => {
                        "This needs an API key or an access token: `Authorization: Bearer …`"
                    }
                },
            )),
        }
    }

    async fn by_ticket(&self, head: &mut Parts, ticket: &str) -> Result<Principal, ApiError> {
        let found = self.platform.recognise_ticket(ticket).await.map(|(shown, found)| {
            head.extensions.insert(Evidence { shown, until: found.until });
            found.principal
        });
        self.told(head, found, None).await
    }

    /// Notes who it is, or that somebody tried.
    async fn told(
        &self,
        head: &Parts,
        found: waypost_core::Result<Principal>,
        challenge: Option<&'static str>,
    ) -> Result<Principal, ApiError> {
        let context = head.extensions.get::<RequestContext>();
        match found {
            Ok(mut principal) => {
                if let Some(context) = context {
                    context.identify(Caller { workspace: principal.workspace, actor: principal.actor });
                    principal.traceparent = Some(context.traceparent().to_string().into());
                }
                Ok(principal)
            }
            Err(error) if matches!(error.kind(), Kind::Unauthenticated | Kind::Expired) => {
                if let (Some(context), Some(policy)) = (context, &self.failures) {
                    let decision = self.platform.limits.take(policy, &context.client().limit_key(), 1).await;
                    limit::count(&head.extensions, policy, decision)?;
                }
                let error = ApiError::from(error);
                Err(challenge.into_iter().fold(error, |error, challenge| {
                    error.with_header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
                }))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Recognises who asks, and lets nobody else through.
pub async fn recognise(State(authentication): State<Authentication>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    match authentication.principal(&mut head).await {
        Ok(principal) => {
            head.extensions.insert(principal);
            next.run(Request::from_parts(head, body)).await
        }
        Err(error) => error.into_response(),
    }
}

fn two(which: &str, field: &str, issue: &'static str) -> ApiError {
    ApiError::new(ErrorCode::MalformedRequest, format!("Two credentials at once: {which}")).with_detail(field, issue)
}

/// Takes the ticket off the address, so that no handler, log or link to another page repeats it.
fn take_ticket(head: &mut Parts) -> Result<Option<String>, ApiError> {
    let Some(query) = head.uri.query() else { return Ok(None) };
    let named = |pair: &&str| url::form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == TICKET);
    let (tickets, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(named);
    let ticket = match *tickets.as_slice() {
        [] => return Ok(None),
        [one] => url::form_urlencoded::parse(one.as_bytes()).map(|(_, text)| text.into_owned()).next(),
        _ => {
            let error = ApiError::new(ErrorCode::MalformedRequest, "The ticket stands twice");
            return Err(error.with_detail("query.ticket", "stands twice"));
        }
    };
    let left =
        if rest.is_empty() { head.uri.path().to_owned() } else { [head.uri.path(), "?", &rest.join("&")].concat() };
    let mut parts = head.uri.clone().into_parts();
    parts.path_and_query = Some(left.try_into().map_err(|_| ApiError::of(ErrorCode::MalformedRequest))?);
    head.uri = Uri::from_parts(parts).map_err(|_| ApiError::of(ErrorCode::MalformedRequest))?;
    if let Some(OriginalUri(uri)) = head.extensions.get_mut() {
        uri.clone_from(&head.uri);
    }
    Ok(ticket)
}

/// The text of `Authorization: Bearer` (RFC 6750 §2.1); the scheme in any case (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let error = ApiError::new(ErrorCode::MalformedRequest, "The credentials stand twice");
        return Err(error.with_detail("header.Authorization", "stands twice"));
    }
    let (scheme, text) = value.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
    Ok(scheme.eq_ignore_ascii_case("bearer").then_some(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_in_any_case_and_two_are_one_too_many() {
        let mut headers = HeaderMap::new();
        assert!(bearer(&headers).unwrap().is_none());
        headers.insert(AUTHORIZATION, HeaderValue::from_static("bEARER key"));
        assert_eq!(bearer(&headers).unwrap(), Some("key"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer other"));
        assert!(bearer(&headers).is_err());
        headers.clear();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic a2V5"));
        assert!(bearer(&headers).unwrap().is_none());
    }
}
