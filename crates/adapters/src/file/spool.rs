//! The port on top of the files.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use tokio::task;
use waypost_core::Result;
use waypost_core::clicks::{ClickSpool, HitRef, SpoolMark, Spooled};
use waypost_core::clock::Clock;
use waypost_core::entropy::Entropy;

use super::error::FileError;
use super::folder::Folder;
use super::lane::Lanes;
use super::options::FileSpoolOptions;
use super::record::Record;
use super::scan::Scan;
use super::segment::Segment;
use super::stock::Stock;

/// A [`ClickSpool`] in preallocated files of one directory.
///
/// Hits are read in the order of the segments' age, and within a segment in the order in which they were appended. So
/// hits of two threads that were appended at the same time may be read a segment apart.
///
/// # Durability
/// What `append` has returned for survives the death of the process at any instant. A power cut or a crash of the
/// system takes what the system has not yet written back, on Linux up to 30 seconds' worth; call [`Self::sync`] now and
/// then to narrow that. What `release` has returned for is remembered in the same way; if it is lost, hits are
/// read again under their old ids, and the store counts them once.
///
/// # Room
/// Beyond [`FileSpoolOptions::max_bytes`], and on a full disk once the preallocated segments are used up, `append`
/// gives [`Unavailable`](waypost_core::Kind::Unavailable). It looks for room again once a second, and at once when a
/// release has made some.
///
/// # Cost
/// An append is one write of the hit's bytes (about 200) and copies them once before. Idle, there is one sleeping
/// thread, and as many open files as lanes and preallocated segments. Reading holds at most 256 KiB beside the hits
/// that were asked for. A release rewrites twelve bytes in each segment that it leaves half read.
///
/// [`depth`](ClickSpool::depth) is exact for what this process wrote. Of each older segment it counts the unused end,
/// up to 1,104 bytes, until that is read.
///
/// Dropping it ends the thread, and gives the unused rest of the files back to the disk.
#[derive(Debug)]
pub struct FileClickSpool {
    lanes: Lanes,
    stock: Arc<Stock>,
    folder: Arc<Folder>,
    keeper: Option<JoinHandle<()>>,
}

impl FileClickSpool {
    /// Opens the spool in `dir`, making the directory if need be, with whatever an earlier process left there.
    ///
    /// Files that it does not know are left alone. It blocks for as long as it takes to look at each segment; call it
    /// before serving.
    ///
    /// # Errors
    /// [`Conflict`](waypost_core::Kind::Conflict) when another process has the directory, or a later version of this
    /// program wrote to it; [`Invalid`](waypost_core::Kind::Invalid) for options that cannot work;
    /// [`Unavailable`](waypost_core::Kind::Unavailable) when files cannot be read or made.
    pub fn open(
        dir: impl AsRef<Path>,
        options: FileSpoolOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self> {
        let dir = dir.as_ref();
        let lanes = Lanes::new(options.lanes);
        let folder = Arc::new(Folder::open(dir, options, clock, entropy)?);
        let stock = Arc::new(Stock::default());
        let keeper = {
            let (stock, folder) = (Arc::clone(&stock), Arc::clone(&folder));
            let builder = thread::Builder::new().name("click-segments".to_owned());
            builder.spawn(move || stock.keep(&folder)).map_err(FileError::io("start the thread of", dir))?
        };
        Ok(Self { lanes, stock, folder, keeper: Some(keeper) })
    }

    /// Has the disk keep every hit that was appended so far, so that a power cut cannot take it.
    ///
    /// It costs the disk a few writes and takes as long as they take; appends go on meanwhile, though some file systems
    /// hold them up for a moment. Called once a second, it bounds what a power cut takes to about a second's hits.
    ///
    /// Cancel safe: what was begun goes on in the background.
    ///
    /// # Errors
    /// [`Unavailable`](waypost_core::Kind::Unavailable) when the disk does not take the writes.
    pub async fn sync(&self) -> Result<()> {
        self.blocking(|folder, _| folder.sync()).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder, &Stock) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T> {
        let (folder, stock) = (Arc::clone(&self.folder), Arc::clone(&self.stock));
        let done = task::spawn_blocking(move || work(&folder, &stock)).await;
        Ok(done.map_err(|_| FileError::Stopped)??)
    }
}

#[async_trait]
impl ClickSpool for FileClickSpool {
    fn append(&self, hit: &HitRef<'_>) -> Result<()> {
        thread_local! {
            /// Every thread encodes into a buffer of its own, over and over: no allocation, nothing to clear.
            static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
        }
        let mut record = Record::encode(hit, BUFFER.take());
        let appended = self.lanes.append(&mut record, &self.folder, &self.stock);
        BUFFER.set(record.into_buffer());
        Ok(appended?)
    }

    async fn read(&self, limit: usize) -> Result<Spooled> {
        self.blocking(move |folder, stock| {
            let spooled = read(folder, limit)?;
            if folder.sweep()? {
                stock.restock();
            }
            Ok(spooled)
        })
        .await
    }

    async fn release(&self, mark: SpoolMark) -> Result<()> {
        self.blocking(move |folder, stock| {
            for (nonce, offset) in mark.0 {
                if let Some(segment) = folder.segment(nonce) {
                    segment.release(offset)?;
                }
            }
            if folder.sweep()? {
                stock.restock();
            }
            Ok(())
        })
        .await
    }

    fn depth(&self) -> u64 {
        self.folder.depth()
    }
}

impl Drop for FileClickSpool {
    fn drop(&mut self) {
        self.stock.close();
        if let Some(keeper) = self.keeper.take() {
            // A thread that panicked has said so; there is nothing to add while going away.
            let _ = keeper.join();
        }
        self.lanes.end().for_each(|active| self.folder.end(&active));
        self.stock.drain().iter().for_each(|blank| self.folder.remove(blank));
        // Should this fail, the next start does it.
        let _ = self.folder.sweep();
    }
}

fn read(folder: &Folder, limit: usize) -> Result<Spooled, FileError> {
    let mut spooled = Spooled { hits: Vec::new(), mark: SpoolMark::default() };
    let mut failed = None;
    for segment in folder.segments() {
        if spooled.hits.len() == limit {
            break;
        }
        if let Err(error) = read_segment(&segment, limit, &mut spooled) {
            // One bad place on the disk must not keep the hits of other segments from being counted.
            tracing::warn!(error = &error as &dyn std::error::Error, "left a click segment for later");
            failed.get_or_insert(error);
        }
    }
    match failed {
        Some(error) if spooled.hits.is_empty() => Err(error),
        _ => Ok(spooled),
    }
}

fn read_segment(segment: &Segment, limit: usize, spooled: &mut Spooled) -> Result<(), FileError> {
    let (from, end) = (segment.released.load(Ordering::Acquire), segment.written.load(Ordering::Acquire));
    if from == end {
        return Ok(());
    }
    let Some(file) = segment.reader()? else {
        return Ok(());
    };
    let before = spooled.hits.len();
    let mut scan = Scan::new(segment, file, from, end, limit - before);
    let mut read = Ok(());
    while spooled.hits.len() < limit {
        match scan.next() {
            Ok(Some((offset, hit))) => spooled.hits.push((segment.id(offset), hit)),
            Ok(None) => break,
            Err(error) => {
                read = Err(error);
                break;
            }
        }
    }
    if spooled.hits.len() > before {
        spooled.mark.0.push((segment.nonce, scan.at));
    } else if read.is_ok() {
        // Nothing whole lies there, so nothing waits for a release.
        segment.released.fetch_max(end, Ordering::AcqRel);
    }
    read
}
