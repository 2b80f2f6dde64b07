//! What a program depends on, and the wait for it while it is away.

use std::path::Path;
use std::time::Duration;

use waypost_core::clock::{Clock, SystemClock};
use waypost_core::{Error, Kind, Result};

use crate::failure::{Failure, in_full};
use crate::settings::{ServerUrl, Settings};

/// Between two attempts. Each takes some seconds itself where nothing answers at all.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two words about it.
const WORDS: Duration = Duration::from_secs(5);
/// What a server gets over by itself is worth a retry after a second or so; what takes somebody, a wrong password or a
/// full disk, after longer.
const BY_ITSELF: Duration = Duration::from_secs(2);

/// Something that must be there, as messages name it.
#[derive(Debug)]
pub(super) struct Dependency {
    /// The setting that says where it is.
    key: &'static str,
    name: String,
    cure: &'static str,
}

impl Dependency {
    pub(super) fn postgres(url: &ServerUrl) -> Self {
        let cure = "start it, or correct address, user and password; `waypost doctor` looks closer";
        Self { key: "database_url", name: format!("PostgreSQL at {url}"), cure }
    }

    pub(super) fn redis(url: &ServerUrl) -> Self {
        let cure = "start it, or correct address and password; `waypost doctor` looks closer";
        Self { key: "redis_url", name: format!("Redis at {url}"), cure }
    }

    pub(super) fn nats(url: &ServerUrl) -> Self {
        let cure = "start it with JetStream, or correct address and password; `waypost doctor` looks closer";
        Self { key: "nats_url", name: format!("NATS at {url}"), cure }
    }

    pub(super) fn file(settings: &Settings, path: &Path) -> Self {
        let key = if settings.is_given("database_url") { "database_url" } else { "data_dir" };
        let cure = "check the path and its permissions, or run `waypost doctor`";
        Self { key, name: path.display().to_string(), cure }
    }

    /// Opens it. While it is away it is tried again, for as long as `start_patience` says; what waiting cannot mend
    /// fails at once.
    ///
    /// # Errors
    /// The last fault, under the setting that says where it is.
    pub(super) async fn open<T>(&self, settings: &Settings, open: impl AsyncFn() -> Result<T>) -> Result<T, Failure> {
        let opened = self.wait(&SystemClock, settings.start_patience, open).await;
        opened.map_err(|error| settings.fault(self.key, self.told(&error)).into())
    }

    async fn wait<T>(&self, clock: &dyn Clock, patience: Duration, open: impl AsyncFn() -> Result<T>) -> Result<T> {
        let begun = clock.now();
        let mut next_word = begun;
        loop {
            let error = match open().await {
                Ok(opened) => return Ok(opened),
                Err(error) => error,
            };
            let now = clock.now();
            if !is_away(&error) || now + PAUSE > begun + patience {
                return Err(error);
            }
            if now >= next_word {
                tracing::warn!(fault = in_full(&error), "{} is away; waiting for it, {patience:?} at most", self.name);
                next_word = now + WORDS;
            }
            clock.sleep_until(now + PAUSE).await;
        }
    }

    fn told(&self, error: &Error) -> String {
        match error.kind() {
            // It says by itself what the setting should be.
            Kind::Invalid => error.message().to_owned(),
            _ => format!("{} cannot be used ({}); {}", self.name, in_full(error), self.cure),
        }
    }
}

/// Whether it may be there in a moment, without anybody doing anything.
fn is_away(error: &Error) -> bool {
    error.is_retryable() && error.retry_after().is_none_or(|wait| wait <= BY_ITSELF)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use waypost_core::clock::ManualClock;

    use super::*;

    fn away() -> Error {
        Error::new(Kind::Unavailable, "It is away").with_retry_after(Duration::from_secs(1))
    }

    fn dependency() -> Dependency {
        Dependency { key: "redis_url", name: "Redis at cache".to_owned(), cure: "start it" }
    }

    /// Opens at the third attempt of those that it takes.
    async fn opened(patience: Duration, fault: fn() -> Error) -> (Result<u32>, u32) {
        let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
        let tries = Cell::new(0);
        let open = async || {
            tries.set(tries.get() + 1);
            clock.advance(Duration::from_secs(1));
            if tries.get() == 3 { Ok(tries.get()) } else { Err(fault()) }
        };
        let dependency = dependency();
        let waiting = dependency.wait(&clock, patience, open);
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                biased;
                opened = &mut waiting => return (opened, tries.get()),
                () = tokio::task::yield_now() => clock.advance(PAUSE),
            }
        }
    }

    #[tokio::test]
    async fn what_is_away_is_waited_for_and_what_is_wrong_is_not() {
        let (there, _) = opened(Duration::from_secs(30), away).await;
        assert_eq!(there.expect("it is there at the third attempt"), 3);
        let (gone, tries) = opened(Duration::from_secs(2), away).await;
        assert_eq!((gone.expect_err("patience ends").kind(), tries), (Kind::Unavailable, 2));
        let wrong = || Error::new(Kind::Unavailable, "Wrong password").with_retry_after(Duration::from_secs(10));
        assert_eq!(opened(Duration::from_secs(30), wrong).await.1, 1);
        assert_eq!(opened(Duration::from_secs(30), || Error::new(Kind::Conflict, "Not ours")).await.1, 1);
    }

    #[test]
    fn a_fault_names_what_it_is_about_and_the_cure() {
        assert_eq!(dependency().told(&away()), "Redis at cache cannot be used (It is away); start it");
        assert_eq!(dependency().told(&Error::new(Kind::Invalid, "is none")), "is none");
    }
}
