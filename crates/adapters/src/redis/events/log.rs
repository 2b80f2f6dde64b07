//! The log's scripts, and how each is called.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use redis::Value;
use waypost_core::events::{Batch, Event, EventFilter, Position};

use super::answer::Answer;
use super::record;
use super::seen::Seen;
use crate::redis::connection::Redis;
use crate::redis::error::Fault;
use crate::redis::moments::micros;
use crate::redis::script::{Call, Script};

/// Events that one script appends, gives or forgets: some milliseconds, in which the server does nothing else.
pub(super) const AT_ONCE: usize = 1_000;

/// Events that a read with a filter looks at: a millisecond or two. It then says up to where it looked.
const EXAMINED: usize = 1_000;

/// The log, as its scripts know it.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) redis: Redis,
    pub(super) seen: Arc<Seen>,
    keys: Arc<[String; 3]>,
    scripts: Arc<Scripts>,
}

#[derive(Debug)]
struct Scripts {
    bounds: Script,
    publish: Script,
    read: Script,
    consume: Script,
    ack: Script,
    trim: Script,
}

impl Log {
    pub(super) fn new(redis: &Redis) -> Self {
        let keys = ["events", "events:log", "events:ids"].map(|name| redis.keys().named(name));
        // The text differs by prefix, so that a log's first call to a server that was just started is its own, whoever
        // else calls there.
        let script = |body| Script::new(format!("-- {}\n{}{body}", keys[0], include_str!("../scripts/log.lua")));
        let scripts = Scripts {
            bounds: script(include_str!("../scripts/events_bounds.lua")),
            publish: script(include_str!("../scripts/events_publish.lua")),
            read: script(include_str!("../scripts/events_read.lua")),
            consume: script(include_str!("../scripts/events_consume.lua")),
            ack: script(include_str!("../scripts/events_ack.lua")),
            trim: script(include_str!("../scripts/events_trim.lua")),
        };
        Self { redis: redis.clone(), seen: Arc::default(), keys: Arc::new(keys), scripts: Arc::new(scripts) }
    }

    /// Where the log begins and ends.
    pub(super) async fn bounds(&self) -> Result<Answer, Fault> {
        self.run(self.call(&self.scripts.bounds, None)).await
    }

    /// Appends up to [`AT_ONCE`] events.
    pub(super) async fn publish(&self, events: &[Event]) -> Result<Answer, Fault> {
        let mut call = self.call(&self.scripts.publish, None).arg(self.redis.inbox().bus_channel());
        for event in events {
            call = call.arg(&event.id.to_bytes()).arg(record::write(event));
        }
        self.run(call).await
    }

    /// Reads after a position.
    pub(super) async fn read(&self, after: Position, filter: &EventFilter, limit: usize) -> Result<Answer, Fault> {
        let workspace = filter.workspace.map(|workspace| workspace.to_bytes());
        let subject = filter.subject.as_ref().map(|subject| format!("={subject}"));
        let mut call = self
            .call(&self.scripts.read, None)
            .arg(after.epoch.0)
            .arg(after.offset)
            .arg(limit.min(AT_ONCE))
            .arg(EXAMINED)
            .arg(workspace.as_ref().map_or(&[][..], |bytes| &bytes[..]))
            .arg(subject.as_deref().unwrap_or_default());
        for kind in &filter.types {
            call = call.arg(kind.as_str());
        }
        self.run(call).await
    }

    /// Leases a batch to `token`.
    pub(super) async fn consume(
        &self,
        group: &str,
        limit: usize,
        token: u64,
        (now, lease): (Timestamp, Duration),
    ) -> Result<Answer, Fault> {
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        let call = self.call(&self.scripts.consume, Some(group));
        self.run(call.arg(micros(now)).arg(micros(until)).arg(token).arg(limit.min(AT_ONCE))).await
    }

    /// Moves a group past a batch, whose last position is `end`.
    pub(super) async fn ack(&self, group: &str, batch: &Batch, end: Position) -> Result<Answer, Fault> {
        let call = self.call(&self.scripts.ack, Some(group));
        self.run(call.arg(batch.token).arg(end.epoch.0).arg(end.offset)).await
    }

    /// Forgets up to [`AT_ONCE`] events.
    pub(super) async fn trim(&self, before: Timestamp, limit: usize) -> Result<Answer, Fault> {
        self.run(self.call(&self.scripts.trim, None).arg(micros(before)).arg(limit.min(AT_ONCE))).await
    }

    /// Begins a call with what every script of the log is given.
    fn call<'a>(&self, script: &'a Script, group: Option<&str>) -> Call<'a> {
        let [meta, log, ids] = &*self.keys;
        let group = group.map(|group| format!("{meta}:group:{group}"));
        let keys: Vec<&str> = [meta, log, ids].into_iter().chain(&group).map(String::as_str).collect();
        let seen = self.seen.furthest();
        script
            .call(&keys)
            .arg("")
            .arg(seen.map(|seen| seen.epoch.0.to_string()).unwrap_or_default())
            .arg(seen.map_or(0, |seen| seen.offset))
            .arg(self.redis.draw())
    }

    async fn run(&self, call: Call<'_>) -> Result<Answer, Fault> {
        let answer: Vec<Value> = call.run_introduced(&self.redis).await?;
        let answer = Answer::read(answer)?;
        self.seen.note(answer.bounds.end);
        Ok(answer)
    }
}
