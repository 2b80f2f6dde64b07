//! Live events (contract §10): streams, sockets and held polls.

mod poll;
mod socket;
mod stream;
