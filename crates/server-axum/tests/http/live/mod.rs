//! Live events (contract §10): streams and held polls.

mod poll;
mod stream;
