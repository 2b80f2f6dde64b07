//! Live events as a stream of server-sent events (WHATWG HTML §9.2).
//!
//! [`SseBody`] is the body of the answer: it drives the session and the transport in the task of the connection, and
//! hands over what has gathered as one piece.

mod block;
mod body;
mod transport;

#[cfg(test)]
mod tests;

pub use body::{SseBody, refusal};
