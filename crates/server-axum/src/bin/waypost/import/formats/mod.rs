//! The formats that `waypost import` reads: plain CSV, and the exports of five other link services.
//!
//! [`open`] takes any reader and yields one [`Outcome`] a link, in bounded memory: a million links are never loaded
//! whole. The parsers know nothing of the store. What they promise:
//!
//! 1. A fault in one link costs that link and is told with its line, its reason and its own text ([`Refused`]).
//! 2. A fault that ends the reading is told as well ([`Scope::Rest`]), so that a file cut short never looks complete.
//! 3. Whatever a link here cannot carry is named in [`Row::left_out`], or in [`Import::ignored_columns`].
//! 4. A link behind a password is refused, since it would be open to all; passwords never appear in a refusal.
//!
//! ```text
//! bytes ── CSV  ── csv ───────────────────────────────────┐
//!       ── SQL  ── sql ── yourls ─────────────────────────┼── Row | Refused
//!       ── JSON ── json ── bitly, dub, kutt, shlink, yourls ┘
//! ```

mod bitly;
mod csv;
mod detect;
mod dub;
mod item;
mod json;
mod kutt;
mod row;
mod shlink;
mod short_url;
mod sql;
#[cfg(test)]
mod tests;
mod time;
mod yourls;

use std::io::{self, Cursor, Read};

pub(crate) use csv::ColumnMap;
pub(crate) use detect::Format;
pub(crate) use row::{Outcome, Refused, Row, Scope};

use detect::Shape;
use item::Rows;

/// How many bytes are looked at to tell the format and the separator: more than any header or dump's preamble needs.
const HEAD: u64 = 16 * 1024;

/// What the command line may say about a source; the default lets the source speak for itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// The format, where it is not to be told from the first bytes.
    pub(crate) format: Option<Format>,
    /// Columns of a CSV text that bear none of the usual names.
    pub(crate) columns: ColumnMap,
    /// The separator of a CSV text, where it is not to be told from its header.
    pub(crate) delimiter: Option<u8>,
}

/// A source that is being read.
pub(crate) struct Import<'a> {
    /// The format that is being read.
    pub(crate) format: Format,
    ignored: Vec<String>,
    rows: Box<dyn Iterator<Item = Outcome> + Send + 'a>,
}

/// Why a source cannot be read at all; each text names the cure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The reader failed.
    #[error("the source cannot be read")]
    Read(#[source] io::Error),
    /// Nothing but blanks.
    #[error("the source is empty; export it again, or check the file's name")]
    Empty,
    /// UTF-16, as some spreadsheets save it.
    #[error("the source is UTF-16; save it as UTF-8 (in a spreadsheet: CSV UTF-8)")]
    Utf16,
    /// JSON of an unknown kind.
    #[error("the JSON is of no known export; name its format with --format bitly, dub, kutt, shlink or yourls")]
    UnknownJson,
    /// A format in a shape that it never has.
    #[error("{0} has no exports as {1}; leave --format out, or name another one")]
    Shape(Format, &'static str),
    /// A name that is no format.
    #[error("`{0}` is not a format; take csv, bitly, dub, kutt, shlink or yourls")]
    UnknownFormat(String),
    /// The first line is data.
    #[error(
        "the first line looks like a link, not like a header; put `slug,destination` above it, or name the columns with --map slug=#1 --map destination=#2"
    )]
    NoHeader,
    /// No column says where the links lead.
    #[error(
        "no column names the destination (found: {found}); call one `destination`, or name it with --map destination=COLUMN"
    )]
    NoDestination {
        /// The columns that are there.
        found: String,
    },
    /// Two columns of one name.
    #[error(
        "two columns are called `{name}` (#{first} and #{second}); rename one, or pick one by number, as in --map FIELD=#{second}"
    )]
    SameColumnTwice {
        /// The name.
        name: String,
        /// The first column, from 1.
        first: usize,
        /// The second one.
        second: usize,
    },
    /// A mapped column is not there.
    #[error("there is no column `{wanted}` (found: {found}); correct the --map")]
    NoSuchColumn {
        /// The column that was asked for.
        wanted: String,
        /// The columns that are there.
        found: String,
    },
    /// A mapping that is none.
    #[error("`{0}` is not a mapping; write FIELD=COLUMN, as in slug=Package or destination=#2")]
    Map(String),
    /// The header is no record.
    #[error("the header cannot be read: {0}; mend the first line")]
    Header(&'static str),
}

/// Opens a source.
///
/// # Errors
///
/// [`OpenError`] when nothing of it can be read; everything later is an [`Outcome`].
pub(crate) fn open<'a>(mut reader: impl Read + Send + 'a, options: &Options) -> Result<Import<'a>, OpenError> {
    let mut head = Vec::new();
    reader.by_ref().take(HEAD).read_to_end(&mut head).map_err(OpenError::Read)?;
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err(OpenError::Utf16);
    }
    let mark: &[u8] = b"\xef\xbb\xbf";
    let head = head.strip_prefix(mark).unwrap_or(&head).to_vec();
    let shape = Shape::of(&head).ok_or(OpenError::Empty)?;
    let format = match (options.format.or_else(|| Format::detect(&head)), shape) {
        (Some(format), _) => format,
        (None, _) => return Err(OpenError::UnknownJson),
    };
    let source = Cursor::new(head.clone()).chain(reader);
    let mut ignored = Vec::new();
    let rows: Box<dyn Iterator<Item = Outcome> + Send + 'a> = match (format, shape) {
        (Format::Bitly, Shape::Json) => Box::new(Rows::new(source, bitly::map)),
        (Format::Dub, Shape::Json) => Box::new(Rows::new(source, dub::map)),
        (Format::Kutt, Shape::Json) => Box::new(Rows::new(source, kutt::map)),
        (Format::Shlink, Shape::Json) => Box::new(Rows::new(source, shlink::map)),
        (Format::Yourls, Shape::Json) => Box::new(Rows::new(source, yourls::map)),
        (Format::Yourls, Shape::Sql) => Box::new(yourls::Dump::new(source)),
        (format, Shape::Csv) => {
            let rows = csv::open(&head, source, format, options)?;
            ignored = rows.ignored().to_vec();
            Box::new(rows)
        }
        (format, Shape::Json) => return Err(OpenError::Shape(format, "JSON")),
        (format, Shape::Sql) => return Err(OpenError::Shape(format, "an SQL dump")),
    };
    Ok(Import { format, ignored, rows })
}

impl Import<'_> {
    /// The columns of a CSV text that no field of a link takes up.
    pub(crate) fn ignored_columns(&self) -> &[String] {
        &self.ignored
    }
}

impl Iterator for Import<'_> {
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        self.rows.next()
    }
}
