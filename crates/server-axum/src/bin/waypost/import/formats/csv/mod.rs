//! CSV: columns by header, any of the usual names, comma, semicolon or tab.
//!
//! This is the format of hand-made lists, and every service's own CSV export goes through it too: their column names are
//! all among the known ones. Only the links of a service must bring their slug along, since a random one would not be
//! the link that people have bookmarked.

mod cells;
mod columns;
mod fields;
mod records;
#[cfg(test)]
mod tests;

use std::io::Read;

use cells::Cells;
pub(crate) use columns::ColumnMap;
use columns::Columns;
use fields::Field;
pub(crate) use fields::plain;
use records::{Record, Records};

use super::row::{Outcome, Refused, Scope};
use super::{Format, OpenError};

/// Reads links from CSV, one at a time.
#[derive(Debug)]
pub(crate) struct Rows<R> {
    records: Records<R>,
    columns: Columns,
    first: Option<Record>,
    slug: SlugRule,
    delimiter: u8,
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlugRule {
    Optional,
    Required,
}

/// Opens a CSV text of `format`, whose first bytes are `head`; `reader` begins with them too.
///
/// # Errors
///
/// [`OpenError`] when there is no header that names a destination, with the cure in its text.
pub(super) fn open<R: Read>(
    head: &[u8],
    mut reader: R,
    format: Format,
    options: &super::Options,
) -> Result<Rows<R>, OpenError> {
    let told = excel_separator(head);
    let delimiter = options.delimiter.or(told).unwrap_or_else(|| sniff(head));
    let mut skipped_lines = 0;
    if told.is_some() {
        // `sep=;` is a spreadsheet's own hint and no record.
        let length = head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |end| end + 1);
        std::io::copy(&mut reader.by_ref().take(length as u64), &mut std::io::sink()).map_err(OpenError::Read)?;
        skipped_lines = 1;
    }
    let mut records = Records::new(reader, delimiter);
    records.skip_lines(skipped_lines);
    let header = match records.next().map_err(OpenError::Read)? {
        None => return Err(OpenError::Empty),
        Some(Err(broken)) => return Err(OpenError::Header(broken.reason)),
        Some(Ok(record)) => record,
    };
    let names: Vec<String> =
        header.fields.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect();
    let columns = Columns::read(names, &options.columns, format == Format::Bitly)?;
    let slug = if format == Format::Csv { SlugRule::Optional } else { SlugRule::Required };
    let first = columns.headerless.then_some(header);
    Ok(Rows { records, columns, first, slug, delimiter, ended: false })
}

impl<R> Rows<R> {
    /// The columns that no field of a link takes up.
    pub(crate) fn ignored(&self) -> &[String] {
        &self.columns.ignored
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        if self.ended {
            return None;
        }
        let record = match self.first.take().map_or_else(|| self.records.next(), |first| Ok(Some(Ok(first)))) {
            Ok(None) => return None,
            Ok(Some(Ok(record))) => record,
            Ok(Some(Err(broken))) => {
                let raw = String::from_utf8_lossy(&broken.raw).into_owned();
                return Some(Err(Refused {
                    line: broken.line,
                    reason: broken.reason.to_owned(),
                    raw,
                    scope: Scope::Row,
                }));
            }
            Err(error) => {
                self.ended = true;
                let reason = format!("the source could not be read any further: {error}");
                return Some(Err(Refused {
                    line: self.records.line(),
                    reason,
                    raw: String::new(),
                    scope: Scope::Rest,
                }));
            }
        };
        let read = Cells::read(&self.columns, &record).and_then(|cells| cells.row(self.slug));
        Some(read.map_err(|reason| Refused { line: record.line, reason, raw: self.raw(&record), scope: Scope::Row }))
    }
}

impl<R> Rows<R> {
    /// The record's own text; a password in it is blanked, for refusals end up in files and on screens.
    fn raw(&self, record: &Record) -> String {
        let secret = self
            .columns
            .position(Field::Password)
            .filter(|column| record.fields.get(*column).is_some_and(|cell| !cell.is_empty()));
        let Some(secret) = secret else {
            return String::from_utf8_lossy(&record.raw).into_owned();
        };
        let cells = record.fields.iter().enumerate().map(|(column, cell)| {
            let cell = if column == secret { "[redacted]".into() } else { String::from_utf8_lossy(cell) };
            let special = |byte: u8| byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
            if cell.bytes().any(special) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.into_owned() }
        });
        cells.collect::<Vec<_>>().join(&char::from(self.delimiter).to_string())
    }
}

/// The separator that the header uses most, quoted parts aside.
fn sniff(head: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in head.iter().skip_while(|byte| byte.is_ascii_whitespace()) {
        quoted ^= *byte == b'"';
        if !quoted && matches!(byte, b'\n' | b'\r') {
            break;
        }
        if let Some((_, count)) = counts.iter_mut().find(|(separator, _)| separator == byte && !quoted) {
            *count += 1;
        }
    }
    // The first of equals wins, and a text of one column is comma-separated.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}

fn excel_separator(head: &[u8]) -> Option<u8> {
    let line = head.split(|byte| *byte == b'\n').next()?.trim_ascii_end();
    let hint = line.strip_prefix(b"sep=").or_else(|| line.strip_prefix(b"SEP="))?;
    (hint.len() == 1).then(|| hint[0])
}
