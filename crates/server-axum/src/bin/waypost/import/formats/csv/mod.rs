//! CSV: columns by header, any of the usual names, comma, semicolon or tab.
//!
//! This is the format of hand-made lists, and every service's own CSV export goes through it too: their column names are
//! all among the known ones. Only the links of a service must bring their slug along, since a random one would not be
//! the link that people have bookmarked.

mod columns;
mod records;
#[cfg(test)]
mod tests;

use std::io::Read;

use serde_json::Value;

pub(crate) use columns::{ColumnMap, plain};
use columns::{Columns, Field};
use records::{Record, Records};

use super::row::{Outcome, PASSWORD, Refused, Row, Scope, brief};
use super::{Format, OpenError, short_url};

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
pub(super) fn open<R: Read>(head: &[u8], mut reader: R, format: Format, options: &super::Options) -> Result<Rows<R>, OpenError> {
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
    let names: Vec<String> = header.fields.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect();
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
                return Some(Err(Refused { line: broken.line, reason: broken.reason.to_owned(), raw, scope: Scope::Row }));
            }
            Err(error) => {
                self.ended = true;
                let reason = format!("the source could not be read any further: {error}");
                return Some(Err(Refused { line: self.records.line(), reason, raw: String::new(), scope: Scope::Rest }));
            }
        };
        let read = Cells::read(&self.columns, &record).and_then(|cells| cells.row(self.slug));
        Some(read.map_err(|reason| Refused { line: record.line, reason, raw: self.raw(&record), scope: Scope::Row }))
    }
}

impl<R> Rows<R> {
    /// The record's own text; a password in it is blanked, for refusals end up in files and on screens.
    fn raw(&self, record: &Record) -> String {
        let secret = self.columns.position(Field::Password).filter(|column| record.fields.get(*column).is_some_and(|cell| !cell.is_empty()));
        let Some(secret) = secret else { return String::from_utf8_lossy(&record.raw).into_owned() };
        let cells = record.fields.iter().enumerate().map(|(column, cell)| {
            let cell = if column == secret { "[redacted]".into() } else { String::from_utf8_lossy(cell) };
            let special = |byte: u8| byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
            if cell.bytes().any(special) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.into_owned() }
        });
        cells.collect::<Vec<_>>().join(&char::from(self.delimiter).to_string())
    }
}

/// The cells of one record, by field.
struct Cells<'a> {
    columns: &'a Columns,
    cells: Vec<&'a str>,
    line: u64,
}

impl<'a> Cells<'a> {
    fn read(columns: &'a Columns, record: &'a Record) -> Result<Self, String> {
        let (wanted, found) = (columns.len(), record.fields.len());
        if found > wanted && record.fields[wanted..].iter().any(|cell| !cell.is_empty()) {
            return Err(format!("{found} cells under {wanted} columns; a cell that holds the separator must stand in quotes"));
        }
        let mut cells = Vec::with_capacity(found);
        for (column, cell) in record.fields.iter().enumerate() {
            let name = columns.name(column);
            cells.push(std::str::from_utf8(cell).map_err(|_| format!("the cell under `{name}` is not UTF-8; save the file as UTF-8"))?);
        }
        let destination = columns.position(Field::Destination).unwrap_or_default();
        if found <= destination {
            return Err(format!("{found} cells where the header has {wanted}; no destination among them"));
        }
        Ok(Cells { columns, cells, line: record.line })
    }

    fn get(&self, field: Field) -> Option<&'a str> {
        let cell = self.cells.get(self.columns.position(field)?)?.trim();
        (!cell.is_empty() && cell != "\\N").then_some(cell)
    }

    fn number(&self, field: Field) -> Result<Option<u64>, String> {
        let Some(cell) = self.get(field).filter(|cell| !cell.eq_ignore_ascii_case("null")) else { return Ok(None) };
        let column = self.columns.position(field).unwrap_or_default();
        let number = cell.parse().map_err(|_| format!("`{}` under `{}` is not a count", brief(cell), self.columns.name(column)))?;
        Ok(Some(number))
    }

    fn yes(&self, field: Field) -> bool {
        let no = ["0", "f", "false", "n", "no", "null", "off", "never"];
        self.get(field).is_some_and(|cell| !no.iter().any(|word| word.eq_ignore_ascii_case(cell)))
    }

    fn row(&self, rule: SlugRule) -> Result<Row, String> {
        if self.yes(Field::Password) {
            return Err(PASSWORD.to_owned());
        }
        let mut row = Row::new(self.line, self.get(Field::Destination))?;
        self.address(&mut row);
        if rule == SlugRule::Required && row.slug.is_none() {
            return Err("no slug".to_owned());
        }
        row.title = self.get(Field::Title).map(str::to_owned);
        tags(&mut row, self.get(Field::Tags).unwrap_or_default());
        row.created(self.get(Field::CreatedAt));
        row.expires(self.get(Field::ExpiresAt))?;
        row.redirect(self.get(Field::RedirectStatus))?;
        row.disabled = self.yes(Field::Disabled) || (self.get(Field::Enabled).is_some() && !self.yes(Field::Enabled));
        self.status(&mut row);
        let limit = self.number(Field::MaxClicks)?.filter(|limit| *limit > 0);
        row.clicks(self.number(Field::Clicks)?, limit);
        if self.yes(Field::Archived) {
            row.keep("archived", true);
            row.leave_out("archived (kept in metadata; the link redirects, as it did)");
        }
        if let Some(since) = self.get(Field::ValidSince) {
            row.keep("valid_since", since);
            row.leave_out("start time (kept in metadata; the link works at once)");
        }
        if self.get(Field::DomainNumber).is_some() && row.domain.is_none() {
            row.leave_out("domain, known by a number only");
        }
        self.metadata(&mut row)?;
        Ok(row)
    }

    fn address(&self, row: &mut Row) {
        let slug = self.get(Field::Slug);
        // Some lists give the whole short URL where others give the slug.
        let whole = slug.filter(|slug| slug.contains("://")).or_else(|| self.get(Field::ShortUrl));
        if let Some(url) = whole {
            let (domain, slug) = short_url::split(url);
            row.domain = domain;
            row.slug = Some(slug);
            row.keep("imported_from", url);
        }
        if let Some(slug) = slug.filter(|slug| !slug.contains("://")) {
            row.slug = Some(short_url::slug(slug));
        }
        if let Some(domain) = self.get(Field::Domain).filter(|domain| !domain.eq_ignore_ascii_case("null")) {
            row.domain = short_url::domain(domain);
        }
        row.slug = row.slug.take().filter(|slug| !slug.is_empty());
    }

    fn status(&self, row: &mut Row) {
        match self.get(Field::Status).map(str::to_lowercase).as_deref() {
            None | Some("active" | "enabled" | "live" | "ok" | "expired" | "exhausted") => {}
            Some("disabled" | "inactive" | "banned" | "blocked" | "paused" | "deleted") => row.disabled = true,
            Some(_) => row.leave_out("a status of unknown meaning"),
        }
    }

    fn metadata(&self, row: &mut Row) -> Result<(), String> {
        let Some(cell) = self.get(Field::Metadata) else { return Ok(()) };
        match serde_json::from_str(cell) {
            Ok(Value::Object(map)) => row.metadata.extend(map),
            Ok(Value::Null) => {}
            _ => return Err("the metadata is not a JSON object".to_owned()),
        }
        Ok(())
    }
}

/// Splits a cell of tags at the strongest separator in it, so that a tag may hold a weaker one.
fn tags(row: &mut Row, cell: &str) {
    if let Ok(names) = serde_json::from_str::<Vec<String>>(cell) {
        return names.iter().for_each(|name| row.tag(name));
    }
    let cell = cell.strip_prefix('{').and_then(|cell| cell.strip_suffix('}')).unwrap_or(cell);
    let separator = ['|', ';', ','].into_iter().find(|separator| cell.contains(*separator)).unwrap_or(',');
    cell.split(separator).for_each(|name| row.tag(name.trim().trim_matches('"')));
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
