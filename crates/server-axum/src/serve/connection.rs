//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Options;
use super::progress::{Calls, Progress, Reads};
use crate::gateway::metrics::names;

/// The settings of hyper.
pub(super) fn builder(options: &Options) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        // The driver has a timer that also knows the first head and idle connections.
        .header_read_timeout(None)
        .max_headers(options.max_fields)
        // hyper panics below 8 KiB.
        .max_buf_size(options.head_buffer.max(8 * 1024));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(options.max_streams)
        .max_header_list_size(u32::try_from(options.head_buffer).unwrap_or(u32::MAX))
        .keep_alive_interval(options.ping_interval)
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// Why the driver looked up from hyper.
enum Turn {
    /// The connection is through.
    Over,
    /// A head has begun, or one that had begun is complete, or an answer has a time to be through.
    Timing,
    /// The process shuts down.
    Drain,
}

/// Drives a connection to its end.
pub(super) async fn serve<I, S>(
    builder: Arc<Builder<TokioExecutor>>,
    io: I,
    peer: SocketAddr,
    service: S,
    options: Options,
    drain: CancellationToken,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
{
    let progress = Progress::new();
    let io = TokioIo::new(Reads::new(io, progress.clone()));
    let service = Calls { service, progress: progress.clone() };
    let mut connection = pin!(builder.serve_connection_with_upgrades(io, service));
    let mut cancelled = pin!(drain.cancelled());
    let mut ending = false;
    loop {
        let (in_head, served, noted) = (progress.in_head(), progress.served(), progress.noted());
        let turn = poll_fn(|cx| {
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                if let Err(fault) = ended {
                    // Resets and half heads are the peer's business; who wonders why there was no answer looks here.
                    tracing::debug!(%peer, reason = %in_words(&*fault), "a connection ended in an error");
                }
                return Poll::Ready(Turn::Over);
            }
            if !ending && cancelled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Turn::Drain);
            }
            if progress.in_head() != in_head || progress.noted() != noted {
                return Poll::Ready(Turn::Timing);
            }
            Poll::Pending
        });
        let limit = if in_head { options.head_timeout } else { options.idle_timeout };
        let until_due = progress.due().map(|due| due.saturating_duration_since(Instant::now()));
        let is_late = until_due.is_some_and(|left| left < limit);
        match tokio::time::timeout(until_due.map_or(limit, |left| left.min(limit)), turn).await {
            Ok(Turn::Over) => return,
            Ok(Turn::Timing) => {}
            Ok(Turn::Drain) => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            // The answer was through in time after all, or a reader does not take it.
            Err(_) if is_late => {
                if progress.due().is_some_and(|due| due <= Instant::now()) {
                    return cut("slow_reader", peer);
                }
            }
            // A head that does not come to its end.
            Err(_) if in_head => return cut("slow_head", peer),
            // The last answer was handed over long ago, and its reader does not take it.
            Err(_) if ending && progress.is_idle() && !drain.is_cancelled() => return cut("slow_reader", peer),
            Err(_) if !ending && progress.is_idle() && progress.served() == served => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            Err(_) => {}
        }
    }
}

/// Notes that a connection is given up.
fn cut(reason: &'static str, peer: SocketAddr) {
    metrics::counter!(names::CONNECTIONS_CUT, "reason" => reason).increment(1);
    tracing::debug!(%peer, reason, "a connection was cut");
}

/// An error with its causes.
fn in_words(fault: &(dyn std::error::Error + 'static)) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
