//! What other nodes tell this one, and who here waits for it.

use redis::{PushInfo, PushKind, Value};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, broadcast};
use waypost_core::links::Heard;

use super::keys::Keys;
use super::names;

/// Messages that a slow listener may have before it: beyond them it hears that it missed something. Some hundred bytes
/// each as a rule.
const HELD: usize = 256;

/// Takes in what is pushed, and passes it on to whoever waits. Nothing is queued but for listeners, and that within
/// [`HELD`].
#[derive(Debug)]
pub(super) struct Inbox {
    bus_channel: String,
    links_channel: String,
    bus: Notify,
    links: broadcast::Sender<Heard>,
}

impl Inbox {
    /// The channels that stand beside these keys.
    pub(super) fn new(keys: &Keys) -> Self {
        Self {
            bus_channel: keys.named("events:new"),
            links_channel: keys.named("links:changed"),
            bus: Notify::new(),
            links: broadcast::Sender::new(HELD),
        }
    }

    /// The channel on which a publish of events is told.
    pub(super) fn bus_channel(&self) -> &str {
        &self.bus_channel
    }

    /// The channel on which changed links are told.
    pub(super) fn links_channel(&self) -> &str {
        &self.links_channel
    }

    /// Comes with the next word of events.
    pub(super) fn bus(&self) -> Notified<'_> {
        self.bus.notified()
    }

    /// Word of changed links from now on.
    pub(super) fn links(&self) -> broadcast::Receiver<Heard> {
        self.links.subscribe()
    }

    /// The connection is there again: what was told in between is lost.
    pub(super) fn reconnected(&self) {
        // Nobody listens as often as not.
        let _ = self.links.send(Heard::Everything);
        self.bus.notify_waiters();
    }

    /// Takes in one push. It never blocks: the connection stands still meanwhile.
    pub(super) fn take(&self, push: &PushInfo) {
        let (PushKind::Message, [Value::BulkString(channel), Value::BulkString(message)]) =
            (&push.kind, &push.data[..])
        else {
            return;
        };
        if channel == self.bus_channel.as_bytes() {
            self.bus.notify_waiters();
        } else if channel == self.links_channel.as_bytes() {
            let _ = self.links.send(names::read(message));
        }
    }
}
