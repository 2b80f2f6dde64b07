//! Server-sent events.

use std::net::SocketAddr;
use std::time::Duration;

use super::chunks::Body;
use super::lines::{Item, Lines};
use super::wire::{Head, Wire};
use super::{Ear, Ending, Manner, Start, Told, Transport};

/// Where streams are.
pub const PATH: &str = "/v1/events/stream";

/// Servers say something every 15 s; four of these missed, and nobody is there.
const SILENCE: Duration = Duration::from_secs(60);

/// Follows a stream to its end, and leaves in `cursor` where to go on.
pub(super) async fn follow(
    address: SocketAddr,
    manner: &Manner,
    cursor: &mut Option<String>,
    ear: &mut impl Ear,
) -> Ending {
    let ending = |why: &dyn ToString| Ending::new(Transport::Sse, why.to_string());
    let (mut wire, head) = match ask(address, manner, cursor.as_deref()).await {
        Ok(answer) => answer,
        Err(error) => return ending(&error),
    };
    let media = head.header("content-type").unwrap_or_default();
    if head.status != 200 || !media.starts_with("text/event-stream") {
        let why = format!("{} {media}", head.status);
        return Ending { code: Some(head.status), back: head.retry_after(), ..ending(&why) };
    }
    ear.hear(Told::Opened(Transport::Sse));
    let mut reader = Reader::after(&head);
    let why = loop {
        match wire.more(SILENCE).await {
            Ok([]) if reader.body.ends_with_connection() => break "it ended".to_owned(),
            Ok([]) => break "it was cut off".to_owned(),
            Ok(bytes) => match reader.read(bytes, ear) {
                Ok(()) if reader.body.is_over() => break "it ended".to_owned(),
                Ok(()) => {}
                Err(error) => break error.to_string(),
            },
            Err(error) => break error.to_string(),
        }
    };
    if let Some(id) = reader.lines.last_id() {
        *cursor = Some(id.to_owned()).filter(|id| !id.is_empty());
    }
    Ending { was_open: true, back: reader.back, ..ending(&why) }
}

/// Asks for a stream after a cursor, if there is one.
///
/// # Errors
///
/// As [`Wire::get`].
pub async fn ask(address: SocketAddr, manner: &Manner, cursor: Option<&str>) -> std::io::Result<(Wire, Head)> {
    let mut query = Vec::new();
    if !manner.types.is_empty() {
        query.push(format!("types={}", manner.types));
    }
    if manner.start == Start::Oldest && cursor.is_none() {
        query.push("from=start".to_owned());
    }
    let mut path = PATH.to_owned();
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let mut lines = "Accept: text/event-stream\r\n".to_owned();
    if let Some(cursor) = cursor {
        lines.push_str(&format!("Last-Event-ID: {cursor}\r\n"));
    }
    Wire::get(address, &path, manner, &lines).await
}

/// What has been read of a stream.
pub struct Reader {
    body: Body,
    lines: Lines,
    back: Option<Duration>,
}

impl Reader {
    /// Of the stream behind this head.
    pub fn after(head: &Head) -> Self {
        Self { body: Body::after(head), lines: Lines::default(), back: None }
    }

    /// Reads on, and tells what was said.
    ///
    /// # Errors
    ///
    /// When the body's framing is broken.
    pub fn read(&mut self, bytes: &[u8], ear: &mut impl Ear) -> std::io::Result<()> {
        let (lines, back) = (&mut self.lines, &mut self.back);
        let content = |content: &[u8]| {
            lines.read(content, |item| match item {
                // Types of events are parted by a dot; what the stream says of itself has none.
                Item::Event { kind, data } if kind.contains('.') => ear.hear(Told::Event(data)),
                Item::Event { kind: "reset", data } => ear.hear(Told::Reset(data)),
                Item::Event { kind, data } => ear.hear(Told::Word(kind, data)),
                Item::Retry(wait) => *back = Some(wait),
                Item::Comment(_) => {}
            });
        };
        self.body.read(bytes, content).map(drop)
    }
}
