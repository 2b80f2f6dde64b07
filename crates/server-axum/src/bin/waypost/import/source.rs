//! Where the bytes come from, and how many of them were read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::failure::Failure;

/// An open source.
pub(super) struct Source {
    /// What it is called in messages.
    pub(super) name: String,
    /// How long it is, where that is known.
    pub(super) length: Option<u64>,
    /// How many bytes were read so far.
    pub(super) taken: Arc<AtomicU64>,
    /// The bytes.
    pub(super) bytes: Counted<Box<dyn Read + Send>>,
}

impl Source {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let taken = Arc::new(AtomicU64::new(0));
        let (name, length, bytes): (_, _, Box<dyn Read + Send>) = if path == Path::new("-") {
            ("standard input".to_owned(), None, Box::new(io::stdin()))
        } else {
            let name = path.display().to_string();
            let unreadable = |fault| Failure::usage(format!("{name} cannot be opened ({fault}); check the path"));
            let file = File::open(path).map_err(unreadable)?;
            let data = file.metadata().map_err(unreadable)?;
            if data.is_dir() {
                return Err(Failure::usage(format!("{name} is a directory; name a file in it")));
            }
            let length = data.is_file().then_some(data.len());
            (name, length, Box::new(file))
        };
        Ok(Self { name, length, taken: taken.clone(), bytes: Counted { inner: bytes, taken } })
    }
}

/// Counts what is read through it.
pub(super) struct Counted<R> {
    inner: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
