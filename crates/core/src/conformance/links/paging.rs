//! Clause 5, of a listing that changes under its reader.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::listing::{every_sort, query};
use super::{changed, inserted, kept};
use crate::conformance::Stores;
use crate::conformance::fixtures::{at, delete, insert, link, slug};
use crate::ids::LinkId;
use crate::links::{Direction, Link, LinkAnchor};

/// The n-th of rows that lie evenly in every sort order; those that stay are even, those that come and go odd.
fn row(n: u64, id: u64) -> Link {
    let moment = at(i64::try_from(n).expect("small"));
    Link { slug: slug(&format!("row-{n:04}-{id}")), created_at: moment, updated_at: moment, ..link(id) }
}

fn staying() -> Vec<Link> {
    (0..40).map(|n| row(2 * n, 2 * n)).collect()
}

fn assert_each_seen_once(seen: &[LinkId], staying: &[Link], context: &str) {
    let different: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(different.len(), seen.len(), "a row repeats: {context}");
    let missed: Vec<_> = staying.iter().filter(|link| !different.contains(&link.id)).map(|link| &link.slug).collect();
    assert!(missed.is_empty(), "rows that were there throughout were missed, {context}: {missed:?}");
}

/// Clause 5: around the place where the reader stands, before it and behind it.
pub async fn rows_that_come_and_go_between_pages_hide_no_other(stores: Stores) {
    let staying = staying();
    inserted(&stores, &staying).await;
    for (turn, sort) in (1..).zip(every_sort()) {
        let mut going: Vec<_> = (0..20).map(|n| row(4 * n + 1, turn * 10_000 + n)).collect();
        inserted(&stores, &going).await;
        let mut fresh = turn * 10_000 + 1_000;
        let (mut seen, mut query) = (Vec::new(), query(sort, 7));
        loop {
            let page = stores.links.list(&query).await.expect("a page");
            seen.extend(page.rows.iter().map(|link| link.id));
            // Some go, some come, all over the range: so before, at and behind the reader's place.
            for link in going.extract_if(.., |link| link.id.to_bytes()[15] % 3 == 0).collect::<Vec<_>>() {
                assert_eq!(changed(&stores, delete(&link)).await, Ok(()));
            }
            for n in [3, 27, 51, 75] {
                fresh += 1;
                let link = row(n, fresh);
                assert_eq!(changed(&stores, insert(&link)).await, Ok(()));
                going.push(link);
            }
            let Some(next) = page.next else { break };
            query.after = Some(next);
        }
        assert_each_seen_once(&seen, &staying, &format!("{sort:?}"));
        for link in going {
            assert_eq!(changed(&stores, delete(&link)).await, Ok(()));
        }
    }
}

/// Clause 5: while another task inserts and deletes without a pause.
pub async fn rows_that_come_and_go_meanwhile_hide_no_other(stores: Stores) {
    let staying = staying();
    inserted(&stores, &staying).await;
    let (done, turns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let churn = {
        let (stores, done, turns) = (stores.clone(), Arc::clone(&done), Arc::clone(&turns));
        tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                let n = turns.fetch_add(1, Ordering::SeqCst);
                let link = row(2 * (n * 7 % 40) + 1, 100_000 + n);
                assert_eq!(changed(&stores, insert(&link)).await, Ok(()));
                tokio::task::yield_now().await;
                assert_eq!(changed(&stores, delete(&link)).await, Ok(()));
            }
        })
    };
    // Not before the other task has had its turns: a listing that nobody disturbed proves nothing.
    let enough = || turns.load(Ordering::SeqCst) > 50;
    for sort in every_sort().cycle().enumerate().take_while(|(n, _)| *n < 12 || !enough()).map(|(_, sort)| sort) {
        let (mut seen, mut query) = (Vec::new(), query(sort, 3));
        loop {
            let page = stores.links.list(&query).await.expect("a page");
            seen.extend(page.rows.iter().map(|link| link.id));
            let Some(next) = page.next else { break };
            query.after = Some(next);
            tokio::task::yield_now().await;
        }
        assert_each_seen_once(&seen, &staying, &format!("{sort:?}"));
        assert!(!churn.is_finished(), "the other task goes on");
    }
    done.store(true, Ordering::SeqCst);
    churn.await.expect("no panic");
}

/// Clause 5: whether or not the anchor's row is still there.
pub async fn an_anchor_outlives_its_row(stores: Stores) {
    let links: Vec<_> = (0..6).map(|n| row(n, n)).collect();
    inserted(&stores, &links).await;
    for gone in [2, 4] {
        assert_eq!(changed(&stores, delete(&links[gone])).await, Ok(()));
        assert_eq!(kept(&stores, &links[gone]).await, None);
    }
    for sort in every_sort() {
        let mut query = query(sort, 10);
        query.after = Some(LinkAnchor::of(&links[2], sort));
        let rows = stores.links.list(&query).await.expect("a page").rows;
        let found: Vec<_> = rows.iter().map(|link| link.id).collect();
        let expected = match sort.direction {
            Direction::Ascending => [links[3].id, links[5].id],
            Direction::Descending => [links[1].id, links[0].id],
        };
        assert_eq!(found, expected, "{sort:?}");
    }
}
