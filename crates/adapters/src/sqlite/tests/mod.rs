//! What is true of this technology alone; what is true of every store is proved by the conformance suites.

mod cancelled;
mod clicks;
mod full;
mod identity;
mod schema;
mod two_handles;
mod webhooks;

use tempfile::TempDir;
use waypost_core::conformance::fixtures::{event, insert, plain};
use waypost_core::links::{Atomicity, Link, LinkStore as _, Outcome, Written};

use super::{Sqlite, SqliteLinkStore, SqliteOptions};

/// A fresh database, and the folder that it lies in.
pub(super) async fn database() -> (Sqlite, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let db = Sqlite::open(database_file(&folder)).await.unwrap();
    (db, folder)
}

/// The file of the database in `folder`.
fn database_file(folder: &TempDir) -> SqliteOptions {
    SqliteOptions::new(folder.path().join("waypost.db"))
}

/// Inserts links, each with its event; what became of each.
async fn insert_all(db: &Sqlite, links: &[Link]) -> waypost_core::Result<Vec<Outcome>> {
    let told = |link: &Link| event(u64::from(link.id.to_bytes()[15]), &link.id.to_string());
    let changes = links.iter().map(|link| (insert(link), Some(told(link)))).collect();
    match SqliteLinkStore::new(db).write(plain(Atomicity::Each, changes)).await? {
        Written::Committed(outcomes) => Ok(outcomes),
        Written::Superseded => panic!("there is no lease to lose"),
    }
}
