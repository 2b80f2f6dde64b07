//! A connection with a small buffer, that speaks HTTP/1.1 as far as a client of feeds has to.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::Manner;

/// How long a connection may take, and how long a head: thousands may be asking a busy machine at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Heads of answers have no more lines than that.
const LINES: usize = 64;

/// A connection and what has been read of it and not been used.
pub struct Wire {
    stream: TcpStream,
    buffer: Box<[u8]>,
    used: usize,
    filled: usize,
}

/// The head of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    /// The first header line of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Reads a head without its closing blank line; `None` for what is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(text).ok()?.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let headers = lines.take(LINES).filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        Some(Self { status, headers })
    }

    /// When to come back (RFC 9110 §10.2.3), if it says so in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.parse().ok().map(Duration::from_secs)
    }
}

/// Connects as a manner says.
///
/// # Errors
///
/// When nobody listens, or nobody answers within 30 s.
pub async fn connect(address: SocketAddr, manner: &Manner) -> io::Result<TcpStream> {
    let connecting = async {
        let socket = TcpSocket::new_v4()?;
        if let Some(source) = manner.source {
            socket.bind(SocketAddr::from((source, 0)))?;
        }
        if let Some(unread) = manner.unread {
            socket.set_recv_buffer_size(unread)?;
        }
        socket.connect(address).await
    };
    let stream = timeout(PATIENCE, connecting).await.map_err(|_| io::ErrorKind::TimedOut)??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Wire {
    /// Connects, sends one `GET` with these header lines beside those of every client, and reads the answer's head.
    ///
    /// # Errors
    ///
    /// When there is no answer within 30 s, or it does not speak HTTP/1.1.
    pub async fn get(address: SocketAddr, path: &str, manner: &Manner, lines: &str) -> io::Result<(Self, Head)> {
        let mut wire = Self::open(address, manner).await?;
        wire.ask(address, path, manner, lines).await?;
        let head = wire.head(PATIENCE).await?;
        Ok((wire, head))
    }

    /// Connects, and says nothing yet.
    ///
    /// # Errors
    ///
    /// As [`connect`].
    pub async fn open(address: SocketAddr, manner: &Manner) -> io::Result<Self> {
        let stream = connect(address, manner).await?;
        Ok(Self { stream, buffer: vec![0; manner.buffer].into(), used: 0, filled: 0 })
    }

    /// Sends a `GET`, whose answer is not awaited.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub async fn ask(&mut self, address: SocketAddr, path: &str, manner: &Manner, lines: &str) -> io::Result<()> {
        let key = &manner.key;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n{lines}\r\n");
        self.stream.write_all(request.as_bytes()).await
    }

    /// Reads the head of an answer; what follows it is kept.
    ///
    /// # Errors
    ///
    /// At the end of the connection, at the limit, and when the head is none or larger than the buffer.
    pub async fn head(&mut self, limit: Duration) -> io::Result<Head> {
        timeout(limit, self.read_head()).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn read_head(&mut self) -> io::Result<Head> {
        self.buffer.copy_within(self.used..self.filled, 0);
        (self.used, self.filled) = (0, self.filled - self.used);
        loop {
            if let Some(length) = self.buffer[..self.filled].windows(4).position(|four| four == b"\r\n\r\n") {
                let head = Head::parse(&self.buffer[..length]);
                self.used = length + 4;
                return head.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no head of HTTP/1.1"));
            }
            if self.filled == self.buffer.len() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a head larger than the buffer"));
            }
            match self.stream.read(&mut self.buffer[self.filled..]).await? {
                0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended before a head")),
                length => self.filled += length,
            }
        }
    }

    /// The bytes that came next; none at the end.
    ///
    /// # Errors
    ///
    /// When the connection broke, and when nothing comes within the limit.
    pub async fn more(&mut self, limit: Duration) -> io::Result<&[u8]> {
        if self.used == self.filled {
            let reading = self.stream.read(&mut self.buffer);
            self.filled = timeout(limit, reading).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            self.used = 0;
        }
        let unread = self.used..self.filled;
        self.used = self.filled;
        Ok(&self.buffer[unread])
    }

    /// Keeps the last so many bytes of what [`more`](Self::more) gave, for what comes after.
    pub fn give_back(&mut self, length: usize) {
        self.used -= length;
    }
}
