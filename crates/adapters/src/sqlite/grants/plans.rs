//! How SQLite runs the statements of grants: each by an index, and none reads what it need not.

use sqlx::{AssertSqlSafe, Row as _};

use super::store;
use crate::sqlite::tests::database;

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let (db, _folder) = database().await;
    let mut conn = db.read().await.unwrap();
    for (sql, index) in [
        (store::FIND, "SEARCH t USING INDEX sqlite_autoindex_waypost_grant_token_1 (hash=?)"),
        (store::FIND, "SEARCH g USING PRIMARY KEY (id=?)"),
        (store::GRANT, "SEARCH g USING PRIMARY KEY (id=?)"),
        (store::LIVE, "SEARCH g USING INDEX waypost_grant_user (user_id=?)"),
        (store::WENT_ON, "USING INDEX waypost_grant_token_grant (grant_id=? AND place>?)"),
        (store::END_ONE, "USING PRIMARY KEY (id=?)"),
        (store::END_USER, "USING INDEX waypost_grant_user (user_id=?)"),
        (store::END_MEMBER, "USING INDEX waypost_grant_user (user_id=?)"),
        (store::END_CLIENT, "USING INDEX waypost_grant_client (client=?)"),
        (store::SWEEP_GRANTS, "waypost_grant_over (<expr><?)"),
        (store::SWEEP_TRAILS, "waypost_grant_over (<expr><?)"),
        (store::SWEEP_TRAILS, "waypost_grant_token_grant (grant_id=?)"),
        (store::SWEEP_TOKENS, "waypost_grant_token_over (expires_at<?)"),
        (store::SWEEP_DENIED, "waypost_denied_token_over (expires_at<?)"),
    ] {
        let explained = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
        let rows = explained.fetch_all(&mut *conn).await.unwrap();
        let plan = rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>().join("\n");
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE") && !plan.contains("SCAN"), "{sql}\n{plan}");
    }
}
