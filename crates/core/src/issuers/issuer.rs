//! One issuer: its metadata and keys, kept in memory.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::flaw::Flaw;
use super::jws::Jws;
use super::keys::Keys;
use super::metadata::Metadata;
use super::port::IssuerHttp;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};

/// Between two fetches for a key that is not there: 30 s, so that made-up names cause no flood.
const FLOOR: Duration = Duration::from_secs(30);
/// Keys are kept at least five minutes, or an issuer that says `no-store` would be asked all the time; and at most a day,
/// or a key that was withdrawn would be believed for ever.
const KEPT: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(24 * 60 * 60));
/// Keys are kept an hour where their issuer says nothing.
const UNSAID: Duration = Duration::from_secs(3_600);
/// Between two questions for what an issuer says of itself that got no answer: 5 s, so that those who want to sign in while
/// it is away wait for one time-out in all, and not one after another for each.
const SILENT: Duration = Duration::from_secs(5);
/// Between tries while an issuer is away: from 5 s on, doubled up to five minutes.
const AWAY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// One issuer: its metadata and keys, kept in memory, and how they are had.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    jwks_uri: Option<Url>,
    http: Arc<dyn IssuerHttp>,
    clock: Arc<dyn Clock>,
    keep_stale: Duration,
    state: RwLock<State>,
    /// When a key was last asked for that was not there.
    asked: Mutex<Option<Timestamp>>,
    /// One fetches, the others wait for what comes of it.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct State {
    metadata: Option<Arc<Metadata>>,
    metadata_at: Option<Timestamp>,
    /// Until when nobody asks for its metadata again who could not have them.
    silent_until: Option<Timestamp>,
    keys: Option<Arc<Keys>>,
    fetched_at: Option<Timestamp>,
    due: Option<Timestamp>,
    failures: u32,
}

impl Issuer {
    /// The issuer that calls itself `name`. Its keys are at `jwks_uri`, or where its metadata say.
    pub fn new(
        name: impl Into<String>,
        jwks_uri: Option<Url>,
        keep_stale: Duration,
        http: Arc<dyn IssuerHttp>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (state, asked, fetching) = Default::default();
        Self { name: name.into(), jwks_uri, http, clock, keep_stale, state, asked, fetching }
    }

    /// Its `iss`.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks a token's signature.
    ///
    /// # Errors
    /// [`Unavailable`](Kind::Unavailable) where no keys can be had; else the flaw is the inner value.
    pub(crate) async fn check(&self, token: &Jws<'_>) -> Result<Result<(), Flaw>> {
        let mut keys = self.keys();
        if keys.as_ref().is_none_or(|keys| keys.of(token).is_none()) && self.may_ask_again(keys.as_ref(), token).await {
            keys = self.keys();
        }
        let Some(keys) = keys else {
            return Err(Error::new(Kind::Unavailable, "The keys of the token's issuer cannot be had at the moment")
                .with_retry_after(AWAY.0));
        };
        Ok(match keys.of(token) {
            None => Err(Flaw::Key),
            Some(key) if key.signed(token) => Ok(()),
            Some(_) => Err(Flaw::Signature),
        })
    }

    /// Its keys, unless they are too old to be believed.
    fn keys(&self) -> Option<Arc<Keys>> {
        let state = self.state();
        let until = state.fetched_at?.saturating_add(self.keep_stale).ok()?;
        state.keys.filter(|_| until > self.clock.now())
    }

    /// Fetches the keys for a token that names one which is not there; at most once in [`FLOOR`], and once for all who
    /// ask meanwhile. Whether they may be others now.
    async fn may_ask_again(&self, had: Option<&Arc<Keys>>, token: &Jws<'_>) -> bool {
        let _one = self.fetching.lock().await;
        let is_there = self.keys().is_some_and(|keys| keys.of(token).is_some());
        let changed = self.keys().map(|keys| Arc::as_ptr(&keys)) != had.map(Arc::as_ptr);
        if is_there || changed {
            return true;
        }
        let now = self.clock.now();
        {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.is_some_and(|at| now < at + FLOOR) {
                return false;
            }
            *asked = Some(now);
        }
        self.fetch(now).await;
        true
    }

    /// When its keys are to be fetched next; `None` for at once.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.state().due
    }

    /// Fetches its keys, if they are due.
    pub(super) async fn refresh(&self, now: Timestamp) {
        let _one = self.fetching.lock().await;
        if self.due().is_none_or(|due| due <= now) {
            self.fetch(now).await;
        }
    }

    /// What it publishes of itself.
    ///
    /// # Errors
    /// [`Unavailable`](Kind::Unavailable) when it cannot be had.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>> {
        if let Some(metadata) = self.state().metadata {
            return Ok(metadata);
        }
        let _one = self.fetching.lock().await;
        let (now, state) = (self.clock.now(), self.state());
        // Somebody else may have asked while this one waited.
        if let Some(metadata) = state.metadata {
            return Ok(metadata);
        }
        if state.silent_until.is_some_and(|until| now < until) {
            return Err(away().with_source("it did not answer a moment ago"));
        }
        self.discover(now, &state).await.map_err(|fault| {
            tracing::warn!(issuer = self.name, error = fault, "an issuer's metadata cannot be had");
            away().with_source(fault)
        })
    }

    async fn fetch(&self, now: Timestamp) {
        let before = self.state();
        let fetched = self.fetch_keys(now, &before).await;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok((keys, max_age)) => {
                let kept = max_age.unwrap_or(UNSAID).clamp(KEPT.0, KEPT.1);
                state.keys = Some(Arc::new(keys));
                state.fetched_at = Some(now);
                state.failures = 0;
                // Ahead: a quarter of the time is left for an issuer that is away.
                state.due = Some(now + (kept * 3 / 4).max(KEPT.0));
            }
            Err(fault) => {
                let wait = AWAY.0.saturating_mul(1 << state.failures.min(8)).min(AWAY.1);
                state.failures = state.failures.saturating_add(1);
                state.due = Some(now + wait);
                let kept = state.keys.is_some();
                let (issuer, error) = (&self.name, &fault);
                tracing::warn!(
                    issuer,
                    error,
                    kept,
                    "an issuer's keys cannot be had; those that are known are believed on"
                );
            }
        }
    }

    async fn fetch_keys(&self, now: Timestamp, before: &State) -> Result<(Keys, Option<Duration>), String> {
        let url = match &self.jwks_uri {
            Some(url) => url.clone(),
            None => {
                let old = before.metadata_at.is_none_or(|at| at + KEPT.1 <= now);
                match (&before.metadata, old) {
                    (Some(metadata), false) => metadata.jwks_uri.clone(),
                    (known, _) => match (self.discover(now, before).await, known) {
                        (Ok(fresh), _) => fresh.jwks_uri.clone(),
                        (Err(_), Some(metadata)) => metadata.jwks_uri.clone(),
                        (Err(fault), None) => return Err(fault),
                    },
                }
            }
        };
        let document = self.http.get(&url).await.map_err(|fault| in_full(&fault))?;
        let keys = Keys::parse(&document.bytes).ok_or("its keys are no set of keys that can be used")?;
        Ok((keys, document.max_age))
    }

    async fn discover(&self, now: Timestamp, before: &State) -> Result<Arc<Metadata>, String> {
        if let (Some(metadata), Some(at)) = (&before.metadata, before.metadata_at)
            && at == now
        {
            return Ok(metadata.clone());
        }
        let asked = self.ask_metadata().await;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match &asked {
            Ok(metadata) => (state.metadata, state.metadata_at) = (Some(metadata.clone()), Some(now)),
            // From the answer on: the question may have taken as long.
            Err(_) => state.silent_until = Some(self.clock.now() + SILENT),
        }
        asked
    }

    async fn ask_metadata(&self) -> Result<Arc<Metadata>, String> {
        let url = Metadata::url_of(&self.name).ok_or("it has no address")?;
        let document = self.http.get(&url).await.map_err(|fault| in_full(&fault))?;
        Ok(Arc::new(Metadata::parse(&document.bytes, &self.name)?))
    }
}

fn away() -> Error {
    Error::new(Kind::Unavailable, "The provider cannot be reached at the moment").with_retry_after(SILENT)
}

/// An error with its causes, for the log.
pub(crate) fn in_full(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
