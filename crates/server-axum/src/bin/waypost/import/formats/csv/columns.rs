//! Which column of a CSV text says what.

use std::collections::BTreeMap;

use super::super::OpenError;
use super::fields::{Field, NAMES, known, plain};

/// Columns that were named by hand: `slug=Package`, or `slug=#1` for the first column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ColumnMap(Vec<(Field, Pick)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pick {
    Named(String),
    Number(usize),
}

impl ColumnMap {
    /// Adds one `field=column`.
    ///
    /// # Errors
    ///
    /// [`OpenError::Map`] when it is not of that form, or when no field has that name.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), OpenError> {
        let wrong = || OpenError::Map(text.to_owned());
        let (field, column) = text.split_once('=').ok_or_else(wrong)?;
        let field = known(&plain(field)).ok_or_else(wrong)?;
        let pick = match column.trim().strip_prefix('#') {
            Some(number) => Pick::Number(number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?),
            None => Pick::Named(column.trim().to_owned()),
        };
        self.0.push((field, pick));
        Ok(())
    }

    /// Whether every column is named by its number, so that no header is needed.
    fn needs_no_header(&self) -> bool {
        let numbered = self.0.iter().all(|(_, pick)| matches!(pick, Pick::Number(_)));
        numbered && self.0.iter().any(|(field, _)| *field == Field::Destination)
    }
}

/// Where each field stands.
#[derive(Debug)]
pub(crate) struct Columns {
    at: BTreeMap<Field, usize>,
    names: Vec<String>,
    /// Columns that say nothing to a link, by name; they are told rather than dropped in silence.
    pub(crate) ignored: Vec<String>,
    /// Whether the first record is data already.
    pub(crate) headerless: bool,
}

impl Columns {
    /// Reads the header.
    ///
    /// `id` names a short URL in the exports of one service only, so it counts where `id_is_short_url` says so.
    ///
    /// # Errors
    ///
    /// [`OpenError`] that names the cure: no known column, one column twice, or a mapped column that is not there.
    pub(crate) fn read(header: Vec<String>, map: &ColumnMap, id_is_short_url: bool) -> Result<Columns, OpenError> {
        let looks_like_data = header.iter().any(|cell| cell.contains("://"));
        let headerless = looks_like_data && map.needs_no_header();
        if looks_like_data && !headerless {
            return Err(OpenError::NoHeader);
        }
        let plain_names: Vec<String> =
            header.iter().map(|name| if headerless { String::new() } else { plain(name) }).collect();
        let mut at = BTreeMap::new();
        for (field, pick) in &map.0 {
            let column = match pick {
                Pick::Number(number) => Some(number - 1).filter(|column| *column < header.len()),
                Pick::Named(name) => header
                    .iter()
                    .position(|cell| cell.trim() == name)
                    .or_else(|| plain_names.iter().position(|cell| *cell == plain(name))),
            };
            let missing = || OpenError::NoSuchColumn { wanted: pick.to_string(), found: header.join(", ") };
            at.insert(*field, column.ok_or_else(missing)?);
        }
        for (field, names) in NAMES {
            if at.contains_key(&field) {
                continue;
            }
            let Some(name) = names.iter().find(|name| plain_names.iter().any(|cell| cell == *name)) else {
                continue;
            };
            let mut columns = (0..header.len()).filter(|column| plain_names[*column] == *name);
            if let Some(column) = columns.next() {
                if let Some(second) = columns.next() {
                    return Err(OpenError::SameColumnTwice {
                        name: header[column].clone(),
                        first: column + 1,
                        second: second + 1,
                    });
                }
                at.insert(field, column);
            }
        }
        let named = |name: &str| plain_names.iter().position(|cell| cell == name);
        if let Some(link) = named("link") {
            // One service means the short URL by `link`, a plain two-column list the destination.
            let field = if at.contains_key(&Field::Destination) { Field::ShortUrl } else { Field::Destination };
            at.entry(field).or_insert(link);
        }
        if let Some(id) = named("id").filter(|_| id_is_short_url) {
            at.entry(Field::ShortUrl).or_insert(id);
        }
        if !at.contains_key(&Field::Destination) {
            return Err(OpenError::NoDestination { found: header.join(", ") });
        }
        let ignored = (0..header.len())
            .filter(|column| !headerless && !at.values().any(|used| used == column))
            .map(|column| header[column].clone());
        let ignored = ignored.filter(|name| !name.trim().is_empty()).collect();
        Ok(Columns { at, names: header, ignored, headerless })
    }

    /// Where the field stands, if anywhere.
    pub(crate) fn position(&self, field: Field) -> Option<usize> {
        self.at.get(&field).copied()
    }

    /// How a column is called in messages.
    pub(crate) fn name(&self, column: usize) -> &str {
        self.names.get(column).map_or("?", String::as_str)
    }

    /// How many columns a record should have.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

impl std::fmt::Display for Pick {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Pick::Named(name) => out.write_str(name),
            Pick::Number(number) => write!(out, "#{number}"),
        }
    }
}
