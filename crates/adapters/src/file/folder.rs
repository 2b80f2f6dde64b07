//! The directory: which segments there are, and how much room they take.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::{Errno, retry_on_intr};
use waypost_core::clock::Clock;
use waypost_core::entropy::Entropy;
use waypost_core::{Error, Kind, Result};

use super::error::FileError;
use super::options::FileSpoolOptions;
use super::segment::{self, Found, Segment};

const LOCK: &str = "lock";
const ENDING: &str = ".clicks";

/// The directory of a spool. It is locked as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    _lock: File,
    pub(super) options: FileSpoolOptions,
    pub(super) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// The next number for the name of a file, or for the place of a segment in the order of age. Higher than any
    /// other.
    next: AtomicU64,
    /// How many bytes all files take.
    taken: AtomicU64,
    segments: Mutex<BTreeMap<u64, Arc<Segment>>>,
}

/// A file that is allocated, and not yet a segment.
#[derive(Debug)]
pub(super) struct Blank {
    path: PathBuf,
    file: File,
}

/// A segment that is being written.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) segment: Arc<Segment>,
    pub(super) file: File,
}

impl Folder {
    /// Locks the directory, making it if need be, and takes stock of what an earlier process left there.
    pub(super) fn open(
        dir: &Path,
        options: FileSpoolOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self> {
        options.check()?;
        fs::create_dir_all(dir).map_err(FileError::io("make directory", dir))?;
        let folder = Self {
            dir: dir.to_owned(),
            _lock: lock_directory(dir)?,
            options,
            clock,
            entropy,
            next: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            segments: Mutex::default(),
        };
        folder.take_stock()?;
        Ok(folder)
    }

    /// Allocates a file.
    ///
    /// # Errors
    /// `Full` beyond the bound, `Io` when the disk is full.
    pub(super) fn blank(&self) -> Result<Blank, FileError> {
        let reserved = self.reserve() || (self.sweep()? && self.reserve());
        if !reserved {
            return Err(FileError::Full);
        }
        let size = self.options.segment_bytes;
        let path = self.dir.join(format!("{:016x}{ENDING}", self.number()));
        let open = OpenOptions::new().write(true).create_new(true).open(&path);
        let allocated = open.and_then(|file| allocate(&file, size).map(|()| file));
        allocated.map(|file| Blank { path: path.clone(), file }).map_err(|error| {
            // The first error is the one to tell; a file that stays behind is removed at the next start.
            let _ = segment::delete(&path);
            self.taken.fetch_sub(size, Ordering::Relaxed);
            FileError::io("allocate segment", path)(error)
        })
    }

    /// Makes a blank file the newest segment.
    pub(super) fn begin(&self, blank: Blank) -> Result<Active, FileError> {
        let mut nonce = [0; 8];
        self.entropy.fill(&mut nonce);
        let Blank { path, file } = blank;
        let number = self.number();
        let (size, opened) = (self.options.segment_bytes, self.clock.now());
        let begun = Segment::begin(&file, number, path.clone(), size, opened, u64::from_le_bytes(nonce));
        let segment = begun.inspect_err(|_| self.discard(&path, size))?;
        let segment = Arc::new(segment);
        self.lock().insert(number, Arc::clone(&segment));
        Ok(Active { segment, file })
    }

    /// All segments, oldest first.
    pub(super) fn segments(&self) -> Vec<Arc<Segment>> {
        self.lock().values().cloned().collect()
    }

    /// The segment that drew this nonce, if it is still there. Numbers begin again in an empty directory; a mark of
    /// long ago must not fit what stands there now.
    pub(super) fn segment(&self, nonce: u64) -> Option<Arc<Segment>> {
        let segments = self.lock();
        let mut found = segments.values().filter(|segment| segment.nonce == nonce);
        found.next().cloned()
    }

    /// How many bytes wait to be released.
    pub(super) fn depth(&self) -> u64 {
        self.lock().values().map(|segment| segment.depth()).sum()
    }

    /// Deletes the segments in which nothing is needed any more; says whether there were any.
    pub(super) fn sweep(&self) -> Result<bool, FileError> {
        let spent: Vec<_> = self.lock().extract_if(.., |_, segment| segment.is_spent()).collect();
        let found = !spent.is_empty();
        let mut result = Ok(found);
        for (number, segment) in spent {
            match segment::delete(&segment.path) {
                Ok(()) => {
                    self.taken.fetch_sub(segment.size, Ordering::Relaxed);
                }
                Err(error) => {
                    self.lock().insert(number, segment);
                    result = Err(error);
                }
            }
        }
        result
    }

    /// Has the disk keep all that was written so far.
    pub(super) fn sync(&self) -> Result<(), FileError> {
        let mut unsynced = self.segments();
        unsynced.retain(|segment| segment.is_unsynced());
        if !unsynced.is_empty() {
            // The names first: a segment that counts as synced has one.
            File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(FileError::io("sync directory", &self.dir))?;
        }
        unsynced.iter().try_for_each(|segment| segment.sync())
    }

    /// At the end: gives the unused rest of an active segment back, and removes it if nothing in it is needed.
    pub(super) fn end(&self, active: &Active) {
        active.segment.sealed.store(true, Ordering::Release);
        if !active.segment.is_spent() {
            // Should this fail, the next start does it.
            let _ = active.file.set_len(active.segment.written.load(Ordering::Acquire));
        }
    }

    /// At the end: removes a file that was not needed.
    pub(super) fn remove(&self, blank: &Blank) {
        self.discard(&blank.path, self.options.segment_bytes);
    }

    fn discard(&self, path: &Path, size: u64) {
        // A file that stays behind is removed at the next start.
        let _ = segment::delete(path);
        self.taken.fetch_sub(size, Ordering::Relaxed);
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn reserve(&self) -> bool {
        let (size, bound) = (self.options.segment_bytes, self.options.max_bytes);
        let fits = |taken: u64| taken.checked_add(size).filter(|taken| *taken <= bound);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    fn take_stock(&self) -> Result<()> {
        let reading = || FileError::io("list directory", &self.dir);
        for entry in fs::read_dir(&self.dir).map_err(reading())? {
            let entry = entry.map_err(reading())?;
            let Some(number) = entry.file_name().to_str().and_then(number) else {
                continue;
            };
            self.next.fetch_max(number.saturating_add(1), Ordering::Relaxed);
            let path = entry.path();
            match Segment::find(path.clone())? {
                Found::Segment(segment) => {
                    self.next.fetch_max(segment.number.saturating_add(1), Ordering::Relaxed);
                    self.taken.fetch_add(segment.size, Ordering::Relaxed);
                    // Of a segment that somebody copied, the copy is read after the next start, under the same ids.
                    self.lock().entry(segment.number).or_insert_with(|| Arc::new(segment));
                }
                Found::Blank => segment::delete(&path)?,
                Found::Damaged => {
                    tracing::warn!(segment = %path.display(), "the header is damaged: set aside as `.damaged`");
                    let aside = path.with_extension("damaged");
                    fs::rename(&path, aside).map_err(FileError::io("set aside segment", path))?;
                }
                Found::Later(version) => {
                    let message = format!(
                        "The click spool holds segments of format {version}, and this program reads format 1 only; \
                         let the later version that wrote them drain the spool first"
                    );
                    return Err(Error::new(Kind::Conflict, message));
                }
            }
        }
        self.sweep()?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Segment>>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a second process from writing to the same directory. The lock ends with the process, however it ends.
fn lock_directory(dir: &Path) -> Result<File> {
    let path = dir.join(LOCK);
    let open = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = open.map_err(FileError::io("open lock", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!(
                "The click spool in {} is in use by another process; stop that one, or give this one a data \
                 directory of its own",
                dir.display()
            );
            Err(Error::new(Kind::Conflict, message))
        }
        Err(TryLockError::Error(error)) => Err(FileError::io("lock", path)(error).into()),
    }
}

/// The number in a segment's file name; `None` for a file that is not ours.
fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(ENDING)?;
    let ours = digits.len() == 16 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    ours.then(|| u64::from_str_radix(digits, 16).ok())?
}

/// Takes `size` bytes from the disk, so that writing them later cannot fail for want of space.
fn allocate(file: &File, size: u64) -> io::Result<()> {
    match retry_on_intr(|| fallocate(file, FallocateFlags::empty(), 0, size)) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            const ZEROS: [u8; 16 << 10] = [0; 16 << 10];
            let mut at = 0;
            while at < size {
                let length = ZEROS.len().min((size - at) as usize);
                file.write_all_at(&ZEROS[..length], at)?;
                at += length as u64;
            }
            Ok(())
        }
        allocated => {
            allocated?;
            // Some systems allocate without making the file longer.
            file.set_len(size)
        }
    }
}
