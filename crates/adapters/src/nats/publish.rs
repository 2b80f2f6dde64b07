//! Appending to the log: many events on their way at once, and none before its predecessor of the same key.

use std::collections::{HashMap, VecDeque};

use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use waypost_core::events::{Event, Position};

use super::connection::{IN_FLIGHT, Nats};
use super::error::Fault;
use super::{message, once};

/// Appends events that are new; gives the place of each.
///
/// An event is sent when the log has the one before it of the same key, and the first failure stops all that follows.
/// So whatever is lost on the way, to a connection that breaks or a log that is full, nothing overtakes it.
pub(super) async fn append(nats: &Nats, events: &[Event]) -> Result<Vec<Position>, Fault> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let most = nats.options().max_event_bytes;
    let messages: Vec<Vec<u8>> = events.iter().map(message::write).collect();
    if let Some(size) = messages.iter().map(Vec::len).find(|size| *size > most) {
        return Err(Fault::Large { size, most });
    }
    let _turn = nats.turn().await?;
    let epoch = nats.bounds().await?.end.epoch;
    let known = once::places(nats, events).await?;
    let mut line = Line::new(events.len());
    let mut last_of_key = HashMap::with_capacity(events.len());
    for (index, (event, message)) in events.iter().zip(messages).enumerate() {
        if let Some(predecessor) = last_of_key.insert(event.ordering_key(), index) {
            line.settle(predecessor).await?;
        }
        match known.get(&event.id) {
            Some(offset) => line.offsets[index] = *offset,
            None => line.send(nats, event, message, index).await?,
        }
    }
    line.settle(events.len()).await?;
    Ok(line.offsets.into_iter().map(|offset| Position { epoch, offset }).collect())
}

/// Events on their way, in the order in which they were sent.
struct Line {
    waiting: VecDeque<(usize, PublishAckFuture)>,
    offsets: Vec<u64>,
}

impl Line {
    fn new(events: usize) -> Self {
        Self { waiting: VecDeque::with_capacity(events.min(IN_FLIGHT)), offsets: vec![0; events] }
    }

    async fn send(&mut self, nats: &Nats, event: &Event, message: Vec<u8>, index: usize) -> Result<(), Fault> {
        if self.waiting.len() == IN_FLIGHT {
            self.settle_first().await?;
        }
        let size = message.len();
        let publish = PublishMessage::build().payload(message.into()).message_id(event.id.to_string());
        let sent = nats.jetstream()?.send_publish(nats.subject(event.workspace), publish).await;
        let answer = sent.map_err(|error| match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => {
                Fault::Large { size, most: nats.client().map_or(0, async_nats::Client::max_payload) }
            }
            _ => error.into(),
        })?;
        self.waiting.push_back((index, answer));
        Ok(())
    }

    /// Waits until the log has everything up to the event at `index`.
    async fn settle(&mut self, index: usize) -> Result<(), Fault> {
        while self.waiting.front().is_some_and(|(first, _)| *first <= index) {
            self.settle_first().await?;
        }
        Ok(())
    }

    /// Waits for the first answer. Of an event that the log has already, it tells the place of then.
    async fn settle_first(&mut self) -> Result<(), Fault> {
        if let Some((index, answer)) = self.waiting.pop_front() {
            self.offsets[index] = answer.await?.sequence;
        }
        Ok(())
    }
}
