//! Live events over a WebSocket (RFC 6455), both ways.
//!
//! [`serve`] drives a connection that has become a WebSocket, and its session, in one task: what the session has to tell
//! goes out by [`WebSocketTransport`], gathered into few writes; what the client sends comes in as commands. While the
//! client does not read, it is not read from either.
//!
//! The protocol itself (frames, fragments, UTF-8, the answers to pings and closes) is the library's, used without a
//! connection of its own: so the buffers are ours. Of a socket on which nothing happens no buffer is kept, neither for
//! reading nor for writing.
//!
//! What a client can cost is bounded:
//!
//! | what | bound | beyond it |
//! |---|---|---|
//! | frames that come in: messages, fragments, pings, pongs | 100 at once, 20 a second | closed with 4429 |
//! | bytes that come in | 128 KiB at once, 64 KiB a second | closed with 4429 |
//! | a message, a frame | 64 KiB | closed with 1009 |
//! | what waits to go out | 64 KiB, one message, and the answers to one read of 4 KiB | the session waits, and nothing is read |
//! | a last word that is not taken | 10 s | the connection is dropped |
//! | after the close, until the other side has closed too | 3 s and 256 KiB | the connection is dropped |

mod code;
mod command;
mod handshake;
mod heads;
mod incoming;
mod outgoing;
mod serving;
mod transport;

#[cfg(test)]
mod tests;

pub use handshake::accept_key;
pub use serving::{Explain, Serving, refuse, serve};
pub use transport::WebSocketTransport;
