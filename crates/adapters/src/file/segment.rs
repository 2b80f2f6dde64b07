//! A segment: a file of records behind a header that names it.
//!
//! ```text
//!   0  identity: magic, version u32, number u64, opened i64 (Unix milliseconds), nonce u64, checksum u32
//!  40  the same again, so that no single damaged byte makes the segment unreadable
//!  80  progress: released u64, checksum u32; damaged or torn, it counts as nothing released
//! 128  records
//! ```

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use waypost_core::clicks::ClickId;

use super::error::FileError;
use super::record;

/// Where records begin.
pub(super) const HEADER: u64 = 128;

const MAGIC: [u8; 8] = *b"WPCLICKS";
const VERSION: u32 = 1;
const IDENTITY: usize = 40;
const PROGRESS_AT: u64 = 80;
const PROGRESS: usize = 12;
/// How much is read at once in search of the end.
const BLOCK: usize = 64 << 10;

/// What is known of a segment. It holds no open file: a thousand segments that wait cost no descriptors.
#[derive(Debug)]
pub(super) struct Segment {
    /// Its place in the order of age. Not the number in its name, which tells when the file was allocated.
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) opened: Timestamp,
    pub(super) nonce: u64,
    /// How much of the disk it takes.
    pub(super) size: u64,
    /// Everything before it is completely written.
    pub(super) written: AtomicU64,
    /// Everything before it is released.
    pub(super) released: AtomicU64,
    /// Everything before it survives a power cut.
    pub(super) synced: AtomicU64,
    /// Nothing more will be written. Set after the last change of `written`.
    pub(super) sealed: AtomicBool,
}

/// What a file that was found turned out to be.
#[derive(Debug)]
pub(super) enum Found {
    /// A segment, with its records.
    Segment(Segment),
    /// Nothing was written to it.
    Blank,
    /// No copy of its header can be read.
    Damaged,
    /// A later version of this program made it.
    Later(u32),
}

impl Segment {
    /// Writes the header of a segment into a blank `file`.
    pub(super) fn begin(
        file: &File,
        number: u64,
        path: PathBuf,
        size: u64,
        opened: Timestamp,
        nonce: u64,
    ) -> Result<Self, FileError> {
        let mut header = [0; 2 * IDENTITY];
        let (first, second) = header.split_at_mut(IDENTITY);
        first[..8].copy_from_slice(&MAGIC);
        first[8..12].copy_from_slice(&VERSION.to_le_bytes());
        first[12..20].copy_from_slice(&number.to_le_bytes());
        first[20..28].copy_from_slice(&opened.as_millisecond().to_le_bytes());
        first[28..36].copy_from_slice(&nonce.to_le_bytes());
        let checksum = crc32fast::hash(&first[..36]);
        first[36..].copy_from_slice(&checksum.to_le_bytes());
        second.copy_from_slice(first);
        file.write_all_at(&header, 0).map_err(FileError::io("begin segment", &path))?;
        Ok(Self::new(number, path, opened, nonce, size, HEADER, HEADER))
    }

    /// Reads the header of a file that an earlier process left, finds where its records end, and gives the unused
    /// rest back to the disk.
    pub(super) fn find(path: PathBuf) -> Result<Found, FileError> {
        let open = OpenOptions::new().read(true).write(true).open(&path);
        let file = open.map_err(FileError::io("open segment", &path))?;
        let length = file.metadata().map_err(FileError::io("look at segment", &path))?.len();
        let end = content_end(&file, length).map_err(FileError::io("read segment", &path))?;
        let mut header = [0; HEADER as usize];
        fill(&file, &mut header, 0).map_err(FileError::io("read segment", &path))?;

        let mut identities = header[..2 * IDENTITY].chunks_exact(IDENTITY).filter_map(identity);
        let Some((version, number, opened, nonce)) = identities.next() else {
            return Ok(if end == 0 { Found::Blank } else { Found::Damaged });
        };
        if version != VERSION {
            return Ok(Found::Later(version));
        }
        if end <= HEADER {
            return Ok(Found::Blank);
        }
        if end < length {
            file.set_len(end).map_err(FileError::io("shorten segment", &path))?;
        }
        let released = progress(&header[PROGRESS_AT as usize..], nonce).unwrap_or(HEADER);
        let segment = Self::new(number, path, opened, nonce, end, end, released.clamp(HEADER, end));
        segment.sealed.store(true, Ordering::Release);
        Ok(Found::Segment(segment))
    }

    fn new(number: u64, path: PathBuf, opened: Timestamp, nonce: u64, size: u64, written: u64, released: u64) -> Self {
        Self {
            number,
            path,
            opened,
            nonce,
            size,
            written: AtomicU64::new(written),
            released: AtomicU64::new(released),
            synced: AtomicU64::new(0),
            sealed: AtomicBool::new(false),
        }
    }

    /// The id of the click at `offset`.
    pub(super) fn id(&self, offset: u64) -> ClickId {
        ClickId::new(self.opened, self.nonce, offset)
    }

    /// How many bytes wait to be released.
    pub(super) fn depth(&self) -> u64 {
        let written = self.written.load(Ordering::Acquire);
        written.saturating_sub(self.released.load(Ordering::Acquire))
    }

    /// Whether nothing in it is needed any more.
    pub(super) fn is_spent(&self) -> bool {
        self.sealed.load(Ordering::Acquire) && self.depth() == 0
    }

    /// Remembers that everything before `offset` is released, in the file too unless it is about to be deleted.
    ///
    /// The file's page cache remembers it across the death of the process. A power cut may set it back; then hits are
    /// read once more, under the same ids.
    pub(super) fn release(&self, offset: u64) -> Result<(), FileError> {
        let offset = offset.min(self.written.load(Ordering::Acquire));
        if offset <= self.released.load(Ordering::Acquire) {
            return Ok(());
        }
        let ends_it = self.sealed.load(Ordering::Acquire) && offset == self.written.load(Ordering::Acquire);
        if !ends_it {
            let mut cell = [0; PROGRESS];
            cell[..8].copy_from_slice(&offset.to_le_bytes());
            cell[8..].copy_from_slice(&progress_checksum(offset, self.nonce).to_le_bytes());
            let written =
                OpenOptions::new().write(true).open(&self.path).and_then(|file| file.write_all_at(&cell, PROGRESS_AT));
            match written {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other.map_err(FileError::io("note progress in segment", &self.path))?,
            }
        }
        self.released.fetch_max(offset, Ordering::AcqRel);
        Ok(())
    }

    /// Opens it for reading; `None` if it was deleted meanwhile.
    pub(super) fn reader(&self) -> Result<Option<File>, FileError> {
        match File::open(&self.path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::io("open segment", &self.path)(error)),
        }
    }

    /// Whether a power cut could take something.
    pub(super) fn is_unsynced(&self) -> bool {
        self.synced.load(Ordering::Acquire) < self.written.load(Ordering::Acquire)
    }

    /// Has the disk keep what was written so far.
    pub(super) fn sync(&self) -> Result<(), FileError> {
        let written = self.written.load(Ordering::Acquire);
        if let Some(file) = self.reader()? {
            file.sync_data().map_err(FileError::io("sync segment", &self.path))?;
            self.synced.fetch_max(written, Ordering::AcqRel);
        }
        Ok(())
    }
}

/// Deletes the file at `path`; one that is gone already is as good.
pub(super) fn delete(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io("delete segment", path)(error)),
        _ => Ok(()),
    }
}

/// Reads into `bytes` from `offset` on, until they are full or the file ends; says how many it read.
pub(super) fn fill(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

fn identity(bytes: &[u8]) -> Option<(u32, u64, Timestamp, u64)> {
    let (fields, checksum) = bytes.split_at(36);
    if fields[..8] != MAGIC || crc32fast::hash(fields).to_le_bytes() != checksum {
        return None;
    }
    let version = u32::from_le_bytes(fields[8..12].try_into().ok()?);
    let number = u64::from_le_bytes(fields[12..20].try_into().ok()?);
    let opened = Timestamp::from_millisecond(i64::from_le_bytes(fields[20..28].try_into().ok()?)).ok()?;
    Some((version, number, opened, u64::from_le_bytes(fields[28..].try_into().ok()?)))
}

fn progress(bytes: &[u8], nonce: u64) -> Option<u64> {
    let released = u64::from_le_bytes(bytes[..8].try_into().ok()?);
    let checksum = u32::from_le_bytes(bytes[8..PROGRESS].try_into().ok()?);
    (checksum == progress_checksum(released, nonce)).then_some(released)
}

fn progress_checksum(released: u64, nonce: u64) -> u32 {
    crc32fast::hash((u128::from(released) << 64 | u128::from(nonce)).to_le_bytes().as_slice())
}

/// Where the last record of the file can end at the latest: the last byte that is not zero, and what a record may
/// hold behind it. Zero for a file of zeros.
fn content_end(file: &File, length: u64) -> io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(BLOCK as u64);
        let read = fill(file, &mut block[..(end - start) as usize], start)?;
        if let Some(last) = block[..read].iter().rposition(|byte| *byte != 0) {
            let last = start + last as u64;
            if last < HEADER {
                return Ok(HEADER.min(length));
            }
            return Ok((last + 1 + record::LONGEST as u64).min(length));
        }
        end = start;
    }
    Ok(0)
}
