//! Receivers on loopback that cost next to nothing: they note when which event came, and answer.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::Outcome;

const FINE: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// What a receiver does with a call.
#[derive(Clone, Copy)]
pub(super) enum Manner {
    /// Answers at once.
    Fine,
    /// Answers after 15 s, which is too late.
    Hangs,
}

/// When each event came, by the text of its id, and how often.
pub(super) type Received = HashMap<String, (Instant, u32)>;

/// A receiver; gone when dropped.
pub(super) struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
    serving: JoinHandle<()>,
}

impl Receiver {
    pub(super) async fn start(manner: Manner) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, received) = (listener.local_addr()?, Arc::new(Mutex::new(HashMap::new())));
        let noted = received.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve(stream, manner, noted.clone()));
            }
        });
        Ok(Self { address, received, serving })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    pub(super) fn count(&self) -> usize {
        self.received.lock().expect("no code panics under this lock").len()
    }

    pub(super) fn received(&self) -> Received {
        self.received.lock().expect("no code panics under this lock").clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Reads requests of HTTP/1.1 with a `content-length`, which is what the sender writes, until the connection ends.
async fn serve(mut stream: TcpStream, manner: Manner, received: Arc<Mutex<Received>>) {
    let mut buffer = Vec::with_capacity(4_096);
    loop {
        let Some(head) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            match stream.read_buf(&mut buffer).await {
                Ok(1..) => continue,
                _ => return,
            }
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length = field(&text, "content-length:").and_then(|value| value.parse().ok()).unwrap_or(0_usize);
        while buffer.len() < head + 4 + length {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                return;
            }
        }
        if let Some(id) = field(&text, "webhook-id:") {
            let mut received = received.lock().expect("no code panics under this lock");
            received.entry(id.to_owned()).or_insert((Instant::now(), 0)).1 += 1;
        }
        buffer.drain(..head + 4 + length);
        if matches!(manner, Manner::Hangs) {
            tokio::time::sleep(Duration::from_secs(15)).await;
        }
        if stream.write_all(FINE).await.is_err() {
            return;
        }
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}
