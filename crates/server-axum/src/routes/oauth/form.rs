//! What a client sends: a form, and a proof of who it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use http::{Extensions, HeaderMap};
use http_body_util::BodyExt;
use waypost_core::clients::{Client, Refusal, RefusalCode};
use waypost_core::credentials::{Actor, Scopes};

use super::proof;
use crate::app::App;
use crate::error::ApiError;
use crate::gateway::context::{Caller, RequestContext};
use crate::gateway::limit;

/// The parameters of a request (RFC 6749 §3.2): each once, unknown ones ignored, empty ones as if they were not there.
pub(crate) struct Form {
    parameters: BTreeMap<String, String>,
    headers: HeaderMap,
    extensions: Extensions,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    /// The guard has read the body, of the right kind and within its bound.
    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        if head.uri.query().is_some() {
            // They would stand in every log on the way (RFC 6749 §2.3.1, RFC 9700 §4.3.2).
            return Err(invalid("Parameters stand in the body, never in the URL"));
        }
        let bytes = body.collect().await.map_err(|_| invalid("The body broke off"))?.to_bytes();
        Ok(Self { parameters: read(&bytes)?, headers: head.headers, extensions: head.extensions })
    }
}

fn read(bytes: &[u8]) -> Result<BTreeMap<String, String>, ApiError> {
    let mut parameters = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        // The decoder puts U+FFFD for what is no UTF-8. No parameter has that character in earnest.
        if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
            return Err(invalid("The form is not valid UTF-8 when decoded"));
        }
        if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(invalid("A parameter stands twice"));
        }
    }
    parameters.retain(|_, value| !value.is_empty());
    Ok(parameters)
}

/// A request that is not of the form.
pub(super) fn invalid(says: &'static str) -> ApiError {
    ApiError::refused(RefusalCode::InvalidRequest, says)
}

impl Form {
    /// A parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// A parameter that must be there; `says` tells that it is not.
    pub(super) fn need(&self, name: &str, says: &'static str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| invalid(says))
    }

    /// The parameter `scope`.
    pub(super) fn scopes(&self) -> Result<Option<Scopes>, ApiError> {
        let refused = |says| ApiError::refused(RefusalCode::InvalidScope, says);
        match self.get("scope").map(Scopes::parse) {
            None => Ok(None),
            Some(Ok(scopes)) if scopes.is_empty() => Err(refused("The scope names nothing; leave it out for all")),
            Some(Ok(scopes)) => Ok(Some(scopes)),
            Some(Err(_)) => Err(refused("The scope names something that is no scope")),
        }
    }

    /// The client that sent it.
    pub(super) async fn authenticate(&self, app: &Arc<App>) -> Result<Client, ApiError> {
        let proof = match proof::read(&self.headers, self) {
            Ok(proof) => proof,
            Err(error) => return Err(self.note(app, error).await),
        };
        let client = match app.platform.clients.authenticate(&proof).await {
            Ok(client) => client,
            Err(refusal) => return Err(self.refuse(app, refusal).await),
        };
        if let Some(context) = self.extensions.get::<RequestContext>() {
            context.identify(Caller { workspace: client.workspace, actor: Actor::Client(client.id) });
        }
        // What it asks for here counts like what it asks for with what it gets.
        let who = client.principal();
        limit::count_all(&self.extensions, app.platform.limits.take_all(&who, None).await)?;
        Ok(client)
    }

    /// A refusal as an answer.
    pub(super) async fn refuse(&self, app: &Arc<App>, refusal: Refusal) -> ApiError {
        self.note(app, refusal.into()).await
    }

    /// Counts what may be guessing against the address, which is told to wait once it was too often.
    async fn note(&self, app: &Arc<App>, error: ApiError) -> ApiError {
        let guesses = [RefusalCode::InvalidClient.as_str(), RefusalCode::InvalidGrant.as_str()];
        let Some(context) = self.extensions.get::<RequestContext>().filter(|_| guesses.contains(&error.oauth_code()))
        else {
            return error;
        };
        let decision = app.note_failed_login(context.client()).await;
        limit::count(&self.extensions, &app.options.failures, decision).err().unwrap_or(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_stands_once_and_an_empty_one_is_absent() {
        let form = read(b"grant_type=client_credentials&scope=&x=a+b%21").unwrap();
        assert_eq!(form.len(), 2);
        assert_eq!((form["grant_type"].as_str(), form["x"].as_str()), ("client_credentials", "a b!"));
        for bytes in [&b"a=1&a=1"[..], b"a=&a=1", b"a=%ff"] {
            assert_eq!(read(bytes).unwrap_err().oauth_code(), "invalid_request");
        }
    }
}
