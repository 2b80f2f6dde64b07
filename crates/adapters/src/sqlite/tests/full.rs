//! A full disk, by way of SQLite's own bound on the file's size.

use waypost_core::Kind;
use waypost_core::conformance::fixtures::{delete, link, plain};
use waypost_core::links::{Atomicity, Link, LinkStore as _, Metadata};
use waypost_core::outbox::Outbox as _;

use super::{Sqlite, SqliteLinkStore, SqliteOptions, database_file, insert_all};
use crate::sqlite::SqliteOutbox;

/// The n-th link, with enough data to fill some pages.
fn large(n: u64) -> Link {
    let pad = serde_json::Value::String("x".repeat(15_000));
    Link { metadata: Metadata::new([("pad".to_owned(), pad)].into_iter().collect()).unwrap(), ..link(n) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_disk_is_unavailable_loses_nothing_and_works_again_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let db = Sqlite::open(SqliteOptions { most_pages: Some(400), ..database_file(&folder) }).await.unwrap();
    let links = SqliteLinkStore::new(&db);
    let mut kept = Vec::new();
    let full = loop {
        let link = large(kept.len() as u64);
        match insert_all(&db, std::slice::from_ref(&link)).await {
            Ok(outcomes) => {
                assert_eq!(outcomes, [Ok(())]);
                kept.push(link);
            }
            Err(error) => break error,
        }
        assert!(kept.len() < 1_000, "the bound must be met");
    };
    assert_eq!(full.kind(), Kind::Unavailable);
    assert!(full.retry_after().is_some() && full.message().contains("disk"), "{full}");

    // Those that fail together fail alone: what was told as made is there, and nothing else.
    let tries: Vec<_> = (1_000..1_016)
        .map(|n| {
            let db = db.clone();
            tokio::spawn(async move { insert_all(&db, &[large(n)]).await.map(|_| large(n)) })
        })
        .collect();
    for made in tries {
        kept.extend(made.await.unwrap());
    }
    assert_eq!(SqliteOutbox::new(&db).backlog().await.unwrap().waiting, kept.len() as u64);
    for link in &kept {
        assert_eq!(links.get(link.workspace, link.id).await.unwrap().as_ref(), Some(link));
    }

    let (gone, stays) = kept.split_at(kept.len() / 2);
    links.write(plain(Atomicity::All, gone.iter().map(|link| (delete(link), None)).collect())).await.unwrap();
    assert_eq!(insert_all(&db, &[large(2_000)]).await.unwrap(), [Ok(())]);
    for link in stays {
        assert_eq!(links.get(link.workspace, link.id).await.unwrap().as_ref(), Some(link));
    }
}
