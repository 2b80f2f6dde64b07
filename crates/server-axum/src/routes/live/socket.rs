//! WebSockets.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderValue, StatusCode};
use hyper_util::rt::TokioIo;
use waypost_adapters::websocket::{Explain, refuse, serve};
use waypost_core::Error;
use waypost_core::push::Transport;

use super::handshake::Handshake;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Newcomer, Query, context};
use crate::reply::Reply;

/// Opens a socket. What can be refused is refused before the connection changes its protocol, but for what a browser's page
/// must be told: of the status of a refusal it hears nothing.
pub(in crate::routes) async fn socket(
    State(app): State<Arc<App>>,
    newcomer: Newcomer,
    query: Query,
    mut request: Request,
) -> Reply {
    query.fields.finish()?;
    let Handshake { accept, protocol } = Handshake::read(&app, &request)?;
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let explain = explain(&app, context(&head)?.id().as_str());
    // Held in a box until it is needed, so that its memory is not kept twice.
    let session = newcomer.enter(&app, Transport::WebSocket).map(Box::new);
    tokio::spawn(async move {
        let io = match upgrade.await {
            Ok(io) => TokioIo::new(io),
            Err(fault) => {
                tracing::debug!(error = &fault as &dyn std::error::Error, "a connection did not become a WebSocket");
                return;
            }
        };
        match session {
            Ok(session) => serve(io, *session, explain).await,
            Err(closing) => refuse(io, closing).await,
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    headers.extend(protocol.map(|protocol| (SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol))));
    Ok(response)
}

/// How errors are told on this socket: as they are on every route, under the id of the request that opened it.
fn explain(app: &Arc<App>, request_id: &str) -> Explain {
    let (envelope, id): (_, Box<str>) = (app.envelope.clone(), request_id.into());
    Arc::new(move |error: &Error| envelope.detail(&ApiError::from(error), &id))
}
