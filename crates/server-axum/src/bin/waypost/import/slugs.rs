//! Slugs for rows that have none.
//!
//! They look random, and are drawn from what the row says under a secret of the platform: so the same row gets the same
//! slug when the import is run again, wherever in the file it stands by then, and nobody else can tell a slug from a
//! destination. Two rows that say the same are one link; rows that differ in anything are links of their own.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use waypost_core::entropy::Entropy;
use waypost_core::idempotency::Fingerprint;
use waypost_core::links::Slug;

use super::formats::Row;

/// Draws slugs from rows.
pub(super) struct Slugs([u8; 32]);

impl Slugs {
    /// Under `secret`; another secret gives other slugs.
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The slug of a row; `attempt` gives another one where it is taken by a stranger.
    pub(super) fn of(&self, row: &Row, attempt: u32) -> Slug {
        let said = json!([
            row.destination,
            row.domain,
            row.title,
            row.tags,
            row.expires_at,
            row.max_clicks,
            row.redirect_status,
            row.referrer_policy,
            row.cache_seconds,
            row.disabled,
            row.metadata,
        ]);
        let seed = Fingerprint::of("slug", &attempt.to_string(), "", said.to_string().as_bytes()).to_bytes();
        Slug::random(&Stream { secret: &self.0, seed, drawn: AtomicU64::new(0) })
    }
}

/// Bytes without end that follow from a secret and a seed: SHA-256 in counter mode.
struct Stream<'a> {
    secret: &'a [u8; 32],
    seed: [u8; 32],
    drawn: AtomicU64,
}

impl Entropy for Stream<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let count = self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            let input = [&self.secret[..], &self.seed, &count].concat();
            let block = Fingerprint::of("stream", "", "", &input).to_bytes();
            part.copy_from_slice(&block[..part.len()]);
        }
    }
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, destination: &str) -> Row {
        Row::new(line, Some(destination)).unwrap()
    }

    #[test]
    fn the_same_row_has_the_same_slug_wherever_it_stands() {
        let slugs = Slugs::new([7; 32]);
        let slug = slugs.of(&row(2, "https://example.com/"), 0);
        assert_eq!(slug, slugs.of(&row(9, "https://example.com/"), 0));
        assert_eq!(slug.as_str().len(), 7);
        assert_ne!(slug, slugs.of(&row(2, "https://example.com/b"), 0));
        assert_ne!(slug, slugs.of(&row(2, "https://example.com/"), 1));
        assert_ne!(slug, Slugs::new([8; 32]).of(&row(2, "https://example.com/"), 0));
        let mut titled = row(2, "https://example.com/");
        titled.title = Some("Home".to_owned());
        assert_ne!(slug, slugs.of(&titled, 0));
    }
}
