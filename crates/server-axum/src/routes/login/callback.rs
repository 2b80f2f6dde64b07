//! To the provider, and back.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::header::USER_AGENT;
use http::{HeaderMap, Uri};
use waypost_core::grants::Sessions;
use waypost_core::login::{Attempt, Callback, Finished, Login, Refusal, ReturnPath};
use waypost_core::wire::v1::ErrorCode;

use super::page;
use crate::app::App;
use crate::cookies::{self, ATTEMPT, SESSION};
use crate::error::ApiError;
use crate::reply::Reply;

pub(in crate::routes) async fn begin(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri) -> Response {
    page::or_response(begun(&app, &uri).await)
}

pub(in crate::routes) async fn finish(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    page::or_response(finished(&app, &uri, &headers).await)
}

async fn begun(app: &App, uri: &Uri) -> Reply {
    let return_to = parameter(uri, "return_to").map(|path| ReturnPath::of(&path)).unwrap_or_default();
    let begun = provider(app)?.begin(return_to).await?;
    super::onward(&begun.location, [cookies::keep(ATTEMPT, &begun.attempt, Attempt::LIFE)])
}

async fn finished(app: &App, uri: &Uri, headers: &HeaderMap) -> Reply {
    let callback = Callback {
        code: parameter(uri, "code"),
        state: parameter(uri, "state"),
        issuer: parameter(uri, "iss"),
        error: parameter(uri, "error"),
    };
    let platform = &app.platform;
    let label = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("a browser");
    let before = cookies::read(headers, SESSION).unwrap_or_default();
    let attempt = cookies::read(headers, ATTEMPT).unwrap_or_default();
    let services = (&platform.members, &platform.sessions);
    let outcome = match provider(app)?.finish(attempt, callback, services, (label, before)).await? {
        Finished::SignedIn { session, return_to } => {
            let session = cookies::keep(SESSION, session.text.expose(), Sessions::LONGEST);
            return super::onward(return_to.as_str(), [session, cookies::forget(ATTEMPT)]);
        }
        Finished::Stranger { issuer, subject } => page::stranger(&issuer, &subject),
        Finished::Refused(refusal) => page::error(&refused(&refusal)),
    };
    Ok(page::with_cookie(outcome, cookies::forget(ATTEMPT)))
}

fn provider(app: &App) -> Result<&Login, ApiError> {
    let login = app.platform.login.as_ref();
    login.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "Nobody signs in here: the server has no provider"))
}

/// A parameter of the query; one that stands twice is none. Providers add others, which are nobody's business.
fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let mut values = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let (_, first) = values.find(|(own, _)| own == name)?;
    values.all(|(own, _)| own != name).then(|| first.into_owned())
}

fn refused(refusal: &Refusal) -> ApiError {
    let error = |code, message, reason: String| ApiError::new(code, message).with_reason(reason);
    match refusal {
        Refusal::NoAttempt => error(
            ErrorCode::MalformedRequest,
            "This sign-in was not begun in this browser, or it is over; begin anew",
            "no attempt, or another one's state".to_owned(),
        ),
        Refusal::OtherIssuer => error(
            ErrorCode::MalformedRequest,
            "Somebody else than the provider has answered; begin anew",
            "the answer names another issuer, or none".to_owned(),
        ),
        Refusal::Denied(code) => {
            // It comes from outside, and into the log.
            let code: String = code.chars().filter(char::is_ascii_graphic).take(64).collect();
            error(ErrorCode::Forbidden, "The provider did not sign you in", format!("the provider said {code}"))
        }
        Refusal::Code => error(
            ErrorCode::MalformedRequest,
            "The provider did not confirm this sign-in; begin anew",
            "the provider refused the code".to_owned(),
        ),
        Refusal::Token(flaw) => error(
            ErrorCode::MalformedRequest,
            "What the provider says of you could not be verified; begin anew",
            flaw.to_string(),
        ),
    }
}
