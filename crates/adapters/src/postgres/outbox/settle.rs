//! Settling claimed entries.

use jiff::Timestamp;
use waypost_core::outbox::{Ruling, Verdict};

use super::gate;
use crate::postgres::columns::{Moment, number};
use crate::postgres::database::{Postgres, Transaction};
use crate::postgres::error::Fault;
use crate::postgres::events::row::event_columns;

macro_rules! ack {
    ($leaf:literal) => {
        concat!(
            "DELETE FROM waypost_outbox",
            $leaf,
            " AS o USING UNNEST($1::int8[], $2::int8[]) AS verdict (entry, token) \
             WHERE o.entry = verdict.entry AND o.token = verdict.token"
        )
    };
}
/// By leaf: an entry is looked for where its number says that it was appended.
const ACK_IN: [&str; 8] =
    [ack!("_0"), ack!("_1"), ack!("_2"), ack!("_3"), ack!("_4"), ack!("_5"), ack!("_6"), ack!("_7")];
/// Wherever they are: a leaf's last entries are moved on when it is emptied.
const ACK: &str = ack!("");
const RETRY: &str = "UPDATE waypost_outbox AS o SET free_at = verdict.free_at, attempts = attempts + 1, \
    token = o.token + 1 FROM UNNEST($1::int8[], $2::int8[], $3::timestamptz[]) AS verdict (entry, token, free_at) \
    WHERE o.entry = verdict.entry AND o.token = verdict.token";
const BURY: &str = concat!(
    "WITH gone AS (DELETE FROM waypost_outbox AS o USING UNNEST($1::int8[], $2::int8[], $3::text[]) \
     AS verdict (entry, token, reason) WHERE o.entry = verdict.entry AND o.token = verdict.token \
     RETURNING o.*, verdict.reason) INSERT INTO waypost_outbox_dead (entry, reason, token, ordering, ",
    event_columns!(),
    ") SELECT entry, reason, token + 1, ordering, ",
    event_columns!(),
    " FROM gone"
);

/// Entries with the tokens that they were claimed under.
#[derive(Default)]
struct Named {
    entries: Vec<i64>,
    tokens: Vec<i64>,
}

impl Named {
    fn push(&mut self, verdict: &Verdict) {
        self.entries.push(number(verdict.entry));
        self.tokens.push(number(verdict.token));
    }
}

/// Settles entries; says how many of the verdicts still held.
pub(super) async fn settle(db: &Postgres, verdicts: &[Verdict]) -> Result<u64, Fault> {
    let mut acks: [Named; 8] = Default::default();
    let (mut retried, mut times) = (Named::default(), Vec::new());
    let (mut buried, mut reasons) = (Named::default(), Vec::new());
    for verdict in verdicts {
        match &verdict.ruling {
            Ruling::Ack => acks[usize::from((verdict.entry % 8) as u8)].push(verdict),
            Ruling::Retry(at) => {
                retried.push(verdict);
                times.push(*at);
            }
            Ruling::Dead(reason) => {
                buried.push(verdict);
                reasons.push(reason.as_str());
            }
        }
    }
    let mut tx = gate::settle(db).await?;
    let mut kept = 0;
    for (named, statement) in acks.into_iter().zip(ACK_IN) {
        kept += ack(&mut tx, named, statement).await?;
    }
    kept += retry(&mut tx, retried, &times).await?;
    kept += bury(&mut tx, buried, reasons).await?;
    tx.commit().await?;
    Ok(kept)
}

async fn ack(tx: &mut Transaction, named: Named, statement: &'static str) -> Result<u64, Fault> {
    let wanted = named.entries.len() as u64;
    if wanted == 0 {
        return Ok(0);
    }
    let query = sqlx::query(statement).bind(&named.entries).bind(&named.tokens);
    let there = query.execute(&mut **tx).await?.rows_affected();
    if there == wanted {
        return Ok(there);
    }
    let query = sqlx::query(ACK).bind(&named.entries).bind(&named.tokens);
    Ok(there + query.execute(&mut **tx).await?.rows_affected())
}

async fn retry(tx: &mut Transaction, named: Named, times: &[Timestamp]) -> Result<u64, Fault> {
    if named.entries.is_empty() {
        return Ok(0);
    }
    let times: Vec<_> = times.iter().copied().map(Moment).collect();
    let query = sqlx::query(RETRY).bind(named.entries).bind(named.tokens).bind(times);
    Ok(query.execute(&mut **tx).await?.rows_affected())
}

async fn bury(tx: &mut Transaction, named: Named, reasons: Vec<&str>) -> Result<u64, Fault> {
    if named.entries.is_empty() {
        return Ok(0);
    }
    let query = sqlx::query(BURY).bind(named.entries).bind(named.tokens).bind(reasons);
    Ok(query.execute(&mut **tx).await?.rows_affected())
}
