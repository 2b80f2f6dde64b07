//! Reading the stream in batches: an ephemeral consumer that the server forgets soon.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use async_nats::{HeaderMap, Message, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use serde_json::json;
use waypost_core::events::Position;

use super::connection::Nats;
use super::error::Fault;

/// How many messages one request asks for: enough that the round trip does not count, and some MiB at most as a rule.
pub(super) const CHUNK: usize = 1_000;
/// After how long without a request the server forgets a consumer.
const FORGOTTEN: Duration = Duration::from_secs(30);
/// After how long we do: well before the server, and before clocks that run unevenly matter.
const STALE: Duration = Duration::from_secs(15);
/// How long a consumer that was kept may take to answer. The server is silent about one that it forgot.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many consumers are kept for those who read on.
const KEPT: usize = 16;

/// Where in the stream to begin.
pub(super) enum Begin {
    /// After this place.
    After(u64),
    /// With what was stored at this moment.
    Moment(Timestamp),
}

/// Which messages, and how much of them.
#[derive(Default)]
pub(super) struct View {
    /// Of this subject alone.
    pub(super) subject: Option<String>,
    /// Without what is in them.
    pub(super) headers_only: bool,
}

/// A message at its place.
pub(super) struct Stored {
    /// Which message of the consumer it is.
    number: u64,
    pub(super) offset: u64,
    pub(super) stored_at: Timestamp,
    pub(super) headers: Option<HeaderMap>,
    pub(super) payload: Bytes,
}

/// What a request brought.
pub(super) struct Chunk {
    pub(super) messages: Vec<Stored>,
    /// Whether there was nothing after them.
    pub(super) is_last: bool,
}

/// A consumer, and where it stands.
#[derive(Debug)]
pub(super) struct Reader {
    nats: Nats,
    name: String,
    /// How many messages it gave.
    given: u64,
    patience: Duration,
}

impl Reader {
    /// Makes a consumer. It needs no acknowledgements, and is kept in the memory of one server.
    pub(super) async fn new(nats: &Nats, from: Begin, view: View) -> Result<Self, Fault> {
        let stream = nats.stream();
        let mut config = json!({
            "ack_policy": "none",
            "replay_policy": "instant",
            "mem_storage": true,
            "num_replicas": 1,
            "headers_only": view.headers_only,
            "inactive_threshold": u64::try_from(FORGOTTEN.as_nanos()).unwrap_or(u64::MAX),
        });
        match from {
            Begin::After(offset) => {
                config["deliver_policy"] = "by_start_sequence".into();
                config["opt_start_seq"] = offset.saturating_add(1).into();
            }
            Begin::Moment(moment) => {
                config["deliver_policy"] = "by_start_time".into();
                config["opt_start_time"] = moment.to_string().into();
            }
        }
        if let Some(subject) = view.subject {
            config["filter_subject"] = subject.into();
        }
        let made =
            nats.ask(&format!("CONSUMER.CREATE.{stream}"), &json!({ "stream_name": stream, "config": config })).await?;
        let name = made["name"].as_str().ok_or(Fault::Form("the name of a consumer"))?.to_owned();
        Ok(Self { nats: nats.clone(), name, given: 0, patience: nats.patience() })
    }

    /// The next messages: as many as asked for, unless the log ends before.
    pub(super) async fn fetch(&mut self, most: usize) -> Result<Chunk, Fault> {
        let client = self.nats.client()?;
        let inbox = client.new_inbox();
        let mut incoming = client.subscribe(inbox.clone()).await?;
        let call = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{}", self.nats.stream(), self.name);
        let request = json!({ "batch": most, "no_wait": true }).to_string();
        client.publish_with_reply(call, inbox, request.into()).await.map_err(Fault::driver)?;
        let mut messages = Vec::with_capacity(most);
        while messages.len() < most {
            let next = tokio::time::timeout(self.patience, incoming.next()).await.map_err(|_| Fault::Slow)?;
            self.patience = self.nats.patience();
            let message = next.ok_or(Fault::Away)?;
            match message.status {
                None | Some(StatusCode::OK) => {
                    let stored = stored(message)?;
                    self.given += 1;
                    // Nobody acknowledges, so nobody sends again what is lost between servers.
                    if stored.number != self.given {
                        return Err(Fault::Lost);
                    }
                    messages.push(stored);
                }
                // With `no_wait` both mean that there is nothing more at the moment.
                Some(StatusCode::NOT_FOUND | StatusCode::TIMEOUT) => return Ok(Chunk { messages, is_last: true }),
                Some(StatusCode::NO_RESPONDERS) => return Err(Fault::NoResponders),
                Some(_) => return Err(Fault::Form("the status of a message")),
            }
        }
        Ok(Chunk { messages, is_last: false })
    }

    /// Lets the server forget the consumer now. Where that fails, it forgets by itself.
    pub(super) async fn end(self) {
        if let Ok(client) = self.nats.client() {
            let call = format!("$JS.API.CONSUMER.DELETE.{}.{}", self.nats.stream(), self.name);
            let _ = client.publish(call, Bytes::new()).await;
        }
    }
}

/// Reads what the server says about a message in its reply subject: `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream
/// sequence>.<consumer sequence>.<nanoseconds>.<pending>`. Since 2.10 a domain and an account may stand before the
/// stream, and something after the end.
fn stored(message: Message) -> Result<Stored, Fault> {
    const FORM: Fault = Fault::Form("the reply subject of a message");
    let reply: Vec<&str> = message.reply.as_deref().ok_or(FORM)?.split('.').collect();
    let (offset, number, nanos) = match reply[..] {
        [_, _, _, _, _, offset, number, nanos, _] => (offset, number, nanos),
        [_, _, _, _, _, _, _, offset, number, nanos, _, ..] => (offset, number, nanos),
        _ => return Err(FORM),
    };
    let nanos: i128 = nanos.parse().map_err(|_| FORM)?;
    Ok(Stored {
        number: number.parse().map_err(|_| FORM)?,
        offset: offset.parse().map_err(|_| FORM)?,
        stored_at: Timestamp::from_nanosecond(nanos).map_err(|_| FORM)?,
        headers: message.headers,
        payload: message.payload,
    })
}

/// Consumers that stand where somebody is likely to read on. All see the whole log: what the server counts as left over
/// for a filtered consumer is exact only when it was just made.
#[derive(Debug, Default)]
pub(super) struct Readers {
    kept: Mutex<VecDeque<Kept>>,
}

#[derive(Debug)]
struct Kept {
    at: Position,
    /// Of which connection: another one may lead to a server that was restarted and knows nobody.
    connection: u64,
    since: Timestamp,
    reader: Reader,
}

impl Readers {
    /// A reader that was kept at `at`.
    pub(super) fn take(&self, nats: &Nats, at: Position) -> Option<Reader> {
        let (connection, now) = (*nats.connections().borrow(), nats.options().clock.now());
        let mut kept = self.kept.lock().expect("no code panics under this lock");
        let fresh =
            |kept: &Kept| kept.connection == connection && now.duration_since(kept.since).unsigned_abs() < STALE;
        kept.retain(fresh);
        let place = kept.iter().position(|kept| kept.at == at)?;
        let mut reader = kept.remove(place)?.reader;
        reader.patience = PATIENCE.min(reader.patience);
        Some(reader)
    }

    /// Keeps a reader that stands at `at`; gives the one that has to go for it.
    pub(super) fn keep(&self, nats: &Nats, at: Position, reader: Reader) -> Option<Reader> {
        let (connection, since) = (*nats.connections().borrow(), nats.options().clock.now());
        let mut kept = self.kept.lock().expect("no code panics under this lock");
        kept.push_back(Kept { at, connection, since, reader });
        if kept.len() > KEPT { kept.pop_front().map(|oldest| oldest.reader) } else { None }
    }
}
