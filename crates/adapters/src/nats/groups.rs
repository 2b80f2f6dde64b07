//! Consumer groups: where each stands, and who works for it.

use std::fmt::Write as _;
use std::time::Duration;

use async_nats::jetstream::kv::{Store, UpdateErrorKind};
use jiff::Timestamp;
use waypost_core::events::{Acked, Batch, Bounds, Epoch, EventFilter, Logged, Position, Read};

use super::connection::Nats;
use super::error::Fault;
use super::log;
use super::reader::Readers;

/// Where a group stands, at a revision of its entry. Who holds a lease holds its revision.
struct Standing {
    revision: u64,
    done: Position,
    leased_until: Timestamp,
}

/// Nobody works for it.
const FREE: Timestamp = Timestamp::UNIX_EPOCH;

/// Leases the next batch.
pub(super) async fn consume(
    nats: &Nats,
    readers: &Readers,
    group: &str,
    limit: usize,
    (now, lease): (Timestamp, Duration),
) -> Result<Option<Batch>, Fault> {
    let bounds = nats.bounds().await?;
    let store = nats.groups()?;
    let key = key(group);
    let standing = match look(nats, store, &key).await? {
        Some(standing) => standing,
        // First seen: from now on, what it does not read before it is trimmed is a gap.
        None => match write(nats, store, &key, bounds.start, FREE, 0).await? {
            Some(revision) => Standing { revision, done: bounds.start, leased_until: FREE },
            None => return Ok(None),
        },
    };
    if standing.leased_until > now {
        return Ok(None);
    }
    let gap = standing.done.epoch != bounds.end.epoch || standing.done < bounds.start;
    let from = if gap { bounds.start } else { standing.done };
    let events = after(nats, readers, from, bounds, limit).await?;
    if events.is_empty() {
        return Ok(None);
    }
    let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    // Between the look and this, another member may have been faster.
    let token = write(nats, store, &key, standing.done, until, standing.revision).await?;
    Ok(token.map(|token| Batch { events, token, gap }))
}

/// Moves the group past a batch.
pub(super) async fn ack(nats: &Nats, group: &str, batch: &Batch) -> Result<Acked, Fault> {
    let Some(last) = batch.events.last() else {
        return Ok(Acked::Superseded);
    };
    let store = nats.groups()?;
    let moved = write(nats, store, &key(group), last.position, FREE, batch.token).await?;
    Ok(if moved.is_some() { Acked::Moved } else { Acked::Superseded })
}

/// Events from a place on. Where the log was trimmed past it meanwhile there are none; the next call sees the gap.
async fn after(
    nats: &Nats,
    readers: &Readers,
    mut from: Position,
    bounds: Bounds,
    limit: usize,
) -> Result<Vec<Logged>, Fault> {
    while from < bounds.end {
        match log::read(nats, readers, from, &EventFilter::default(), limit).await? {
            // Only messages that are no events: they are passed by.
            Read::Events { events, next, more: true } if events.is_empty() && next > from => from = next,
            Read::Events { events, .. } => return Ok(events),
            Read::Reset(_) => break,
        }
    }
    Ok(Vec::new())
}

/// A group's name as a key of the bucket: what a key cannot hold stands as `=` and two digits.
fn key(group: &str) -> String {
    let mut key = "group.".to_owned();
    for byte in group.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            key.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(key, "={byte:02X}");
        }
    }
    key
}

async fn look(nats: &Nats, store: &Store, key: &str) -> Result<Option<Standing>, Fault> {
    match store.entry(key).await.map_err(Fault::driver) {
        Ok(None) => Ok(None),
        Ok(Some(entry)) => read(entry.revision, &entry.value).map(Some),
        Err(fault) => Err(mended(nats, fault).await),
    }
}

/// Writes a group's standing if its entry still has the `expected` revision; gives the new one.
async fn write(
    nats: &Nats,
    store: &Store,
    key: &str,
    done: Position,
    leased_until: Timestamp,
    expected: u64,
) -> Result<Option<u64>, Fault> {
    let value = format!("{} {} {}", done.epoch.0, done.offset, leased_until.as_nanosecond());
    match store.update(key, value.into(), expected).await {
        Ok(revision) => Ok(Some(revision)),
        Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
        Err(error) => Err(mended(nats, Fault::driver(error)).await),
    }
}

fn read(revision: u64, value: &[u8]) -> Result<Standing, Fault> {
    const FORM: Fault = Fault::Form("where a group stands");
    let text = std::str::from_utf8(value).map_err(|_| FORM)?;
    let mut words = text.split(' ');
    let mut word = || words.next().ok_or(FORM);
    let epoch = Epoch(word()?.parse().map_err(|_| FORM)?);
    let offset = word()?.parse().map_err(|_| FORM)?;
    let nanos: i128 = word()?.parse().map_err(|_| FORM)?;
    let leased_until = Timestamp::from_nanosecond(nanos).map_err(|_| FORM)?;
    Ok(Standing { revision, done: Position { epoch, offset }, leased_until })
}

/// Makes the bucket anew where it was deleted, for the next call.
async fn mended(nats: &Nats, fault: Fault) -> Fault {
    if matches!(fault, Fault::NoResponders)
        && let Err(unmade) = nats.make_bucket().await
    {
        return unmade;
    }
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_group_is_a_key_of_its_own() {
        let names = ["", ".", "a", "A", "a.b", "a=2Eb", "a b", "ä", "*", ">", "a-b_c"];
        let keys: std::collections::BTreeSet<String> = names.into_iter().map(key).collect();
        assert_eq!(keys.len(), names.len());
        for key in keys {
            assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=.".contains(&byte)), "{key}");
        }
    }
}
