//! Filling the store faster than through the port: the database makes the clicks of a day, and adds them up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{Executor as _, Row as _};
use tokio::task::JoinSet;

use crate::Outcome;
use crate::scene::{self, DAYS, LINKS, Scene};

/// Days that are filled at once.
const AT_ONCE: u64 = 3;

/// Clicks `$1` to `$2`, from `$3` on, each `$4` days after the one before. Hosts and countries are as uneven as they are
/// on the web: the n-th comes as often as 1/n says.
const CLICKS: &str = "INSERT INTO waypost_click \
    SELECT $5::text::uuid, ($6 || lpad(to_hex(n), 10, '0'))::uuid, \
    lpad(to_hex(CASE WHEN n % 5 = 0 THEN 0 ELSE 1 + floor(a * $7)::bigint END), 32, '0')::uuid, \
    $3::text::timestamptz + (n - $1) * $4 * interval '1 day', \
    CASE WHEN b < 0.7 THEN 0 WHEN b < 0.9 THEN 1 ELSE 2 END, b BETWEEN 0.7 AND 0.9, \
    chr(65 + floor(100 ^ c)::int / 10) || chr(65 + floor(100 ^ c)::int % 10), \
    CASE WHEN b < 0.9 THEN 'site-' || floor(999 ^ d)::int || '.example' END, \
    (ARRAY['Chrome', 'Safari', 'Firefox', 'Edge', 'Opera', 'Samsung', NULL])[1 + floor(e * 7)::int], \
    (ARRAY['Windows', 'iOS', 'Android', 'macOS', 'Linux', NULL])[1 + floor(f * 6)::int], \
    (ARRAY['desktop', 'mobile', 'tablet', NULL])[1 + floor(e * f * 4)::int] \
    FROM (SELECT n, (hashint8extended(n, 1) & 1048575) / 1048576.0::float8 AS a, \
    (hashint8extended(n, 2) & 1048575) / 1048576.0::float8 AS b, \
    (hashint8extended(n, 3) & 1048575) / 1048576.0::float8 AS c, \
    (hashint8extended(n, 4) & 1048575) / 1048576.0::float8 AS d, \
    (hashint8extended(n, 5) & 1048575) / 1048576.0::float8 AS e, \
    (hashint8extended(n, 6) & 1048575) / 1048576.0::float8 AS f \
    FROM generate_series($1::bigint, $2::bigint - 1) AS n) AS drawn";
const HOURS: &str = "INSERT INTO waypost_click_hour \
    SELECT link, date_trunc('hour', at, 'UTC') AS hour, count(*) FILTER (WHERE class = 0), \
    count(*) FILTER (WHERE class = 1), count(*) FILTER (WHERE class = 2) \
    FROM waypost_click WHERE at >= $1::text::timestamptz AND at < $2::text::timestamptz GROUP BY link, hour ORDER BY hour \
    ON CONFLICT DO NOTHING";
const FACETS: &str = "INSERT INTO waypost_click_facet \
    SELECT link, CASE WHEN grouping(country) = 0 THEN 'country' WHEN grouping(referrer) = 0 THEN 'referrer' \
    WHEN grouping(browser) = 0 THEN 'browser' WHEN grouping(os) = 0 THEN 'os' ELSE 'device' END, \
    $1::text::timestamptz, coalesce(country, referrer, browser, os, device, ''), count(*) FILTER (WHERE class = 0), \
    count(*) FILTER (WHERE class = 1), count(*) FILTER (WHERE class = 2) \
    FROM waypost_click WHERE at >= $1::text::timestamptz AND at < $2::text::timestamptz \
    GROUP BY GROUPING SETS ((link, country), (link, referrer), (link, browser), (link, os), (link, device)) \
    ON CONFLICT DO NOTHING";
const TOTALS: &str = "INSERT INTO waypost_click_total \
    SELECT link, $1::text::uuid, sum(human), sum(bot), sum(duplicate) FROM waypost_click_hour GROUP BY link \
    ON CONFLICT DO NOTHING";
const SIZE: &str = "SELECT sum(pg_total_relation_size(c.oid))::bigint, \
    (sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relname ~ '^waypost_click_(total|hour|facet)$'))::bigint, \
    (SELECT count(*) FROM waypost_click_facet), (SELECT count(*) FROM waypost_click_hour) \
    FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'";

/// Fills the days, some at once; tells how long it took and how much room it takes.
pub(super) async fn fill(scene: &Scene) -> Outcome<Value> {
    make_days(scene).await?;
    let begun = Instant::now();
    let done = Arc::new(AtomicU64::new(0));
    let mut lanes: JoinSet<_> = (0..AT_ONCE).map(|lane| fill_lane(scene.clone(), lane, done.clone(), begun)).collect();
    while let Some(filled) = lanes.join_next().await {
        filled??;
    }
    let mut conn = scene.connection().await?;
    let workspace = hex(scene::workspace().to_bytes());
    sqlx::query(TOTALS).bind(workspace).execute(&mut conn).await?;
    let seconds = begun.elapsed().as_secs_f64();
    // As the server does by itself, in its time.
    for table in ["VACUUM (ANALYZE) waypost_click_hour", "VACUUM (ANALYZE) waypost_click_facet", "ANALYZE"] {
        conn.execute(table).await?;
    }
    let row = conn.fetch_one(SIZE).await?;
    let gib = |place| row.get::<i64, _>(place) as f64 / f64::from(1 << 30);
    let (all, sums, facets, hours) = (gib(0), gib(1), row.get::<i64, _>(2), row.get::<i64, _>(3));
    println!(
        "{} clicks in {seconds:.0} s ({:.0} clicks/s); {all:.2} GiB on disk, {sums:.2} GiB of it {hours} hours and \
         {facets} values of facets",
        scene.clicks,
        scene.clicks as f64 / seconds
    );
    Ok(json!({ "seconds": seconds, "gib": all, "roll_ups_gib": sums, "facets": facets, "hours": hours }))
}

/// Has the port make each day, with a click of a link that nobody asks about.
async fn make_days(scene: &Scene) -> Outcome<()> {
    let nobody = scene::link(LINKS);
    let clicks: Vec<_> =
        (0..DAYS).map(|n| scene::click(scene.click_id(scene.clicks + n), nobody, scene::day(n))).collect();
    scene::append(&scene.store().await?, &clicks).await?;
    Ok(())
}

async fn fill_lane(scene: Scene, lane: u64, done: Arc<AtomicU64>, begun: Instant) -> Outcome<()> {
    let mut conn = scene.connection().await?;
    conn.execute("SET synchronous_commit = off; SET work_mem = '256MB'; SET max_parallel_workers_per_gather = 0")
        .await?;
    for day in (lane..DAYS).step_by(usize::try_from(AT_ONCE)?) {
        fill_day(&scene, &mut conn, day).await?;
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(10) {
            println!("{} clicks after {:.0} s", done * scene.daily(), begun.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

async fn fill_day(scene: &Scene, conn: &mut PgConnection, day: u64) -> Outcome<()> {
    let (from, to) = (scene::day(day).to_string(), scene::day(day + 1).to_string());
    let first = day * scene.daily();
    let segment = hex(scene.click_id(0).to_bytes())[..22].to_owned();
    sqlx::query(CLICKS)
        .bind(i64::try_from(first)?)
        .bind(i64::try_from(first + scene.daily())?)
        .bind(&from)
        .bind(1.0 / scene.daily() as f64)
        .bind(hex(scene::workspace().to_bytes()))
        .bind(segment)
        .bind((LINKS - 1) as f64)
        .execute(&mut *conn)
        .await?;
    for sql in [HOURS, FACETS] {
        sqlx::query(sql).bind(&from).bind(&to).execute(&mut *conn).await?;
    }
    Ok(())
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}
