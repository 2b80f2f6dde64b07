//! Where an export is written to.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::Format;
use crate::failure::Failure;

/// A file, or standard output.
pub(super) struct Out {
    name: String,
    sink: Sink,
    is_closed: bool,
}

enum Sink {
    Csv(Box<csv::Writer<Box<dyn Write + Send>>>),
    Jsonl(BufWriter<Box<dyn Write + Send>>),
}

impl Out {
    /// Opens `path`, which is overwritten, or standard output.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn open(format: Format, path: Option<&Path>) -> Result<Self, Failure> {
        let (name, writer): (_, Box<dyn Write + Send>) = match path {
            None => ("standard output".to_owned(), Box::new(io::stdout())),
            Some(path) => {
                let name = path.display().to_string();
                let file = File::create(path).map_err(|fault| {
                    Failure::usage(format!("--output: {name} cannot be written ({fault}); name another file"))
                })?;
                (name, Box::new(file))
            }
        };
        let sink = match format {
            Format::Csv => {
                let csv = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(writer);
                Sink::Csv(Box::new(csv))
            }
            Format::Jsonl => Sink::Jsonl(BufWriter::with_capacity(1 << 16, writer)),
        };
        Ok(Self { name, sink, is_closed: false })
    }

    /// The header of a table; of no use to JSON lines.
    pub(super) fn header(&mut self, columns: &[&str]) -> Result<(), Failure> {
        let written = match &mut self.sink {
            Sink::Csv(csv) => csv.write_record(columns).map_err(csv_fault),
            Sink::Jsonl(_) => Ok(()),
        };
        self.check(written)
    }

    /// One row: its cells for a table, else the object as JSON.
    pub(super) fn row<const N: usize>(
        &mut self,
        cells: impl FnOnce() -> [String; N],
        object: impl FnOnce() -> serde_json::Result<Vec<u8>>,
    ) -> Result<(), Failure> {
        let written = match &mut self.sink {
            Sink::Csv(csv) => csv.write_record(cells()).map_err(csv_fault),
            Sink::Jsonl(out) => object().map_err(io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                out.write_all(&line)
            }),
        };
        self.check(written)
    }

    /// Brings everything to its place.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        let flushed = match &mut self.sink {
            Sink::Csv(csv) => csv.flush(),
            Sink::Jsonl(out) => out.flush(),
        };
        self.check(flushed)
    }

    /// Whether the reader of a pipe has gone.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn check(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        written.map_err(|fault| {
            self.is_closed = fault.kind() == io::ErrorKind::BrokenPipe;
            Failure::broken(format!("{} cannot be written: {fault}", self.name))
        })
    }
}

fn csv_fault(fault: csv::Error) -> io::Error {
    match fault.into_kind() {
        csv::ErrorKind::Io(fault) => fault,
        other => io::Error::other(format!("{other:?}")),
    }
}
