//! Where people say what a client may do in their name (RFC 6749 §4.1, with PKCE by RFC 7636 and `iss` by RFC 9207).
//!
//! A browser comes here with what the client asks for. Unless client and redirect URI are known to belong together nobody is
//! sent anywhere; every other refusal goes to the client. The person signs in first, then sees the page, and the form on it
//! comes back here under the session's protection against other sites.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::header::REFERRER_POLICY;
use http::{HeaderMap, HeaderValue};
use url::Url;
use waypost_core::clients::{Client, Refusal, RefusalCode};
use waypost_core::credentials::Scopes;
use waypost_core::grants::{Challenge, Consent, Session};
use waypost_core::login::ReturnPath;
use waypost_core::wire::v1::ErrorCode;

use super::form::Form;
use crate::app::App;
use crate::cookies::{self, SESSION};
use crate::error::ApiError;
use crate::extract::CurrentSession;
use crate::reply::Reply;
use crate::routes::login::{onward, page};

/// What a client asks for; all of it is shown again by the form.
const PARAMETERS: [&str; 7] =
    ["response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"];

/// What was asked for must fit into the cookie that is kept while the person signs in.
const TOO_LONG: &str = "The query is too long: path and query are at most 2,600 bytes";

pub(in crate::routes) async fn ask(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    or_page(asked(&app, uri.query().unwrap_or_default(), &headers).await)
}

pub(in crate::routes) async fn answer(
    State(app): State<Arc<App>>,
    CurrentSession(session): CurrentSession,
    form: Form,
) -> Response {
    or_page(answered(&app, &session, &form).await)
}

/// The answer, or a page that says why nobody is sent anywhere.
fn or_page(reply: Reply) -> Response {
    reply.unwrap_or_else(|error| {
        page::fault(&error, "This cannot be asked", &format!("<p>{}.</p>", page::escape(error.message())))
    })
}

/// A request whose client and redirect URI belong together.
struct Request {
    client: Client,
    redirect_uri: String,
    state: Option<String>,
    scopes: Scopes,
    challenge: String,
}

async fn asked(app: &App, query: &str, headers: &HeaderMap) -> Reply {
    let mut given = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if given.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            return Err(super::form::invalid("A parameter stands twice"));
        }
    }
    let get = |name: &str| given.get(name).map(String::as_str).filter(|value| !value.is_empty());
    // Whoever is not signed in is sent to sign in, whatever else is asked: a link to here is no way to send strangers on to
    // a place that somebody registered (RFC 9700 §4.11.2).
    let (client, redirect_uri) = applicant(app, &get).await?;
    let again = format!("{}?{query}", super::AUTHORIZE);
    let too_long = again.len() > ReturnPath::LONGEST;
    let Some(session) = session(app, headers).await? else {
        if app.platform.login.is_none() {
            return Err(ApiError::new(ErrorCode::NotFound, "Nobody signs in here: the server has no provider"));
        }
        if too_long {
            return Err(super::form::invalid(TOO_LONG));
        }
        let mut login = Url::parse(&app.site().url("/auth/login")).map_err(waypost_core::Error::internal)?;
        login.query_pairs_mut().append_pair("return_to", &again);
        return onward(login.as_str(), []);
    };
    if too_long {
        let told = [("error", RefusalCode::InvalidRequest.as_str()), ("error_description", TOO_LONG)];
        return onward(&back(app, &redirect_uri, get("state"), &told)?, []);
    }
    let request = match read(app, client, redirect_uri, get)? {
        Ok(request) => request,
        Err(back) => return onward(&back, []),
    };
    let offer = app.platform.authorizations.offer(&request.client, session.grant.user, request.scopes).await;
    let asks = match offer {
        Ok(asks) => asks,
        Err(Refusal::Refused { code, says, .. }) => {
            let told = [("error", code.as_str()), ("error_description", says)];
            return onward(&back(app, &request.redirect_uri, request.state.as_deref(), &told)?, []);
        }
        Err(other) => return Err(other.into()),
    };
    let fields: String = PARAMETERS
        .iter()
        .filter_map(|name| Some((name, get(name)?)))
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", page::escape(value)))
        .collect();
    let asks: String = match asks == Scopes::ALL {
        true => "<li>everything that you may do</li>".to_owned(),
        false => asks.to_string().split_whitespace().map(|scope| format!("<li><code>{scope}</code></li>")).collect(),
    };
    let host = Url::parse(&request.redirect_uri).ok().and_then(|uri| uri.host_str().map(str::to_owned));
    let mut page = page::html(
        "May it?",
        &format!(
            "<p><b>{}</b> asks to act in your name in its workspace, and you are sent back to <code>{}</code>. It could \
             use:</p><ul>{asks}</ul><form method=\"post\" action=\"{}\">{fields}<button name=\"decision\" value=\"allow\">\
             Allow</button> <button name=\"decision\" value=\"deny\">Deny</button></form>",
            page::escape(&request.client.name),
            page::escape(host.as_deref().unwrap_or_default()),
            super::AUTHORIZE,
        ),
    );
    // Under `no-referrer` browsers send `Origin: null` with the form, and older ones would have no proof left of where it
    // comes from.
    page.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(page)
}

async fn answered(app: &App, session: &Session, form: &Form) -> Reply {
    let (client, redirect_uri) = applicant(app, |name| form.get(name)).await?;
    let request = match read(app, client, redirect_uri, |name| form.get(name))? {
        Ok(request) => request,
        Err(back) => return onward(&back, []),
    };
    let back = |pairs: &[(&str, &str)]| back(app, &request.redirect_uri, request.state.as_deref(), pairs);
    match form.get("decision") {
        Some("allow") => {}
        Some("deny") => return onward(&back(&[("error", "access_denied")])?, []),
        _ => return Err(super::form::invalid("The form says neither allow nor deny")),
    }
    let consent = Consent {
        user: session.grant.user,
        client: request.client.id,
        redirect_uri: &request.redirect_uri,
        challenge: &request.challenge,
        scopes: request.scopes,
    };
    match app.platform.authorizations.allow(&consent).await {
        Ok(code) => onward(&back(&[("code", code.expose())])?, []),
        Err(Refusal::Refused { code, says, .. }) => {
            onward(&back(&[("error", code.as_str()), ("error_description", says)])?, [])
        }
        Err(other) => Err(other.into()),
    }
}

/// The client that asks, and where the person is sent back to.
///
/// # Errors
/// Where the two do not belong together.
async fn applicant<'a>(app: &App, get: impl Fn(&str) -> Option<&'a str>) -> Result<(Client, String), ApiError> {
    let client = get("client_id").ok_or_else(|| super::form::invalid("The client_id is missing"))?;
    let uri = get("redirect_uri").ok_or_else(|| super::form::invalid("The redirect_uri is missing"))?;
    let (client, redirect_uri) = app.platform.authorizations.applicant(client, uri).await?;
    Ok((client, redirect_uri.as_str().to_owned()))
}

/// Reads what a client asks for: the request, or where to send the person with the refusal.
fn read<'a>(
    app: &App,
    client: Client,
    redirect_uri: String,
    get: impl Fn(&str) -> Option<&'a str>,
) -> Result<Result<Request, String>, ApiError> {
    let state = get("state").map(str::to_owned);
    let refused = |code: &str, says: &str| {
        back(app, &redirect_uri, state.as_deref(), &[("error", code), ("error_description", says)]).map(Err)
    };
    let invalid = RefusalCode::InvalidRequest.as_str();
    match get("response_type") {
        Some("code") => {}
        Some(_) => return refused("unsupported_response_type", "The response_type is code"),
        None => return refused(invalid, "The response_type is missing"),
    }
    let challenge = match (get("code_challenge"), get("code_challenge_method")) {
        (Some(challenge), Some(Challenge::METHOD)) if Challenge::parse(challenge).is_ok() => challenge.to_owned(),
        _ => return refused(invalid, "A code_challenge by the method S256 is required (RFC 7636)"),
    };
    let scopes = match get("scope").map(Scopes::parse) {
        None => client.scopes,
        Some(Ok(scopes)) if scopes.is_subset(client.scopes) && !scopes.is_empty() => scopes,
        Some(_) => return refused(RefusalCode::InvalidScope.as_str(), "More than the client may, or no scope at all"),
    };
    Ok(Ok(Request { client, redirect_uri, state, scopes, challenge }))
}

/// Where the person is sent back to, with what the client is told.
fn back(app: &App, redirect_uri: &str, state: Option<&str>, pairs: &[(&str, &str)]) -> Result<String, ApiError> {
    let mut uri = Url::parse(redirect_uri).map_err(waypost_core::Error::internal)?;
    uri.query_pairs_mut().extend_pairs(pairs);
    uri.query_pairs_mut().extend_pairs(state.map(|state| ("state", state)));
    uri.query_pairs_mut().append_pair("iss", app.platform.tokens.issuer());
    Ok(uri.into())
}

/// The session of the browser; `None` for one that is over, or was never there.
async fn session(app: &App, headers: &HeaderMap) -> Result<Option<Session>, ApiError> {
    let Some(text) = cookies::read(headers, SESSION)? else { return Ok(None) };
    match app.platform.sessions.find(text).await {
        Ok(session) => Ok(Some(session)),
        Err(error) if matches!(error.kind(), waypost_core::Kind::Unauthenticated | waypost_core::Kind::Expired) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
