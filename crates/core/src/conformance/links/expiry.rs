//! Clause 8: an expiry is told once.

use jiff::Timestamp;

use super::{changed, committed, inserted, kept, told};
use crate::conformance::Stores;
use crate::conformance::fixtures::{
    at, delete, edited, event, expire, insert, just_before, link, plain, update, workspace,
};
use crate::conformance::race;
use crate::ids::LinkId;
use crate::links::{Atomicity, Link, Refusal, Written};

fn expiring(n: u64, at: Timestamp) -> Link {
    Link { expires_at: Some(at), ..link(n) }
}

async fn due(stores: &Stores, now: Timestamp, limit: usize) -> Vec<LinkId> {
    stores.links.due(now, limit).await.expect("a list").into_iter().map(|link| link.id).collect()
}

/// Clause 8: of every workspace, from their moment on, up to the limit.
pub async fn due_lists_what_expired_oldest_first(stores: Stores) {
    let late = expiring(1, at(300));
    let early = Link { workspace: workspace(2), ..expiring(2, at(100)) };
    let middle = expiring(3, at(200));
    inserted(&stores, &[late.clone(), early.clone(), middle.clone(), link(4)]).await;
    assert_eq!(due(&stores, just_before(at(100)), 10).await, []);
    assert_eq!(
        stores.links.due(at(100), 10).await.expect("a list"),
        std::slice::from_ref(&early),
        "at its moment, and whole"
    );
    assert_eq!(due(&stores, at(1_000), 10).await, [early.id, middle.id, late.id]);
    assert_eq!(due(&stores, at(1_000), 2).await, [early.id, middle.id]);
}

/// Clause 8: looking does not mark.
pub async fn an_expiry_is_told_until_it_is_marked(stores: Stores) {
    let (first, second) = (expiring(1, at(100)), expiring(2, at(101)));
    inserted(&stores, &[first.clone(), second.clone()]).await;
    assert_eq!(due(&stores, at(200), 10).await, [first.id, second.id]);
    assert_eq!(due(&stores, at(200), 10).await, [first.id, second.id]);
    let write = plain(Atomicity::All, vec![(expire(&first), Some(event(1, "lnk_a")))]);
    assert_eq!(committed(&stores, write).await, [Ok(())]);
    assert_eq!(due(&stores, at(200), 10).await, [second.id]);
    assert_eq!(changed(&stores, delete(&second)).await, Ok(()));
    assert_eq!(due(&stores, at(200), 10).await, [], "what is gone is not due");
    assert_eq!(told(&stores).await, [event(1, "lnk_a")]);
}

/// Clause 8: many nodes see that it is due, one of them tells.
pub async fn an_expiry_is_marked_by_one_of_many(stores: Stores) {
    let link = expiring(1, at(100));
    inserted(&stores, std::slice::from_ref(&link)).await;
    let tries = (0..16).map(|n| {
        let (stores, mark) = (stores.clone(), expire(&link));
        async move {
            let write = plain(Atomicity::Each, vec![(mark, Some(event(n, "lnk_a")))]);
            stores.links.write(write).await.expect("a write")
        }
    });
    let done = race(tries).await;
    let marked = done.iter().filter(|done| **done == Written::Committed(vec![Ok(())])).count();
    assert_eq!(marked, 1, "{done:?}");
    assert_eq!(told(&stores).await.len(), 1, "an expiry is told once");
}

/// Clause 8: no new version, no new time of edit.
pub async fn a_mark_is_no_edit(stores: Stores) {
    let link = expiring(1, at(100));
    inserted(&stores, std::slice::from_ref(&link)).await;
    assert_eq!(changed(&stores, expire(&link)).await, Ok(()));
    assert_eq!(kept(&stores, &link).await.as_ref(), Some(&link));
    let next = edited(&link);
    assert_eq!(changed(&stores, update(&next, link.version)).await, Ok(()));
}

/// Clauses 3 and 8: a link that was edited meanwhile may have another expiry by now.
pub async fn a_mark_for_a_stale_version_is_refused(stores: Stores) {
    let first = expiring(1, at(100));
    inserted(&stores, std::slice::from_ref(&first)).await;
    let second = edited(&first);
    assert_eq!(changed(&stores, update(&second, first.version)).await, Ok(()));
    assert_eq!(changed(&stores, expire(&first)).await, Err(Refusal::Stale));
    assert_eq!(changed(&stores, expire(&expiring(9, at(100)))).await, Err(Refusal::NotFound));
    assert_eq!(due(&stores, at(200), 10).await, [first.id]);
    assert_eq!(changed(&stores, expire(&second)).await, Ok(()));
    assert_eq!(due(&stores, at(200), 10).await, []);
}

/// Clause 8.
pub async fn an_expiry_that_moves_is_told_again(stores: Stores) {
    let first = expiring(1, at(100));
    inserted(&stores, std::slice::from_ref(&first)).await;
    assert_eq!(changed(&stores, expire(&first)).await, Ok(()));
    let moved = Link { expires_at: Some(at(500)), ..edited(&first) };
    assert_eq!(changed(&stores, update(&moved, first.version)).await, Ok(()));
    assert_eq!(due(&stores, at(499), 10).await, []);
    assert_eq!(due(&stores, at(500), 10).await, [first.id]);
    let never = Link { expires_at: None, ..edited(&moved) };
    assert_eq!(changed(&stores, update(&never, moved.version)).await, Ok(()));
    assert_eq!(due(&stores, at(500), 10).await, [], "and not at all once it has none");
}

/// Clause 8.
pub async fn an_edit_that_leaves_the_expiry_tells_nothing_again(stores: Stores) {
    let first = expiring(1, at(100));
    inserted(&stores, std::slice::from_ref(&first)).await;
    assert_eq!(changed(&stores, expire(&first)).await, Ok(()));
    assert_eq!(changed(&stores, update(&edited(&first), first.version)).await, Ok(()));
    assert_eq!(due(&stores, at(1_000), 10).await, []);
}

/// Clauses 2 and 8.
pub async fn a_refused_mark_among_all_undoes_the_others(stores: Stores) {
    let (first, second) = (expiring(1, at(100)), expiring(2, at(101)));
    inserted(&stores, &[first.clone(), second.clone()]).await;
    let changes = vec![
        (expire(&first), Some(event(1, "lnk_a"))),
        (insert(&link(3)), Some(event(2, "lnk_b"))),
        (expire(&edited(&second)), Some(event(3, "lnk_c"))),
    ];
    let undone = Err(Refusal::Undone);
    let outcomes = committed(&stores, plain(Atomicity::All, changes)).await;
    assert_eq!(outcomes, [undone, undone, Err(Refusal::Stale)]);
    assert_eq!(due(&stores, at(200), 10).await, [first.id, second.id]);
    assert_eq!(told(&stores).await, []);
}
