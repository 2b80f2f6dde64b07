//! The keys that sign, one for each period, the same on every node.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::signature::SigningKey;
use crate::credentials::Credentials;
use crate::error::Result;

/// How long one key signs. 30 days: long enough that clients which cache keys hardly ever ask, short enough that
/// rotation is nothing out of the ordinary.
const PERIOD_SECONDS: i64 = 30 * 24 * 60 * 60;
/// How long the keys at hand are used when the store could not be asked for the one to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the keys of the platform's secrets, of which the first proposed wins on all nodes.
///
/// Three are published: that of this period, which signs; the next, a period ahead, so that whoever caches keys has it
/// long before it is used; and the last, until its tokens are over.
#[derive(Debug)]
pub(crate) struct KeyRing {
    credentials: Credentials,
    name: String,
    known: RwLock<Option<Known>>,
    loading: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Known {
    keys: Arc<Keys>,
    /// When the store is asked again: at the end of the period, or soon where it could not be asked.
    until: Timestamp,
}

/// The keys of three periods.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The period of the first.
    first: i64,
    all: Vec<SigningKey>,
}

impl Keys {
    /// The key that signs at `now`.
    pub(crate) fn signing(&self, now: Timestamp) -> Option<&SigningKey> {
        self.all.get(usize::try_from(period(now) - self.first).ok()?)
    }

    /// The key of this id.
    pub(crate) fn find(&self, id: &str) -> Option<&SigningKey> {
        self.all.iter().find(|key| key.id() == id)
    }

    /// The public keys, as a JWK set (RFC 7517 §5), the one that signs first.
    pub(crate) fn published(&self, now: Timestamp) -> Value {
        let signing = self.signing(now).map(SigningKey::id);
        let mut keys: Vec<_> = self.all.iter().collect();
        keys.sort_by_key(|key| Some(key.id()) != signing);
        json!({"keys": keys.into_iter().map(SigningKey::jwk).collect::<Vec<_>>()})
    }
}

fn period(now: Timestamp) -> i64 {
    now.as_second().div_euclid(PERIOD_SECONDS)
}

fn end_of(period: i64) -> Timestamp {
    Timestamp::from_second((period + 1) * PERIOD_SECONDS).unwrap_or(Timestamp::MAX)
}

impl KeyRing {
    /// Keys for `purpose`, of `generation`: another number is other keys altogether.
    pub(crate) fn new(credentials: Credentials, purpose: &str, generation: u32) -> Self {
        Self {
            credentials,
            name: format!("{purpose}/{generation}"),
            known: RwLock::default(),
            loading: tokio::sync::Mutex::default(),
        }
    }

    /// The keys at `now`. Asks the store once a period; while it is away, the key that was made ahead does.
    ///
    /// # Errors
    /// Those of the store, where there is no key for now.
    pub(crate) async fn keys(&self, now: Timestamp) -> Result<Arc<Keys>> {
        if let Some(keys) = self.at_hand(now) {
            return Ok(keys);
        }
        let _one = self.loading.lock().await;
        if let Some(keys) = self.at_hand(now) {
            return Ok(keys);
        }
        let (keys, until) = match self.load(period(now)).await {
            Ok(keys) => (Arc::new(keys), end_of(period(now))),
            Err(error) => {
                let ahead = self.known.read().unwrap_or_else(PoisonError::into_inner);
                let ahead = ahead.as_ref().map(|known| known.keys.clone()).filter(|keys| keys.signing(now).is_some());
                let Some(keys) = ahead else { return Err(error) };
                tracing::warn!(error = ?error, "the next key to sign with could not be made; trying again in 30 s");
                (keys, now + PATIENCE)
            }
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Known { keys: keys.clone(), until });
        Ok(keys)
    }

    fn at_hand(&self, now: Timestamp) -> Option<Arc<Keys>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref().filter(|known| now < known.until)?;
        known.keys.signing(now).map(|_| known.keys.clone())
    }

    async fn load(&self, period: i64) -> Result<Keys> {
        let mut all = Vec::with_capacity(3);
        for period in period - 1..=period + 1 {
            let seed = self.credentials.secret(&format!("{}/{period}", self.name)).await?;
            all.push(SigningKey::of_seed(&seed)?);
        }
        Ok(Keys { first: period - 1, all })
    }
}
