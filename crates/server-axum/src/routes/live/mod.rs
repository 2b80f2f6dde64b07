//! Live events: the ways in. What happens then is the business of [`waypost_core::push`] and of its transports.

pub(super) mod poll;
pub(super) mod stream;
