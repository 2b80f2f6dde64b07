//! A WebSocket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::frame::{self, Frame};
use super::wire::connect;
use super::{Ear, Ending, Manner, Told, Transport, ear};

/// Where sockets are.
pub const PATH: &str = "/v1/events/socket";

/// What is spoken on them.
pub const PROTOCOL: &str = "waypost.v1";

/// How long an upgrade may take: thousands may be asking a busy machine at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Servers ping every 25 s; three of these missed, and nobody is there.
const SILENCE: Duration = Duration::from_secs(75);

/// The longest message taken: a frame of an event is below 100 KiB.
const LONGEST: usize = 1024 * 1024;

/// An open socket.
pub type Socket = WebSocketStream<TcpStream>;

/// Follows a socket to its end, and leaves in `cursor` where to go on.
pub(super) async fn follow(
    address: SocketAddr,
    manner: &Manner,
    cursor: &mut Option<String>,
    ear: &mut impl Ear,
) -> Ending {
    let mut socket = match open(address, manner).await {
        Ok(socket) => socket,
        Err(Error::Http(answer)) => {
            let status = answer.status().as_u16();
            let after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let back = after.map(Duration::from_secs);
            return Ending { code: Some(status), back, ..Ending::new(Transport::WebSocket, status) };
        }
        Err(error) => return Ending::new(Transport::WebSocket, error),
    };
    let mut ending = Ending::new(Transport::WebSocket, "it was cut off");
    if let Err(error) = subscribe(&mut socket, manner, cursor.as_deref()).await {
        ending.why = error.to_string();
        return ending;
    }
    // The frame of the last event: its cursor is read when it is needed.
    let mut last: Option<Utf8Bytes> = None;
    loop {
        match timeout(SILENCE, socket.next()).await {
            Err(_) => ending.why = "it fell silent".to_owned(),
            Ok(None) => {}
            Ok(Some(Err(error))) => ending.why = error.to_string(),
            Ok(Some(Ok(Message::Text(text)))) => {
                match frame::read(text.as_bytes()) {
                    Some(Frame::Event(event)) => {
                        ear.hear(Told::Event(event));
                        last = Some(text);
                    }
                    Some(Frame::Subscribed(start)) => {
                        ending.was_open = true;
                        *cursor = start.or(cursor.take());
                        ear.hear(Told::Opened(Transport::WebSocket));
                    }
                    Some(Frame::Reset(start)) => {
                        (*cursor, last) = (start, None);
                        ear.hear(Told::Reset(text.as_bytes()));
                    }
                    Some(Frame::Closing(back)) => {
                        ending.back = back;
                        ear.hear(Told::Word("closing", text.as_bytes()));
                    }
                    Some(Frame::Other(kind)) => ear.hear(Told::Word(&kind, text.as_bytes())),
                    None => ear.hear(Told::Word("nonsense", text.as_bytes())),
                }
                continue;
            }
            Ok(Some(Ok(Message::Close(close)))) => {
                // The answer to it goes out with this.
                let _ = socket.flush().await;
                "it was closed".clone_into(&mut ending.why);
                ending.code = close.map(|close| close.code.into());
            }
            // A ping is answered by the library, at the next look.
            Ok(Some(Ok(_))) => continue,
        }
        break;
    }
    let read = last.as_ref().and_then(|text| match frame::read(text.as_bytes()) {
        Some(Frame::Event(event)) => ear::cursor_of(event).map(str::to_owned),
        _ => None,
    });
    *cursor = read.or(cursor.take());
    ending
}

/// Opens a socket, on which nothing has been said yet.
///
/// # Errors
///
/// When nobody listens, and [`Error::Http`] where somebody says no.
pub async fn open(address: SocketAddr, manner: &Manner) -> Result<Socket, Error> {
    let mut request = format!("ws://{address}{PATH}").into_client_request()?;
    let headers = request.headers_mut();
    let key = HeaderValue::try_from(format!("Bearer {}", manner.key)).map_err(io::Error::other)?;
    headers.insert("authorization", key);
    headers.insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
    let opening = async {
        let stream = connect(address, manner).await?;
        // The library's own sizes are made for few sockets.
        let config = WebSocketConfig::default()
            .read_buffer_size(manner.buffer)
            .write_buffer_size(0)
            .max_write_buffer_size(64 * 1024)
            .max_message_size(Some(LONGEST))
            .max_frame_size(Some(LONGEST));
        client_async_with_config(request, stream, Some(config)).await.map(|(socket, _)| socket)
    };
    timeout(PATIENCE, opening).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Asks an open socket for what the manner wants.
///
/// # Errors
///
/// When it is gone.
pub async fn subscribe(socket: &mut Socket, manner: &Manner, cursor: Option<&str>) -> Result<(), Error> {
    socket.send(Message::text(frame::subscribe(manner, cursor))).await
}
