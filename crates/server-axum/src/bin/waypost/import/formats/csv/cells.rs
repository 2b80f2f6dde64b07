//! The cells of one record, into a link.

use serde_json::Value;

use super::super::row::{PASSWORD, Row, brief};
use super::super::short_url;
use super::SlugRule;
use super::columns::Columns;
use super::fields::Field;
use super::records::Record;

/// The cells of one record, by field.
pub(super) struct Cells<'a> {
    columns: &'a Columns,
    cells: Vec<&'a str>,
    line: u64,
}

impl<'a> Cells<'a> {
    /// The cells of `record`.
    ///
    /// # Errors
    ///
    /// A reason, when there are too many or too few of them, or one is not UTF-8.
    pub(super) fn read(columns: &'a Columns, record: &'a Record) -> Result<Self, String> {
        let (wanted, found) = (columns.len(), record.fields.len());
        if found > wanted && record.fields[wanted..].iter().any(|cell| !cell.is_empty()) {
            return Err(format!(
                "{found} cells under {wanted} columns; a cell that holds the separator must stand in quotes"
            ));
        }
        let mut cells = Vec::with_capacity(found);
        for (column, cell) in record.fields.iter().enumerate() {
            let name = columns.name(column);
            cells.push(
                std::str::from_utf8(cell)
                    .map_err(|_| format!("the cell under `{name}` is not UTF-8; save the file as UTF-8"))?,
            );
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
        let Some(cell) = self.get(field).filter(|cell| !cell.eq_ignore_ascii_case("null")) else {
            return Ok(None);
        };
        let column = self.columns.position(field).unwrap_or_default();
        let number = cell
            .parse()
            .map_err(|_| format!("`{}` under `{}` is not a count", brief(cell), self.columns.name(column)))?;
        Ok(Some(number))
    }

    fn yes(&self, field: Field) -> bool {
        let no = ["0", "f", "false", "n", "no", "null", "off", "never"];
        self.get(field).is_some_and(|cell| !no.iter().any(|word| word.eq_ignore_ascii_case(cell)))
    }

    /// The link that the cells describe.
    ///
    /// # Errors
    ///
    /// A reason, when they describe none, or one that would do here what it did not do there.
    pub(super) fn row(&self, rule: SlugRule) -> Result<Row, String> {
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
        row.referrer_policy = self.get(Field::ReferrerPolicy).map(str::to_owned);
        row.cache_seconds = self.number(Field::CacheSeconds)?;
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
        let Some(cell) = self.get(Field::Metadata) else {
            return Ok(());
        };
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
