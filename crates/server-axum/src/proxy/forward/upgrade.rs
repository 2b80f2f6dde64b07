//! Connections that become WebSockets: a tunnel of bytes, both ways.
//!
//! Bounded in number, and in the time in which nothing moves. A tunnel does not end with its request, so a server that
//! stops closes all of them by [`Tunnels::close`].

use std::io::Result;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use waypost_core::clock::Clock;

use crate::proxy::upstream::Place;

/// The tunnels of a server; clones are the same.
#[derive(Clone, Debug)]
pub struct Tunnels {
    places: Arc<Semaphore>,
    closing: CancellationToken,
}

impl Default for Tunnels {
    /// 4,096: an eighth of what a server takes in all (32,768), so that tunnels alone do not fill it. Where several threads
    /// answer, each takes its share of the connections, and from nine threads on the tunnels of one can fill that. Each costs
    /// two buffers of 8 KiB.
    fn default() -> Self {
        Self::new(4_096)
    }
}

impl Tunnels {
    /// Up to `most` at a time.
    pub fn new(most: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(most)), closing: CancellationToken::new() }
    }

    /// Ends all of them, and those to come.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// How many more there may be.
    pub fn left(&self) -> usize {
        self.places.available_permits()
    }

    pub(super) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// Joins two connections once both have been handed over, in a task of its own.
    pub(super) fn join(
        &self,
        caller: OnUpgrade,
        target: OnUpgrade,
        idle: Duration,
        clock: Arc<dyn Clock>,
        held: (OwnedSemaphorePermit, Option<Place>),
    ) {
        let closing = self.closing.clone();
        tokio::spawn(async move {
            let _held = held;
            let watch = Arc::new(AtomicI64::new(clock.now().as_microsecond()));
            let tunnel = async {
                let (caller, target) = tokio::try_join!(caller, target)?;
                let mut caller = Moving { io: TokioIo::new(caller), last: watch.clone(), clock: clock.clone() };
                let mut target = Moving { io: TokioIo::new(target), last: watch.clone(), clock: clock.clone() };
                // How it ends is the business of its two ends.
                let _ = copy_bidirectional(&mut caller, &mut target).await;
                Ok::<_, hyper::Error>(())
            };
            tokio::select! {
                ended = tunnel => {
                    if let Err(fault) = ended {
                        tracing::debug!(error = &fault as &dyn std::error::Error, "a connection was not handed over");
                    }
                }
                () = stalled(&watch, idle, &*clock) => tracing::debug!("nothing moved in a tunnel, and it was closed"),
                () = closing.cancelled() => {}
            }
        });
    }
}

/// Returns once nothing has moved for `idle`.
async fn stalled(last: &AtomicI64, idle: Duration, clock: &dyn Clock) {
    loop {
        let moved = Timestamp::from_microsecond(last.load(Ordering::Relaxed)).unwrap_or(Timestamp::MIN);
        let end = moved.saturating_add(idle).unwrap_or(Timestamp::MAX);
        if clock.now() >= end {
            return;
        }
        clock.sleep_until(end).await;
    }
}

pin_project! {
    /// One end, which notes when bytes came in.
    struct Moving<I> {
        #[pin]
        io: I,
        last: Arc<AtomicI64>,
        clock: Arc<dyn Clock>,
    }
}

impl<I: AsyncRead> AsyncRead for Moving<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.project();
        let before = buf.filled().len();
        let polled = this.io.poll_read(cx, buf);
        if buf.filled().len() > before {
            this.last.store(this.clock.now().as_microsecond(), Ordering::Relaxed);
        }
        polled
    }
}

impl<I: AsyncWrite> AsyncWrite for Moving<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.project().io.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.project().io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.project().io.poll_shutdown(cx)
    }
}
