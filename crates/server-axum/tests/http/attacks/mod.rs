//! Attacks on the edge, over raw sockets: what is refused, how, and that nothing behind it is confused.
//!
//! `docs/security.md` lists each attack with its test.

mod floods;
mod forged;
mod frames;
mod slow;
mod smuggling;
mod targets;
mod wire;
