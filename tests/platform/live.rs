//! Live feeds at the real binary.

mod breaks;
mod dashboard;
mod walk;
mod writers;
