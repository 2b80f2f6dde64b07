//! Session and transport, driven together.

use std::task::{Context, Poll};

use super::{Gone, Push, PushTransport, Session};

/// Carries what a session has to tell to its subscriber, until the last word was sent or the subscriber is gone.
///
/// It is polled by the task that owns both, whenever either of them wakes it. Pending means that everything that could be
/// sent was sent.
#[derive(Debug, Default)]
pub struct Drive {
    is_over: bool,
}

impl Drive {
    /// Goes on. Ready when the last word was sent, or never can be.
    pub fn poll(
        &mut self,
        session: &mut Session,
        transport: &mut dyn PushTransport,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Gone>> {
        loop {
            if self.is_over {
                if transport.poll_flush(cx)?.is_ready() {
                    return Poll::Ready(Ok(()));
                }
                return session.poll_patience(cx).map(|()| Err(Gone));
            }
            let next = match transport.poll_ready(cx)? {
                Poll::Ready(()) => session.poll_next(cx),
                Poll::Pending => session.poll_overdue(cx),
            };
            match next {
                Poll::Ready(push) => {
                    self.is_over = matches!(push, Push::Closing(_));
                    transport.push(push);
                }
                Poll::Pending => {
                    // What cannot be sent at once wakes us later.
                    let _ = transport.poll_flush(cx)?;
                    return Poll::Pending;
                }
            }
        }
    }
}
