//! From a listening socket to the end of the last response.
//!
//! An accept loop of our own, since the usual ones leave gaps: a client that connects and says nothing is never cut, the
//! number of connections has no bound, and a full table of files makes the loop spin. Here
//! - a connection that has not sent a whole head within [`head_timeout`](Options::head_timeout) is closed, the first one
//!   counted from the accept (hyper's own timer starts only after it knows the protocol);
//! - who does not read is cut: a unary answer has [its time](crate::gateway::deadline), and what was handed over whole is
//!   given up after two to three idle times;
//! - above [`max_connections`](Options::max_connections) nothing is accepted: newcomers wait in the kernel's queue;
//! - errors of `accept` that are the machine's (no files, no memory) are waited out, doubling up to a second;
//! - HTTP/1.1 and HTTP/2 share the port, in clear text, or over TLS by [`tls::TlsListener`];
//! - an answer that is [`LongLived`] leaves hyper, so that ten thousand streams that wait cost megabytes, not hundreds.
//!
//! **Exceptions to the one error shape.** What hyper refuses before there is a request is answered by hyper, with an
//! empty body: 400 for a head that is no HTTP or that two parsers could read in two ways (`Content-Length` twice and
//! different, a folded line, a `Transfer-Encoding` that does not end in `chunked`), 431 above
//! [`max_fields`](Options::max_fields) or [`head_buffer`](Options::head_buffer), 414 for a URI above 64 KiB. Both limits
//! lie above those of [`head_limits`](crate::gateway::head_limits), which therefore answers first in all but hostile
//! cases. A head that never ends is closed without an answer. `Content-Length` beside `Transfer-Encoding: chunked` is
//! read as chunked, the length is dropped, and the connection closes after that one answer (RFC 9112 §6.1), so nothing
//! can be hidden behind it.
//!
//! **Shutdown.** Once the token is cancelled nothing more is accepted; idle connections close, those with a request get
//! to finish it (`Connection: close`, `GOAWAY`), and what is not through after [`grace`](Options::grace) is cut. A connection
//! that another protocol took over counts until whoever has it lets go of it, against the bound as well as here; it is told
//! to go by its owner, and cut with the others.

mod connection;
mod handover;
mod hold;
mod progress;
mod protocol;
mod socket;
mod still;
mod stream;
pub mod tls;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

pub use handover::LongLived;
use hold::Sockets;

/// How connections are treated.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// 10 s (§12): the time for a whole head, from its first byte, or from the accept for the first one.
    pub head_timeout: Duration,
    /// 75 s: an idle connection is closed after one to two of these. Longer than the 60 s for which common load
    /// balancers keep theirs, so that it is they who close, and no request meets a closing connection.
    pub idle_timeout: Duration,
    /// 32,768 connections, those that another protocol took over included. Each costs some 16 KiB while idle, or 3 as a
    /// [`LongLived`] stream, and an open file: the system's limit must be above it.
    pub max_connections: usize,
    /// 128 header fields are read, so that the limit of 100 is answered in the one error shape. Up to 100 hyper keeps
    /// them on the stack, which saves two short allocations a request, and answers itself above that.
    pub max_fields: usize,
    /// 64 KiB of a head are read: twice the limit on header fields, for the same reason.
    pub head_buffer: usize,
    /// 250 streams at once on one HTTP/2 connection: more than browsers use, too few to be a weapon.
    pub max_streams: u32,
    /// 30 s: an HTTP/2 connection on which nothing moves is pinged, and closed 20 s later if nothing comes back.
    pub ping_interval: Duration,
    /// 25 s to finish what is in flight, which leaves the process 5 of its 30 s to flush.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            max_connections: 32_768,
            max_fields: 128,
            head_buffer: 64 * 1024,
            max_streams: 250,
            ping_interval: Duration::from_secs(30),
            grace: Duration::from_secs(25),
        }
    }
}

/// Where connections come from; `TcpListener`, and whatever tests and TLS put before it.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection and its peer. Cancel safe.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

impl Listener for TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&mut self) -> io::Result<(Self::Io, SocketAddr)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // An answer is one write; waiting to fill a packet would only delay it.
        stream.set_nodelay(true)?;
        Ok((stream, peer))
    }
}

/// What became of the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// Connections that the end of the grace cut off, those that another protocol took over included.
    pub cut: usize,
}

/// Serves connections until `shutdown`, then drains. `make` gives each connection its service.
///
/// Boxed, so that its code is made once, where it is called first.
pub fn serve<L, M, S>(
    listener: L,
    make: M,
    options: Options,
    shutdown: CancellationToken,
) -> Pin<Box<dyn Future<Output = Served> + Send>>
where
    L: Listener,
    M: Fn(SocketAddr) -> S + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    Box::pin(run(listener, make, options, shutdown))
}

async fn run<L, M, S>(mut listener: L, make: M, options: Options, shutdown: CancellationToken) -> Served
where
    L: Listener,
    M: Fn(SocketAddr) -> S + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let builders = Arc::new(protocol::Builders::new(&options));
    let places = Arc::new(Semaphore::new(options.max_connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    let sockets = Arc::new(Sockets::default());
    let mut pause = FIRST_PAUSE;
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            Some(ended) = connections.join_next() => {
                report(ended);
                continue;
            }
            // A place first: at the cap the loop does not accept at all.
            accepted = accept(&mut listener, &places) => accepted,
        };
        match accepted {
            Ok((io, peer, place)) => {
                pause = FIRST_PAUSE;
                // A token of its own: polling a shared one takes a lock that all connections would fight for.
                let drain = shutdown.child_token();
                let hold = sockets.hold(place);
                connections.spawn(connection::serve(builders.clone(), (io, hold), peer, make(peer), options, drain));
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis() as u64, "cannot accept connections");
                let _ = tokio::time::timeout(pause, shutdown.cancelled()).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    // From here on newcomers are refused by the kernel, not left hanging.
    drop(listener);
    let drained = tokio::time::timeout(options.grace, async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
        // What is left was taken over, and is no task of ours.
        sockets.closed().await;
    });
    let cut = match drained.await {
        Ok(()) => 0,
        Err(_) => {
            while let Some(ended) = connections.try_join_next() {
                report(ended);
            }
            sockets.open()
        }
    };
    connections.shutdown().await;
    sockets.cut();
    Served { cut }
}

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

async fn accept<L: Listener>(
    listener: &mut L,
    places: &Arc<Semaphore>,
) -> io::Result<(L::Io, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    // The semaphore is never closed.
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (io, peer) = listener.accept().await?;
    Ok((io, peer, place))
}

/// The connection broke before it was accepted: nothing is wrong here.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// A panic while a body was streamed ends its connection, and is told here.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection panicked");
    }
}
