//! A WebSocket from its handshake to its end.

use std::fmt;
use std::future::{Future, Pending, pending};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Timeout;
use tungstenite::Message;
use waypost_core::push::{Closing, Drive, Gone, Push, PushTransport, Reason, Session};
use waypost_core::wire::v1::{ErrorDetail, ServerFrame};
use waypost_core::{Error, Kind};

use super::code;
use super::command::{self, Command, Refused};
use super::incoming::{Fault, Incoming};
use super::transport::WebSocketTransport;

/// How much is read at once, on the stack: several commands, or a piece of a large one.
const CHUNK: usize = 4 * 1024;
/// How long the other side has to close once we have, or has been answered: a round trip, even a bad one.
const FAREWELL: Duration = Duration::from_secs(3);
/// How much of what it still sends meanwhile is thrown away.
const LEFTOVERS: usize = 256 * 1024;

/// Tells an error as it is told on the wire: codes are the server's business.
pub type Explain = Arc<dyn Fn(&Error) -> ErrorDetail + Send + Sync>;

/// Drives a WebSocket over `io`, past its handshake, until either side ends it: what `session` has to tell goes out, and
/// what the client sends is done.
///
/// To be spawned, as a task of its own. Dropped, it drops the connection without a word.
pub fn serve<IO>(io: IO, session: Session, explain: Explain) -> Serving<IO>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin,
{
    let talk = Talk { session, drive: Drive::default(), incoming: Incoming::default(), explain };
    Serving { transport: WebSocketTransport::new(io), stage: Stage::Talking(talk) }
}

/// Tells a client that there is no place for it, past its handshake: of the status of an answer browsers tell their pages
/// nothing.
pub fn refuse<IO>(io: IO, closing: Closing) -> Serving<IO>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin,
{
    let mut transport = WebSocketTransport::new(io);
    transport.push(Push::Closing(closing));
    Serving { transport, stage: Stage::Leaving(Farewell::default()) }
}

/// A WebSocket that is being served: made by [`serve`] and [`refuse`].
pub struct Serving<IO> {
    transport: WebSocketTransport<IO>,
    stage: Stage,
}

#[allow(clippy::large_enum_variant, reason = "nearly all of a socket's life is spent in the large one")]
enum Stage {
    Talking(Talk),
    Leaving(Farewell),
}

/// How the talk ended.
enum End {
    /// The last frames of both sides are on their way or there.
    Closed,
    /// The other side is gone, or takes nothing.
    Gone,
}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin> Future for Serving<IO> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { transport, stage } = self.get_mut();
        if let Stage::Talking(talk) = stage {
            match ready!(talk.poll(transport, cx)) {
                // With the session its place is given back.
                End::Closed => *stage = Stage::Leaving(Farewell::default()),
                End::Gone => return Poll::Ready(()),
            }
        }
        match stage {
            Stage::Leaving(farewell) => farewell.poll(transport, cx),
            Stage::Talking(_) => Poll::Ready(()),
        }
    }
}

impl<IO> fmt::Debug for Serving<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("transport", &self.transport).finish_non_exhaustive()
    }
}

/// A session and its client.
struct Talk {
    session: Session,
    drive: Drive,
    incoming: Incoming,
    explain: Explain,
}

impl Talk {
    fn poll<IO>(&mut self, transport: &mut WebSocketTransport<IO>, cx: &mut Context<'_>) -> Poll<End>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin,
    {
        loop {
            if let Poll::Ready(ended) = self.drive.poll(&mut self.session, transport, cx) {
                return Poll::Ready(if ended.is_ok() { End::Closed } else { End::Gone });
            }
            if transport.outgoing.has_moved() {
                // Whoever reads is there, though the answer to a ping may wait behind all that is still to be read.
                self.session.heard();
            }
            if transport.is_closed() {
                return Poll::Pending;
            }
            match transport.poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(Gone)) => return Poll::Ready(End::Gone),
                // Who does not read is not read from.
                Poll::Pending => return Poll::Pending,
            }
            if let Some(end) = ready!(self.listen(transport, cx)) {
                return Poll::Ready(end);
            }
        }
    }

    /// Reads once, and does what was asked for.
    fn listen<IO>(&mut self, transport: &mut WebSocketTransport<IO>, cx: &mut Context<'_>) -> Poll<Option<End>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut room = [MaybeUninit::uninit(); CHUNK];
        let mut chunk = ReadBuf::uninit(&mut room);
        if ready!(transport.poll_read(cx, &mut chunk)).is_err() || chunk.filled().is_empty() {
            return Poll::Ready(Some(End::Gone));
        }
        let now = self.session.now();
        let mut bytes = chunk.filled();
        let mut outcome = self.incoming.admit(bytes, now);
        while outcome.is_ok()
            && let Some(message) = self.incoming.next(&mut bytes, &mut transport.outgoing)
        {
            self.session.heard();
            outcome = match message {
                Ok(Message::Text(text)) => self.obey(&text, transport, now),
                Ok(Message::Close(_)) => return Poll::Ready(Some(End::Closed)),
                Ok(Message::Binary(_)) => Err(Fault::Violation(code::BINARY)),
                // The library has answered a ping.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Ok(()),
                Err(fault) => Err(fault),
            };
        }
        match outcome {
            Ok(()) => {}
            Err(Fault::Flood) => self.session.close(Reason::RateLimited),
            Err(Fault::Violation(code)) => {
                transport.violation = Some(code);
                self.session.close(Reason::Violation);
            }
        }
        Poll::Ready(None)
    }

    /// Does what a message asks for.
    fn obey<IO>(&mut self, text: &str, transport: &mut WebSocketTransport<IO>, now: Timestamp) -> Result<(), Fault>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let command = command::read(text, &self.session);
        // What is not even JSON counts twice: it costs the reading of it, and no client that works sends it.
        let is_noise = matches!(&command, Err(refused) if refused.error.kind() == Kind::Malformed);
        let answer = match command.and_then(|command| self.run(command)) {
            Ok(answer) => answer,
            Err(Refused { id, error }) => Some(ServerFrame::Error { id, error: (self.explain)(&error) }),
        };
        if let Some(answer) = answer {
            transport.answer(&answer);
        }
        if is_noise { self.incoming.charge(1, now) } else { Ok(()) }
    }

    fn run(&mut self, command: Command) -> Result<Option<ServerFrame>, Refused> {
        let known = |is_known, id: String, answer: fn(String) -> Option<ServerFrame>| {
            if is_known {
                Ok(answer(id))
            } else {
                Err(Refused { id: Some(id), error: Error::not_found("subscription") })
            }
        };
        match command {
            Command::Subscribe(wanted) => {
                let id = (*wanted.id).to_owned();
                // The session itself tells once it stands.
                self.session.subscribe(wanted).map(|()| None).map_err(|error| Refused { id: Some(id), error })
            }
            Command::Unsubscribe { id } => {
                known(self.session.unsubscribe(&id), id, |id| Some(ServerFrame::Unsubscribed { id }))
            }
            Command::Acknowledge { id, position } => known(self.session.acknowledge(&id, position), id, |_| None),
            Command::Ping => Ok(Some(ServerFrame::Pong {})),
        }
    }
}

/// What is left after the last frame: the other side is given time to close, since a connection that is cut with bytes
/// unread loses what is still on its way to it.
#[derive(Default)]
struct Farewell {
    timer: Option<Pin<Box<Timeout<Pending<()>>>>>,
    thrown_away: usize,
}

impl Farewell {
    fn poll<IO>(&mut self, transport: &mut WebSocketTransport<IO>, cx: &mut Context<'_>) -> Poll<()>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::timeout(FAREWELL, pending())));
        if timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // The server ends first (RFC 6455 §7.1.1): our side only, so that its last frame still comes in.
        if ready!(transport.poll_shut(cx)).is_err() {
            return Poll::Ready(());
        }
        while self.thrown_away < LEFTOVERS {
            let mut room = [MaybeUninit::uninit(); CHUNK];
            let mut chunk = ReadBuf::uninit(&mut room);
            if ready!(transport.poll_read(cx, &mut chunk)).is_err() || chunk.filled().is_empty() {
                return Poll::Ready(());
            }
            self.thrown_away += chunk.filled().len();
        }
        Poll::Ready(())
    }
}
