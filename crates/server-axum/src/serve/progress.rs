//! What a connection is doing: reading a head, working on requests, or nothing.
//!
//! Seen from the two sides of hyper: bytes that come in while nothing is in flight begin a head, and a call of the
//! service ends it. A few relaxed atomics a request, where hyper's own timer would allocate and arm one.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use http::{Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::Service;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::gateway::deadline::Due;
use crate::gateway::watched::{Watch, Watched};

/// Shared by a connection's two sides and its driver.
#[derive(Debug)]
pub(super) struct Progress {
    /// A head has begun and is not complete.
    in_head: AtomicBool,
    /// Requests whose answers are not through.
    in_flight: AtomicUsize,
    /// Requests ever.
    served: AtomicUsize,
    /// HTTP/2: bytes are frames, so they say nothing about heads.
    framed: AtomicBool,
    /// When answers under way are to be through, by the number of the request. Few have such a time.
    due: Mutex<BTreeMap<usize, Instant>>,
    /// How many times one was noted.
    noted: AtomicUsize,
}

impl Progress {
    /// A connection that owes its first head.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            in_head: AtomicBool::new(true),
            in_flight: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
            framed: AtomicBool::new(false),
            due: Mutex::default(),
            noted: AtomicUsize::new(0),
        })
    }

    /// When the first of the answers under way is to be through.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.noted() == 0 {
            return None;
        }
        self.due.lock().unwrap_or_else(PoisonError::into_inner).values().min().copied()
    }

    /// How many times an answer was noted that is to be through at some time.
    pub(super) fn noted(&self) -> usize {
        self.noted.load(Ordering::Relaxed)
    }

    pub(super) fn in_head(&self) -> bool {
        self.in_head.load(Ordering::Relaxed)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0
    }

    pub(super) fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }

    /// Bytes came in.
    fn read(&self) {
        if self.served() > 0 && self.is_idle() && !self.framed.load(Ordering::Relaxed) {
            self.in_head.store(true, Ordering::Relaxed);
        }
    }
}

/// A request in flight, until its answer is through.
struct InFlight {
    progress: Arc<Progress>,
    /// Its number, if its answer has a time.
    timed: Option<usize>,
}

impl InFlight {
    fn enter(progress: &Arc<Progress>, version: Version) -> Self {
        if version == Version::HTTP_2 {
            progress.framed.store(true, Ordering::Relaxed);
        }
        progress.served.fetch_add(1, Ordering::Relaxed);
        progress.in_flight.fetch_add(1, Ordering::Relaxed);
        progress.in_head.store(false, Ordering::Relaxed);
        Self { progress: progress.clone(), timed: None }
    }

    /// Notes when the answer is to be through.
    fn is_due(&mut self, at: Instant) {
        let number = self.progress.noted.fetch_add(1, Ordering::Relaxed);
        self.progress.due.lock().unwrap_or_else(PoisonError::into_inner).insert(number, at);
        self.timed = Some(number);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.progress.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(number) = self.timed {
            self.progress.due.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        }
    }
}

impl Watch for InFlight {}

/// The service's side.
#[derive(Debug)]
pub(super) struct Calls<S> {
    pub(super) service: S,
    pub(super) progress: Arc<Progress>,
}

impl<S> Service<Request<Incoming>> for Calls<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let in_flight = Some(InFlight::enter(&self.progress, request.version()));
        Answering { answer: self.service.call(request), in_flight }
    }
}

pin_project! {
    /// An answer to be.
    pub(super) struct Answering<F> {
        #[pin]
        answer: F,
        in_flight: Option<InFlight>,
    }
}

impl<F, E> Future for Answering<F>
where
    F: Future<Output = std::result::Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.answer.poll(cx).map_ok(|response| match this.in_flight.take() {
            // Most answers have no body, redirects among them. Others are watched until hyper has taken the last of them.
            Some(mut in_flight) if !response.body().is_end_stream() => {
                if let Some(Due(at)) = response.extensions().get() {
                    in_flight.is_due(*at);
                }
                Watched::wrap(response, in_flight)
            }
            _ => response,
        })
    }
}

pin_project! {
    /// The socket's side.
    #[derive(Debug)]
    pub(super) struct Reads<I> {
        #[pin]
        io: I,
        progress: Arc<Progress>,
    }
}

impl<I> Reads<I> {
    pub(super) fn new(io: I, progress: Arc<Progress>) -> Self {
        Self { io, progress }
    }
}

impl<I: AsyncRead> AsyncRead for Reads<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.project();
        let before = buf.filled().len();
        let polled = this.io.poll_read(cx, buf);
        if buf.filled().len() > before {
            this.progress.read();
        }
        polled
    }
}

impl<I: AsyncWrite> AsyncWrite for Reads<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.project().io.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.project().io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.project().io.poll_shutdown(cx)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.project().io.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
