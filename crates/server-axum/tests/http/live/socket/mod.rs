//! WebSockets, over real connections: the handshake, the talk, and clients that mean harm.

mod floods;
mod frames;
mod handshake;
mod peer;
mod slow;
mod talk;
