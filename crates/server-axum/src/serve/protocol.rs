//! HTTP/1.1 or HTTP/2, as the peer's first bytes say.

use std::convert::Infallible;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Options;
use super::hold::Hold;
use super::socket::Socket;

/// The settings of hyper.
#[derive(Debug)]
pub(super) struct Builders {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Builders {
    pub(super) fn new(options: &Options) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            // The driver has a timer that also knows the first head and idle connections.
            .header_read_timeout(None)
            .max_headers(options.max_fields)
            // hyper panics below 8 KiB.
            .max_buf_size(options.head_buffer.max(8 * 1024));
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(options.max_streams)
            .max_header_list_size(u32::try_from(options.head_buffer).unwrap_or(u32::MAX))
            .keep_alive_interval(options.ping_interval)
            .keep_alive_timeout(Duration::from_secs(20));
        Self { http1, http2 }
    }
}

type Http1<I, S> = http1::UpgradeableConnection<TokioIo<Socket<I>>, S>;
type Http2<I, S> = http2::Connection<TokioIo<Socket<I>>, S, TokioExecutor>;

/// A connection in the hands of hyper.
#[expect(clippy::large_enum_variant, reason = "the largest is what nearly all come to be")]
pub(super) enum Protocol<I, S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    /// The peer has not said it yet.
    Unknown(Arc<Builders>, Socket<I>, S),
    Http1(Http1<I, S>),
    /// On the heap: it is twice as large as the other, and rare where many connections are.
    Http2(Pin<Box<Http2<I, S>>>),
    /// Shut down before it was known, or taken apart.
    Closed,
}

impl<I, S> Protocol<I, S>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    /// Does what there is to do; ready once the connection is through or upgraded.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if let Self::Unknown(_, socket, _) = self {
            let is_http2 = ready!(socket.poll_is_http2(cx))?;
            if let Self::Unknown(builders, socket, service) = mem::replace(self, Self::Closed) {
                let io = TokioIo::new(socket);
                *self = match is_http2 {
                    true => Self::Http2(Box::pin(builders.http2.serve_connection(io, service))),
                    false => Self::Http1(builders.http1.serve_connection(io, service).with_upgrades()),
                };
            }
        }
        match self {
            Self::Http1(connection) => Pin::new(connection).poll(cx).map_err(Into::into),
            Self::Http2(connection) => connection.as_mut().poll(cx).map_err(Into::into),
            Self::Unknown(..) | Self::Closed => Poll::Ready(Ok(())),
        }
    }

    /// Lets what is under way end, and takes nothing new.
    pub(super) fn shut_down(&mut self) {
        match self {
            Self::Http1(connection) => Pin::new(connection).graceful_shutdown(),
            Self::Http2(connection) => connection.as_mut().graceful_shutdown(),
            Self::Unknown(..) | Self::Closed => *self = Self::Closed,
        }
    }

    /// Takes the connection back from hyper. What hyper has read and not used is gone, what it has not written too: this
    /// is for a [handover](super::handover) that is complete.
    pub(super) fn into_io(self) -> Option<(I, Hold)> {
        match self {
            Self::Http1(connection) => Some(connection.into_parts()?.io.into_inner().into_inner()),
            _ => None,
        }
    }
}
