//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
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
use tokio_util::sync::CancellationToken;

use super::Options;
use super::progress::{Calls, Progress, Reads};

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
    /// A head has begun, or one that had begun is complete.
    Head,
    /// The process shuts down.
    Drain,
}

/// Drives a connection to its end.
pub(super) async fn serve<I, S>(
    builder: Arc<Builder<TokioExecutor>>,
    io: I,
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
        let (in_head, served) = (progress.in_head(), progress.served());
        let turn = poll_fn(|cx| {
            // How a connection ends is its peer's business: resets and half heads are no news.
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Turn::Over);
            }
            if !ending && cancelled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Turn::Drain);
            }
            if progress.in_head() != in_head {
                return Poll::Ready(Turn::Head);
            }
            Poll::Pending
        });
        let limit = if in_head { options.head_timeout } else { options.idle_timeout };
        match tokio::time::timeout(limit, turn).await {
            Ok(Turn::Over) => return,
            Ok(Turn::Head) => {}
            Ok(Turn::Drain) => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            // A head that does not come to its end.
            Err(_) if in_head => return,
            Err(_) if !ending && progress.is_idle() && progress.served() == served => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            Err(_) => {}
        }
    }
}
