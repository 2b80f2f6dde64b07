//! Claims and answers in Redis.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use waypost_core::Result;
use waypost_core::idempotency::{Answer, Claim, ClaimRequest, IdempotencyStore, Lease, ScopedKey, Settled};

use super::connection::Redis;
use super::error::Fault;
use super::moments::{micros, moment};
use super::script::Script;

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/idempotency_claim.lua")));
static COMPLETE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/idempotency_complete.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/idempotency_release.lua")));
static SWEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/idempotency_sweep.lua")));

/// How long an entry is kept beyond its end. What is over is over by the caller's moment; the server's own expiry only
/// clears away what no sweep came for, and must come after the end by any clock.
const BEYOND: Duration = Duration::from_secs(3_600);

/// Entries that one sweep removes: a millisecond or two, in which the server does nothing else.
const SWEPT_AT_ONCE: usize = 1_000;

/// Keeps claims and answers in Redis.
///
/// They last as long as the server's memory: after a restart without persistence, or a `FLUSHALL`, a key is as if it
/// had never been seen. The server must not evict keys (`maxmemory-policy noeviction`).
///
/// Every call may be made again by the adapter where a connection broke. A [`release`](IdempotencyStore::release) that
/// went through just before is then told as [`Settled::Superseded`].
#[derive(Clone, Debug)]
pub struct RedisIdempotencyStore {
    redis: Redis,
    index: String,
}

impl RedisIdempotencyStore {
    /// The claims and answers in `redis`.
    pub fn new(redis: &Redis) -> Self {
        Self { redis: redis.clone(), index: redis.keys().named("idempotency") }
    }

    fn entry(&self, key: &ScopedKey) -> String {
        self.redis.keys().named(&format!("idempotency:{}:{}", key.workspace, key.key.as_str()))
    }

    async fn grant(&self, request: &ClaimRequest) -> Result<Claim, Fault> {
        let until = request.now.saturating_add(request.lease).unwrap_or(Timestamp::MAX);
        let call = CLAIM
            .call(&[&self.entry(&request.key), &self.index])
            .arg(micros(request.now))
            .arg(micros(until))
            .arg(millis(request.lease.saturating_add(BEYOND)))
            .arg(&request.fingerprint.to_bytes())
            .arg(&request.token.0);
        let outcome: Vec<Vec<u8>> = call.run(&self.redis).await?;
        found(&outcome, request).ok_or(Fault::Form("a claim"))
    }

    async fn answer(&self, lease: &Lease, answer: &Answer, keep_until: Timestamp) -> Result<Settled, Fault> {
        let headers = serde_json::to_vec(&answer.headers).map_err(|_| Fault::Form("a header"))?;
        let call = COMPLETE
            .call(&[&self.entry(&lease.key), &self.index])
            .arg(&lease.token.0)
            .arg(micros(keep_until))
            .arg(millis(BEYOND))
            .arg(answer.status)
            .arg(headers)
            .arg(&answer.body[..]);
        Ok(settled(call.run(&self.redis).await?))
    }

    async fn give_back(&self, lease: &Lease) -> Result<Settled, Fault> {
        let call = RELEASE.call(&[&self.entry(&lease.key), &self.index]).arg(&lease.token.0);
        Ok(settled(call.run(&self.redis).await?))
    }

    async fn clear(&self, now: Timestamp, limit: usize) -> Result<usize, Fault> {
        let mut swept = 0;
        while swept < limit {
            let some = (limit - swept).min(SWEPT_AT_ONCE);
            let gone: usize = SWEEP.call(&[&self.index]).arg(micros(now)).arg(some).run(&self.redis).await?;
            swept += gone;
            if gone < some {
                break;
            }
        }
        Ok(swept)
    }
}

#[async_trait]
impl IdempotencyStore for RedisIdempotencyStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        Ok(self.grant(request).await?)
    }

    async fn complete(&self, lease: &Lease, answer: &Answer, keep_until: Timestamp) -> Result<Settled> {
        Ok(self.answer(lease, answer, keep_until).await?)
    }

    async fn release(&self, lease: &Lease) -> Result<Settled> {
        Ok(self.give_back(lease).await?)
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize> {
        Ok(self.clear(now, limit).await?)
    }
}

fn millis(time: Duration) -> i64 {
    // Beyond any lease: the server refuses an expiry that overflows its clock.
    const MOST: u128 = 1 << 50;
    i64::try_from(time.as_millis().min(MOST)).unwrap_or(i64::MAX)
}

fn settled(held: u8) -> Settled {
    if held == 1 { Settled::Kept } else { Settled::Superseded }
}

/// What the script's answer means for a request; `None` if it means nothing.
fn found(outcome: &[Vec<u8>], request: &ClaimRequest) -> Option<Claim> {
    match outcome {
        [word] if word == b"granted" => Some(Claim::Granted(request.lease())),
        [word] if word == b"mismatch" => Some(Claim::Mismatch),
        [word, until] if word == b"busy" => {
            let wait = moment(until)?.duration_since(request.now);
            Some(Claim::Busy(Duration::try_from(wait).unwrap_or(Duration::ZERO)))
        }
        [word, status, headers, body] if word == b"replay" => Some(Claim::Replay(Answer {
            status: std::str::from_utf8(status).ok()?.parse().ok()?,
            headers: serde_json::from_slice(headers).ok()?,
            body: Bytes::copy_from_slice(body),
        })),
        _ => None,
    }
}
