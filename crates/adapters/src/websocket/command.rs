//! What a client asks for, read from its messages.

use std::sync::Arc;

use serde_json::Value;
use waypost_core::events::{EventType, Position};
use waypost_core::fields::{Fields, kind, parse};
use waypost_core::push::{From, Overflow, Session, Subscribe};
use waypost_core::{Error, Issue, Kind};

/// The longest name of a subscription, in characters.
const LONGEST_ID: usize = 64;
/// The longest subject, in bytes; as in listings of events.
const LONGEST_SUBJECT: usize = 256;
/// The most types of one subscription; as in listings of events.
const MOST_TYPES: usize = 32;
/// The most events that go out before they are acknowledged.
const MOST_WINDOW: u64 = 1_000;
/// The most faults that are told of one message, and the most characters of a field's name and of a text about it: an
/// answer is no longer than what it answers by more than a little.
const MOST_ISSUES: usize = 20;
const LONGEST_TEXT: usize = 200;

/// What a client asks for.
#[derive(Debug)]
pub(super) enum Command {
    Subscribe(Subscribe),
    Unsubscribe { id: String },
    Acknowledge { id: String, position: Position },
    Ping,
}

/// A message that is no command, and the subscription that it names.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) id: Option<String>,
    pub(super) error: Error,
}

/// Reads a message. Cursors are those of the session's workspace.
pub(super) fn read(text: &str, session: &Session) -> Result<Command, Refused> {
    let value = match parse(text.as_bytes()) {
        Ok(value) => value,
        Err(fault) => {
            let text = cut(Error::from(fault).message().replacen("The body", "The message", 1));
            return Err(Refused { id: None, error: Error::new(Kind::Malformed, text) });
        }
    };
    let id = value["id"].as_str().filter(|id| is_id(id)).map(str::to_owned);
    command(value, session).map_err(|error| Refused { id, error })
}

fn command(mut value: Value, session: &Session) -> Result<Command, Error> {
    let Some(object) = value.as_object_mut() else {
        let message = format!("A message must be a JSON object, not {}", kind(&value));
        return Err(Error::new(Kind::Malformed, message));
    };
    let name = object.remove("type");
    let read = match name.as_ref().and_then(Value::as_str) {
        Some("subscribe") => subscribe,
        Some("unsubscribe") => unsubscribe,
        Some("ack") => acknowledge,
        Some("ping") => |_: &mut Reading<'_>| Some(Command::Ping),
        Some(_) | None => {
            let issue = Issue::new("type", "must be subscribe, unsubscribe, ack or ping");
            return Err(Error::invalid(vec![issue]));
        }
    };
    let mut reading = Reading { fields: Fields::of_body(value)?, session, bad_cursor: None };
    let command = read(&mut reading);
    reading.finish(command)
}

/// The fields of a message while they are read.
struct Reading<'a> {
    fields: Fields,
    session: &'a Session,
    /// Why the cursor is none of ours.
    bad_cursor: Option<Error>,
}

impl Reading<'_> {
    fn id(&mut self) -> Option<String> {
        let id = self.fields.text("id", |text| {
            if is_id(text) { Ok(text.to_owned()) } else { Err(format!("must be 1 to {LONGEST_ID} characters")) }
        });
        self.required("id", id.value(), "what the subscription is called")
    }

    fn cursor(&mut self) -> Option<Position> {
        let (session, bad) = (self.session, &mut self.bad_cursor);
        let position = self.fields.text("cursor", |text| {
            session.position(text).map_err(|error| {
                *bad = Some(error);
                "must be a cursor of this workspace, as an event or an answer gave it"
            })
        });
        position.value()
    }

    fn required<T>(&mut self, name: &str, value: Option<T>, what: &str) -> Option<T> {
        if value.is_none() && !self.fields.is_at_fault(name) {
            self.fields.fault(name, format!("is missing: {what}"));
        }
        value
    }

    fn types(&mut self) -> Vec<EventType> {
        let items = self.fields.read("types", |value| match value {
            Value::Array(items) if items.len() <= MOST_TYPES => Ok(items),
            Value::Array(_) => Err(format!("must be at most {MOST_TYPES} types")),
            other => Err(format!("must be a list of types, not {}", kind(&other))),
        });
        let mut types = Vec::new();
        for (number, item) in items.value().unwrap_or_default().iter().enumerate() {
            match item.as_str().map(EventType::parse) {
                Some(Ok(kind)) => types.push(kind),
                Some(Err(fault)) => self.fields.fault(&format!("types[{number}]"), fault.to_string()),
                None => self.fields.fault(&format!("types[{number}]"), format!("must be a string, not {}", kind(item))),
            }
        }
        types
    }

    /// Ends the reading: the command, or everything that is wrong with it.
    fn finish(self, command: Option<Command>) -> Result<Command, Error> {
        let mut issues = self.fields.into_issues();
        match (command, self.bad_cursor) {
            (Some(command), None) if issues.is_empty() => return Ok(command),
            // Of a cursor that is all that is wrong, its own error tells more.
            (_, Some(error)) if issues.len() == 1 => {
                return Err(Error::new(error.kind(), error.message().to_owned()).with_issues(issues));
            }
            _ => {}
        }
        issues.truncate(MOST_ISSUES);
        let issues = issues.into_iter().map(|issue| Issue::new(cut(issue.field), cut(issue.issue)));
        Err(Error::invalid(issues.collect()))
    }
}

fn subscribe(reading: &mut Reading<'_>) -> Option<Command> {
    let id = reading.id();
    let types = reading.types();
    let cursor = reading.cursor();
    let fields = &mut reading.fields;
    let subject = fields.text("subject", |text| {
        let fits = (1..=LONGEST_SUBJECT).contains(&text.len());
        if fits { Ok(text.to_owned()) } else { Err(format!("must be 1 to {LONGEST_SUBJECT} bytes")) }
    });
    let from = fields.text("from", |text| match text {
        "now" => Ok(From::Now),
        "start" => Ok(From::Start),
        _ => Err("must be now or start"),
    });
    let overflow = fields.text("overflow", |text| match text {
        "disconnect" => Ok(Overflow::Disconnect),
        "drop_oldest" => Ok(Overflow::DropOldest),
        "conflate" => Ok(Overflow::Conflate),
        _ => Err("must be disconnect, drop_oldest or conflate"),
    });
    let window = fields.whole("window", 1..=MOST_WINDOW);
    let presence = fields.flag("presence");
    Some(Command::Subscribe(Subscribe {
        id: Arc::from(id?),
        types,
        subject: subject.value(),
        // Who comes back stands where they were, wherever they began.
        from: cursor.map_or(from.value().unwrap_or(From::Now), From::After),
        overflow: overflow.value().unwrap_or_default(),
        most_unacknowledged: window.value().and_then(|window| u32::try_from(window).ok()),
        presence: presence.value().unwrap_or_default(),
    }))
}

fn unsubscribe(reading: &mut Reading<'_>) -> Option<Command> {
    Some(Command::Unsubscribe { id: reading.id()? })
}

fn acknowledge(reading: &mut Reading<'_>) -> Option<Command> {
    let (id, cursor) = (reading.id(), reading.cursor());
    let position = reading.required("cursor", cursor, "that of the newest event that has arrived");
    Some(Command::Acknowledge { id: id?, position: position? })
}

fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.chars().count())
}

/// At most so much of a text that the client may have written.
fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
