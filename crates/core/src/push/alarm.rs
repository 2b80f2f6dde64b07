//! A moment to be woken at.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use jiff::Timestamp;

use crate::clock::Clock;

/// Wakes a task at a moment that may change from look to look.
#[derive(Default)]
pub(super) struct Alarm(Option<(Timestamp, Pin<Box<dyn Future<Output = ()> + Send>>)>);

impl Alarm {
    /// Ready at `next`, or a little before: then it is asked again, with what is next by then.
    pub(super) fn poll(&mut self, next: Timestamp, clock: &dyn Clock, cx: &mut Context<'_>) -> Poll<()> {
        // One that rings too early costs a look; one that would ring too late is set anew.
        let (_, alarm) = match self.0.take().filter(|(at, _)| *at <= next) {
            Some(set) => self.0.insert(set),
            None => self.0.insert((next, clock.sleep_until(next))),
        };
        std::task::ready!(alarm.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(())
    }
}
