//! The threads that answer: one for each processor, each with a runtime and a socket of its own.
//!
//! All sockets share the address (`SO_REUSEPORT`), and the system spreads the connections over them. So a follow is read,
//! carried out and answered by one thread that never hands anything to another: measured against one runtime whose
//! threads share their work, this is a third more redirects a second. What takes longer, the API, runs on the program's
//! main runtime and cannot hold a front up (see [`Gateway::with_api_on`]).

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::thread::{self, available_parallelism};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use waypost_server_axum::tls::{HandshakeLimits, Tls, TlsListener};
use waypost_server_axum::{Gateway, ServeOptions, serve};

/// How many connections may wait to be accepted, for each front.
const WAITING: u32 = 1_024;

/// Sockets that listen on one address.
#[derive(Debug)]
pub(super) struct Fronts {
    address: SocketAddr,
    sockets: Vec<std::net::TcpListener>,
}

impl Fronts {
    /// Listens on `address`, once for each processor.
    ///
    /// # Errors
    /// Those of the system; `AddrInUse` also where another program shares the address in the same way.
    pub(super) fn listen(address: SocketAddr) -> io::Result<Self> {
        // Only a socket that does not share can tell whether somebody else is there.
        drop(std::net::TcpListener::bind(address)?);
        let first = socket(address)?;
        let address = first.local_addr()?;
        let mut sockets = vec![first];
        for _ in 1..available_parallelism().map_or(1, NonZeroUsize::get) {
            sockets.push(socket(address)?);
        }
        Ok(Self { address, sockets })
    }

    /// Where they listen, with the port that was chosen if none was named.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then lets requests end. Says how many connections were cut at the end of the grace.
    pub(super) async fn serve(
        self,
        gateway: Gateway,
        tls: Option<Tls>,
        options: ServeOptions,
        stop: CancellationToken,
    ) -> io::Result<usize> {
        let mut ends = FuturesUnordered::new();
        // The bound is the server's: each front has its share.
        let share = options.max_connections.div_ceil(self.sockets.len());
        let options = ServeOptions { max_connections: share, ..options };
        let shakes = HandshakeLimits::default();
        let shakes = HandshakeLimits { most: shakes.most.div_ceil(self.sockets.len()), ..shakes };
        for (number, socket) in self.sockets.into_iter().enumerate() {
            let (gateway, stop) = (gateway.clone(), stop.clone());
            let tls = tls.clone().map(|tls| (tls, shakes));
            let (end, ended) = oneshot::channel();
            let front = move || {
                let _ = end.send(front(socket, gateway, tls, options, stop));
            };
            thread::Builder::new().name(format!("front-{number}")).spawn(front)?;
            ends.push(ended);
        }
        let (mut cut, mut fault) = (0, None);
        while let Some(ended) = ends.next().await {
            match ended.unwrap_or_else(|_| Err(io::Error::other("a thread that answers has died"))) {
                Ok(connections) => cut += connections,
                // Without one of its fronts a server answers some and not others: the rest ends too, in good order.
                Err(broken) => {
                    stop.cancel();
                    fault.get_or_insert(broken);
                }
            }
        }
        fault.map_or(Ok(cut), Err)
    }
}

/// One front, from its first connection to its last.
fn front(
    socket: std::net::TcpListener,
    gateway: Gateway,
    tls: Option<(Tls, HandshakeLimits)>,
    options: ServeOptions,
    stop: CancellationToken,
) -> io::Result<usize> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(socket)?;
        let gateway = if tls.is_some() { gateway.over_tls() } else { gateway };
        let make = move |peer| gateway.for_peer(peer);
        let served = match tls {
            Some((tls, limits)) => serve(TlsListener::new(listener, tls, limits), make, options, stop).await,
            None => serve(listener, make, options, stop).await,
        };
        Ok(served.cut)
    })
}

fn socket(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)?.into_std()
}
