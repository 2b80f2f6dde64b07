//! A network between a node and a server, that can be made slow, cut and deaf while both run.

mod relay;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::port;

/// Connections open at a time; more wait to be accepted, as they would with a busy server.
const CONNECTIONS: usize = 1_000;

/// How long a change of mode may take to be in force on a busy machine.
const CHANGE: Duration = Duration::from_secs(10);

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Carries everything at once.
    Pass,
    /// Holds whatever arrives for that long, in each direction.
    Delay(Duration),
    /// Closes every connection and refuses new ones.
    Cut,
    /// Accepts and keeps connections, and moves no byte, nor the end of a connection, in either direction. What was
    /// sent meanwhile goes on with the next mode, as TCP would send it again.
    BlackHole,
    /// Carries that many more bytes, counted over all connections and both directions; from there each connection is
    /// closed at its next byte, so that one of them ends in the middle of a message.
    CutAfter(u64),
}

/// What connections go by: a mode, and what is left of its bytes.
#[derive(Clone)]
struct Weather {
    mode: Mode,
    left: Arc<AtomicU64>,
}

impl Weather {
    fn new(mode: Mode) -> Self {
        let left = if let Mode::CutAfter(bytes) = mode { bytes } else { u64::MAX };
        Self { mode, left: Arc::new(AtomicU64::new(left)) }
    }
}

/// A change of mode, and whom to tell when it is in force.
struct Change {
    mode: Mode,
    done: SyncSender<io::Result<()>>,
}

/// A TCP proxy on a port of its own, in front of one target; every connection ends when it is dropped.
///
/// It knocks at the target for each connection that it has accepted. A target that is down thus looks like one that
/// accepts and hangs up; only [`Mode::Cut`] refuses.
pub struct Proxy {
    address: SocketAddr,
    // Taken on drop, which ends the thread.
    changes: Option<UnboundedSender<Change>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy that passes everything on to the target, which need not be there yet.
    ///
    /// # Errors
    ///
    /// When no port is free, or no thread.
    pub fn start(target: SocketAddr) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?));
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (changes, received) = unbounded_channel();
        // One thread for all connections: a fleet of nodes keeps hundreds.
        let thread = thread::Builder::new().name("proxy".to_owned()).spawn(move || {
            runtime.block_on(async {
                if let Ok(listener) = TcpListener::from_std(listener) {
                    run(address, target, listener, received).await;
                }
            });
        })?;
        Ok(Self { address, changes: Some(changes), thread: Some(thread) })
    }

    /// Where to connect to instead of the target.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what the network does; in force when this returns.
    ///
    /// # Errors
    ///
    /// When the port cannot be listened on again after [`Mode::Cut`].
    pub fn set(&self, mode: Mode) -> io::Result<()> {
        let gone = || io::Error::other("the proxy has ended");
        let (done, answer) = sync_channel(1);
        let changes = self.changes.as_ref().ok_or_else(gone)?;
        changes.send(Change { mode, done }).map_err(|_| gone())?;
        answer.recv_timeout(CHANGE).map_err(io::Error::other)?
    }

    /// Passes everything again.
    ///
    /// # Errors
    ///
    /// As [`Proxy::set`].
    pub fn heal(&self) -> io::Result<()> {
        self.set(Mode::Pass)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.changes.take());
        // A thread that panicked has ended too.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Accepts connections and changes modes until nobody can ask for a change any more.
async fn run(address: SocketAddr, target: SocketAddr, listener: TcpListener, mut changes: UnboundedReceiver<Change>) {
    let mut listener = Some(listener);
    let (weather, watched) = watch::channel(Weather::new(Mode::Pass));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            change = changes.recv() => {
                let Some(Change { mode, done }) = change else { return };
                let changed = if mode == Mode::Cut {
                    listener = None;
                    connections.shutdown().await;
                    Ok(())
                } else if listener.is_none() {
                    TcpListener::bind(address).await.map(|bound| listener = Some(bound))
                } else {
                    Ok(())
                };
                weather.send_replace(Weather::new(mode));
                // Whoever asked may have stopped waiting.
                let _ = done.send(changed);
            }
            accepted = accept(listener.as_ref()), if listener.is_some() && connections.len() < CONNECTIONS => {
                // A client that hung up before it was accepted is no concern of the others.
                if let Some(client) = accepted {
                    connections.spawn(relay::connection(client, target, watched.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    Some(listener?.accept().await.ok()?.0)
}
