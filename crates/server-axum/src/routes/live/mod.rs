//! Live events: the ways in. What happens then is the business of [`waypost_core::push`] and of its transports.

mod handshake;
pub(super) mod poll;
pub(super) mod socket;
pub(super) mod stream;
