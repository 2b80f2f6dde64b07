//! The caller's body on its way to the target: bounded, one frame at a time, and taken back if nobody has read of it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT, HOST};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};

use super::{hop, identity};
use crate::gateway::hygiene::Hygiene;

/// A body up to this size is read whole where the request may be sent again: 64 KiB, which most calls of an API fit into,
/// and of which 512 requests in flight take 32 MiB at the most.
pub const WHOLE: u64 = 64 * 1024;

/// What went wrong with a body, on the caller's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntakeFault {
    /// There is more of it than allowed.
    TooLarge,
    /// It broke off.
    BrokeOff,
}

/// A caller's body, for one attempt or several.
#[derive(Debug)]
pub enum Intake {
    /// There is none.
    Empty,
    /// Read whole, with the trailers that came after it; each attempt gets it.
    Whole(Bytes, Option<HeaderMap>),
    /// Streamed; the next attempt gets it if the last one took nothing.
    Streamed(Arc<Stream>),
}

/// A body that is lent to attempts.
#[derive(Debug)]
pub struct Stream {
    body: Mutex<Body>,
    left: AtomicU64,
    is_touched: AtomicBool,
    is_waiting: AtomicBool,
    fault: AtomicU8,
    hygiene: Hygiene,
}

impl Intake {
    /// Takes a body of at most `most` bytes. What `hygiene` lets nobody say in a header, trailers do not say either. With `keep`, a small one whose length is known is read whole.
    ///
    /// # Errors
    /// [`IntakeFault`]
    pub async fn of(body: Body, most: u64, keep: bool, hygiene: &Hygiene) -> Result<Self, IntakeFault> {
        let size = body.size_hint();
        if size.lower() > most {
            return Err(IntakeFault::TooLarge);
        }
        if body.is_end_stream() {
            return Ok(Self::Empty);
        }
        if keep && size.exact().is_some_and(|size| size <= WHOLE) {
            return match Limited::new(body, usize::try_from(most).unwrap_or(usize::MAX)).collect().await {
                Ok(whole) => {
                    let mut trailers = whole.trailers().cloned();
                    if let Some(trailers) = &mut trailers {
                        clean(trailers, hygiene);
                    }
                    Ok(Self::Whole(whole.to_bytes(), trailers))
                }
                Err(fault) if fault.is::<LengthLimitError>() => Err(IntakeFault::TooLarge),
                Err(_) => Err(IntakeFault::BrokeOff),
            };
        }
        Ok(Self::Streamed(Arc::new(Stream {
            body: Mutex::new(body),
            left: AtomicU64::new(most),
            is_touched: AtomicBool::new(false),
            is_waiting: AtomicBool::new(false),
            fault: AtomicU8::new(0),
            hygiene: hygiene.clone(),
        })))
    }

    /// The body for an attempt.
    pub fn lend(&self) -> Body {
        match self {
            Self::Empty => Body::empty(),
            Self::Whole(bytes, None) => Body::from(bytes.clone()),
            Self::Whole(bytes, Some(trailers)) => {
                let trailers = Some(Ok(trailers.clone()));
                Body::new(Full::new(bytes.clone()).with_trailers(async move { trailers }))
            }
            Self::Streamed(stream) => Body::new(Lent(stream.clone())),
        }
    }

    /// Whether there is no body at all.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether it can be lent once more.
    pub fn is_intact(&self) -> bool {
        match self {
            Self::Empty | Self::Whole(..) => true,
            Self::Streamed(stream) => !stream.is_touched.load(Ordering::Relaxed),
        }
    }

    /// Whether its reader waits for the caller.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Streamed(stream) if stream.is_waiting.load(Ordering::Relaxed))
    }

    /// What went wrong on the caller's side, if anything.
    pub fn fault(&self) -> Option<IntakeFault> {
        let Self::Streamed(stream) = self else { return None };
        match stream.fault.load(Ordering::Relaxed) {
            TOO_LARGE => Some(IntakeFault::TooLarge),
            BROKE_OFF => Some(IntakeFault::BrokeOff),
            _ => None,
        }
    }
}

/// Takes off trailers what is no client's word: identity and forwarding whoever the peer is, since nobody honest says them
/// after the body, and what decides over the request itself (RFC 9110 §6.5.1).
fn clean(trailers: &mut HeaderMap, hygiene: &Hygiene) {
    hygiene.apply(trailers, None);
    identity::strip_claims(trailers);
    identity::strip_credentials(trailers);
    hop::strip(trailers);
    for name in [CONTENT_LENGTH, EXPECT, HOST] {
        trailers.remove(name);
    }
}

const TOO_LARGE: u8 = 1;
const BROKE_OFF: u8 = 2;

impl Stream {
    fn body(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body as one attempt sees it.
struct Lent(Arc<Stream>);

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let stream = &self.0;
        let mut polled = Pin::new(&mut *stream.body()).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &mut polled
            && let Some(trailers) = frame.trailers_mut()
        {
            clean(trailers, &stream.hygiene);
        }
        stream.is_waiting.store(polled.is_pending(), Ordering::Relaxed);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                stream.is_touched.store(true, Ordering::Relaxed);
                let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
                let left = stream.left.load(Ordering::Relaxed);
                let Some(left) = left.checked_sub(bytes) else {
                    stream.fault.store(TOO_LARGE, Ordering::Relaxed);
                    return Poll::Ready(Some(Err(axum::Error::new("the body is larger than the route allows"))));
                };
                stream.left.store(left, Ordering::Relaxed);
            }
            Poll::Ready(Some(Err(_))) => {
                stream.is_touched.store(true, Ordering::Relaxed);
                stream.fault.store(BROKE_OFF, Ordering::Relaxed);
            }
            Poll::Ready(None) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.body().size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn chunks(sizes: &'static [usize]) -> Body {
        Body::from_stream(stream::iter(sizes.iter().map(|size| Ok::<_, std::io::Error>(Bytes::from(vec![0; *size])))))
    }

    #[tokio::test]
    async fn a_stream_is_lent_again_until_something_was_taken_of_it() {
        let intake = Intake::of(chunks(&[2, 2]), 10, true, &Hygiene::default()).await.expect("small enough");
        drop(intake.lend());
        assert!(intake.is_intact());
        let mut lent = intake.lend();
        assert!(lent.frame().await.is_some_and(|frame| frame.is_ok()));
        assert!(!intake.is_intact());
    }

    #[tokio::test]
    async fn more_than_the_bound_is_a_fault_whether_announced_or_not() {
        assert_eq!(
            Intake::of(Body::from("12345"), 4, true, &Hygiene::default()).await.err(),
            Some(IntakeFault::TooLarge)
        );
        let intake = Intake::of(chunks(&[3, 3]), 5, true, &Hygiene::default()).await.expect("nobody knows yet");
        assert!(intake.lend().collect().await.is_err());
        assert_eq!(intake.fault(), Some(IntakeFault::TooLarge));
        let exact = Intake::of(chunks(&[3, 2]), 5, true, &Hygiene::default()).await.expect("nobody knows yet");
        assert_eq!(exact.lend().collect().await.expect("it fits").to_bytes().len(), 5);
    }

    #[tokio::test]
    async fn a_small_body_is_kept_only_where_it_may_be_sent_again() {
        assert!(matches!(Intake::of(Body::from("a"), 9, true, &Hygiene::default()).await, Ok(Intake::Whole(..))));
        assert!(matches!(Intake::of(Body::from("a"), 9, false, &Hygiene::default()).await, Ok(Intake::Streamed(_))));
        let large = Body::from(vec![0; usize::try_from(WHOLE).expect("small") + 1]);
        assert!(matches!(Intake::of(large, 1 << 20, true, &Hygiene::default()).await, Ok(Intake::Streamed(_))));
        assert!(Intake::of(Body::empty(), 9, true, &Hygiene::default()).await.expect("fine").is_empty());
    }

    #[tokio::test]
    async fn trailers_of_a_kept_body_go_with_each_attempt() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", http::HeaderValue::from_static("7"));
        let sent = trailers.clone();
        let body = Full::new(Bytes::from_static(b"abc")).with_trailers(async move { Some(Ok(sent)) });
        let intake = Intake::of(Body::new(body), 9, true, &Hygiene::default()).await.expect("small enough");
        for _ in 0..2 {
            let whole = intake.lend().collect().await.expect("all of it");
            assert_eq!(whole.trailers(), Some(&trailers));
            assert_eq!(whole.to_bytes(), "abc");
        }
    }

    #[tokio::test]
    async fn trailers_say_no_more_than_headers_may() {
        let names = ["x-sum", "x-user-id", "waypost-principal", "X_User_Id", "x-forwarded-for", "forwarded", "cookie"];
        let more =
            ["authorization", "host", "transfer-encoding", "content-length", "x-real-ip", "connection", "x-waypost-a"];
        for keep in [true, false] {
            let mut trailers = HeaderMap::new();
            for name in names.iter().chain(&more) {
                let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a name");
                trailers.insert(name, http::HeaderValue::from_static("7"));
            }
            let body = Full::new(Bytes::from_static(b"abc")).with_trailers(async move { Some(Ok(trailers)) });
            let intake = Intake::of(Body::new(body), 9, keep, &Hygiene::default()).await.expect("small enough");
            let whole = intake.lend().collect().await.expect("all of it");
            let left: Vec<&str> = whole.trailers().expect("trailers").keys().map(http::HeaderName::as_str).collect();
            assert_eq!(left, ["x-sum"], "{keep}");
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_the_callers_fault() {
        let broken = stream::iter([Ok(Bytes::from_static(b"a")), Err(std::io::Error::other("gone"))]);
        let intake = Intake::of(Body::from_stream(broken), 9, false, &Hygiene::default()).await.expect("it has begun");
        assert!(intake.lend().collect().await.is_err());
        assert_eq!(intake.fault(), Some(IntakeFault::BrokeOff));
    }
}
