//! One keep-alive connection.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer;
use super::worker::Shared;

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(5);

/// Room for a head and a short body; a redirect has about 300 bytes. Longer bodies pass through it in pieces.
const BUFFER: usize = 8 * 1024;

/// A connection and its buffers, which serve all its requests.
pub(super) struct Line {
    /// Its place in the thread's tally.
    slot: usize,
    /// Its number among all connections of the load.
    pub(super) number: u64,
    stream: TcpStream,
    buffer: Vec<u8>,
    scratch: Vec<u8>,
}

/// How far a request got that was not answered.
enum Fault {
    /// The connection did not take all of it.
    Unsent(String),
    /// It was sent; the answer did not arrive completely.
    Unanswered(String),
}

impl Line {
    pub(super) fn new(slot: usize, number: u64, stream: TcpStream) -> Self {
        Self { slot, number, stream, buffer: vec![0; BUFFER], scratch: Vec::new() }
    }

    /// Sends one request and awaits its answer, whose latency counts from `from`; gives the instant of its arrival.
    ///
    /// `None` means that the connection is broken and the tally says why. It is not opened again: what was sent on it
    /// must stay countable, and a server that is gone would only be knocked at in vain.
    pub(super) async fn exchange(&mut self, shared: &Shared, from: Instant) -> Option<Instant> {
        let (path, sequence) = {
            let mut tally = shared.tally.borrow_mut();
            let connection = &mut tally.connections[self.slot];
            let sequence = connection.answered;
            let path = shared.plan.path(self.number, sequence);
            // Noted before the first byte leaves: a load that is cut off finds it here.
            connection.unanswered = Some((path, sequence));
            (path, sequence)
        };
        match self.send_and_receive(shared, path, sequence).await {
            Ok(head) => {
                let now = Instant::now();
                shared.tally.borrow_mut().answered(self.slot, head.status, now.saturating_duration_since(from));
                shared.last_answer.set(now);
                // Only this thread writes, so a load and a store do, without the bus lock of an addition.
                let answered = &shared.signals.answered;
                answered.store(answered.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                if head.closes {
                    match connect(shared.plan.target).await {
                        Ok(stream) => self.stream = stream,
                        Err(error) => {
                            shared.fault(format!("connect: {error}"));
                            return None;
                        }
                    }
                }
                Some(now)
            }
            Err(Fault::Unsent(reason)) => {
                let mut tally = shared.tally.borrow_mut();
                tally.connections[self.slot].unanswered = None;
                tally.unsent += 1;
                drop(tally);
                shared.fault(reason);
                None
            }
            Err(Fault::Unanswered(reason)) => {
                shared.fault(reason);
                None
            }
        }
    }

    async fn send_and_receive(&mut self, shared: &Shared, path: usize, sequence: u64) -> Result<answer::Head, Fault> {
        let request = shared.plan.requests.bytes(path, self.number, sequence, &mut self.scratch);
        // An error here means that the kernel refused part of the request, so the server cannot have read all of it.
        self.stream.write_all(request).await.map_err(|error| Fault::Unsent(format!("write: {error}")))?;

        let unanswered = |reason: &str| Fault::Unanswered(reason.to_owned());
        let mut filled = 0;
        let head = loop {
            filled += self.read(filled).await?;
            match answer::head(&self.buffer[..filled]) {
                Ok(Some(head)) => break head,
                Ok(None) if filled < BUFFER => {}
                Ok(None) => return Err(unanswered("the head of the answer is longer than 8 KiB")),
                Err(reason) => return Err(unanswered(reason)),
            }
        };
        // Bodies are counted, not kept.
        let mut received = filled;
        while received < head.length {
            received += self.read(0).await?;
        }
        if received > head.length { Err(unanswered("more bytes came than the answer has")) } else { Ok(head) }
    }

    async fn read(&mut self, from: usize) -> Result<usize, Fault> {
        match self.stream.read(&mut self.buffer[from..]).await {
            Ok(0) => Err(Fault::Unanswered("read: closed before the answer was complete".to_owned())),
            Ok(count) => Ok(count),
            Err(error) => Err(Fault::Unanswered(format!("read: {error}"))),
        }
    }
}

/// Opens a connection that sends each request at once.
pub(super) async fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    let stream = timeout(CONNECT, TcpStream::connect(target)).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}
