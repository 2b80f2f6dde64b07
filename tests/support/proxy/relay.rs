//! One connection through the proxy: two directions that heed the same weather.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch::Receiver;

use super::{Mode, Weather};

/// Bytes in hand a direction, so that a slow reader slows the writer down and nothing piles up here.
const CHUNK: usize = 16 * 1024;

/// Connects to the target and carries bytes both ways, until both ends have said their last or one of them is gone.
pub(super) async fn connection(client: TcpStream, target: SocketAddr, mut weather: Receiver<Weather>) {
    if open(&mut weather).await.is_none() {
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else { return };
    // The nodes' own choice of when to send must not be blurred here.
    if client.set_nodelay(true).and(server.set_nodelay(true)).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let questions = carry(from_client, to_server, weather.clone());
    let answers = carry(from_server, to_client, weather);
    // An error of either direction closes both; that is all that its cause could tell.
    let _ = tokio::try_join!(questions, answers);
}

/// Carries one direction to its end.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: Receiver<Weather>) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await?;
        let mode = weather.borrow().mode;
        if let Mode::Delay(time) = mode {
            tokio::time::sleep(time).await;
        }
        if length == 0 {
            open(&mut weather).await.ok_or(io::ErrorKind::ConnectionAborted)?;
            return to.shutdown().await;
        }
        let mut rest = &chunk[..length];
        while !rest.is_empty() {
            // Between the look at the weather and the write nothing else runs, so no byte slips into a black hole.
            to.writable().await?;
            let now = open(&mut weather).await.ok_or(io::ErrorKind::ConnectionAborted)?;
            let allowed =
                usize::try_from(now.left.load(Ordering::Relaxed)).map_or(rest.len(), |left| left.min(rest.len()));
            if allowed == 0 {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            match to.try_write(&rest[..allowed]) {
                Ok(written) => {
                    now.left.fetch_sub(written as u64, Ordering::Relaxed);
                    rest = &rest[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Waits while there is a black hole, and gives the weather after it; `None` when the proxy ends.
async fn open(weather: &mut Receiver<Weather>) -> Option<Weather> {
    weather.wait_for(|now| now.mode != Mode::BlackHole).await.ok().map(|now| now.clone())
}
