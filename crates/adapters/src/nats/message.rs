//! An event as a message: one JSON object, its data as it came.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::value::RawValue;
use waypost_core::events::{Event, EventType, Payload};
use waypost_core::ids::{EventId, WorkspaceId};

use super::error::Fault;

/// Writes an event down. Others may read it: the fields are named as clients of the API see them.
pub(super) fn write(event: &Event) -> Vec<u8> {
    let mut text = String::with_capacity(320 + event.data.as_str().len());
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        "{{\"id\":\"{}\",\"event\":\"{}\",\"version\":{},\"created_at\":\"{}\",\"workspace_id\":\"{}\",\
         \"subject\":{},\"traceparent\":{},\"data\":{}}}",
        event.id,
        event.kind,
        event.version,
        event.created_at,
        event.workspace,
        quoted(event.subject.as_deref()),
        quoted(event.traceparent.as_deref()),
        event.data.as_str(),
    );
    text.into_bytes()
}

fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), |text| serde_json::Value::from(text).to_string())
}

/// Reads an event.
pub(super) fn read(message: &[u8]) -> Result<Event, Fault> {
    let fields: HashMap<&str, &RawValue> = serde_json::from_slice(message).map_err(|_| Fault::Form("a message"))?;
    let raw = |name: &'static str| fields.get(name).map(|value| value.get()).ok_or(Fault::Form(name));
    let optional = |name| {
        let value = raw(name)?;
        match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            // Without an escape it stands for itself, and needs no second reading.
            Some(plain) if !plain.contains('\\') => Ok(Some(plain.to_owned())),
            _ => serde_json::from_str::<Option<String>>(value).map_err(|_| Fault::Form(name)),
        }
    };
    let text = |name| optional(name)?.ok_or(Fault::Form(name));
    Ok(Event {
        id: EventId::parse(&text("id")?).map_err(|_| Fault::Form("id"))?,
        kind: EventType::parse(&text("event")?).map_err(|_| Fault::Form("event"))?,
        version: raw("version")?.parse().map_err(|_| Fault::Form("version"))?,
        created_at: text("created_at")?.parse().map_err(|_| Fault::Form("created_at"))?,
        workspace: WorkspaceId::parse(&text("workspace_id")?).map_err(|_| Fault::Form("workspace_id"))?,
        subject: optional("subject")?,
        traceparent: optional("traceparent")?,
        data: Payload::trusted(raw("data")?.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;
    use waypost_core::conformance::fixtures::event;

    use super::*;

    proptest! {
        #[test]
        fn an_event_is_read_as_it_was_written(
            subject: Option<String>,
            traceparent: Option<String>,
            version: u16,
            nanos in 0..i64::MAX,
            data in "[a-z \"\\\\é日\n]{0,40}",
        ) {
            let event = Event {
                version,
                subject,
                traceparent,
                created_at: Timestamp::from_nanosecond(nanos.into()).expect("within range"),
                data: Payload::trusted(format!("{{ \"z\" : {}, \"a\":1.50 }}", quoted(Some(&data)))),
                ..event(1, "")
            };
            prop_assert_eq!(read(&write(&event)).expect("what was written"), event);
        }
    }

    #[test]
    fn what_is_no_event_is_told_from_one() {
        let whole = String::from_utf8(write(&event(1, "lnk_a"))).expect("text");
        for broken in
            ["", "x", "{}", "[1]", &whole.replace("evt_", "lnk_"), &whole.replace("\"version\":1", "\"version\":-1")]
        {
            assert!(matches!(read(broken.as_bytes()), Err(Fault::Form(_))), "{broken}");
        }
    }
}
