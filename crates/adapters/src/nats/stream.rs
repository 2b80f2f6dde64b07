//! The stream that the log is kept in: what it is made like, and where it begins and ends.

use async_nats::jetstream::ErrorCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use waypost_core::events::{Bounds, Epoch, Position};
use waypost_core::ids::WorkspaceId;

use super::connection::Nats;
use super::error::Fault;

/// What a message has beside the event: its subject and its id, with room to spare.
const BESIDE: usize = 1_024;

impl Nats {
    /// The stream's name.
    pub(super) fn stream(&self) -> String {
        format!("{}_events", self.options().prefix)
    }

    /// The bucket's name.
    pub(super) fn bucket(&self) -> String {
        format!("{}_groups", self.options().prefix)
    }

    /// Where events are published: a subject for each workspace.
    pub(super) fn subject(&self, workspace: WorkspaceId) -> String {
        format!("{}.event.{workspace}", self.options().prefix)
    }

    /// Where the server tells, without its content, of each event that it has stored.
    pub(super) fn told(&self) -> String {
        format!("{}.logged.*", self.options().prefix)
    }

    /// Makes what is not there, and brings what is there in line with the options.
    pub(super) async fn establish(&self) -> Result<(), Fault> {
        self.make(&self.config()).await?;
        self.make_bucket().await
    }

    /// Makes a stream. Where it is there already it keeps what it has, and what we do not say about it.
    async fn make(&self, config: &Value) -> Result<(), Fault> {
        let name = config["name"].as_str().unwrap_or_default();
        let found = match self.ask(&format!("STREAM.INFO.{name}"), &Value::Null).await {
            // Two who make it at once make the same one.
            Err(fault) if fault.is(ErrorCode::STREAM_NOT_FOUND) => {
                return self.ask(&format!("STREAM.CREATE.{name}"), config).await.map(drop);
            }
            found => found?,
        };
        let mut wanted = found["config"].clone();
        for (key, value) in config.as_object().into_iter().flatten() {
            wanted[key] = value.clone();
        }
        if wanted != found["config"] {
            self.ask(&format!("STREAM.UPDATE.{name}"), &wanted).await?;
        }
        Ok(())
    }

    /// What we say about the stream; an operator may settle the rest.
    fn config(&self) -> Value {
        let options = self.options();
        let prefix = &options.prefix;
        let mut config = json!({
            "name": self.stream(),
            "subjects": [format!("{prefix}.event.*")],
            "storage": "file",
            "retention": "limits",
            "num_replicas": options.replicas,
            // `trim` alone forgets events, and a full log says so.
            "max_age": 0,
            "discard": "new",
            "max_msg_size": options.max_event_bytes + BESIDE,
            "duplicate_window": u64::try_from(options.duplicate_window.as_nanos()).unwrap_or(u64::MAX),
            // Sent once an event is stored; the publish itself would wake readers before there is anything to read.
            "republish": {
                "src": format!("{prefix}.event.*"),
                "dest": format!("{prefix}.logged.$1"),
                "headers_only": true,
            },
        });
        if let Some(bytes) = options.max_bytes {
            config["max_bytes"] = bytes.into();
        }
        config
    }

    /// Makes the bucket that groups stand in: a stream as buckets are, made by hand, since the client asks of an
    /// account what servers before 2.10 cannot tell.
    pub(super) async fn make_bucket(&self) -> Result<(), Fault> {
        let bucket = self.bucket();
        let config = json!({
            "name": format!("KV_{bucket}"),
            "subjects": [format!("$KV.{bucket}.>")],
            "storage": "file",
            "retention": "limits",
            "num_replicas": self.options().replicas,
            "max_age": 0,
            "max_msgs_per_subject": 1,
            "discard": "new",
            "allow_rollup_hdrs": true,
            "deny_delete": true,
            "allow_direct": true,
        });
        self.make(&config).await?;
        let store = self.jetstream()?.get_key_value(bucket).await.map_err(Fault::driver)?;
        self.found_groups(store);
        Ok(())
    }

    /// Where the log begins and ends. A log that was deleted is made anew; its epoch is another one.
    pub(super) async fn bounds(&self) -> Result<Bounds, Fault> {
        let looked = match self.ask(&format!("STREAM.INFO.{}", self.stream()), &Value::Null).await {
            Err(fault) if fault.is(ErrorCode::STREAM_NOT_FOUND) => {
                tracing::warn!(stream = self.stream(), "the log of events was deleted; making a new one");
                self.ask(&format!("STREAM.CREATE.{}", self.stream()), &self.config()).await?
            }
            looked => looked?,
        };
        let sequence = |name| looked["state"][name].as_u64().ok_or(Fault::Form("the state of a stream"));
        let (first, last) = (sequence("first_seq")?, sequence("last_seq")?);
        let made = looked["created"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        let made = made.ok_or(Fault::Form("the moment a stream was made"))?;
        let epoch =
            Epoch(u64::try_from(made.as_nanosecond()).map_err(|_| Fault::Form("the moment a stream was made"))?);
        // A stream that never had a message begins with 0, one that is empty again after its last.
        let start = first.saturating_sub(1).min(last);
        Ok(Bounds { start: Position { epoch, offset: start }, end: Position { epoch, offset: last } })
    }
}
