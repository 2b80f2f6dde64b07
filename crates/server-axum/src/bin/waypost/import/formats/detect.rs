//! Which format a source is in, told from its first bytes.

use std::fmt;
use std::str::FromStr;

use super::OpenError;
use super::csv::plain;

/// A format of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Any table with a header.
    Csv,
    /// Bitly's JSON or CSV.
    Bitly,
    /// A YOURLS dump, JSON or CSV.
    Yourls,
    /// Kutt's JSON or CSV.
    Kutt,
    /// Shlink's JSON or CSV.
    Shlink,
    /// Dub's JSON or CSV.
    Dub,
}

/// What a source is written in, whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A table.
    Csv,
    /// JSON, or JSON lines.
    Json,
    /// A database dump.
    Sql,
}

/// Keys that only one service writes, all of which an item has; the first match wins.
const JSON_KEYS: [(Format, &[&str]); 8] = [
    (Format::Shlink, &["\"shortCode\"", "\"longUrl\""]),
    (Format::Shlink, &["\"shortUrls\""]),
    (Format::Bitly, &["\"long_url\""]),
    (Format::Kutt, &["\"address\"", "\"target\""]),
    (Format::Dub, &["\"key\"", "\"domain\"", "\"url\""]),
    (Format::Dub, &["\"shortLink\""]),
    (Format::Yourls, &["\"shorturl\"", "\"url\""]),
    (Format::Yourls, &["\"keyword\"", "\"url\""]),
];

/// Columns that only one service writes side by side.
const CSV_COLUMNS: [(Format, &[&str]); 6] = [
    (Format::Shlink, &["shortcode", "longurl"]),
    (Format::Dub, &["shortlink", "destinationurl"]),
    (Format::Yourls, &["keyword", "url", "timestamp"]),
    (Format::Kutt, &["address", "target"]),
    (Format::Bitly, &["bitlink"]),
    (Format::Bitly, &["link", "longurl"]),
];

impl Format {
    /// The format of a source that begins with `head`; `None` for nothing, and for JSON of no known kind.
    ///
    /// A few kilobytes are enough. A table whose header is of no service is [`Format::Csv`].
    pub(crate) fn detect(head: &[u8]) -> Option<Format> {
        let text = String::from_utf8_lossy(head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        match Shape::of(text.as_bytes())? {
            Shape::Json => {
                JSON_KEYS.iter().find(|(_, keys)| keys.iter().all(|key| text.contains(key))).map(|(format, _)| *format)
            }
            Shape::Sql => Some(Format::Yourls),
            Shape::Csv => {
                let header =
                    text.lines().find(|line| !line.to_ascii_lowercase().starts_with("sep=")).unwrap_or_default();
                let columns: Vec<String> = header.split([',', ';', '\t']).map(plain).collect();
                let has = |name: &&str| columns.iter().any(|column| column == name);
                let known = CSV_COLUMNS.iter().find(|(_, names)| names.iter().all(has));
                Some(known.map_or(Format::Csv, |(format, _)| *format))
            }
        }
    }

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Bitly => "bitly",
            Format::Yourls => "yourls",
            Format::Kutt => "kutt",
            Format::Shlink => "shlink",
            Format::Dub => "dub",
        }
    }
}

impl Shape {
    /// The shape of a text; `None` for nothing but blanks.
    pub(super) fn of(head: &[u8]) -> Option<Shape> {
        let text = head.trim_ascii_start();
        let first = *text.first()?;
        let start = String::from_utf8_lossy(&text[..text.len().min(64)]).to_ascii_lowercase();
        let sql = [
            "--",
            "/*",
            "insert into",
            "replace into",
            "create table",
            "drop table",
            "set ",
            "lock tables",
            "start transaction",
            "use `",
        ];
        Some(match first {
            b'{' | b'[' => Shape::Json,
            _ if sql.iter().any(|word| start.starts_with(word)) => Shape::Sql,
            _ => Shape::Csv,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        let all = [Format::Csv, Format::Bitly, Format::Yourls, Format::Kutt, Format::Shlink, Format::Dub];
        all.into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| OpenError::UnknownFormat(text.to_owned()))
    }
}
