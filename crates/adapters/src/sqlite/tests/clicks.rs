//! Clicks of a database that was made by a program which told of them as it counted.

use std::sync::Mutex;
use std::time::Duration;

use sqlx::{Connection as _, SqliteConnection};
use waypost_core::clicks::{Class, ClickStore as _, Owed, Telling, Told};
use waypost_core::conformance::fixtures::{at, click, link};

use super::database_file;
use crate::sqlite::{Sqlite, SqliteClickStore, migrations};

#[tokio::test]
async fn what_was_counted_before_was_told() {
    const TOTAL: &str =
        "INSERT INTO waypost_click_total (link, workspace, human, bot, duplicate) VALUES (?1, ?2, 5, 0, 0)";
    let folder = tempfile::tempdir().unwrap();
    let mut conn = SqliteConnection::connect_with(&database_file(&folder).writing()).await.unwrap();
    migrations::run_first(&mut conn, 3).await.unwrap();
    let total = sqlx::query(TOTAL).bind(link(1).id.to_bytes().to_vec()).bind(link(1).workspace.to_bytes().to_vec());
    total.execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let clicks = SqliteClickStore::new(&Sqlite::open(database_file(&folder)).await.unwrap());
    let told = Mutex::new(Vec::new());
    let events = |owed: &[Owed]| {
        told.lock().unwrap().extend(owed.iter().map(|owed| (owed.clicks.human, owed.total.human)));
        Vec::new()
    };
    let telling = Telling { now: at(0), every: Duration::from_millis(250), limit: 10, events: &events };
    assert_eq!(clicks.tell(telling).await.unwrap(), Told::default());
    clicks.append(&[click(1, &link(1), Class::Human, at(0))]).await.unwrap();
    assert_eq!(clicks.tell(telling).await.unwrap().links, 1);
    assert_eq!(told.into_inner().unwrap(), [(1, 6)]);
}
