//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::{Future, Pending, pending, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Timeout;
use tokio_util::sync::CancellationToken;

use super::Options;
use super::hold::Hold;
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
    /// A head has begun, or one that had begun is complete.
    Head,
    /// An answer is not through in its time.
    Late,
    /// The process shuts down.
    Drain,
}

/// Drives a connection to its end, or until another protocol takes it over.
pub(super) async fn serve<I, S>(
    builder: Arc<Builder<TokioExecutor>>,
    (io, hold): (I, Hold),
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
    let io = TokioIo::new(Reads::new(io, hold, progress.clone()));
    let service = Calls { service, progress: progress.clone() };
    let mut connection = pin!(builder.serve_connection_with_upgrades(io, service));
    let mut cancelled = pin!(drain.cancelled());
    let mut ending = false;
    let mut watch = Watch::default();
    let mut looks = Looks::default();
    loop {
        let (in_head, served) = (progress.in_head(), progress.served());
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
            if progress.in_head() != in_head {
                return Poll::Ready(Turn::Head);
            }
            if watch.poll(progress.oldest(), cx).is_ready() || looks.poll(&progress, cx).is_ready() {
                return Poll::Ready(Turn::Late);
            }
            Poll::Pending
        });
        let limit = if in_head { options.head_timeout } else { options.idle_timeout };
        match tokio::time::timeout(limit, turn).await {
            Ok(Turn::Over) => return,
            Ok(Turn::Head) => {}
            Ok(Turn::Late) => return cut("slow_reader", peer),
            Ok(Turn::Drain) => {
                ending = true;
                connection.as_mut().graceful_shutdown();
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

/// Times the oldest answer under way. One that becomes the oldest is timed from then on, so where several are under way a
/// late one is seen after one to two of its times.
#[derive(Default)]
struct Watch(Option<(usize, Timer)>);

type Timer = Pin<Box<Timeout<Pending<()>>>>;

impl Watch {
    fn poll(&mut self, oldest: Option<(usize, Duration)>, cx: &mut Context<'_>) -> Poll<()> {
        let Some((number, limit)) = oldest else {
            self.0 = None;
            return Poll::Pending;
        };
        if self.0.as_ref().is_none_or(|(timed, _)| *timed != number) {
            self.0 = Some((number, Box::pin(tokio::time::timeout(limit, pending()))));
        }
        match &mut self.0 {
            Some((_, timer)) => timer.as_mut().poll(cx).map(drop),
            None => Poll::Pending,
        }
    }
}

/// Looks at the readers of streams from time to time.
#[derive(Default)]
struct Looks(Option<(Duration, Timer)>);

impl Looks {
    fn poll(&mut self, progress: &Progress, cx: &mut Context<'_>) -> Poll<()> {
        let Some(next) = progress.next_look() else {
            self.0 = None;
            return Poll::Pending;
        };
        loop {
            let (since, timer) = self.0.get_or_insert_with(|| (next, Box::pin(tokio::time::timeout(next, pending()))));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if progress.stands_still(*since) {
                return Poll::Ready(());
            }
            self.0 = None;
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
