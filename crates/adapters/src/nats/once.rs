//! Events that may have been published so long ago that the server forgot their ids.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_nats::header::NATS_MESSAGE_ID;
use jiff::Timestamp;
use waypost_core::events::Event;
use waypost_core::ids::EventId;

use super::connection::Nats;
use super::error::Fault;
use super::reader::{Begin, CHUNK, Reader, View};

/// How far the clocks of nodes and servers may differ.
const SKEW: Duration = Duration::from_secs(60);
/// How many messages are looked through at most, for some ten seconds.
const LOOKED: usize = 1_000_000;

/// The places of those among `events` that are in the log, as far as the server does not see to it by itself.
///
/// No event was published before it was made. So the server knows of every event that is younger than its memory of
/// ids, and only what is older is looked for: from the moment at which it was made, to where the server's memory
/// begins. After a time in which the bus was away there is nothing in between.
pub(super) async fn places(nats: &Nats, events: &[Event]) -> Result<HashMap<EventId, u64>, Fault> {
    let options = nats.options();
    let memory = options.duplicate_window.saturating_sub(SKEW);
    let edge = options.clock.now().saturating_sub(memory).unwrap_or(Timestamp::MIN);
    let old: HashSet<EventId> = events.iter().filter(|event| event.created_at < edge).map(|event| event.id).collect();
    let mut places = HashMap::new();
    let Some(oldest) = events.iter().filter(|event| old.contains(&event.id)).map(|event| event.created_at).min() else {
        return Ok(places);
    };
    let from = oldest.saturating_sub(SKEW).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH);
    let mut reader = Reader::new(nats, Begin::Moment(from), View { subject: None, headers_only: true }).await?;
    let mut looked = 0;
    'looking: while places.len() < old.len() && looked < LOOKED {
        let chunk = reader.fetch(CHUNK).await?;
        looked += chunk.messages.len();
        for stored in &chunk.messages {
            if stored.stored_at > edge {
                break 'looking;
            }
            let id = stored.headers.as_ref().and_then(|headers| headers.get(NATS_MESSAGE_ID));
            if let Some(id) = id.and_then(|id| EventId::parse(id.as_str()).ok())
                && old.contains(&id)
            {
                places.entry(id).or_insert(stored.offset);
            }
        }
        if chunk.is_last {
            break;
        }
    }
    if looked >= LOOKED {
        tracing::warn!(looked, "not all of the log was searched for old events; some may be in it twice");
    }
    reader.end().await;
    Ok(places)
}
