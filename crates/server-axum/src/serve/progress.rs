//! What a connection is doing: reading a head, working on requests, or nothing.
//!
//! Seen from the two sides of hyper: bytes that come in while nothing is in flight begin a head, and a call of the
//! service ends it. A few relaxed atomics a request, where hyper's own timer would allocate and arm one.

use std::collections::BTreeMap;
use std::future::Future;
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

use super::handover::{Framing, Handed, Handover, LongLived, Unyielding};
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
    /// How far the connection is on its way out of hyper.
    pub(super) handover: Handover,
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
            handover: Handover::default(),
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

    pub(super) fn is_taken_over(&self) -> bool {
        self.taken_over.load(Ordering::Relaxed)
    }

    /// Bytes came in.
    pub(super) fn read(&self) {
        if self.served() > 0 && self.is_idle() && !self.framed.load(Ordering::Relaxed) {
            self.in_head.store(true, Ordering::Relaxed);
        }
    }
}

/// A request in flight, until its answer is through.
#[derive(Debug)]
pub(super) struct InFlight {
    progress: Arc<Progress>,
    /// The how manieth of its connection.
    number: usize,
    is_timed: bool,
    /// How its answer is framed if it leaves hyper, and whether it can.
    framing: Option<Framing>,
}

impl InFlight {
    fn enter(progress: &Arc<Progress>, request: &Request<Incoming>) -> Self {
        if request.version() == Version::HTTP_2 {
            progress.framed.store(true, Ordering::Relaxed);
        }
        let number = progress.served.fetch_add(1, Ordering::Relaxed);
        progress.in_flight.fetch_add(1, Ordering::Relaxed);
        progress.in_head.store(false, Ordering::Relaxed);
        Self { progress: progress.clone(), number, is_timed: false, framing: Framing::of(request) }
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

    /// Sees an answer through: to its end, or to where it leaves hyper. `idle` is the time for the reader of one that
    /// leaves and names none.
    fn see_through(mut self, response: Response<Body>, idle: Duration) -> Response<Body> {
        let still = response.extensions().get().map(|Still(limit)| *limit);
        let response = match response.extensions().get() {
            None => response,
            Some(LongLived) => match Handed::take(response, self.framing, still.unwrap_or(idle)) {
                Err(response) => response,
                Ok((parts, handed)) => {
                    // Its head has as long as a part of it.
                    self.is_due_within(handed.still);
                    self.progress.handover.offer(handed);
                    return Response::from_parts(parts, Body::new(Unyielding(self)));
                }
            },
        };
        if let Some(Due(limit)) = response.extensions().get() {
            self.is_due_within(*limit);
        } else if let Some(limit) = still {
            let stillness = self.is_read_within(limit);
            return Watched::wrap(response, self).map(|body| Body::new(Watchful::new(body, stillness)));
        }
        Watched::wrap(response, self)
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
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
    /// The time for readers of streams whose answer names none.
    pub(super) idle: Duration,
}

impl<S> Service<Request<Incoming>> for Calls<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let in_flight = Some(InFlight::enter(&self.progress, &request));
        Answering { answer: self.service.call(request), in_flight, idle: self.idle }
    }
}

pin_project! {
    /// An answer to be.
    pub(super) struct Answering<F> {
        #[pin]
        answer: F,
        in_flight: Option<InFlight>,
        idle: Duration,
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
            Some(in_flight) if !response.body().is_end_stream() => in_flight.see_through(response, *this.idle),
            _ => response,
        })
    }
}
