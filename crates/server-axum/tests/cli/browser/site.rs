//! The provider on a socket, and pages of other origins beside it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use waypost_core::clock::SystemClock;

use crate::provider::Provider;

/// The provider and the other pages, on one port, as long as this lives.
pub(crate) struct Site {
    port: u16,
    pub(crate) provider: Provider,
    _runtime: Runtime,
}

impl Site {
    pub(crate) fn open() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let provider = Provider::new(&format!("http://127.0.0.1:{port}"), Arc::new(SystemClock));
        let router = Router::new()
            .route("/authorize", get(form).post(approve))
            .route("/token", axum::routing::post(token))
            .route("/evil", get(evil))
            .fallback(answer)
            .with_state(provider.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { port, provider, _runtime: runtime }
    }

    /// The provider's issuer.
    pub(crate) fn provider_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Another origin of the server's own site: ports do not part sites.
    pub(crate) fn neighbour_url(&self) -> String {
        self.provider_url()
    }

    /// Another site.
    pub(crate) fn foreign_url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }
}

async fn answer(State(provider): State<Provider>, OriginalUri(uri): OriginalUri) -> Response {
    let (status, body) = provider.answer(uri.path());
    (StatusCode::from_u16(status).unwrap_or_default(), body).into_response()
}

/// The login form; whoever sends it is known.
async fn form() -> Html<&'static str> {
    Html("<!doctype html><form method=\"post\"><button>Sign in</button></form>")
}

async fn approve(State(provider): State<Provider>, OriginalUri(uri): OriginalUri) -> Redirect {
    Redirect::to(&provider.authorize(&format!("http://provider{uri}")))
}

async fn token(State(provider): State<Provider>, headers: HeaderMap, body: String) -> Response {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    let (status, body) = provider.token(&fields, authorization);
    (StatusCode::from_u16(status).unwrap_or_default(), body).into_response()
}

/// A page that sends a form to where its query says.
async fn evil(OriginalUri(uri): OriginalUri) -> Html<String> {
    let target = uri.query().and_then(|query| query.strip_prefix("target=")).unwrap_or_default();
    Html(format!(
        "<!doctype html><form method=\"post\" enctype=\"text/plain\" action=\"{target}\">\
         <input name='{{\"destination\":\"https://evil.example/\",\"x' value='\":1}}'><button>Win</button></form>"
    ))
}
