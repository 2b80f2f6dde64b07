//! The limiter: decisions by what the database keeps.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::{PgConnection, PgRow};
use tokio::sync::oneshot;
use waypost_core::limits::{Decision, Policy, RateLimiter, State};
use waypost_core::{Error, Kind, Result};

use super::rounds::{Ask, Name, Rounds};
use super::state::over_at;
use crate::postgres::columns::{Columns as _, Moment};
use crate::postgres::database::Postgres;
use crate::postgres::error::Fault;

/// How often a round is decided anew because another node changed the state meanwhile, before the state is locked for it.
const TRIES: usize = 3;
/// How long a round may take: longer than anybody waits for it. One on a connection that was cut without a word would
/// keep the turn for minutes.
const ROUND: Duration = Duration::from_secs(1);

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
/// A decision costs one round trip where it is a denial, else two; neither waits for the disk. Those who ask under one key
/// at once are decided on together, in as many round trips as one alone: however many they are, a key in demand holds one
/// connection of each node. What is left to race are the nodes; who came too late decides anew, and after a third time with
/// the state locked, in five round trips.
///
/// Time never goes back under a key: a node whose clock is behind decides as at the latest moment that was decided at.
#[derive(Clone, Debug)]
pub struct PostgresRateLimiter {
    db: Postgres,
    rounds: Rounds,
}

impl PostgresRateLimiter {
    /// The limiter that counts in `db`.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone(), rounds: Rounds::default() }
    }
}

#[async_trait]
impl RateLimiter for PostgresRateLimiter {
    async fn decide(&self, policy: &Policy, key: &str, cost: u32, now: Timestamp) -> Result<Decision> {
        let (answer, answered) = oneshot::channel();
        let ask = Ask { policy: policy.clone(), cost, now, answer };
        if let Some(mut turn) = self.rounds.join((policy.name().to_owned(), key.into()), ask) {
            let db = self.db.clone();
            // A task of its own: who has the turn may give up, and others wait for the same.
            tokio::spawn(async move {
                while let Some(asks) = turn.next() {
                    round(&db, turn.name(), asks).await;
                }
            });
        }
        answered.await.unwrap_or_else(|_| Err(Error::new(Kind::Unavailable, "The limiter was stopped")))
    }
}

/// Decides on all of them, and tells each.
async fn round(db: &Postgres, name: &Name, asks: Vec<Ask>) {
    let taking = async { take(db, name, &asks).await.map_err(Error::from) };
    let slow = || Error::new(Kind::Timeout, "The store took too long");
    // Who has gone meanwhile does not want to know.
    match tokio::time::timeout(ROUND, taking).await.unwrap_or_else(|_| Err(slow())) {
        Ok(decisions) => asks.into_iter().zip(decisions).for_each(|(ask, decision)| {
            let _ = ask.answer.send(Ok(decision));
        }),
        Err(error) => {
            let shared = Arc::new(error);
            for ask in asks {
                let error = Error::new(shared.kind(), shared.message().to_owned()).with_source(shared.clone());
                let _ = ask.answer.send(Err(error));
            }
        }
    }
}

async fn take(db: &Postgres, name: &Name, asks: &[Ask]) -> Result<Vec<Decision>, Fault> {
    let mut conn = db.connection().await?;
    for _ in 0..TRIES {
        let row = sqlx::query(READ).bind(&name.0).bind(&name.1).fetch_optional(&mut *conn).await?;
        let verdict = Verdict::on(asks, row.as_ref())?;
        if verdict.is_kept(name, &mut conn).await? {
            return Ok(conn.done(verdict.decisions));
        }
    }
    conn.done(());
    take_locked(db, name, asks).await
}

async fn take_locked(db: &Postgres, name: &Name, asks: &[Ask]) -> Result<Vec<Decision>, Fault> {
    let mut tx = db.begin().await?;
    let begun = asks.iter().map(|ask| ask.now).max().unwrap_or(Timestamp::MIN);
    let row = sqlx::query(LOCK).bind(&name.0).bind(&name.1).bind(Moment(begun)).fetch_one(&mut *tx).await?;
    let verdict = Verdict::on(asks, Some(&row))?;
    // It is: nobody else changes it. What was denied leaves even a state that was begun for it as it is, and that one is
    // over already.
    verdict.is_kept(name, &mut tx).await?;
    tx.commit().await?;
    Ok(verdict.decisions)
}

/// What a round comes to.
struct Verdict {
    /// What was decided by.
    kept: Option<Vec<u8>>,
    /// A decision for each who asked.
    decisions: Vec<Decision>,
    /// What is to be kept, if anything was allowed.
    next: Option<Next>,
}

struct Next {
    state: State,
    latest: Timestamp,
    /// The latest moment at which somebody asked, by the clock of this node.
    now: Timestamp,
    /// From when on it may be forgotten.
    over_at: Timestamp,
}

impl Verdict {
    /// Decides on one after the other, by what is kept and by what the one before was allowed.
    fn on(asks: &[Ask], row: Option<&PgRow>) -> Result<Self, Fault> {
        let kept = row.map(|row| row.at::<Vec<u8>>(0)).transpose()?;
        // Bytes of another form are those of another version: as if there were none.
        let mut state = kept.as_deref().and_then(State::from_bytes);
        let mut latest = row.map(|row| row.time(1)).transpose()?.unwrap_or(Timestamp::MIN);
        let (mut decisions, mut next) = (Vec::with_capacity(asks.len()), None::<Next>);
        for ask in asks {
            latest = latest.max(ask.now);
            let (after, decision) = ask.policy.decide(state.as_ref(), ask.cost, latest);
            if decision.is_allowed() {
                let now = next.as_ref().map_or(ask.now, |next| next.now.max(ask.now));
                let over_at = over_at(now, decision.standing().reset);
                let over_at = next.as_ref().map_or(over_at, |next| next.over_at.max(over_at));
                next = Some(Next { state: after.clone(), latest, now, over_at });
                state = Some(after);
            }
            decisions.push(told(decision, latest, ask.now));
        }
        Ok(Self { kept, decisions, next })
    }

    /// Keeps the new state; whether that was possible. What was denied took nothing, so there is nothing to keep.
    async fn is_kept(&self, name: &Name, conn: &mut PgConnection) -> Result<bool, Fault> {
        let Some(next) = &self.next else { return Ok(true) };
        let query = sqlx::query(if self.kept.is_some() { GO_ON } else { BEGIN })
            .bind(&name.0)
            .bind(&name.1)
            .bind(next.state.to_bytes())
            .bind(Moment(next.latest))
            .bind(Moment(next.over_at));
        let query = match &self.kept {
            Some(kept) => query.bind(kept),
            None => query.bind(Moment(next.now)),
        };
        Ok(query.execute(conn).await?.rows_affected() > 0)
    }
}

/// A decision in the time of who asked, which may be behind that of the key.
fn told(decision: Decision, latest: Timestamp, now: Timestamp) -> Decision {
    let behind = Duration::try_from(latest.duration_since(now)).unwrap_or(Duration::ZERO);
    match decision {
        Decision::Allow(mut standing) => {
            standing.reset += behind;
            Decision::Allow(standing)
        }
        Decision::Deny { mut standing, retry_after } => {
            standing.reset += behind;
            Decision::Deny { standing, retry_after: retry_after + behind }
        }
    }
}
