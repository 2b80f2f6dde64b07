//! What did not become a link: on the screen, and in a file that can be mended and imported.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use csv::Writer;

use super::formats::{Refused, Row};
use crate::failure::Failure;

/// The columns of the file: why, then what an import reads, then the source's own text where it could not be read.
const COLUMNS: [&str; 16] = [
    "line",
    "reason",
    "slug",
    "destination",
    "domain",
    "title",
    "tags",
    "created_at",
    "expires_at",
    "max_clicks",
    "redirect_status",
    "referrer_policy",
    "cache_seconds",
    "disabled",
    "metadata",
    "raw",
];

/// Something that did not become a link.
#[derive(Debug)]
pub(super) struct Reject {
    /// Where it stands in the source.
    pub(super) line: u64,
    /// Why, in one clause.
    pub(super) reason: String,
    row: Option<Box<Row>>,
    raw: String,
}

impl Reject {
    /// A row that the sink refuses.
    pub(super) fn of_row(row: Row, reason: String) -> Self {
        Self { line: row.line, reason, row: Some(Box::new(row)), raw: String::new() }
    }

    /// A piece of the source that is no row.
    pub(super) fn of_source(refused: Refused) -> Self {
        Self { line: refused.line, reason: refused.reason, row: None, raw: refused.raw }
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        let (line, reason, raw) = (self.line.to_string(), self.reason.clone(), self.raw.clone());
        let Some(row) = &self.row else {
            let mut cells: [String; COLUMNS.len()] = std::array::from_fn(|_| String::new());
            (cells[0], cells[1], cells[COLUMNS.len() - 1]) = (line, reason, raw);
            return cells;
        };
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        [
            line,
            reason,
            row.slug.clone().unwrap_or_default(),
            row.destination.clone(),
            row.domain.clone().unwrap_or_default(),
            row.title.clone().unwrap_or_default(),
            if row.tags.is_empty() { String::new() } else { serde_json::json!(row.tags).to_string() },
            row.created_at.clone().unwrap_or_default(),
            row.expires_at.clone().unwrap_or_default(),
            number(row.max_clicks),
            number(row.redirect_status.map(Into::into)),
            row.referrer_policy.clone().unwrap_or_default(),
            number(row.cache_seconds),
            if row.disabled { "true".to_owned() } else { String::new() },
            if row.metadata.is_empty() { String::new() } else { serde_json::json!(row.metadata).to_string() },
            raw,
        ]
    }
}

/// The file of rejects; made with the first one.
#[derive(Debug)]
pub(super) struct Rejects {
    path: PathBuf,
    writer: Option<Writer<BufWriter<File>>>,
}

impl Rejects {
    /// For what is refused of `source`; beside it, unless another `path` is wanted.
    ///
    /// # Errors
    /// A path that would overwrite the source.
    pub(super) fn new(source: &Path, path: Option<PathBuf>) -> Result<Self, Failure> {
        let path = path.unwrap_or_else(|| {
            if source == Path::new("-") {
                return PathBuf::from("stdin.rejected.csv");
            }
            let mut name = source.as_os_str().to_owned();
            name.push(".rejected.csv");
            name.into()
        });
        let same = matches!((path.canonicalize(), source.canonicalize()), (Ok(left), Ok(right)) if left == right);
        if same {
            return Err(Failure::usage("--rejects: is the source itself; name another file"));
        }
        Ok(Self { path, writer: None })
    }

    /// Writes one down.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn write(&mut self, reject: &Reject) -> Result<(), Failure> {
        let unwritable = |path: &Path, fault: &dyn std::fmt::Display| {
            let path = path.display();
            Failure::usage(format!("--rejects: {path} cannot be written ({fault}); name another file"))
        };
        if self.writer.is_none() {
            let file = File::create(&self.path).map_err(|fault| unwritable(&self.path, &fault))?;
            let mut writer = Writer::from_writer(BufWriter::new(file));
            writer.write_record(COLUMNS).map_err(|fault| unwritable(&self.path, &fault))?;
            self.writer = Some(writer);
        }
        match &mut self.writer {
            Some(writer) => writer.write_record(reject.cells()).map_err(|fault| unwritable(&self.path, &fault)),
            None => Ok(()),
        }
    }

    /// Brings it to the disk; names the file if there is one.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn finish(&mut self) -> Result<Option<&Path>, Failure> {
        let Some(writer) = &mut self.writer else {
            return Ok(None);
        };
        writer.flush().map_err(|fault| {
            Failure::usage(format!("--rejects: {} cannot be written ({fault}); name another file", self.path.display()))
        })?;
        Ok(Some(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::formats::{self, Options};
    use super::*;

    #[test]
    fn the_file_can_be_imported_once_it_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("links.csv");
        std::fs::write(&source, "x").unwrap();
        assert!(Rejects::new(&source, Some(source.clone())).is_err(), "the source is not overwritten");
        let mut row = Row::new(7, Some("https://example.com/?a=1,2")).unwrap();
        row.slug = Some("docs".to_owned());
        row.tags = vec!["a, b".to_owned()];
        row.keep("note", "\"quoted\"");
        let mut rejects = Rejects::new(&source, None).unwrap();
        assert_eq!(rejects.finish().unwrap(), None);
        rejects.write(&Reject::of_row(row.clone(), "slug is a path that the server needs".to_owned())).unwrap();
        let path = rejects.finish().unwrap().unwrap().to_owned();
        assert_eq!(path, folder.path().join("links.csv.rejected.csv"));
        let again: Vec<_> = formats::open(File::open(path).unwrap(), &Options::default()).unwrap().collect();
        assert_eq!(again, [Ok(Row { line: 2, ..row })]);
    }
}
