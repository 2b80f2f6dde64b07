//! Writes a stream that has left hyper: the body's parts go out as they come, and nothing is kept while it waits.
//!
//! Parts go out in batches of some 64 KiB at most, and the body is not asked while one is on its way: a session behind it
//! notices nothing meanwhile, neither that its token ended nor that the node stops. So a reader has a limited time for the
//! whole batch, however much of it is taken now and then; who takes it in time may be as slow for as long as they like.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::{Timer, cut, timer};
use super::handover::{Framing, Handed};

/// Parts of a body that go out in one call of the system, if they are there together: as many as hyper gathers.
const MOST_PARTS: usize = 16;

/// Bytes above which no more are gathered: what one call usually takes.
const MOST_BYTES: usize = 64 * 1024;

/// A stream, until it or its connection is through.
#[derive(Debug)]
pub(super) struct Streaming<I> {
    io: I,
    peer: SocketAddr,
    /// None once it has ended.
    body: Option<Body>,
    framing: Framing,
    outgoing: Outgoing,
    /// What was written is to be flushed.
    is_unflushed: bool,
    /// The peer has sent more, which is not for this answer; from then on nothing is read.
    has_spoken: bool,
    /// How long the reader may take for a batch.
    still: Duration,
    /// There while a batch is on its way.
    stalled: Option<Timer>,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Streaming<I> {
    /// What goes on with `handed` on `io`, where its head went out.
    pub(super) fn new(io: I, peer: SocketAddr, handed: Handed) -> Self {
        Self {
            io,
            peer,
            body: Some(handed.body),
            framing: handed.framing,
            outgoing: Outgoing::default(),
            is_unflushed: false,
            has_spoken: false,
            still: handed.still,
            stalled: None,
        }
    }

    /// Ready when the peer has gone.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_spoken {
            return Poll::Pending;
        }
        let mut bytes = [0; 16];
        let mut bytes = ReadBuf::new(&mut bytes);
        match ready!(Pin::new(&mut self.io).poll_read(cx, &mut bytes)) {
            // Left where it is, so that who keeps talking is slowed down by the system.
            Ok(()) if !bytes.filled().is_empty() => {
                self.has_spoken = true;
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// Writes what there is to write.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = ready!(self.outgoing.poll_write(&mut self.io, cx))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.is_unflushed = true;
        }
        if self.is_unflushed {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.is_unflushed = false;
            // Not with each part of it: a byte now and then would hold up the body for good.
            self.stalled = None;
        }
        Poll::Ready(Ok(()))
    }

    /// Gathers what the body has.
    fn poll_gather(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        let (mut parts, mut length) = (VecDeque::new(), 0);
        while let Some(body) = &mut self.body {
            if parts.len() >= MOST_PARTS || length >= MOST_BYTES {
                break;
            }
            match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(frame)) => {
                    // An empty chunk would be the end.
                    if let Ok(data) = frame?.into_data()
                        && !data.is_empty()
                    {
                        length += data.len();
                        parts.push_back(data);
                    }
                }
                Poll::Ready(None) => self.body = None,
                Poll::Pending if parts.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        self.outgoing = Outgoing::new(parts, length, self.framing, self.body.is_none());
        Poll::Ready(Ok(()))
    }

    fn poll_through(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        if self.poll_gone(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        loop {
            ready!(self.poll_out(cx)).map_err(axum::Error::new)?;
            if self.body.is_none() {
                return Pin::new(&mut self.io).poll_shutdown(cx).map_err(axum::Error::new);
            }
            ready!(self.poll_gather(cx))?;
        }
    }

    /// Ready when the reader has had too long for the batch, or for the end.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_behind = !self.outgoing.is_empty() || self.is_unflushed || self.body.is_none();
        if !is_behind {
            return Poll::Pending;
        }
        let still = self.still;
        self.stalled.get_or_insert_with(|| timer(still)).as_mut().poll(cx).map(drop)
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> Future for Streaming<I> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        match this.poll_through(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            // Without its last chunk, so that the peer sees that something is missing.
            Poll::Ready(Err(fault)) => {
                tracing::debug!(peer = %this.peer, reason = %fault, "a stream ended in an error");
                Poll::Ready(())
            }
            Poll::Pending => this.poll_stalled(cx).map(|()| cut("slow_reader", this.peer)),
        }
    }
}

/// Bytes on their way.
#[derive(Debug, Default)]
struct Outgoing(VecDeque<Bytes>);

impl Outgoing {
    /// `parts` of `length` bytes in all as one chunk, and the end of the body if it is one.
    fn new(mut parts: VecDeque<Bytes>, length: usize, framing: Framing, is_end: bool) -> Self {
        if framing == Framing::Chunked {
            if length > 0 {
                parts.push_front(Bytes::from(format!("{length:X}\r\n")));
            }
            match (length > 0, is_end) {
                (true, true) => parts.push_back(Bytes::from_static(b"\r\n0\r\n\r\n")),
                (true, false) => parts.push_back(Bytes::from_static(b"\r\n")),
                (false, true) => parts.push_back(Bytes::from_static(b"0\r\n\r\n")),
                (false, false) => {}
            }
        }
        Self(parts)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn poll_write<I: AsyncWrite + Unpin>(&mut self, io: &mut I, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); MOST_PARTS + 2];
        let count = self.0.iter().zip(&mut slices).map(|(part, slice)| *slice = IoSlice::new(part)).count();
        let written = ready!(Pin::new(io).poll_write_vectored(cx, &slices[..count]))?;
        let mut left = written;
        while let Some(first) = self.0.front_mut() {
            if left < first.len() {
                first.advance(left);
                break;
            }
            left -= first.len();
            self.0.pop_front();
        }
        if self.0.is_empty() {
            // Gives its memory back.
            self.0 = VecDeque::new();
        }
        Poll::Ready(Ok(written))
    }
}
