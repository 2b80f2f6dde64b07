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
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::Service;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::hold::Hold;
use super::still::{Stillness, Watchful};
use crate::gateway::deadline::{Due, Still};
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
    /// Another protocol has the connection, or is about to.
    taken_over: AtomicBool,
    /// How long answers under way may take, by the number of the request, oldest first.
    due: Mutex<BTreeMap<usize, Duration>>,
    /// How readers of streams under way do.
    streams: Mutex<BTreeMap<usize, Arc<Stillness>>>,
    /// How many of both there are, so that nobody locks what is empty.
    timed: AtomicUsize,
}

impl Progress {
    /// A connection that owes its first head.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            in_head: AtomicBool::new(true),
            in_flight: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
            framed: AtomicBool::new(false),
            taken_over: AtomicBool::new(false),
            due: Mutex::default(),
            streams: Mutex::default(),
            timed: AtomicUsize::new(0),
        })
    }

    /// The oldest answer under way that has a time: its number, and how long it may take.
    pub(super) fn oldest(&self) -> Option<(usize, Duration)> {
        if self.timed.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.first_key_value().map(|(number, limit)| (*number, *limit))
    }

    /// How long until readers of streams should be looked at again, if there are streams.
    pub(super) fn next_look(&self) -> Option<Duration> {
        if self.timed.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.values().map(|stream| stream.look()).min()
    }

    /// Looks at the readers of all streams, so long after the last look. Whether one of them takes nothing for too long.
    pub(super) fn stands_still(&self, since: Duration) -> bool {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        // Each is to be looked at: no short cut.
        streams.values().filter(|stream| stream.is_over(since)).count() > 0
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

    fn is_taken_over(&self) -> bool {
        self.taken_over.load(Ordering::Relaxed)
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
    /// The how manieth of its connection.
    number: usize,
    is_timed: bool,
}

impl InFlight {
    fn enter(progress: &Arc<Progress>, version: Version) -> Self {
        if version == Version::HTTP_2 {
            progress.framed.store(true, Ordering::Relaxed);
        }
        let number = progress.served.fetch_add(1, Ordering::Relaxed);
        progress.in_flight.fetch_add(1, Ordering::Relaxed);
        progress.in_head.store(false, Ordering::Relaxed);
        Self { progress: progress.clone(), number, is_timed: false }
    }

    /// Notes how long the answer may take.
    fn is_due_within(&mut self, limit: Duration) {
        self.progress.due.lock().unwrap_or_else(PoisonError::into_inner).insert(self.number, limit);
        self.progress.timed.fetch_add(1, Ordering::Relaxed);
        self.is_timed = true;
    }

    /// Has the reader of its answer watched.
    fn is_read_within(&mut self, limit: Duration) -> Arc<Stillness> {
        let stillness = Arc::new(Stillness::new(limit));
        self.progress.streams.lock().unwrap_or_else(PoisonError::into_inner).insert(self.number, stillness.clone());
        self.progress.timed.fetch_add(1, Ordering::Relaxed);
        self.is_timed = true;
        stillness
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.progress.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.is_timed {
            self.progress.due.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
            self.progress.streams.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
            self.progress.timed.fetch_sub(1, Ordering::Relaxed);
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
            Some(in_flight) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                in_flight.progress.taken_over.store(true, Ordering::Relaxed);
                response
            }
            // Most answers have no body, redirects among them. Others are watched until hyper has taken the last of them.
            Some(mut in_flight) if !response.body().is_end_stream() => {
                if let Some(Due(limit)) = response.extensions().get() {
                    in_flight.is_due_within(*limit);
                } else if let Some(Still(limit)) = response.extensions().get() {
                    let stillness = in_flight.is_read_within(*limit);
                    return Watched::wrap(response, in_flight).map(|body| Body::new(Watchful::new(body, stillness)));
                }
                Watched::wrap(response, in_flight)
            }
            _ => response,
        })
    }
}

pin_project! {
    /// The socket's side. It goes along when another protocol takes the connection over.
    #[derive(Debug)]
    pub(super) struct Reads<I> {
        #[pin]
        io: I,
        progress: Arc<Progress>,
        // After the socket: its place is free once it is closed.
        hold: Hold,
    }
}

impl<I> Reads<I> {
    pub(super) fn new(io: I, hold: Hold, progress: Arc<Progress>) -> Self {
        Self { io, progress, hold }
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
        if polled.is_pending() && this.progress.is_taken_over() {
            return this.hold.poll_cut_reading(cx).map(Err);
        }
        polled
    }
}

impl<I: AsyncWrite> Reads<I> {
    /// Does what writes, unless that waits and the socket is cut off.
    fn writing<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut I>, &mut Context<'_>) -> Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        let this = self.project();
        let polled = write(this.io, cx);
        if polled.is_pending() && this.progress.is_taken_over() {
            return this.hold.poll_cut_writing(cx).map(Err);
        }
        polled
    }
}

impl<I: AsyncWrite> AsyncWrite for Reads<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.writing(cx, |io, cx| io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.writing(cx, |io, cx| io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.writing(cx, |io, cx| io.poll_shutdown(cx))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.writing(cx, |io, cx| io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
