//! A `GET` that is held until there is something, again and again on one connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::chunks::Body;
use super::ear::Page;
use super::wire::{Head, Wire};
use super::{Ear, Ending, Manner, Told, Transport};

/// Where events are listed.
pub const PATH: &str = "/v1/events";

/// Events asked for at once: as many as a page has at most.
const LIMIT: usize = 100;

/// How much longer than it is held an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Polls until something goes wrong, and leaves in `cursor` where to go on.
pub(super) async fn follow(
    address: SocketAddr,
    manner: &Manner,
    cursor: &mut Option<String>,
    ear: &mut impl Ear,
) -> Ending {
    let ending = |why: &dyn ToString| Ending::new(Transport::LongPoll, why.to_string());
    let mut wire = match Wire::open(address, manner).await {
        Ok(wire) => wire,
        Err(error) => return ending(&error),
    };
    let mut is_open = false;
    loop {
        let asked = wire.ask(address, &path(manner, cursor.as_deref()), manner, "").await;
        if asked.is_ok() && !is_open {
            is_open = true;
            ear.hear(Told::Opened(Transport::LongPoll));
        }
        let answer = match asked {
            Ok(()) => answer(&mut wire, manner).await,
            Err(error) => Err(error),
        };
        let (head, body) = match answer {
            Ok(answer) => answer,
            Err(error) => return Ending { was_open: is_open, ..ending(&error) },
        };
        let said =
            Ending { was_open: is_open, code: Some(head.status), back: head.retry_after(), ..ending(&head.status) };
        match (head.status, serde_json::from_slice::<Page<'_>>(&body)) {
            (200, Ok(page)) => {
                page.data.iter().for_each(|event| ear.hear(Told::Event(event.get().as_bytes())));
                if cursor.as_deref() != Some(page.next_cursor) {
                    *cursor = Some(page.next_cursor.to_owned());
                }
            }
            (200, Err(error)) => return Ending { why: error.to_string(), ..said },
            (400, _) if cursor.is_some() && is_invalid_cursor(&body) => {
                *cursor = None;
                ear.hear(Told::Reset(&body));
            }
            _ => return said,
        }
        if head.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            return Ending { why: "it was the last answer".to_owned(), code: None, ..said };
        }
    }
}

fn path(manner: &Manner, cursor: Option<&str>) -> String {
    let mut path = format!("{PATH}?limit={LIMIT}&wait={}", manner.hold);
    if !manner.types.is_empty() {
        path.push_str(&format!("&types={}", manner.types));
    }
    if let Some(cursor) = cursor {
        path.push_str(&format!("&cursor={cursor}"));
    }
    path
}

/// Reads one answer to its end.
async fn answer(wire: &mut Wire, manner: &Manner) -> io::Result<(Head, Vec<u8>)> {
    let limit = Duration::from_secs(manner.hold) + PATIENCE;
    let head = wire.head(limit).await?;
    let (mut body, mut content) = (Body::after(&head), Vec::new());
    while !body.is_over() {
        let bytes = wire.more(limit).await?;
        if bytes.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it was cut off"));
        }
        let length = bytes.len();
        let read = body.read(bytes, |bytes| content.extend_from_slice(bytes))?;
        wire.give_back(length - read);
    }
    Ok((head, content))
}

fn is_invalid_cursor(body: &[u8]) -> bool {
    let fault = serde_json::from_slice::<serde_json::Value>(body);
    fault.is_ok_and(|fault| fault["error"]["code"] == "INVALID_CURSOR")
}
