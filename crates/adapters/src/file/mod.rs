//! The click spool in preallocated files: a hit is durable after one short write.
//!
//! A directory holds *segments*, files of one size that are allocated before they are needed. A thread that appends
//! takes a lane of its own as far as there are enough, and writes the hit behind the last one of that lane's segment:
//! one `pwrite` into the page cache, without allocation, rename or sync. So a hit survives the death of the process at
//! any instant; [`FileClickSpool::sync`] bounds what a power cut can take. The drain reads segments in the order in
//! which they were made, and a segment whose hits are all released is deleted.
//!
//! ```
//! use std::sync::Arc;
//! use waypost_adapters::file::{FileClickSpool, FileSpoolOptions};
//! use waypost_core::clicks::{ClickSpool, HitRef};
//! use waypost_core::clock::{Clock, SystemClock};
//! use waypost_core::entropy::OsEntropy;
//! use waypost_core::ids::{LinkId, WorkspaceId};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path().join("clicks");
//! let spool = FileClickSpool::open(dir, FileSpoolOptions::default(), Arc::new(SystemClock), Arc::new(OsEntropy))?;
//! spool.append(&HitRef {
//!     link: LinkId::fresh(SystemClock.now(), &OsEntropy),
//!     workspace: WorkspaceId::fresh(SystemClock.now(), &OsEntropy),
//!     at: SystemClock.now(),
//!     address: [192, 0, 2, 7].into(),
//!     user_agent: b"curl/8.5.0",
//!     referrer: b"",
//! })?;
//!
//! let spooled = spool.read(100).await?;
//! assert_eq!(spooled.hits[0].1.user_agent, "curl/8.5.0");
//! spool.release(spooled.mark).await?;
//! assert_eq!(spool.depth(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! # What it needs
//! A Unix system, and a local file system: locks and preallocation of network file systems keep few promises. On file
//! systems that copy on write, preallocated space may be used up all the same; then a full disk shows at once instead
//! of one segment later.

mod error;
mod folder;
mod lane;
mod options;
mod record;
mod scan;
mod segment;
mod spool;
mod stock;
#[cfg(test)]
mod tests;

pub use options::FileSpoolOptions;
pub use spool::FileClickSpool;
