//! Settling: calls on record, and what becomes of their deliveries and queues, in one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use waypost_core::clicks::Interval;
use waypost_core::ids::{DeliveryId, WebhookId};
use waypost_core::webhooks::{Attempt, DeliveryRuling, Hold, Measures, Settled, Settlement};

use super::attempt;
use super::delivery::day;
use super::endpoint::bind_standing;
use super::owe::{count, first_due};
use super::store::SqliteWebhookStore;
use crate::sqlite::bulk::Bulk;
use crate::sqlite::columns::{Columns as _, micros, number};
use crate::sqlite::error::Fault;

static HELD: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = ") SELECT q.endpoint, q.token FROM held h CROSS JOIN waypost_webhook_queue q \
                ON q.endpoint = h.endpoint AND q.token = h.token WHERE q.leased_until IS NOT NULL";
    Bulk::new("WITH held (endpoint, token) AS (", 2, tail)
});
static FIND: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = ") SELECT d.endpoint, d.id, d.number, o.due_at, o.ordering FROM settled s \
                CROSS JOIN waypost_webhook_queue q ON q.endpoint = s.endpoint \
                CROSS JOIN waypost_delivery d ON d.endpoint = s.endpoint AND d.id = s.id \
                LEFT JOIN waypost_delivery_owed o ON o.number = d.number";
    Bulk::new("WITH settled (endpoint, id) AS (", 2, tail)
});
static KEEP: LazyLock<Bulk> = LazyLock::new(|| {
    let head = "INSERT INTO waypost_attempt \
                (delivery, made_at, number, duration, status, failure, detail, excerpt, traceparent)";
    Bulk::new(head, 1 + attempt::VALUES, "ON CONFLICT DO NOTHING RETURNING delivery, made_at, number")
});
static MEASURE: LazyLock<Bulk> = LazyLock::new(|| {
    let head = "INSERT INTO waypost_webhook_hour (endpoint, hour, class, succeeded, failed)";
    let tail = "ON CONFLICT (endpoint, hour, class) DO UPDATE \
                SET succeeded = succeeded + excluded.succeeded, failed = failed + excluded.failed";
    Bulk::new(head, 5, tail)
});
static DONE: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("DELETE FROM waypost_delivery_owed WHERE number IN (", 1, ")"));
static FAIL: LazyLock<Bulk> = LazyLock::new(|| {
    let head = "INSERT INTO waypost_delivery_failed (endpoint, id, number, reason)";
    Bulk::new(head, 4, "ON CONFLICT DO NOTHING")
});
static RETRY: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = ") UPDATE waypost_delivery_owed AS o SET due_at = r.due_at, tried = o.tried + r.tried FROM retried r \
                WHERE o.number = r.number";
    Bulk::new("WITH retried (number, due_at, tried) AS (", 3, tail)
});
/// The first of each key that is left is due, unless it is already.
static NEXT: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = "), first (number, due_at) AS (SELECT (SELECT k.number FROM waypost_delivery_owed k \
                WHERE k.endpoint = d.endpoint AND k.ordering = d.ordering ORDER BY k.place LIMIT 1), d.due_at \
                FROM done d) UPDATE waypost_delivery_owed AS o SET due_at = f.due_at FROM first f \
                WHERE o.number = f.number AND o.due_at IS NULL";
    Bulk::new("WITH done (endpoint, ordering, due_at) AS (", 3, tail)
});
static STAND: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = concat!(
        ") UPDATE waypost_webhook_queue AS q SET failures = s.failures, failing_since = s.failing_since, \
         warnings = s.warnings, paused_until = s.paused_until, full_at = s.full_at, \
         leased_until = iif(s.is_released, NULL, q.leased_until), due_at = ",
        first_due!("s.endpoint", "s.paused_until"),
        " FROM stands s WHERE q.endpoint = s.endpoint"
    );
    let head = "WITH stands (endpoint, is_released, failures, failing_since, warnings, paused_until, full_at) AS (";
    Bulk::new(head, 7, tail)
});

/// A delivery that something is said of.
struct Found {
    number: i64,
    is_due: bool,
    ordering: Option<String>,
}

type FoundById = HashMap<(WebhookId, DeliveryId), Found>;

/// What is to be written.
#[derive(Default)]
struct Rulings<'a> {
    done: Vec<i64>,
    failed: Vec<(WebhookId, DeliveryId, i64, &'a str)>,
    retried: Vec<(i64, Timestamp, bool)>,
    keys: Vec<(WebhookId, String, Timestamp)>,
    days: BTreeMap<i64, i64>,
}

impl SqliteWebhookStore {
    pub(super) async fn rule(&self, settlements: &[Settlement]) -> Result<Vec<WebhookId>, Fault> {
        let mut tx = self.db.write().await?;
        let held = held(&mut tx, settlements).await?;
        let found = find(&mut tx, settlements).await?;
        let fresh = keep(&mut tx, settlements, &found).await?;
        let is_held = |settlement: &&Settlement| held.contains(&(settlement.endpoint, settlement.token));
        let mut rulings = Rulings::default();
        for settlement in settlements.iter().filter(is_held) {
            for settled in &settlement.settled {
                let found = found.get(&(settlement.endpoint, settled.id)).filter(|found| found.is_due);
                let Some(found) = found else { continue };
                // A call that was on record before has had its consequences.
                let is_new = |attempt: &Attempt| fresh.contains(&(found.number, attempt.at, attempt.number));
                if settled.attempt.as_ref().is_none_or(is_new) {
                    rulings.add(settlement.endpoint, settled, found);
                }
            }
        }
        rulings.write(&mut tx).await?;
        let still: Vec<_> = settlements.iter().filter(is_held).collect();
        let stand = STAND.execute(&mut tx, &still, |query, settlement| {
            let query = query.bind(settlement.endpoint.to_bytes().to_vec()).bind(settlement.hold == Hold::Release);
            bind_standing(query, &settlement.standing)
        });
        stand.await?;
        tx.commit().await?;
        Ok(still.iter().map(|settlement| settlement.endpoint).collect())
    }
}

impl<'a> Rulings<'a> {
    fn add(&mut self, endpoint: WebhookId, settled: &'a Settled, found: &Found) {
        let ended = settled.attempt.as_ref().map(|attempt| attempt.at + attempt.duration);
        match &settled.ruling {
            DeliveryRuling::Retry(at) => {
                self.retried.push((found.number, *at, ended.is_some()));
                return;
            }
            DeliveryRuling::Delivered => {}
            DeliveryRuling::Fail(reason) => self.failed.push((endpoint, settled.id, found.number, reason)),
        }
        self.done.push(found.number);
        *self.days.entry(day(settled.id)).or_default() -= 1;
        if let Some(key) = &found.ordering {
            self.keys.push((endpoint, key.clone(), ended.unwrap_or(settled.created_at)));
        }
    }

    async fn write(self, conn: &mut SqliteConnection) -> Result<(), Fault> {
        DONE.execute(conn, &self.done, |query, number| query.bind(*number)).await?;
        let fail = FAIL.execute(conn, &self.failed, |query, (endpoint, id, number, reason)| {
            let (endpoint, id) = (endpoint.to_bytes().to_vec(), id.to_bytes().to_vec());
            query.bind(endpoint).bind(id).bind(*number).bind((*reason).to_owned())
        });
        fail.await?;
        let retry = RETRY.execute(conn, &self.retried, |query, (number, at, was_called)| {
            query.bind(*number).bind(micros(*at)).bind(i64::from(*was_called))
        });
        retry.await?;
        let next = NEXT.execute(conn, &self.keys, |query, (endpoint, key, at)| {
            query.bind(endpoint.to_bytes().to_vec()).bind(key.clone()).bind(micros(*at))
        });
        next.await?;
        count(conn, self.days).await
    }
}

/// The queues that are held, under their tokens.
async fn held(conn: &mut SqliteConnection, settlements: &[Settlement]) -> Result<HashSet<(WebhookId, u64)>, Fault> {
    let rows = HELD.fetch(conn, settlements, |query, settlement| {
        query.bind(settlement.endpoint.to_bytes().to_vec()).bind(number(settlement.token))
    });
    rows.await?.iter().map(|row| Ok((WebhookId::from_bytes(row.bytes(0)?), row.count(1)?))).collect()
}

async fn find(conn: &mut SqliteConnection, settlements: &[Settlement]) -> Result<FoundById, Fault> {
    let all = settlements.iter().flat_map(|one| one.settled.iter().map(|settled| (one.endpoint, settled.id)));
    let all: Vec<_> = all.collect();
    let rows = FIND.fetch(conn, &all, |query, (endpoint, id)| {
        query.bind(endpoint.to_bytes().to_vec()).bind(id.to_bytes().to_vec())
    });
    let mut found = HashMap::new();
    for row in &rows.await? {
        let (endpoint, id) = (WebhookId::from_bytes(row.bytes(0)?), DeliveryId::from_bytes(row.bytes(1)?));
        let is_due = row.maybe_time(3)?.is_some();
        found.insert((endpoint, id), Found { number: row.at(2)?, is_due, ordering: row.at(4)? });
    }
    Ok(found)
}

/// Keeps the calls that are not on record, and measures them; gives those.
async fn keep(
    conn: &mut SqliteConnection,
    settlements: &[Settlement],
    found: &FoundById,
) -> Result<HashSet<(i64, Timestamp, u32)>, Fault> {
    let mut calls = Vec::new();
    for settlement in settlements {
        for settled in &settlement.settled {
            if let (Some(found), Some(attempt)) = (found.get(&(settlement.endpoint, settled.id)), &settled.attempt) {
                calls.push((settlement.endpoint, found.number, attempt));
            }
        }
    }
    let rows =
        KEEP.fetch(conn, &calls, |query, (_, number, attempt)| attempt::bind(query.bind(*number), attempt)).await?;
    let mut fresh = HashSet::with_capacity(rows.len());
    for row in &rows {
        fresh.insert((row.at(0)?, row.time(1)?, row.at(2)?));
    }
    let mut hours = BTreeMap::<_, Measures>::new();
    for (endpoint, number, attempt) in calls {
        if fresh.contains(&(number, attempt.at, attempt.number)) {
            hours.entry((endpoint, Interval::Hour.floor(attempt.at), class(attempt))).or_default().count(attempt);
        }
    }
    let hours: Vec<_> = hours.into_iter().collect();
    let measure = MEASURE.execute(conn, &hours, |query, ((endpoint, hour, class), sum)| {
        let query = query.bind(endpoint.to_bytes().to_vec()).bind(micros(*hour)).bind(number(*class));
        query.bind(number(sum.succeeded)).bind(number(sum.failed))
    });
    measure.await?;
    Ok(fresh)
}

/// The class of a call's duration.
fn class(attempt: &Attempt) -> usize {
    let mut one = Measures::default();
    one.count(attempt);
    one.durations.iter().position(|count| *count > 0).unwrap_or_default()
}
