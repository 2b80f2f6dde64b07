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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Timeout;
use tokio_util::sync::CancellationToken;

use super::Options;
use super::hold::Hold;
use super::progress::{Calls, Progress};
use super::protocol::{Builders, Protocol};
use super::socket::Socket;
use super::stream::Streaming;
use crate::gateway::metrics::names;

/// Why the driver looked up from hyper.
enum Turn {
    /// The connection is through.
    Over,
    /// A head has begun, or one that had begun is complete.
    Head,
    /// The last answer goes on without hyper.
    HandOver,
    /// An answer is not through in its time.
    Late,
    /// The process shuts down.
    Drain,
}

/// Drives a connection to its end. The part with hyper is on the heap, so that its memory goes when a stream leaves it.
pub(super) fn serve<I, S>(
    builders: Arc<Builders>,
    (io, hold): (I, Hold),
    peer: SocketAddr,
    service: S,
    options: Options,
    drain: CancellationToken,
) -> impl Future<Output = ()> + Send
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
{
    let conversation = Box::pin(converse(builders, (io, hold), peer, service, options, drain));
    async move {
        if let Some((streaming, hold)) = conversation.await {
            streaming.await;
            drop(hold);
        }
    }
}

/// Drives a connection in the hands of hyper: to its end, or to where a stream leaves it.
async fn converse<I, S>(
    builders: Arc<Builders>,
    (io, hold): (I, Hold),
    peer: SocketAddr,
    service: S,
    options: Options,
    drain: CancellationToken,
) -> Option<(Streaming<I>, Hold)>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
{
    let progress = Progress::new();
    let service = Calls { service, progress: progress.clone(), idle: options.idle_timeout };
    let mut connection = Protocol::Unknown(builders, Socket::new(io, hold, progress.clone()), service);
    let mut cancelled = pin!(drain.cancelled());
    let mut ending = false;
    let mut watch = Watch::default();
    let mut looks = Looks::default();
    let reason = loop {
        let (in_head, served) = (progress.in_head(), progress.served());
        let turn = poll_fn(|cx| {
            if let Poll::Ready(ended) = connection.poll(cx) {
                if let Err(fault) = ended {
                    // Resets and half heads are the peer's business; who wonders why there was no answer looks here.
                    tracing::debug!(%peer, reason = %in_words(&*fault), "a connection ended in an error");
                }
                return Poll::Ready(Turn::Over);
            }
            if progress.handover.is_complete() {
                return Poll::Ready(Turn::HandOver);
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
            Ok(Turn::Over) => return None,
            Ok(Turn::Head) => {}
            Ok(Turn::HandOver) => {
                let handed = progress.handover.take()?;
                let (io, hold) = connection.into_io()?;
                return Some((Streaming::new(io, peer, handed), hold));
            }
            Ok(Turn::Late) => break "slow_reader",
            Ok(Turn::Drain) => {
                ending = true;
                connection.shut_down();
            }
            // A head that does not come to its end.
            Err(_) if in_head => break "slow_head",
            // The last answer was handed over long ago, and its reader does not take it.
            Err(_) if ending && progress.is_idle() && !drain.is_cancelled() => break "slow_reader",
            Err(_) if !ending && progress.is_idle() && progress.served() == served => {
                ending = true;
                connection.shut_down();
            }
            Err(_) => {}
        }
    };
    cut(reason, peer);
    None
}

/// Times the oldest answer under way. One that becomes the oldest is timed from then on, so where several are under way a
/// late one is seen after one to two of its times.
#[derive(Default)]
struct Watch(Option<(usize, Timer)>);

pub(super) type Timer = Pin<Box<Timeout<Pending<()>>>>;

/// A timer that is ready after so long.
pub(super) fn timer(limit: Duration) -> Timer {
    Box::pin(tokio::time::timeout(limit, pending()))
}

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
            let (since, timer) = self.0.get_or_insert_with(|| (next, timer(next)));
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
pub(super) fn cut(reason: &'static str, peer: SocketAddr) {
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
