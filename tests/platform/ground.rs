//! The test ground itself: what the fault tests lean on does what it says.

mod feeds;
mod framing;
mod network;
mod servers;
