//! The transport: gathers blocks until the body takes them.

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use waypost_core::push::{Gone, Push, PushTransport, Transport};

use super::block;

/// How much gathers before the body hands it over: as much as a socket usually takes at once.
const MOST: usize = 16 * 1024;

/// Blocks that are ready to go. Nothing is held while nothing happens.
#[derive(Debug, Default)]
pub(super) struct SseTransport {
    /// One block that others get as well, which needs no copy.
    single: Option<Bytes>,
    gathered: BytesMut,
    is_full: bool,
}

impl SseTransport {
    /// A transport that begins with the opening.
    pub(super) fn new() -> Self {
        Self { single: Some(Bytes::from_static(block::OPENING)), ..Self::default() }
    }

    /// What has gathered, if anything.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        self.is_full = false;
        if let Some(single) = self.single.take() {
            return Some(single);
        }
        if self.gathered.is_empty() { None } else { Some(std::mem::take(&mut self.gathered).freeze()) }
    }

    fn add(&mut self, block: Bytes) {
        if self.single.is_none() && self.gathered.is_empty() {
            self.single = Some(block);
            return;
        }
        if let Some(single) = self.single.take() {
            self.gathered.reserve(MOST / 4);
            self.gathered.extend_from_slice(&single);
        }
        self.gathered.extend_from_slice(&block);
        self.is_full = self.gathered.len() >= MOST;
    }
}

impl PushTransport for SseTransport {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        // Nobody needs to be woken: the body takes what is here before it waits.
        if self.is_full { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn push(&mut self, push: Push) {
        let block = match push {
            Push::Event { frame, .. } => frame.encoded(Transport::Sse, block::event),
            Push::Subscribed { cursor, .. } => block::place(&cursor).into(),
            Push::Reset { cursor, .. } => block::turn("reset", &cursor, "expired").into(),
            Push::Skipped { cursor, .. } => block::turn("skipped", &cursor, "too_slow").into(),
            // A stream has no way to ask for it.
            Push::Present { .. } | Push::Joined { .. } | Push::Left { .. } => return,
            Push::Heartbeat => Bytes::from_static(block::COMMENT),
            Push::Closing(closing) => block::closing(closing).into(),
        };
        self.add(block);
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let is_empty = self.single.is_none() && self.gathered.is_empty();
        if is_empty { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}
