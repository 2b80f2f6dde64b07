//! Reading the log, and trimming it.

use jiff::Timestamp;
use serde_json::json;
use waypost_core::events::{Bounds, Event, EventFilter, Logged, Position, Read};

use super::connection::Nats;
use super::error::Fault;
use super::message;
use super::reader::{Begin, CHUNK, Chunk, Reader, Readers, View};

/// How many events a read with a filter looks at here: some 50 ms of work. It then says up to where it looked.
/// Workspaces are told apart by the server, at no such cost.
const EXAMINED: usize = 5_000;

/// Whether a position means something between these bounds.
pub(super) fn covers(bounds: Bounds, at: Position) -> bool {
    at.epoch == bounds.end.epoch && bounds.start <= at && at <= bounds.end
}

/// Reads after a position.
pub(super) async fn read(
    nats: &Nats,
    readers: &Readers,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<Read, Fault> {
    let bounds = nats.bounds().await?;
    if !covers(bounds, after) {
        return Ok(Read::Reset(bounds));
    }
    if limit == 0 || after == bounds.end {
        return Ok(Read::Events { events: Vec::new(), next: after, more: after < bounds.end });
    }
    let walk = walk(nats, readers, after, filter, limit).await?;
    // What a trim took away before we came to it, a consumer passes over in silence.
    if walk.has_gap {
        let now = nats.bounds().await?;
        if !covers(now, after) {
            return Ok(Read::Reset(now));
        }
    }
    let next = if walk.is_last { walk.next.max(bounds.end) } else { walk.next };
    Ok(Read::Events { events: walk.events, next, more: next < bounds.end })
}

/// What was found on the way from a position.
struct Walk {
    events: Vec<Logged>,
    /// The last place looked at.
    next: Position,
    /// Whether the end was reached.
    is_last: bool,
    /// Whether the places were not all one after the other.
    has_gap: bool,
}

async fn walk(
    nats: &Nats,
    readers: &Readers,
    after: Position,
    filter: &EventFilter,
    limit: usize,
) -> Result<Walk, Fault> {
    let subject = filter.workspace.map(|workspace| nats.subject(workspace));
    let is_whole = subject.is_none();
    let is_sifted = !filter.types.is_empty() || filter.subject.is_some();
    let most = if is_sifted { EXAMINED } else { limit };
    let ask = |looked: usize| most.saturating_sub(looked).min(CHUNK);
    let view = View { subject, headers_only: false };
    let (mut reader, mut chunk) = begin(nats, readers, after, view, ask(0)).await?;
    let mut walk = Walk { events: Vec::new(), next: after, is_last: false, has_gap: !is_whole };
    let mut looked = 0;
    loop {
        looked += chunk.messages.len();
        for stored in chunk.messages {
            walk.has_gap |= stored.offset != walk.next.offset + 1;
            walk.next.offset = stored.offset;
            let Some(event) = event_of(stored.offset, &stored.payload) else { continue };
            if filter.admits(&event) {
                walk.events.push(Logged { position: walk.next, event });
                if walk.events.len() == limit && is_sifted {
                    // The consumer stands behind what it gave, and nobody reads on from there.
                    reader.end().await;
                    return Ok(walk);
                }
            }
        }
        if chunk.is_last || looked >= most {
            walk.is_last = chunk.is_last;
            break;
        }
        chunk = reader.fetch(ask(looked)).await?;
    }
    walk.has_gap |= walk.next == after;
    let leaving = if is_whole { readers.keep(nats, walk.next, reader) } else { Some(reader) };
    if let Some(reader) = leaving {
        reader.end().await;
    }
    Ok(walk)
}

/// The first messages after a position: from a consumer that stands there, or from a new one.
async fn begin(
    nats: &Nats,
    readers: &Readers,
    after: Position,
    view: View,
    most: usize,
) -> Result<(Reader, Chunk), Fault> {
    if view.subject.is_none()
        && let Some(mut reader) = readers.take(nats, after)
    {
        // A server that was restarted may have it begin anew, or not know it at all.
        match reader.fetch(most).await {
            Ok(chunk) if chunk.messages.first().is_some_and(|first| first.offset == after.offset + 1) => {
                return Ok((reader, chunk));
            }
            _ => reader.end().await,
        }
    }
    let mut reader = Reader::new(nats, Begin::After(after.offset), view).await?;
    let chunk = reader.fetch(most).await?;
    Ok((reader, chunk))
}

/// Reads a message. One that is no event was put there by somebody else; readers pass it by, so that it stops nobody.
fn event_of(offset: u64, payload: &[u8]) -> Option<Event> {
    let read = message::read(payload);
    read.inspect_err(|error| tracing::error!(offset, %error, "a message in the log is no event; passing it by")).ok()
}

/// Forgets the oldest events that were made before a moment: those before the first that is younger.
pub(super) async fn trim(nats: &Nats, before: Timestamp, limit: usize) -> Result<usize, Fault> {
    let bounds = nats.bounds().await?;
    let start = bounds.start.offset;
    if limit == 0 || bounds.start == bounds.end {
        return Ok(0);
    }
    let mut reader = Reader::new(nats, Begin::After(start), View::default()).await?;
    let (mut cut, mut looked) = (start, 0);
    'looking: while looked < limit {
        let chunk = reader.fetch((limit - looked).min(CHUNK)).await?;
        for stored in &chunk.messages {
            if event_of(stored.offset, &stored.payload).is_some_and(|event| event.created_at >= before) {
                break 'looking;
            }
            cut = stored.offset;
            looked += 1;
        }
        if chunk.is_last {
            break;
        }
    }
    reader.end().await;
    if cut == start {
        return Ok(0);
    }
    let purged = nats.ask(&format!("STREAM.PURGE.{}", nats.stream()), &json!({ "seq": cut + 1 })).await?;
    let purged = purged["purged"].as_u64().ok_or(Fault::Form("the answer to a purge"))?;
    Ok(usize::try_from(purged).unwrap_or(limit))
}
