//! Clauses 2 and 3: what commits together, and on which condition.

use std::num::NonZeroU64;

use super::{changed, committed, inserted, kept, told};
use crate::clicks::{Class, Take};
use crate::conformance::Stores;
use crate::conformance::fixtures::{at, click, delete, edited, event, full_link, insert, link, plain, slug, update};
use crate::conformance::race;
use crate::links::{Atomicity, Link, Refusal, Version, Written};

/// Clause 2.
pub async fn a_change_and_its_event_commit_together(stores: Stores) {
    let link = full_link(1);
    let created = event(1, &link.id.to_string());
    let write = plain(Atomicity::All, vec![(insert(&link), Some(created.clone()))]);
    assert_eq!(committed(&stores, write).await, [Ok(())]);
    assert_eq!(kept(&stores, &link).await, Some(link));
    assert_eq!(told(&stores).await, [created]);
}

/// Clause 2.
pub async fn a_change_without_an_event_tells_nothing(stores: Stores) {
    inserted(&stores, &[link(1)]).await;
    assert_eq!(told(&stores).await, []);
}

/// Clause 2, with the order that the outbox keeps.
pub async fn events_of_a_write_leave_in_the_order_of_its_changes(stores: Stores) {
    let first = link(1);
    let second = edited(&first);
    let events = [event(9, "lnk_a"), event(3, "lnk_a"), event(5, "lnk_a")];
    let changes = [insert(&first), update(&second, first.version), delete(&second)];
    let changes = changes.into_iter().zip(events.clone().map(Some)).collect();
    assert_eq!(committed(&stores, plain(Atomicity::All, changes)).await, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(told(&stores).await, events);
}

/// Clause 2: wherever the refused one stands.
pub async fn one_refused_change_undoes_all(stores: Stores) {
    let taken = link(1);
    inserted(&stores, std::slice::from_ref(&taken)).await;
    for refused_at in 0..3 {
        let links: Vec<_> = (0..3)
            .map(|n| if n == refused_at { Link { slug: taken.slug.clone(), ..link(10 + n) } } else { link(10 + n) })
            .collect();
        let changes = links.iter().zip(1..).map(|(link, n)| (insert(link), Some(event(n, "lnk_a")))).collect();
        let outcomes = committed(&stores, plain(Atomicity::All, changes)).await;
        for (n, outcome) in (0..).zip(outcomes) {
            let expected = if n == refused_at { Refusal::SlugTaken } else { Refusal::Undone };
            assert_eq!(outcome, Err(expected), "change {n} with {refused_at} refused");
        }
        for link in &links {
            assert_eq!(kept(&stores, link).await, None);
        }
    }
    assert_eq!(told(&stores).await, []);
}

/// Clause 2: with `Each`, the refused one alone is left out, with its event.
pub async fn each_change_stands_for_itself_where_it_may(stores: Stores) {
    let taken = link(1);
    inserted(&stores, std::slice::from_ref(&taken)).await;
    let links = [link(2), Link { slug: taken.slug.clone(), ..link(3) }, link(4)];
    let events = [event(2, "lnk_b"), event(3, "lnk_c"), event(4, "lnk_d")];
    let changes = links.iter().map(insert).zip(events.clone().map(Some)).collect();
    let outcomes = committed(&stores, plain(Atomicity::Each, changes)).await;
    assert_eq!(outcomes, [Ok(()), Err(Refusal::SlugTaken), Ok(())]);
    assert_eq!(kept(&stores, &links[0]).await.as_ref(), Some(&links[0]));
    assert_eq!(kept(&stores, &links[1]).await, None);
    assert_eq!(kept(&stores, &links[2]).await.as_ref(), Some(&links[2]));
    assert_eq!(told(&stores).await, [events[0].clone(), events[2].clone()]);
}

/// Clause 2: a later change of a write sees what an earlier one did.
pub async fn changes_apply_in_order(stores: Stores) {
    let first = link(1);
    let heir = Link { slug: first.slug.clone(), ..link(2) };
    let rival = Link { slug: first.slug.clone(), ..link(3) };
    let changes = vec![
        (insert(&first), None),
        (insert(&rival), None),
        (delete(&first), None),
        (insert(&heir), None),
        (update(&edited(&first), first.version), None),
    ];
    let outcomes = committed(&stores, plain(Atomicity::Each, changes)).await;
    assert_eq!(outcomes, [Ok(()), Err(Refusal::SlugTaken), Ok(()), Ok(()), Err(Refusal::NotFound)]);
    assert_eq!(stores.links.find(&heir.domain, &heir.slug).await.expect("a look"), Some(heir));
}

/// Clause 2: the rows, and the names that they hold.
pub async fn undoing_brings_back_what_was_updated_and_deleted(stores: Stores) {
    let (first, second) = (link(1), link(2));
    inserted(&stores, &[first.clone(), second.clone()]).await;
    let heir = Link { slug: second.slug.clone(), ..link(3) };
    let changes = vec![
        (update(&edited(&first), first.version), Some(event(1, "lnk_a"))),
        (delete(&second), Some(event(2, "lnk_b"))),
        (insert(&heir), Some(event(3, "lnk_c"))),
        (update(&edited(&link(9)), Version::FIRST), None),
    ];
    let outcomes = committed(&stores, plain(Atomicity::All, changes)).await;
    let undone = Err(Refusal::Undone);
    assert_eq!(outcomes, [undone, undone, undone, Err(Refusal::NotFound)]);
    assert_eq!(kept(&stores, &first).await, Some(first));
    assert_eq!(stores.links.find(&second.domain, &second.slug).await.expect("a look"), Some(second));
    assert_eq!(kept(&stores, &heir).await, None);
    assert_eq!(told(&stores).await, []);
}

/// Clause 3: every field that an edit can change.
pub async fn an_update_takes_effect(stores: Stores) {
    let (bare, full) = (link(1), full_link(1));
    inserted(&stores, std::slice::from_ref(&bare)).await;
    let rich = Link {
        domain: bare.domain.clone(),
        slug: bare.slug.clone(),
        created_at: bare.created_at,
        version: bare.version.next(),
        ..full
    };
    assert_eq!(changed(&stores, update(&rich, bare.version)).await, Ok(()));
    assert_eq!(kept(&stores, &bare).await.as_ref(), Some(&rich));
    let bare_again = Link { version: rich.version.next(), ..bare };
    assert_eq!(changed(&stores, update(&bare_again, rich.version)).await, Ok(()));
    assert_eq!(kept(&stores, &bare_again).await.as_ref(), Some(&bare_again));
}

/// Clause 3.
pub async fn an_update_of_a_stale_version_is_refused(stores: Stores) {
    let first = link(1);
    let second = edited(&first);
    inserted(&stores, std::slice::from_ref(&first)).await;
    assert_eq!(changed(&stores, update(&second, first.version)).await, Ok(()));
    let late = Link { slug: slug("link-1"), version: Version(3), ..first.clone() };
    assert_eq!(changed(&stores, update(&late, first.version)).await, Err(Refusal::Stale));
    assert_eq!(changed(&stores, update(&late, Version(7))).await, Err(Refusal::Stale), "nor one to come");
    assert_eq!(kept(&stores, &first).await, Some(second));
}

/// Clause 3: and only the winner is told of.
pub async fn of_many_who_update_one_version_one_wins(stores: Stores) {
    let first = link(1);
    inserted(&stores, std::slice::from_ref(&first)).await;
    let tries = (0..32).map(|n| {
        let (stores, next) = (stores.clone(), Link { updated_at: at(1_000 + n), ..edited(&first) });
        async move {
            let told = event(n.unsigned_abs(), &next.id.to_string());
            let write = plain(Atomicity::All, vec![(update(&next, Version::FIRST), Some(told))]);
            (next, stores.links.write(write).await.expect("a write"))
        }
    });
    let outcomes = race(tries).await;
    let won: Vec<_> = outcomes.iter().filter(|(_, done)| *done == Written::Committed(vec![Ok(())])).collect();
    let stale = Written::Committed(vec![Err(Refusal::Stale)]);
    assert_eq!((won.len(), outcomes.iter().filter(|(_, done)| *done == stale).count()), (1, 31));
    assert_eq!(kept(&stores, &first).await.as_ref(), Some(&won[0].0));
    assert_eq!(told(&stores).await.len(), 1);
}

/// Clause 3.
pub async fn a_delete_of_a_stale_version_is_refused(stores: Stores) {
    let first = link(1);
    let second = edited(&first);
    inserted(&stores, std::slice::from_ref(&first)).await;
    assert_eq!(changed(&stores, update(&second, first.version)).await, Ok(()));
    assert_eq!(changed(&stores, delete(&first)).await, Err(Refusal::Stale));
    assert_eq!(kept(&stores, &first).await.as_ref(), Some(&second));
    assert_eq!(changed(&stores, delete(&second)).await, Ok(()));
    assert_eq!(kept(&stores, &first).await, None);
}

/// Clause 3: what was never there, and what is gone.
pub async fn a_missing_row_is_not_found(stores: Stores) {
    let gone = link(1);
    inserted(&stores, std::slice::from_ref(&gone)).await;
    assert_eq!(changed(&stores, delete(&gone)).await, Ok(()));
    for link in [gone, link(2)] {
        assert_eq!(changed(&stores, update(&edited(&link), link.version)).await, Err(Refusal::NotFound));
        assert_eq!(changed(&stores, delete(&link)).await, Err(Refusal::NotFound));
        assert_eq!(kept(&stores, &link).await, None);
    }
}

/// Under *Implementing*: they belong to the clicks, whatever the caller last saw.
pub async fn an_update_does_not_touch_admitted_and_clicks(stores: Stores) {
    let first = Link { max_clicks: NonZeroU64::new(100), ..link(1) };
    inserted(&stores, std::slice::from_ref(&first)).await;
    for _ in 0..3 {
        stores.clicks.admit(first.id, Take::One).await.expect("a decision");
    }
    let clicks = [click(1, &first, Class::Human, at(0)), click(2, &first, Class::Bot, at(0))];
    stores.clicks.append(&clicks).await.expect("appended");
    // The caller read the link before all this: its edit still says that nothing was counted.
    for stray in [0, 99] {
        let seen = kept(&stores, &first).await.expect("it is there");
        let edit = Link { admitted: stray, clicks: stray, ..edited(&seen) };
        assert_eq!(changed(&stores, update(&edit, seen.version)).await, Ok(()));
        let now = kept(&stores, &first).await.expect("it is there");
        assert_eq!(now, Link { admitted: 3, clicks: 2, ..edit });
    }
}

/// Clause 2, of nothing.
pub async fn an_empty_write_commits(stores: Stores) {
    assert_eq!(committed(&stores, plain(Atomicity::All, Vec::new())).await, []);
    assert_eq!(told(&stores).await, []);
}
