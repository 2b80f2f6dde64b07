//! The socket as hyper sees it: bytes that come in are noted, and the first ones say which protocol it is.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::hold::Hold;
use super::progress::Progress;

/// What every HTTP/2 client says first (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A socket whose reads and flushes are noted. It goes along when another protocol takes the connection over.
#[derive(Debug)]
pub(super) struct Socket<I> {
    io: I,
    progress: Arc<Progress>,
    /// What was read to learn the protocol, and is given back to who reads next.
    first: [u8; PREFACE.len()],
    filled: u8,
    given: u8,
    // After the socket: its place is free once it is closed.
    hold: Hold,
}

impl<I> Socket<I> {
    pub(super) fn new(io: I, hold: Hold, progress: Arc<Progress>) -> Self {
        Self { io, progress, first: [0; PREFACE.len()], filled: 0, given: 0, hold }
    }

    pub(super) fn into_inner(self) -> (I, Hold) {
        (self.io, self.hold)
    }
}

impl<I: AsyncRead + Unpin> Socket<I> {
    /// Whether the peer speaks HTTP/2: its first bytes are the preface. The first one that is not tells that it does not;
    /// so does an end.
    pub(super) fn poll_is_http2(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool>> {
        loop {
            let filled = usize::from(self.filled);
            let mut rest = ReadBuf::new(&mut self.first[filled..]);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut rest))?;
            let read = rest.filled().len();
            let filled = filled + read;
            // At most 24.
            self.filled = filled as u8;
            if read == 0 || self.first[..filled] != PREFACE[..filled] {
                return Poll::Ready(Ok(false));
            }
            if filled == PREFACE.len() {
                return Poll::Ready(Ok(true));
            }
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Socket<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if this.given < this.filled {
            let first = &this.first[usize::from(this.given)..usize::from(this.filled)];
            let first = &first[..first.len().min(buf.remaining())];
            buf.put_slice(first);
            // At most 24.
            this.given += first.len() as u8;
        }
        // What else has come goes along: of a part of a head hyper makes two rounds, and a buffer of twice the size.
        let polled = if buf.remaining() > 0 { Pin::new(&mut this.io).poll_read(cx, buf) } else { Poll::Ready(Ok(())) };
        if buf.filled().len() > before {
            this.progress.read();
            // An end or an error is met again at the next read.
            return Poll::Ready(Ok(()));
        }
        if polled.is_pending() && this.progress.is_taken_over() {
            return this.hold.poll_cut_reading(cx).map(Err);
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> Socket<I> {
    /// Does what writes, unless that waits and the socket is cut off.
    fn writing<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut I>, &mut Context<'_>) -> Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        let polled = write(Pin::new(&mut self.io), cx);
        if polled.is_pending() && self.progress.is_taken_over() {
            return self.hold.poll_cut_writing(cx).map(Err);
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Socket<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.get_mut().writing(cx, |io, cx| io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        ready!(this.writing(cx, |io, cx| io.poll_flush(cx)))?;
        this.progress.handover.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().writing(cx, |io, cx| io.poll_shutdown(cx))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.get_mut().writing(cx, |io, cx| io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
