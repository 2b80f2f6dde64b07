//! From a URI to a connection that HTTP can begin on, within a time.

use std::error::Error;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use rustls::ClientConfig;
use tower::Service;

use super::connection::{Counted, Open};
use crate::egress::{EgressClass, EgressError, GuardedConnector};

/// The guarded connector, and TLS on top where the URI wants it.
///
/// The time holds for TLS as well: the client of hyper goes on with a connection that nobody waits for any more, and a
/// receiver that is silent in the handshake must not have it for ever.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    inner: HttpsConnector<GuardedConnector>,
    limit: Duration,
    open: Open,
}

impl Connector {
    pub(super) fn new(guarded: GuardedConnector, tls: ClientConfig, limit: Duration) -> Self {
        // HTTP/2 would put the calls of all tenants to one host on one connection: those of one that hang fill its streams
        // and its window, and delay another's.
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        Self { inner: builder.wrap_connector(guarded), limit, open: Open::default() }
    }

    /// The same, with a count of its own.
    pub(super) fn counted(&self, open: Open) -> Self {
        Self { open, ..self.clone() }
    }
}

impl Service<Uri> for Connector {
    type Response = Counted;
    type Error = EgressError;
    type Future = BoxFuture<'static, Result<Counted, EgressError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), EgressError>> {
        self.inner.poll_ready(cx).map_err(fault)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, limit, open) = (self.inner.call(uri), self.limit, self.open.clone());
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map(|stream| Counted::new(stream, open)).map_err(fault),
                Err(_) => Err(EgressError::new(EgressClass::Timeout, "no connection in time")),
            }
        })
    }
}

/// What is no word of the guarded connector is one of TLS: nothing else comes before HTTP.
fn fault(error: Box<dyn Error + Send + Sync>) -> EgressError {
    match error.downcast::<EgressError>() {
        Ok(error) => *error,
        Err(error) => {
            let words = match crate::egress::class::find::<rustls::Error>(&*error) {
                Some(tls) => format!("TLS failed: {tls}"),
                None => "TLS failed: the connection broke in the handshake".to_owned(),
            };
            EgressError::new(EgressClass::Tls, words).with_source(error)
        }
    }
}
