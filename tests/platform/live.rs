//! Live feeds at the real binary.

mod breaks;
mod writers;
