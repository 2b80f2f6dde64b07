//! Verifying deliveries.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use waypost_core::clock::{Clock as _, SystemClock};
use waypost_core::webhooks::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, signed_content};

use super::keys::Keys;
use super::{InvalidKey, Received, Refusal};

/// How far the sender's clock and this machine's may lie apart, either way: the 5 minutes of Standard Webhooks. Who listens
/// in can send a delivery again for so long, so drop duplicates by their id for longer than that.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// How many signatures of a delivery are looked at; what follows them is not. The platform sends at most 6: one for each of
/// an endpoint's live secrets, and one by its own key.
pub const MOST_SIGNATURES: usize = 16;

/// The longest id that is believed to be one. An id of the platform has 30 characters.
const LONGEST_ID: usize = 256;

/// Verifies deliveries (Standard Webhooks 1.0). Make one and share it; it has no state.
///
/// A delivery is believed if one of its signatures is by one of the keys, so while a secret is rotated either of the two
/// will do. Secrets are compared in constant time, and all of them each time.
///
/// Ed25519 is that of aws-lc-rs, with which rustls is built here too: one cryptography in a program, not two.
#[derive(Debug)]
pub struct WebhookVerifier {
    keys: Keys,
    tolerance: Duration,
}

impl WebhookVerifier {
    /// Verifies with these keys: secrets of the endpoint (`whsec_…`), and public keys of the platform (`whpk_…`, which are
    /// at `/.well-known/webhook-keys.json`) for endpoints that are signed for by `ed25519`.
    ///
    /// # Errors
    /// [`InvalidKey`] says which of them is none, and why.
    pub fn new<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Result<Self, InvalidKey> {
        Ok(Self { keys: Keys::read(keys)?, tolerance: TOLERANCE })
    }

    /// The same with another tolerance than [`TOLERANCE`].
    #[must_use]
    pub fn with_tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }

    /// Verifies a delivery by the system's clock.
    ///
    /// The body is read whole before: bound it there. The platform sends what an event holds, far below 1 MiB.
    ///
    /// # Errors
    /// [`Refusal`] says why it is not believed.
    pub fn verify<'a>(&self, headers: &'a HeaderMap, body: &'a [u8]) -> Result<Received<'a>, Refusal> {
        self.verify_at(headers, body, SystemClock.now())
    }

    /// Verifies a delivery as of `now`.
    ///
    /// # Errors
    /// [`Refusal`] says why it is not believed.
    pub fn verify_at<'a>(
        &self,
        headers: &'a HeaderMap,
        body: &'a [u8],
        now: Timestamp,
    ) -> Result<Received<'a>, Refusal> {
        let id = read_id(headers)?;
        let signed_at = read_moment(headers)?;
        let signatures = self.read_signatures(headers)?;
        self.check_clock(signed_at, now)?;
        if !self.keys.signed(&signed_content(id, signed_at, body), &signatures) {
            return Err(Refusal::NoMatch);
        }
        Ok(Received { id, signed_at, body })
    }

    /// The signatures that the keys can check, as version and base64.
    fn read_signatures<'a>(&self, headers: &'a HeaderMap) -> Result<Vec<(&'a str, &'a str)>, Refusal> {
        let text = read(headers, SIGNATURE_HEADER)?.unwrap_or_default();
        let all = text.split(' ').take(MOST_SIGNATURES).filter_map(|one| one.split_once(','));
        let known: Vec<_> = all.filter(|(version, _)| self.keys.know(version)).collect();
        if known.is_empty() { Err(Refusal::UnknownVersion) } else { Ok(known) }
    }

    fn check_clock(&self, signed_at: Timestamp, now: Timestamp) -> Result<(), Refusal> {
        let (age, tolerance) = (now.duration_since(signed_at), self.tolerance);
        let by = age.unsigned_abs();
        match (by <= tolerance, age.is_positive()) {
            (true, _) => Ok(()),
            (false, true) => Err(Refusal::TooOld { by, tolerance }),
            (false, false) => Err(Refusal::TooNew { by, tolerance }),
        }
    }
}

/// The text of a header that is there once; `None` where it holds more than visible ASCII and blanks.
fn read<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(Refusal::Missing(name))?;
    if values.next().is_some() {
        return Err(Refusal::Repeated(name));
    }
    Ok(value.to_str().ok())
}

/// The id. With a dot in it, a part of the body could be taken for the end of the id.
fn read_id(headers: &HeaderMap) -> Result<&str, Refusal> {
    let fits = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
    };
    read(headers, ID_HEADER)?.filter(fits).ok_or(Refusal::Id)
}

/// The moment. Written in one way only, so that what is signed is what came.
fn read_moment(headers: &HeaderMap) -> Result<Timestamp, Refusal> {
    let text = read(headers, TIMESTAMP_HEADER)?.ok_or(Refusal::Timestamp)?;
    let seconds: i64 = text.parse().map_err(|_| Refusal::Timestamp)?;
    if seconds.to_string() != text {
        return Err(Refusal::Timestamp);
    }
    Timestamp::from_second(seconds).map_err(|_| Refusal::Timestamp)
}
