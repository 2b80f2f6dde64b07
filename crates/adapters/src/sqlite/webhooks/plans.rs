//! How SQLite runs the statements of webhooks: each by an index, and none sorts or reads what it need not.

use sqlx::{AssertSqlSafe, Row as _};

use super::{claim, log, purge, queue, redrive, store};
use crate::sqlite::tests::database;

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let (db, _folder) = database().await;
    let mut conn = db.read().await.unwrap();
    for (sql, index) in [
        (store::ENDPOINT, "sqlite_autoindex_waypost_webhook_1 (workspace=? AND id=?)"),
        (store::ENDPOINTS, "USING INDEX waypost_webhook_created (workspace=?)"),
        (claim::LOOK, "USING INDEX waypost_webhook_queue_due (due_at<?)"),
        (claim::CLAIM, "USING INDEX waypost_webhook_queue_due (due_at<?)"),
        (claim::DUE, "USING INDEX waypost_delivery_owed_due (endpoint=? AND due_at<?)"),
        (queue::BACKLOG, "USING COVERING INDEX waypost_delivery_owed_due (endpoint=?"),
        (redrive::ONE, "USING INDEX waypost_delivery_id (endpoint=? AND id=?)"),
        (redrive::FAILED, "SEARCH f USING PRIMARY KEY (endpoint=?)"),
        (log::ONE, "USING INDEX waypost_delivery_id (endpoint=? AND id=?)"),
        (log::ALL, "USING INDEX waypost_delivery_id (endpoint=? AND id<?)"),
        (log::ALL, "SEARCH a USING PRIMARY KEY (delivery=?"),
        (log::FAILED, "SEARCH f USING PRIMARY KEY (endpoint=? AND id<?)"),
        (log::ATTEMPTS, "SEARCH a USING PRIMARY KEY (delivery=?)"),
        (purge::DELETE, "sqlite_autoindex_waypost_webhook_1 (workspace=? AND id=?)"),
        (purge::LEFT, "waypost_delivery_id (endpoint=?)"),
        (purge::ENDED, "USING INTEGER PRIMARY KEY (rowid<?)"),
        (purge::OF_DAY, "waypost_delivery_id (endpoint=? AND id>? AND id<?)"),
        (purge::OLD_HOURS, "SEARCH h USING PRIMARY KEY (endpoint=? AND hour<?)"),
    ] {
        let explained = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
        let rows = explained.fetch_all(&mut *conn).await.unwrap();
        let plan = rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("\n");
        assert!(plan.contains(index), "{sql}\n{plan}");
        let is_sorted = plan.contains("TEMP B-TREE");
        assert!(!is_sorted, "{sql}\n{plan}");
    }
}
