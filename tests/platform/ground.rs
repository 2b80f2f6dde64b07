//! The test ground itself: what the fault tests lean on does what it says.

mod network;
mod servers;
