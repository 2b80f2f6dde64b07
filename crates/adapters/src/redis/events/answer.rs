//! What the log's scripts answer: where it begins and ends, then what was asked for.

use redis::Value;
use waypost_core::events::{Bounds, Epoch, Logged, Position};

use super::record;
use crate::redis::error::Fault;

const UNKNOWN: Fault = Fault::Form("an answer of the log");

/// An answer, whose bounds are read.
#[derive(Debug)]
pub(super) struct Answer {
    /// Where the log begins and ends.
    pub(super) bounds: Bounds,
    rest: std::vec::IntoIter<Value>,
}

impl Answer {
    /// Reads the bounds.
    pub(super) fn read(values: Vec<Value>) -> Result<Self, Fault> {
        let mut rest = values.into_iter();
        let Some(Value::BulkString(epoch)) = rest.next() else {
            return Err(UNKNOWN);
        };
        let epoch = std::str::from_utf8(&epoch).ok().and_then(|digits| digits.parse().ok()).ok_or(UNKNOWN)?;
        let (start, end) = (number(rest.next())?, number(rest.next())?);
        let position = |offset| Position { epoch: Epoch(epoch), offset };
        Ok(Self { bounds: Bounds { start: position(start), end: position(end) }, rest })
    }

    /// A position of this log.
    pub(super) fn at(&self, offset: u64) -> Position {
        Position { offset, ..self.bounds.end }
    }

    /// Whether there is nothing behind the bounds.
    pub(super) fn is_bare(&self) -> bool {
        self.rest.len() == 0
    }

    /// The next number.
    pub(super) fn number(&mut self) -> Result<u64, Fault> {
        number(self.rest.next())
    }

    /// What is left, as offsets.
    pub(super) fn positions(mut self) -> Result<Vec<Position>, Fault> {
        let mut positions = Vec::with_capacity(self.rest.len());
        while !self.is_bare() {
            let offset = self.number()?;
            positions.push(self.at(offset));
        }
        Ok(positions)
    }

    /// What is left, as events.
    pub(super) fn events(mut self) -> Result<Vec<Logged>, Fault> {
        let mut events = Vec::with_capacity(self.rest.len() / 2);
        while !self.is_bare() {
            let offset = self.number()?;
            let Some(Value::BulkString(bytes)) = self.rest.next() else {
                return Err(UNKNOWN);
            };
            events.push(Logged { position: self.at(offset), event: record::read(&bytes)? });
        }
        Ok(events)
    }
}

fn number(value: Option<Value>) -> Result<u64, Fault> {
    match value {
        Some(Value::Int(number)) => u64::try_from(number).map_err(|_| UNKNOWN),
        _ => Err(UNKNOWN),
    }
}
