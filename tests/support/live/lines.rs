//! An event stream (WHATWG HTML §9.2.6), read as its bytes come.

use std::time::Duration;

/// One thing that stood in a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A block that ended in a blank line and has data.
    Event {
        /// Its type: `message` unless it said otherwise.
        kind: &'a str,
        /// Its data, lines parted by LF.
        data: &'a [u8],
    },
    /// A comment.
    Comment(&'a [u8]),
    /// How long to wait before coming back.
    Retry(Duration),
}

/// What has been read of a stream and is not finished.
///
/// A block that its end cuts off is dropped, and so is its id.
#[derive(Debug, Default)]
pub struct Lines {
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// The last line ended in CR: a LF that follows belongs to it.
    is_after_cr: bool,
    /// A byte order mark may still come.
    is_begun: bool,
    kind: String,
    data: Vec<u8>,
    /// What the block under way said of the id.
    id: Option<String>,
    /// What the last finished block that said something of the id said.
    last_id: Option<String>,
}

impl Lines {
    /// The last event id, as a client sends it when it comes back; `None` while there was none.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// Reads on.
    pub fn read(&mut self, mut bytes: &[u8], mut take: impl FnMut(Item<'_>)) {
        if self.is_after_cr && !bytes.is_empty() {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            self.is_after_cr = false;
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            if self.line.is_empty() {
                self.end_line(&bytes[..end], &mut take);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                self.end_line(&line, &mut take);
                line.clear();
                self.line = line;
            }
            let is_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if is_cr {
                self.is_after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        self.line.extend_from_slice(bytes);
    }

    fn end_line(&mut self, line: &[u8], take: &mut impl FnMut(Item<'_>)) {
        let line = if self.is_begun { line } else { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) };
        self.is_begun = true;
        if line.is_empty() {
            self.end_block(take);
            return;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"" => take(Item::Comment(value)),
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.kind = String::from_utf8_lossy(value).into_owned(),
            b"id" if !value.contains(&0) => self.id = Some(String::from_utf8_lossy(value).into_owned()),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let millis = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
                millis.map(Duration::from_millis).into_iter().for_each(|wait| take(Item::Retry(wait)));
            }
            // Other fields are for others.
            _ => {}
        }
    }

    fn end_block(&mut self, take: &mut impl FnMut(Item<'_>)) {
        if let Some(id) = self.id.take() {
            self.last_id = Some(id);
        }
        if !self.data.is_empty() {
            let kind = if self.kind.is_empty() { "message" } else { &self.kind };
            take(Item::Event { kind, data: &self.data[..self.data.len() - 1] });
        }
        self.kind.clear();
        self.data.clear();
    }
}
