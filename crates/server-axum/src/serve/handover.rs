//! Streams that last leave hyper once their head is written.
//!
//! hyper keeps two buffers of 8 KiB and the state of a whole conversation for each connection, and no setting makes it let
//! them go while a body is written: 16.6 KiB resident, measured at 10,000 idle streams. A stream that lasts for hours and
//! mostly waits needs none of it, and costs 1.4 KiB without; 2.5 with the gateway's layers. So
//! 1. hyper gets the head as it is, and in place of the body one that never yields ([`Unyielding`]);
//! 2. once the head is flushed hyper has nothing left to say: the connection is [taken
//!    back](super::protocol::Protocol::into_io), and hyper with its buffers goes;
//! 3. the body is written by a [writer](super::stream) that holds no more than what is on its way.
//!
//! Nothing changes on the wire but that the answer says `Connection: close`: the body is chunked as hyper would have
//! chunked it, or ends with the connection where the request was HTTP/1.0 (RFC 9112 §6.3).

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Frame;

use super::progress::InFlight;

/// On a response: its body lasts long and mostly waits, as server-sent events do.
///
/// Over HTTP/1.1 such a stream costs less than 3 KiB of memory while it waits instead of 17, and its connection closes
/// after it (`Connection: close`); so it is not for answers that are soon over. Over HTTP/1.0 it is the same. The mark has
/// effect on a 200 of unknown length to a `GET` without a body, and none elsewhere: on other answers, over HTTP/2, and on a
/// server that is not [`serve`](fn@crate::serve), the body is streamed as any other. Trailers are dropped.
///
/// A reader who takes nothing of what is there is cut as any reader of a stream, after the time of the route's
/// [deadline](crate::gateway::deadline), or else after [`idle_timeout`](crate::ServeOptions::idle_timeout).
///
/// ```
/// use axum::body::Body;
/// use axum::response::Response;
/// use waypost_server_axum::LongLived;
///
/// fn events(body: Body) -> Response {
///     let mut response = Response::new(body);
///     response.extensions_mut().insert(LongLived);
///     response
/// }
/// # assert!(events(Body::empty()).extensions().get::<LongLived>().is_some());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LongLived;

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By an empty chunk (RFC 9112 §7.1).
    Chunked,
    /// By the end of the connection: HTTP/1.0 knows no chunks.
    Close,
}

impl Framing {
    /// How a stream that answers `request` would be framed, if it could leave hyper.
    pub(super) fn of<B: HttpBody>(request: &Request<B>) -> Option<Self> {
        // While hyper still reads a body it cannot be left.
        if request.method() != Method::GET || !request.body().is_end_stream() {
            return None;
        }
        match request.version() {
            Version::HTTP_11 => Some(Self::Chunked),
            Version::HTTP_10 => Some(Self::Close),
            _ => None,
        }
    }
}

/// What goes on without hyper.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) body: Body,
    pub(super) framing: Framing,
    /// How long the reader may take nothing of what is there.
    pub(super) still: Duration,
}

impl Handed {
    /// Takes the body of an answer that is to leave hyper, if it can.
    #[expect(clippy::result_large_err, reason = "it is no error, and moved once")]
    pub(super) fn take(
        response: Response<Body>,
        framing: Option<Framing>,
        still: Duration,
    ) -> Result<(Parts, Self), Response<Body>> {
        let is_framed = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| response.headers().contains_key(name));
        let Some(framing) = framing.filter(|_| response.status() == StatusCode::OK && !is_framed) else {
            return Err(response);
        };
        if response.body().size_hint().exact().is_some() {
            return Err(response);
        }
        let (mut parts, body) = response.into_parts();
        parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        Ok((parts, Self { body, framing, still }))
    }
}

/// How far a connection is on its way out of hyper.
#[derive(Debug, Default)]
pub(super) struct Handover {
    handed: Mutex<Option<Handed>>,
    /// hyper has encoded the head and asks for the body.
    is_encoded: AtomicBool,
    /// Since then it has flushed the socket, and holds nothing.
    is_flushed: AtomicBool,
}

impl Handover {
    pub(super) fn offer(&self, handed: Handed) {
        *self.handed.lock().unwrap_or_else(PoisonError::into_inner) = Some(handed);
    }

    /// hyper flushes the socket when it has written all that it had.
    pub(super) fn flushed(&self) {
        if self.is_encoded.load(Ordering::Relaxed) {
            self.is_flushed.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_flushed.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self) -> Option<Handed> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body of unknown length that never yields: hyper writes the head, asks for the first part, and waits.
pub(super) struct Unyielding(pub(super) InFlight);

impl HttpBody for Unyielding {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.0.progress().handover.is_encoded.store(true, Ordering::Relaxed);
        Poll::Pending
    }
}
