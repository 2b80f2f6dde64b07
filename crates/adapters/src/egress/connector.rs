//! Connections, to nothing but what the guard has seen.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::Service;

use super::{Dial, Direct, EgressError, Guard, Proxy, Resolve, SystemResolver, race};

/// How long it may take from a name to a connection. Longer than the third try of TCP comes (1, 3 and 7 s after the first).
const LIMIT: Duration = Duration::from_secs(10);

/// Connects to where a URI leads, if the [`Guard`] lets it.
///
/// A name is resolved once, every address of it is decided upon, and one of those very addresses is connected to. Literals
/// are decided upon too. TLS is not its business: put it into a connector that adds it, which takes the name for it from
/// the URI. Clones share everything.
#[derive(Clone, Debug)]
pub struct GuardedConnector {
    guard: Arc<Guard>,
    resolve: Arc<dyn Resolve>,
    dial: Arc<dyn Dial>,
    limit: Duration,
}

impl GuardedConnector {
    /// A connector that asks this machine's resolver, and connects by itself, within 10 s.
    pub fn new(guard: Guard) -> Self {
        Self {
            guard: Arc::new(guard),
            resolve: Arc::new(SystemResolver::default()),
            dial: Arc::new(Direct),
            limit: LIMIT,
        }
    }

    /// Asks another resolver.
    #[must_use]
    pub fn with_resolver(self, resolve: impl Resolve + 'static) -> Self {
        Self { resolve: Arc::new(resolve), ..self }
    }

    /// Has another connect to what was checked.
    #[must_use]
    pub fn with_dialer(self, dial: impl Dial + 'static) -> Self {
        Self { dial: Arc::new(dial), ..self }
    }

    /// Goes through a proxy.
    #[must_use]
    pub fn through(self, proxy: Proxy) -> Self {
        self.with_dialer(proxy)
    }

    /// Takes so long at most, from the name to the connection.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The guard.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// A connection to where the URI leads. Cancel safe.
    ///
    /// # Errors
    /// [`EgressError`], with its class.
    pub async fn connect(&self, uri: &Uri) -> Result<TcpStream, EgressError> {
        let destination = self.guard.destination(uri)?;
        let connecting = async {
            let found = match (destination.known, &destination.name) {
                (Some(address), _) => vec![address],
                (None, Some(name)) => {
                    self.resolve.resolve(name).await.map_err(|fault| EgressError::dns().with_source(fault))?
                }
                (None, None) => Vec::new(),
            };
            race::first(&*self.dial, &self.guard.check(&destination, &found)?).await
        };
        timeout(self.limit, connecting).await.unwrap_or_else(|_| Err(EgressError::timeout()))
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = EgressError;
    type Future = BoxFuture<'static, Result<Self::Response, EgressError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), EgressError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri).await.map(TokioIo::new) })
    }
}
