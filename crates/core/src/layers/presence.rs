//! The store of presence, inside a layer.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Call, Layer, Layered, Repeat};
use crate::error::Result;
use crate::push::presence::{Place, Presence, PresenceStore, Stay};

const fn call(name: &'static str) -> Call {
    Call { port: "presence", name, repeat: Repeat::Safe }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Layer> PresenceStore for Layered<dyn PresenceStore, L> {
    // Who entered is renewed.
    async fn enter(&self, stays: &[Stay], now: Timestamp, time_to_live: Duration) -> Result<()> {
        self.layer.around(call("enter"), || self.inner.enter(stays, now, time_to_live)).await
    }

    // Who left stays away.
    async fn leave(&self, stays: &[Stay]) -> Result<()> {
        self.layer.around(call("leave"), || self.inner.leave(stays)).await
    }

    async fn present(&self, places: &[Place], now: Timestamp, limit: usize) -> Result<Vec<Vec<Presence>>> {
        self.layer.around(call("present"), || self.inner.present(places, now, limit)).await
    }

    // Removes more of what is over, and nothing else.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize> {
        self.layer.around(call("sweep"), || self.inner.sweep(now, limit)).await
    }
}
