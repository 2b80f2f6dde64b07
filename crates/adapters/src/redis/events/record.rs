//! An event as the bytes of one entry of the log.
//!
//! What a script looks at stands first, at fixed places: the id (trimming), the moment (trimming), the workspace, the
//! type and the subject (filters). A change here is a change there.

use jiff::Timestamp;
use waypost_core::events::{Event, EventType, Payload};
use waypost_core::ids::{EventId, WorkspaceId};

use crate::redis::error::Fault;
use crate::redis::moments::micros;

/// The form of the bytes that follow.
const FORM: u8 = 1;
const UNKNOWN: Fault = Fault::Form("an event");

/// Writes an event.
pub(super) fn write(event: &Event) -> Vec<u8> {
    let kind = event.kind.as_str();
    let data = event.data.as_str();
    let mut bytes = Vec::with_capacity(160 + data.len());
    bytes.push(FORM);
    bytes.extend(event.id.to_bytes());
    bytes.extend(micros(event.created_at).to_be_bytes());
    bytes.extend(event.workspace.to_bytes());
    // A type has at most 64 characters.
    bytes.push(kind.len() as u8);
    bytes.extend(kind.as_bytes());
    put(&mut bytes, event.subject.as_deref());
    bytes.extend(event.version.to_be_bytes());
    put(&mut bytes, event.traceparent.as_deref());
    bytes.extend(data.as_bytes());
    bytes
}

/// Reads an event.
pub(super) fn read(bytes: &[u8]) -> Result<Event, Fault> {
    let mut rest = Rest(bytes);
    if rest.array()? != [FORM] {
        return Err(UNKNOWN);
    }
    let id = EventId::from_bytes(rest.array()?);
    let created_at = Timestamp::from_microsecond(i64::from_be_bytes(rest.array()?)).map_err(|_| UNKNOWN)?;
    let workspace = WorkspaceId::from_bytes(rest.array()?);
    let [length] = rest.array()?;
    let kind = EventType::parse(rest.text(usize::from(length))?).map_err(|_| UNKNOWN)?;
    let subject = rest.maybe()?;
    let version = u16::from_be_bytes(rest.array()?);
    let traceparent = rest.maybe()?;
    let data = Payload::trusted(rest.text(rest.0.len())?.to_owned());
    Ok(Event { id, kind, version, created_at, workspace, subject, traceparent, data })
}

/// Writes a text that may be missing: 0, or its length and one more, in four bytes.
fn put(bytes: &mut Vec<u8>, text: Option<&str>) {
    let text = text.map(str::as_bytes);
    let length = text.map_or(0, |text| text.len() as u32 + 1);
    bytes.extend(length.to_be_bytes());
    bytes.extend(text.unwrap_or_default());
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (array, rest) = self.0.split_first_chunk().ok_or(UNKNOWN)?;
        self.0 = rest;
        Ok(*array)
    }

    fn text(&mut self, length: usize) -> Result<&'a str, Fault> {
        let (text, rest) = self.0.split_at_checked(length).ok_or(UNKNOWN)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| UNKNOWN)
    }

    fn maybe(&mut self) -> Result<Option<String>, Fault> {
        match u32::from_be_bytes(self.array()?) {
            0 => Ok(None),
            length => Ok(Some(self.text(length as usize - 1)?.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(subject: Option<&str>, traceparent: Option<&str>) -> Event {
        Event {
            id: EventId::from_bytes([7; 16]),
            kind: EventType::parse("link.created").expect("a type"),
            version: 513,
            created_at: Timestamp::from_microsecond(1_793_577_600_123_456).expect("a moment"),
            workspace: WorkspaceId::from_bytes([9; 16]),
            subject: subject.map(str::to_owned),
            traceparent: traceparent.map(str::to_owned),
            data: Payload::trusted("{\"text\":\"日本\"}".to_owned()),
        }
    }

    #[test]
    fn events_round_trip() {
        for event in [event(None, None), event(Some(""), Some("")), event(Some("lnk_ä"), Some("00-4bf9"))] {
            assert_eq!(read(&write(&event)).expect("the same event"), event);
        }
    }

    #[test]
    fn what_scripts_look_at_stands_at_its_place() {
        let bytes = write(&event(Some("lnk_a"), None));
        assert_eq!(bytes[1..17], [7; 16]);
        assert_eq!(bytes[17..25], 1_793_577_600_123_456i64.to_be_bytes());
        assert_eq!(bytes[25..41], [9; 16]);
        assert_eq!(&bytes[41..54], b"\x0clink.created");
        assert_eq!(&bytes[54..63], b"\0\0\0\x06lnk_a");
    }

    #[test]
    fn what_is_cut_off_is_a_fault() {
        let bytes = write(&event(Some("lnk_a"), None));
        for length in 0..69 {
            assert!(read(&bytes[..length]).is_err(), "{length}");
        }
        assert!(read(&[2; 200]).is_err());
    }
}
