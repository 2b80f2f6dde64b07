//! What can be set.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use waypost_core::{Error, Issue, Result};

use super::record;
use super::segment::HEADER;

/// How large a [`FileClickSpool`](super::FileClickSpool) is, and how many threads may write to it at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpoolOptions {
    /// The size of a segment file in bytes; default 4 MiB, which at 200 bytes a hit is 20,000 hits: so seldom is a
    /// new file needed, and so little space is taken before the first hit.
    pub segment_bytes: u64,
    /// How many bytes the segment files may take together; default 1 GiB, about five million hits, which is an hour of
    /// a database that is away under 1,400 redirects a second. Beyond it hits are refused.
    pub max_bytes: u64,
    /// How many segments are written at once; default one a processor, at most 8. Threads that write to one file wait
    /// for each other. Twice as many segments as lanes are kept preallocated, as far as `max_bytes` allows.
    pub lanes: usize,
}

impl Default for FileSpoolOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 4 << 20,
            max_bytes: 1 << 30,
            lanes: available_parallelism().map_or(1, NonZeroUsize::get).min(8),
        }
    }
}

impl FileSpoolOptions {
    const SMALLEST_SEGMENT: u64 = (HEADER + 2 * record::LONGEST as u64).next_multiple_of(1 << 10);
    const LARGEST_SEGMENT: u64 = 1 << 30;

    pub(super) fn check(&self) -> Result<()> {
        let mut issues = Vec::new();
        if !(Self::SMALLEST_SEGMENT..=Self::LARGEST_SEGMENT).contains(&self.segment_bytes) {
            let (smallest, largest) = (Self::SMALLEST_SEGMENT, Self::LARGEST_SEGMENT);
            issues.push(Issue::new("segment_bytes", format!("must be {smallest} to {largest} bytes")));
        }
        if self.max_bytes < self.segment_bytes {
            issues.push(Issue::new("max_bytes", "must be at least one segment"));
        }
        if self.lanes == 0 {
            issues.push(Issue::new("lanes", "must be at least 1"));
        }
        if issues.is_empty() { Ok(()) } else { Err(Error::invalid(issues)) }
    }
}
