//! Handshakes, beside the accept loop.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Tls;
use crate::gateway::metrics::names::HANDSHAKES_FAILED as FAILED;
use crate::serve::Listener;

/// How long and how many.
#[derive(Clone, Copy, Debug)]
pub struct HandshakeLimits {
    /// 10 s for a handshake: what a head has, and more than the worst mobile network needs for its three round trips.
    pub timeout: Duration,
    /// 1,024 under way at a time, some 20 KiB each. Above that the oldest gives way to the newcomer: honest ones are
    /// through in a second, so it is those who stall that go.
    pub most: usize,
}

impl Default for HandshakeLimits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), most: 1_024 }
    }
}

/// A listener whose connections speak TLS.
///
/// Plain HTTP is answered with 400 and closed. Handshakes run in tasks of their own; they count against
/// [`HandshakeLimits`], and against [`Options::max_connections`](super::super::Options::max_connections) once they are
/// through.
#[derive(Debug)]
pub struct TlsListener {
    tcp: TcpListener,
    tls: Tls,
    limits: HandshakeLimits,
    under_way: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
    /// Oldest first; those that are through are swept out from time to time.
    by_age: VecDeque<AbortHandle>,
}

impl TlsListener {
    /// TLS on the connections of `tcp`.
    pub fn new(tcp: TcpListener, tls: Tls, limits: HandshakeLimits) -> Self {
        Self { tcp, tls, limits, under_way: JoinSet::new(), by_age: VecDeque::new() }
    }

    fn begin(&mut self, stream: TcpStream, peer: SocketAddr) {
        if self.by_age.len() >= self.limits.most {
            // Swept at most once in as many handshakes as there may be, unless they all stall.
            self.by_age.retain(|handshake| !handshake.is_finished());
        }
        while self.by_age.len() >= self.limits.most.max(1) {
            if let Some(oldest) = self.by_age.pop_front() {
                oldest.abort();
                metrics::counter!(FAILED, "reason" => "crowded_out").increment(1);
            }
        }
        let (config, timeout) = (self.tls.current(), self.limits.timeout);
        self.by_age.push_back(self.under_way.spawn(async move {
            let shaken = tokio::time::timeout(timeout, shake(stream, config)).await;
            let fault = match shaken {
                Ok(Ok(stream)) => return Some((stream, peer)),
                Ok(Err(fault)) => fault,
                Err(_) => Fault::Slow,
            };
            metrics::counter!(FAILED, "reason" => fault.label()).increment(1);
            tracing::debug!(%peer, reason = %fault, "a TLS handshake failed");
            None
        }));
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;

    async fn accept(&mut self) -> io::Result<(Self::Io, SocketAddr)> {
        loop {
            tokio::select! {
                biased;
                Some(ended) = self.under_way.join_next() => {
                    if let Ok(Some(connection)) = ended {
                        return Ok(connection);
                    }
                }
                accepted = Listener::accept(&mut self.tcp) => {
                    let (stream, peer) = accepted?;
                    self.begin(stream, peer);
                }
            }
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the handshake took too long")]
    Slow,
    #[error("plain HTTP on the port of TLS")]
    Plain,
    #[error("{0}")]
    Refused(#[from] io::Error),
}

impl Fault {
    fn label(&self) -> &'static str {
        match self {
            Self::Slow => "timeout",
            Self::Plain => "plain_http",
            Self::Refused(_) => "refused",
        }
    }
}

async fn shake(stream: TcpStream, config: Arc<ServerConfig>) -> Result<TlsStream<TcpStream>, Fault> {
    let mut first = [0];
    // A record of TLS begins with its kind, a small number; HTTP with a letter of the method.
    if stream.peek(&mut first).await? == 1 && first[0].is_ascii_alphabetic() {
        refuse(stream).await?;
        return Err(Fault::Plain);
    }
    Ok(TlsAcceptor::from(config).accept(stream).await?)
}

/// What a client gets that speaks plain HTTP here; there is no request yet, so it has no id and not the one shape.
const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
     cache-control: no-store\r\ncontent-length: 49\r\n\r\nThis port speaks TLS: ask with https:// instead.\n";

async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(PLAIN.as_bytes()).await?;
    stream.shutdown().await?;
    // Closed with unread bytes, the socket would be reset, and the answer with it. 64 KiB are more than a head.
    let mut rest = stream.take(64 * 1024);
    let mut sink = [0; 1024];
    while rest.read(&mut sink).await? > 0 {}
    Ok(())
}
