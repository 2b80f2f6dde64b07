//! Having deliveries owed anew.

use std::sync::LazyLock;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use waypost_core::events::EventType;
use waypost_core::ids::DeliveryId;
use waypost_core::webhooks::{FailureClass, Redrive, Which};

use super::owe::{Owed, look_again, owe};
use super::store::SqliteWebhookStore;
use crate::sqlite::bulk::Bulk;
use crate::sqlite::columns::{Columns as _, Query, micros, number};
use crate::sqlite::error::Fault;
use crate::sqlite::wake::Wake;

pub(super) const ONE: &str = "SELECT d.number, d.id, d.place, d.ordering, o.number FROM waypost_webhook_queue q \
    CROSS JOIN waypost_delivery d ON d.endpoint = q.endpoint AND d.id = ?4 \
    LEFT JOIN waypost_delivery_owed o ON o.number = d.number WHERE q.endpoint = ?1 AND q.workspace = ?2 LIMIT ?3";
pub(super) const FAILED: &str = "SELECT d.number, d.id, d.place, d.ordering, NULL FROM waypost_webhook_queue q \
    CROSS JOIN waypost_delivery_failed f ON f.endpoint = q.endpoint \
    CROSS JOIN waypost_delivery d ON d.number = f.number \
    WHERE q.endpoint = ?1 AND q.workspace = ?2 AND (?4 IS NULL OR d.created_at >= ?4) \
    AND (?5 IS NULL OR d.created_at < ?5) AND (?6 = '[]' OR d.type IN (SELECT value FROM json_each(?6))) \
    AND (?7 = '[]' OR (SELECT a.failure FROM waypost_attempt a WHERE a.delivery = d.number \
    ORDER BY a.made_at DESC, a.number DESC LIMIT 1) IN (SELECT value FROM json_each(?7))) ORDER BY f.id LIMIT ?3";
static FAILED_NO_MORE: LazyLock<Bulk> = LazyLock::new(|| {
    let tail = ") DELETE FROM waypost_delivery_failed WHERE (endpoint, id) IN (SELECT endpoint, id FROM again)";
    Bulk::new("WITH again (endpoint, id) AS (", 2, tail)
});
/// One that is behind another of its key stays there.
const DUE_NOW: &str =
    "UPDATE waypost_delivery_owed SET tried = 0, due_at = iif(due_at IS NULL, NULL, ?2) WHERE number = ?1";

impl SqliteWebhookStore {
    pub(super) async fn revive(&self, again: &Redrive, limit: usize, now: Timestamp) -> Result<usize, Fault> {
        let select = |sql: &'static str| {
            let query = sqlx::query(sql).bind(again.endpoint.to_bytes().to_vec());
            query.bind(again.workspace.to_bytes().to_vec()).bind(number(limit))
        };
        let select: Query<'_> = match &again.which {
            Which::One(id) => select(ONE).bind(id.to_bytes().to_vec()),
            Which::Failed { since, until, types, classes } => select(FAILED)
                .bind(since.map(micros))
                .bind(until.map(micros))
                .bind(names(types.iter().map(EventType::as_str)))
                .bind(names(classes.iter().map(|class: &FailureClass| class.as_str()))),
        };
        let mut tx = self.db.write().await?;
        let rows = select.fetch_all(&mut *tx).await?;
        let (mut anew, mut waiting) = (Vec::new(), Vec::new());
        for row in &rows {
            match row.at::<Option<i64>>(4)? {
                Some(number) => waiting.push(number),
                None => anew.push(read(row, again)?),
            }
        }
        for number in waiting {
            sqlx::query(DUE_NOW).bind(number).bind(micros(now)).execute(&mut *tx).await?;
        }
        let no_more = FAILED_NO_MORE.execute(&mut tx, &anew, |query, one| {
            query.bind(one.endpoint.to_bytes().to_vec()).bind(one.id.to_bytes().to_vec())
        });
        no_more.await?;
        owe(&mut tx, &anew, now).await?;
        look_again(&mut tx, [again.endpoint].into()).await?;
        tx.wakes(Wake::QUEUES);
        tx.commit().await?;
        Ok(rows.len())
    }
}

fn read(row: &SqliteRow, again: &Redrive) -> Result<Owed, Fault> {
    let id = DeliveryId::from_bytes(row.bytes(1)?);
    Ok(Owed { number: row.at(0)?, endpoint: again.endpoint, id, place: row.at(2)?, ordering: row.at(3)? })
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(names).to_string()
}
