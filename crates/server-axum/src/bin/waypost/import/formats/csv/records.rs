//! Records of a CSV text (RFC 4180), one at a time, with their line and their own words.
//!
//! A parser for data at rest may swallow half of a file when a quote is never closed. Here a quote that does not close
//! within [`MAX_RECORD`] costs the one line that it stands on, and every record keeps its raw text, so that a refused one
//! can be written to a file, mended and imported again.

use std::io::{self, Read};

/// The largest record, in bytes: many times the longest destination plus the largest metadata.
pub(crate) const MAX_RECORD: usize = 256 * 1024;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// How much of an overlong line is kept to recognise it by.
const EXCERPT: usize = 1024;

/// One record.
#[derive(Debug)]
pub(crate) struct Record {
    /// The line on which it starts, from 1.
    pub(crate) line: u64,
    /// The fields, quotes undone.
    pub(crate) fields: Vec<Vec<u8>>,
    /// The record as it stands in the file, without its line end.
    pub(crate) raw: Vec<u8>,
}

/// A line that is no record.
#[derive(Debug)]
pub(crate) struct Broken {
    /// The line.
    pub(crate) line: u64,
    /// What is wrong with it.
    pub(crate) reason: &'static str,
    /// Its text, shortened if it was overlong.
    pub(crate) raw: Vec<u8>,
}

/// Reads records in bounded memory.
#[derive(Debug)]
pub(crate) struct Records<R> {
    reader: R,
    delimiter: u8,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    line: u64,
}

enum Scan {
    Record { fields: Vec<Vec<u8>>, text: usize, length: usize, breaks: u64 },
    More,
    Unclosed,
}

impl<R: Read> Records<R> {
    /// Reads from the first line of `reader`, whose byte order mark is already taken off.
    pub(crate) fn new(reader: R, delimiter: u8) -> Self {
        Records { reader, delimiter, buffer: Vec::new(), start: 0, ended: false, line: 1 }
    }

    /// Counts lines that were read before the first record.
    pub(crate) fn skip_lines(&mut self, lines: u64) {
        self.line += lines;
    }

    /// The line that comes next.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The next record that holds anything, or `None` at the end.
    ///
    /// # Errors
    ///
    /// Whatever the reader reports.
    pub(crate) fn next(&mut self) -> io::Result<Option<Result<Record, Broken>>> {
        loop {
            let rest = &self.buffer[self.start..];
            if rest.is_empty() && self.ended {
                return Ok(None);
            }
            match scan(rest, self.delimiter, self.ended) {
                Scan::Record { fields, text, length, breaks } => {
                    let record = Record { line: self.line, fields, raw: rest[..text].to_vec() };
                    self.start += length;
                    self.line += breaks;
                    // Blank lines and a spreadsheet's trailing `;;;` say nothing, so nothing is lost with them.
                    if record.fields.iter().any(|field| !field.trim_ascii().is_empty()) {
                        return Ok(Some(Ok(record)));
                    }
                }
                Scan::More if rest.len() < MAX_RECORD => self.fill()?,
                Scan::More | Scan::Unclosed => return self.lose().map(|broken| Some(Err(broken))),
            }
        }
    }

    /// Gives up the one line at the start, so that the lines after it still count.
    fn lose(&mut self) -> io::Result<Broken> {
        let line = self.line;
        self.line += 1;
        let rest = &self.buffer[self.start..];
        if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let raw = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]).to_vec();
            self.start += end + 1;
            return Ok(Broken { line, reason: "a quote opens on this line and is never closed", raw });
        }
        let reason = if self.ended {
            "a quote opens on this line and is never closed"
        } else {
            "the line is longer than 256 KiB"
        };
        let raw = rest[..rest.len().min(EXCERPT)].to_vec();
        loop {
            self.start = self.buffer.len();
            if self.ended {
                break;
            }
            self.fill()?;
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                self.start = end + 1;
                break;
            }
        }
        Ok(Broken { line, reason, raw })
    }

    /// Reads once more. One read and no more, so that a pipe's rows come as they are written, and a reader that fails
    /// takes none of the rows before it along.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let kept = self.buffer.len();
        self.buffer.resize(kept + CHUNK, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer[kept..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(kept + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        Ok(())
    }
}

/// Finds the first record. A quote opens a field only at its start, as in every spreadsheet; elsewhere it is a letter.
fn scan(bytes: &[u8], delimiter: u8, ended: bool) -> Scan {
    let mut fields = Vec::new();
    let mut field = Vec::new();
    let (mut at, mut breaks) = (0, 0);
    let (mut fresh, mut quoted) = (true, false);
    while let Some(&byte) = bytes.get(at) {
        let following = bytes.get(at + 1).copied();
        if following.is_none() && !ended && matches!(byte, b'"' | b'\r') {
            return Scan::More; // the next byte decides between `"` and `""`, and between `\r` and `\r\n`
        }
        at += 1;
        match byte {
            b'"' if quoted && following == Some(b'"') => {
                field.push(b'"');
                at += 1;
            }
            b'"' if quoted => {
                // A quote that closes lines further down, in the middle of a cell, belongs to another cell: the one that
                // opened was never closed. On one line it may pass, since nothing else can be swallowed by it.
                let whole = matches!(following, None | Some(b'\n' | b'\r')) || following == Some(delimiter);
                if breaks > 0 && !whole {
                    return Scan::Unclosed;
                }
                quoted = false;
            }
            _ if quoted => {
                breaks += u64::from(byte == b'\n');
                field.push(byte);
            }
            b'"' if fresh => (quoted, fresh) = (true, false),
            b'\n' | b'\r' => {
                let text = at - 1;
                let length = if byte == b'\r' && following == Some(b'\n') { at + 1 } else { at };
                fields.push(field);
                return Scan::Record { fields, text, length, breaks: breaks + 1 };
            }
            _ if byte == delimiter => {
                fields.push(std::mem::take(&mut field));
                fresh = true;
            }
            _ => {
                field.push(byte);
                fresh = false;
            }
        }
    }
    match (ended, quoted) {
        (false, _) => Scan::More,
        (true, true) => Scan::Unclosed,
        (true, false) => {
            fields.push(field);
            Scan::Record { fields, text: bytes.len(), length: bytes.len(), breaks }
        }
    }
}
