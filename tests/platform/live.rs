//! Live events from outside: the real binary, and clients that are none of ours.

mod dashboard;
mod walk;
