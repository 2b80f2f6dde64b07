//! Rate limits in PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::{PgConnection, PgRow};
use waypost_core::Result;
use waypost_core::limits::{Decision, Policy, RateLimiter, State};

use super::columns::{Columns as _, Moment};
use super::database::Postgres;
use super::error::Fault;

/// How often a decision is made anew because another changed the state meanwhile, before the state is locked for it.
const TRIES: usize = 3;
/// How long a state is kept, at least, after it says nothing any more: so much may the clocks of nodes differ. It is kept
/// for up to twice as long, since moments are rounded up to a multiple of it, lest each decision move an entry of the
/// index.
const GRACE: Duration = Duration::from_secs(300);

const READ: &str = "SELECT state, latest FROM waypost_limit WHERE policy = $1 AND key = $2";
/// Reads the state as it stands after all who are changing it, and has everybody else wait.
const LOCK: &str = "INSERT INTO waypost_limit AS kept (policy, key, state, latest, over_at) VALUES ($1, $2, '', $3, $3) \
    ON CONFLICT (policy, key) DO UPDATE SET state = kept.state RETURNING state, latest";
/// The first state of a key. It forgets two others that are over, so they cannot pile up.
const BEGIN: &str = "WITH forgotten AS (DELETE FROM waypost_limit WHERE ctid = ANY(ARRAY(SELECT ctid FROM waypost_limit \
    WHERE over_at <= $6 ORDER BY over_at LIMIT 2 FOR UPDATE SKIP LOCKED))) \
    INSERT INTO waypost_limit (policy, key, state, latest, over_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
/// The next state, if the one that was decided by still stands.
const GO_ON: &str = "UPDATE waypost_limit SET state = $3, latest = greatest(latest, $4), over_at = $5 \
    WHERE policy = $1 AND key = $2 AND state = $6";

/// Counts for every node that has the database.
///
/// A decision costs one round trip where it is a denial, else two; neither waits for the disk. Where many ask under one
/// key at once, those who came too late decide anew, and after a third time in turn, in five round trips.
///
/// Time never goes back under a key: a node whose clock is behind decides as at the latest moment that was decided at.
#[derive(Clone, Debug)]
pub struct PostgresRateLimiter {
    db: Postgres,
}

impl PostgresRateLimiter {
    /// The limiter that counts in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn take(&self, ask: &Ask<'_>) -> Result<Decision, Fault> {
        let mut conn = self.db.connection().await?;
        for _ in 0..TRIES {
            let row = sqlx::query(READ).bind(ask.policy.name()).bind(ask.key).fetch_optional(&mut *conn).await?;
            let verdict = ask.decide(row.as_ref())?;
            if verdict.is_kept(ask, &mut conn).await? {
                return Ok(conn.done(verdict.decision));
            }
        }
        conn.done(());
        self.take_in_turn(ask).await
    }

    async fn take_in_turn(&self, ask: &Ask<'_>) -> Result<Decision, Fault> {
        let mut tx = self.db.begin().await?;
        let lock = sqlx::query(LOCK).bind(ask.policy.name()).bind(ask.key).bind(Moment(ask.now));
        let row = lock.fetch_one(&mut *tx).await?;
        let verdict = ask.decide(Some(&row))?;
        // It is: nobody else changes it. What was denied leaves even a state that was begun for it as it is, and that
        // one is over already.
        verdict.is_kept(ask, &mut tx).await?;
        tx.commit().await?;
        Ok(verdict.decision)
    }
}

#[async_trait]
impl RateLimiter for PostgresRateLimiter {
    async fn decide(&self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Result<Decision> {
        Ok(self.take(&Ask { policy, key: key.as_bytes(), cost, now }).await?)
    }
}

struct Ask<'a> {
    policy: &'a Policy,
    key: &'a [u8],
    cost: u32,
    now: Timestamp,
}

impl Ask<'_> {
    /// Decides by what is kept.
    fn decide(&self, row: Option<&PgRow>) -> Result<Verdict, Fault> {
        let kept = row.map(|row| row.at::<Vec<u8>>(0)).transpose()?;
        let latest = row.map(|row| row.time(1)).transpose()?.map_or(self.now, |latest| latest.max(self.now));
        // Bytes of another form are those of another version: as if there were none.
        let state = kept.as_deref().and_then(decode);
        let (state, decision) = self.policy.decide(state.as_ref(), self.cost, latest);
        // Told in the caller's time, which may be behind.
        let behind = Duration::try_from(latest.duration_since(self.now)).unwrap_or(Duration::ZERO);
        let decision = match decision {
            Decision::Allow(mut standing) => {
                standing.reset += behind;
                Decision::Allow(standing)
            }
            Decision::Deny { mut standing, retry_after } => {
                standing.reset += behind;
                Decision::Deny { standing, retry_after: retry_after + behind }
            }
        };
        Ok(Verdict { kept, state, latest, decision })
    }
}

struct Verdict {
    /// What was decided by.
    kept: Option<Vec<u8>>,
    state: State,
    latest: Timestamp,
    decision: Decision,
}

impl Verdict {
    /// Keeps the new state; whether that was possible. What was denied took nothing, so there is nothing to keep.
    async fn is_kept(&self, ask: &Ask<'_>, conn: &mut PgConnection) -> Result<bool, Fault> {
        if !self.decision.is_allowed() {
            return Ok(true);
        }
        let query = sqlx::query(if self.kept.is_some() { GO_ON } else { BEGIN })
            .bind(ask.policy.name())
            .bind(ask.key)
            .bind(encode(&self.state))
            .bind(Moment(self.latest))
            .bind(Moment(over_at(ask.now, self.decision.standing().reset)));
        let query = match &self.kept {
            Some(kept) => query.bind(kept),
            None => query.bind(Moment(ask.now)),
        };
        Ok(query.execute(conn).await?.rows_affected() > 0)
    }
}

/// From when on a state whose quota is full again after `reset` may be forgotten.
fn over_at(now: Timestamp, reset: Duration) -> Timestamp {
    let grain = GRACE.as_secs().cast_signed();
    let full = now.saturating_add(reset).unwrap_or(Timestamp::MAX).as_second();
    Timestamp::from_second((full.div_euclid(grain) + 2) * grain).unwrap_or(Timestamp::MAX)
}

const FULL_AT: u8 = 1;
const COUNTS: u8 = 2;

/// A letter for the kind, a moment or slice in 8 bytes, and for windows each count in 4.
fn encode(state: &State) -> Vec<u8> {
    match state {
        State::FullAt(at) => [&[FULL_AT][..], &at.to_be_bytes()].concat(),
        State::Counts { newest, counts } => {
            let mut bytes = [&[COUNTS][..], &newest.to_be_bytes()].concat();
            bytes.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
            bytes
        }
    }
}

fn decode(bytes: &[u8]) -> Option<State> {
    let (kind, rest) = bytes.split_first()?;
    let (number, counts) = rest.split_first_chunk::<8>()?;
    let number = i64::from_be_bytes(*number);
    let (counts, rest) = counts.as_chunks::<4>();
    match *kind {
        FULL_AT if counts.is_empty() && rest.is_empty() => Some(State::FullAt(number)),
        COUNTS if rest.is_empty() => Some(State::Counts {
            newest: number,
            counts: counts.iter().map(|count| u32::from_be_bytes(*count)).collect(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_round_trip() {
        for state in [State::FullAt(-7), State::Counts { newest: 9, counts: vec![1, 0, u32::MAX] }] {
            assert_eq!(decode(&encode(&state)), Some(state));
        }
        for bytes in [&b""[..], b"\x01", b"\x03\0\0\0\0\0\0\0\0", b"\x02\0\0\0\0\0\0\0\0\0"] {
            assert_eq!(decode(bytes), None);
        }
    }

    #[test]
    fn a_state_is_kept_for_the_grace_and_at_most_twice_as_long() {
        for second in [0, 1, 299, 300, 301, 599] {
            let now = Timestamp::from_second(second).unwrap();
            let kept = Duration::try_from(over_at(now, Duration::from_secs(60)).duration_since(now)).unwrap();
            let after = kept - Duration::from_secs(60);
            assert!(after >= GRACE && after <= GRACE * 2, "{second}: {after:?}");
        }
    }
}
