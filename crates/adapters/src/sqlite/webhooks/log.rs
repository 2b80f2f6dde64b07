//! The port of what became of deliveries.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use waypost_core::Result;
use waypost_core::ids::{DeliveryId, WebhookId, WorkspaceId};
use waypost_core::page::Page;
use waypost_core::webhooks::{
    Attempt, DeliveryLog, DeliveryQuery, DeliveryRecord, DeliveryState, DeliveryStatus, Measures,
};

use super::attempt::{self, attempt_columns};
use super::delivery::{self, delivery_columns};
use super::store::SqliteWebhookStore;
use crate::sqlite::columns::{Columns as _, micros, number};
use crate::sqlite::error::Fault;

/// Deliveries of an endpoint in its workspace, each with how it stands, how many calls there were, and the last of them.
macro_rules! records {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT o.number, o.due_at, f.reason, d.number, ",
            "(SELECT count(*) FROM waypost_attempt c WHERE c.delivery = d.number), ",
            delivery_columns!(),
            ", ",
            attempt_columns!(),
            " FROM waypost_webhook_queue q ",
            $from,
            " LEFT JOIN waypost_delivery_owed o ON o.number = d.number \
             LEFT JOIN waypost_attempt a ON a.delivery = d.number AND (a.made_at, a.number) = \
             (SELECT l.made_at, l.number FROM waypost_attempt l WHERE l.delivery = d.number \
             ORDER BY l.made_at DESC, l.number DESC LIMIT 1) \
             WHERE q.endpoint = ?1 AND q.workspace = ?2 ",
            $rest
        )
    };
}
/// Where the columns of the delivery, and of the last call, begin.
const DELIVERY: usize = 5;
const LAST: usize = DELIVERY + delivery::VALUES;

pub(super) const ONE: &str = records!(
    "CROSS JOIN waypost_delivery d ON d.endpoint = q.endpoint AND d.id = ?3 \
     LEFT JOIN waypost_delivery_failed f ON f.endpoint = d.endpoint AND f.id = d.id",
    ""
);
pub(super) const ALL: &str = records!(
    "CROSS JOIN waypost_delivery d ON d.endpoint = q.endpoint AND d.id < ?3 \
     LEFT JOIN waypost_delivery_failed f ON f.endpoint = d.endpoint AND f.id = d.id",
    "AND (?5 IS NULL OR d.type = ?5) AND (?6 IS NULL OR d.created_at > ?6) AND (?7 IS NULL OR d.created_at < ?7) \
     AND (?8 IS NULL OR ?8 = iif(o.number IS NOT NULL, 'waiting', iif(f.id IS NOT NULL, 'failed', 'delivered'))) \
     ORDER BY d.id DESC LIMIT ?4"
);
/// Dead letters are few among many, and have a table that is in order.
pub(super) const FAILED: &str = records!(
    "CROSS JOIN waypost_delivery_failed f ON f.endpoint = q.endpoint AND f.id < ?3 \
     CROSS JOIN waypost_delivery d ON d.number = f.number",
    "AND (?5 IS NULL OR d.type = ?5) AND (?6 IS NULL OR d.created_at > ?6) AND (?7 IS NULL OR d.created_at < ?7) \
     AND ?8 = 'failed' ORDER BY f.id DESC LIMIT ?4"
);
pub(super) const ATTEMPTS: &str = concat!(
    "SELECT ",
    attempt_columns!(),
    " FROM waypost_attempt a WHERE a.delivery = ?1 ORDER BY a.made_at, a.number"
);
pub(super) const MEASURES: &str = "SELECT h.class, sum(h.succeeded), sum(h.failed) FROM waypost_webhook_queue q \
    CROSS JOIN waypost_webhook_hour h ON h.endpoint = q.endpoint AND h.hour >= ?3 \
    WHERE q.endpoint = ?1 AND q.workspace = ?2 GROUP BY h.class";
/// After every id of 16 bytes.
const END: [u8; 17] = [0xFF; 17];

impl SqliteWebhookStore {
    async fn pages(&self, query: &DeliveryQuery) -> Result<Page<DeliveryRecord, DeliveryId>, Fault> {
        let sql = if query.status == Some(DeliveryStatus::Failed) { FAILED } else { ALL };
        let select = sqlx::query(sql)
            .bind(query.endpoint.to_bytes().to_vec())
            .bind(query.workspace.to_bytes().to_vec())
            .bind(query.after.map_or(END.to_vec(), |after| after.to_bytes().to_vec()))
            .bind(number(query.limit.get() + 1))
            .bind(query.kind.as_ref().map(|kind| kind.as_str()))
            .bind(query.created_after.map(micros))
            .bind(query.created_before.map(micros))
            .bind(query.status.map(DeliveryStatus::as_str));
        let rows = select.fetch_all(&mut *self.db.read().await?).await?;
        let records = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(records, query.limit, |record| record.delivery.id()))
    }

    async fn look(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>, Fault> {
        let one = sqlx::query(ONE).bind(endpoint.to_bytes().to_vec()).bind(workspace.to_bytes().to_vec());
        let mut conn = self.db.read().await?;
        let Some(row) = one.bind(id.to_bytes().to_vec()).fetch_optional(&mut *conn).await? else { return Ok(None) };
        let attempts = sqlx::query(ATTEMPTS).bind(row.at::<i64>(3)?).fetch_all(&mut *conn).await?;
        let attempts = attempts.iter().map(|row| attempt::read(row, 0)).collect::<Result<Vec<_>, _>>()?;
        // One may have been made between the two looks.
        let (attempts_made, last) = (u32::try_from(attempts.len()).unwrap_or(u32::MAX), attempts.last().cloned());
        Ok(Some((DeliveryRecord { attempts: attempts_made, last, ..record(&row)? }, attempts)))
    }

    async fn sum(&self, workspace: WorkspaceId, endpoint: WebhookId, since: Timestamp) -> Result<Measures, Fault> {
        let query = sqlx::query(MEASURES).bind(endpoint.to_bytes().to_vec()).bind(workspace.to_bytes().to_vec());
        let mut measures = Measures::default();
        for row in query.bind(micros(since)).fetch_all(&mut *self.db.read().await?).await? {
            let (succeeded, failed) = (row.count(1)?, row.count(2)?);
            measures.succeeded += succeeded;
            measures.failed += failed;
            let class = usize::try_from(row.at::<u32>(0)?).ok().and_then(|class| measures.durations.get_mut(class));
            *class.ok_or(Fault::Column("class"))? = succeeded + failed;
        }
        Ok(measures)
    }
}

fn record(row: &SqliteRow) -> Result<DeliveryRecord, Fault> {
    let state = match (row.at::<Option<i64>>(0)?, row.at::<Option<String>>(2)?) {
        (Some(_), _) => DeliveryState::Waiting(row.maybe_time(1)?),
        (None, Some(reason)) => DeliveryState::Failed(reason),
        (None, None) => DeliveryState::Delivered,
    };
    let attempts = row.at(4)?;
    let last = if attempts > 0 { Some(attempt::read(row, LAST)?) } else { None };
    Ok(DeliveryRecord { delivery: delivery::read(row, DELIVERY)?, state, attempts, last })
}

#[async_trait]
impl DeliveryLog for SqliteWebhookStore {
    async fn deliveries(&self, query: &DeliveryQuery) -> Result<Page<DeliveryRecord, DeliveryId>> {
        Ok(self.pages(query).await?)
    }

    async fn delivery(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookId,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>> {
        Ok(self.look(workspace, endpoint, id).await?)
    }

    async fn measure(&self, workspace: WorkspaceId, endpoint: WebhookId, since: Timestamp) -> Result<Measures> {
        Ok(self.sum(workspace, endpoint, since).await?)
    }

    async fn trim(&self, before: Timestamp) -> Result<usize> {
        Ok(self.forget(before).await?)
    }
}
