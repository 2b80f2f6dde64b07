//! How PostgreSQL runs the statements of grants: each finds its rows by an index, and reads no others.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

use super::store;
use crate::postgres::tests::database;

/// So many grants, a token each, that a plan which reads them all costs more than one that does not. A person has eight,
/// a client forty; one in four was ended.
const FILL: &str = "INSERT INTO waypost_grant (id, user_id, client, workspace, scopes, label, created_at, used_at, \
    expires_at, ended_at) SELECT md5('g' || n)::uuid, md5('u' || n / 8)::uuid, md5('c' || n % 500)::uuid, \
    md5('w' || n % 20)::uuid, '', '', now(), now(), now() + n * interval '1 minute', \
    CASE WHEN n % 4 = 0 THEN now() - n * interval '1 minute' END FROM generate_series(1, 20000) AS n; \
    INSERT INTO waypost_grant_token (hash, kind, grant_id, expires_at) SELECT sha256(n::text::bytea), 'session', \
    md5('g' || n)::uuid, now() + n * interval '1 minute' FROM generate_series(1, 20000) AS n; \
    INSERT INTO waypost_denied_token (id, expires_at) SELECT md5('d' || n)::uuid, now() + n * interval '1 minute' \
    FROM generate_series(1, 20000) AS n; \
    ANALYZE waypost_grant; ANALYZE waypost_grant_token; ANALYZE waypost_denied_token";

/// The plan with these values in the place of the parameters, as text.
async fn plan(conn: &mut PgConnection, sql: &str, values: &[&str]) -> String {
    let sql = values
        .iter()
        .enumerate()
        .rev()
        .fold(format!("EXPLAIN {sql}"), |sql, (at, value)| sql.replace(&format!("${}", at + 1), value));
    let lines = sqlx::query(AssertSqlSafe(sql)).fetch_all(conn).await.unwrap();
    lines.iter().map(|line| line.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    const HASH: &str = "sha256('7'::bytea)";
    const GRANT: &str = "md5('g7')::uuid";
    const USER: &str = "md5('u7')::uuid";
    const LONG_AGO: &str = "now() - interval '13 days'";
    let (_db, schema) = database().await;
    let mut conn = schema.connection().await;
    conn.execute(FILL).await.unwrap();
    let turn = [HASH, "'refresh'", GRANT, "now()", "NULL", "NULL", HASH, "now()"];
    for (sql, values, indexes) in [
        (store::FIND, &[HASH][..], &["waypost_grant_token_pkey", "waypost_grant_pkey"][..]),
        (store::GRANT, &[GRANT], &["waypost_grant_pkey"]),
        (store::LIVE, &[USER, "now()"], &["waypost_grant_user"]),
        (store::TURN, &turn, &["waypost_grant_token_pkey", "waypost_grant_pkey"]),
        (store::TURNED, &[HASH], &["waypost_grant_token_pkey", "waypost_grant_token_grant", "waypost_grant_pkey"]),
        (store::END_ONE, &["now()", GRANT], &["waypost_grant_pkey"]),
        (store::END_USER, &["now()", USER], &["waypost_grant_user"]),
        (store::END_MEMBER, &["now()", USER, "md5('w7')::uuid"], &["waypost_grant_user"]),
        (store::END_CLIENT, &["now()", "md5('c7')::uuid"], &["waypost_grant_client"]),
        (store::SWEEP_GRANTS, &[LONG_AGO, "500"], &["waypost_grant_over", "waypost_grant_token_grant"]),
        (store::SWEEP_TOKENS, &[LONG_AGO, "500"], &["waypost_grant_token_over"]),
        (store::DENIED, &[GRANT, "now()"], &["waypost_denied_token_pkey"]),
        (store::SWEEP_DENIED, &[LONG_AGO, "500"], &["waypost_denied_token_over"]),
    ] {
        let plan = plan(&mut conn, sql, values).await;
        for index in indexes {
            assert!(plan.contains(index), "{index}: {sql}\n{plan}");
        }
        assert!(!plan.contains("Seq Scan"), "{sql}\n{plan}");
    }
}
