//! Reading the hits of a segment one after the other, a bounded piece of the file at a time.

use std::fs::File;

use bytes::Bytes;
use waypost_core::clicks::Hit;

use super::error::FileError;
use super::record::{self, ALIGNMENT, LONGEST};
use super::segment::{self, Segment};

/// How much of a file is in memory at most. Large enough that the calls cost little beside the decoding.
const LARGEST_CHUNK: usize = 256 << 10;
const SMALLEST_CHUNK: usize = 4 * LONGEST;
/// What an ordinary hit takes, to read no more than was asked for.
const USUAL_RECORD: usize = 256;

pub(super) struct Scan<'a> {
    segment: &'a Segment,
    file: File,
    /// Everything before it was read.
    pub(super) at: u64,
    end: u64,
    chunk: Bytes,
    chunk_at: u64,
    chunk_size: usize,
    skipped: u64,
}

impl<'a> Scan<'a> {
    /// Reads `segment` from `at` up to `end`; about `limit` hits are wanted.
    pub(super) fn new(segment: &'a Segment, file: File, at: u64, end: u64, limit: usize) -> Self {
        let chunk_size = limit.saturating_mul(USUAL_RECORD).clamp(SMALLEST_CHUNK, LARGEST_CHUNK);
        Self { segment, file, at, end, chunk: Bytes::new(), chunk_at: at, chunk_size, skipped: 0 }
    }

    /// The next whole hit and its offset. What is not whole is stepped over, up to the next that is.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Hit)>, FileError> {
        while self.at < self.end {
            let ahead = self.ahead()?;
            if let Some((hit, length)) = record::decode(&ahead, self.segment.nonce, self.at) {
                let offset = self.at;
                self.at += length;
                return Ok(Some((offset, hit)));
            }
            self.step_over(&ahead);
        }
        if self.skipped > 0 {
            // After a kill this is the hit that was being written, which nobody was told of.
            let path = self.segment.path.display();
            tracing::warn!(segment = %path, bytes = self.skipped, "stepped over bytes that hold no whole hit");
            self.skipped = 0;
        }
        Ok(None)
    }

    fn step_over(&mut self, ahead: &Bytes) {
        let step = ahead.len().min(ALIGNMENT as usize);
        if ahead[..step].iter().any(|byte| *byte != 0) {
            self.skipped += ALIGNMENT;
        }
        self.at += ALIGNMENT;
    }

    /// What lies ahead: at least the longest record, if the segment has that much.
    fn ahead(&mut self) -> Result<Bytes, FileError> {
        let wanted = (self.end - self.at).min(LONGEST as u64);
        let mut from = (self.at - self.chunk_at) as usize;
        if self.chunk.len() < from + wanted as usize {
            let size = (self.end - self.at).min(self.chunk_size as u64);
            let mut chunk = vec![0; size as usize];
            let read = segment::fill(&self.file, &mut chunk, self.at);
            let read = read.map_err(FileError::io("read segment", &self.segment.path))?;
            if read < chunk.len() {
                // The file is shorter than it was.
                chunk.truncate(read);
                self.end = self.at + read as u64;
            }
            (self.chunk, self.chunk_at, from) = (chunk.into(), self.at, 0);
        }
        Ok(self.chunk.slice(from..))
    }
}
