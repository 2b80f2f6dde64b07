//! Clauses 7 to 10: what was counted is told, once, in time, and no more often than it should.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use super::appended;
use super::counting::clicks;
use crate::clicks::{Class, Click, Counts, Owed, Telling, Told};
use crate::conformance::Stores;
use crate::conformance::fixtures::{at, click, delete, event, just_before, link, plain, workspace};
use crate::conformance::links::{inserted, told};
use crate::conformance::race;
use crate::events::Event;
use crate::links::{Atomicity, Link};

/// How long a link waits.
const EVERY: Duration = Duration::from_millis(250);

/// Has up to `limit` links told; gives what was told of them, in the order of their ids.
async fn tell_some(stores: &Stores, now: Timestamp, every: Duration, limit: usize) -> (Vec<Owed>, Told) {
    let asked = Mutex::new(Vec::new());
    let events = |owed: &[Owed]| {
        assert!(!owed.is_empty(), "asked for events of nothing");
        asked.lock().expect("no panic").extend_from_slice(owed);
        Vec::new()
    };
    let told = stores.clicks.tell(Telling { now, every, limit, events: &events }).await.expect("told");
    let mut owed = asked.into_inner().expect("no panic");
    assert_eq!(owed.len(), told.links);
    owed.sort_by_key(|owed| owed.link);
    (owed, told)
}

/// Has all told that need not wait, and gives how many clicks of which link.
async fn tell(stores: &Stores, now: Timestamp) -> Vec<(crate::ids::LinkId, u64)> {
    let (owed, _) = tell_some(stores, now, EVERY, 100).await;
    owed.iter().map(|owed| (owed.link, owed.clicks.counted())).collect()
}

fn counts(clicks: &[Click]) -> Counts {
    let mut counts = Counts::default();
    clicks.iter().for_each(|click| counts.add(click.class));
    counts
}

/// Clause 7.
pub async fn what_was_counted_is_told_once(stores: Stores) {
    let (one, other) = (link(1), link(2));
    inserted(&stores, &[one.clone(), other.clone()]).await;
    assert_eq!(tell_some(&stores, at(0), EVERY, 100).await, (Vec::new(), Told::default()), "nothing is owed");
    let (ones, others) = (clicks(&one, 20), [click(100, &other, Class::Bot, at(0))]);
    appended(&stores, &[&ones[..], &others].concat()).await;
    let owed = |link: &Link, clicks: &[Click]| {
        let clicks = counts(clicks);
        Owed { workspace: workspace(1), link: link.id, clicks, total: clicks }
    };
    let (told, came_to) = tell_some(&stores, at(10), EVERY, 100).await;
    assert_eq!(told, [owed(&one, &ones), owed(&other, &others)]);
    assert_eq!(came_to, Told { links: 2, next: None });
    for later in [at(10), at(11), at(100)] {
        assert_eq!(tell_some(&stores, later, EVERY, 100).await, (Vec::new(), Told::default()));
    }
}

/// Clauses 1 and 7: neither in whole nor in part.
pub async fn a_replay_owes_nothing(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let clicks = clicks(&link, 10);
    let mut told = Vec::new();
    for (second, batch) in (0..).zip([&clicks[..6], &clicks[..6], &clicks[2..8], &clicks[..]]) {
        appended(&stores, batch).await;
        told.extend(tell(&stores, at(second)).await);
    }
    assert_eq!(told, [(link.id, 6), (link.id, 2), (link.id, 2)]);
}

/// Clauses 7 and 8: whatever was counted between, and the total is that of the moment.
pub async fn what_is_told_adds_up_to_the_total_class_by_class(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let clicks = clicks(&link, 60);
    let (mut sum, mut counted) = (Counts::default(), 0);
    for (second, sizes) in (0..).zip([[1, 1, 1], [7, 0, 2], [20, 9, 19]]) {
        for size in sizes {
            appended(&stores, &clicks[counted..counted + size]).await;
            counted += size;
        }
        let (owed, _) = tell_some(&stores, at(second), EVERY, 100).await;
        sum += owed[0].clicks;
        assert_eq!((owed.len(), owed[0].total, sum), (1, counts(&clicks[..counted]), owed[0].total));
    }
    assert_eq!(sum, counts(&clicks));
}

/// Clause 7: in a race, of which nobody knows who sees what.
pub async fn of_many_who_tell_and_append_at_once_each_click_is_told_once(stores: Stores) {
    let links = [link(1), link(2), link(3)];
    inserted(&stores, &links).await;
    let racers = (0..8).map(|racer| {
        let (stores, links) = (stores.clone(), links.clone());
        async move {
            let mut told = Vec::new();
            for round in 0..10 {
                if racer % 2 == 0 {
                    let batch: Vec<_> = (0..9)
                        .map(|n| click(racer * 1_000 + round * 10 + n, &links[n as usize % 3], Class::Human, at(0)))
                        .collect();
                    appended(&stores, &batch).await;
                } else {
                    told.extend(tell_some(&stores, at(0), Duration::ZERO, 2).await.0);
                }
            }
            told
        }
    });
    let mut told: Vec<_> = race(racers).await.into_iter().flatten().collect();
    while let (more, Told { links: 1.., .. }) = tell_some(&stores, at(0), Duration::ZERO, 100).await {
        told.extend(more);
    }
    for link in links {
        let mut told: Vec<_> = told.iter().filter(|owed| owed.link == link.id).collect();
        told.sort_by_key(|owed| owed.total.counted());
        let mut sum = 0;
        for owed in &told {
            sum += owed.clicks.counted();
            assert_eq!(owed.total.counted(), sum, "a total is what was told up to it");
        }
        assert_eq!(sum, 4 * 10 * 3);
    }
}

/// Clause 7: its clicks were counted, and whoever adds up what was told has them.
pub async fn a_link_that_was_deleted_is_told(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    appended(&stores, &clicks(&link, 3)).await;
    stores.links.write(plain(Atomicity::All, vec![(delete(&link), None)])).await.expect("a write");
    assert_eq!(tell(&stores, at(0)).await, [(link.id, 3)]);
}

/// Clause 8: as many as there are made, in the order that they are told in.
pub async fn events_commit_with_what_they_tell_of(stores: Stores) {
    let (one, other) = (link(1), link(2));
    inserted(&stores, &[one.clone(), other.clone()]).await;
    let n = std::sync::atomic::AtomicU64::new(1);
    let events = |owed: &[Owed]| -> Vec<Event> {
        let next = || n.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        owed.iter().map(|owed| event(next(), &owed.link.to_string())).collect()
    };
    let telling = |now| Telling { now, every: EVERY, limit: 100, events: &events };
    appended(&stores, &[click(1, &one, Class::Human, at(0))]).await;
    stores.clicks.tell(telling(at(0))).await.expect("told");
    appended(&stores, &[click(2, &other, Class::Bot, at(1)), click(3, &one, Class::Bot, at(2))]).await;
    stores.clicks.tell(telling(at(1))).await.expect("told");
    stores.clicks.tell(telling(at(2))).await.expect("nothing to tell");
    let mut told = told(&stores).await;
    assert_eq!(told.remove(0), event(1, &one.id.to_string()));
    let mut subjects: Vec<_> = told.into_iter().filter_map(|event| event.subject).collect();
    subjects.sort();
    assert_eq!(subjects, [one.id.to_string(), other.id.to_string()]);
}

/// Clause 9: one that was never told, and one that was told long ago.
pub async fn a_quiet_link_is_told_at_once(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    for (n, now) in [(1, at(0)), (2, at(0) + EVERY), (3, at(3_600))] {
        appended(&stores, &[click(n, &link, Class::Human, now)]).await;
        assert_eq!(tell(&stores, now).await, [(link.id, 1)]);
    }
}

/// Clause 9: what comes while it waits is told together, at the moment that was named.
pub async fn a_busy_link_is_told_no_more_often_than_it_should(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let mut told = Vec::new();
    // So many milliseconds, at each of which a click is counted and somebody tells.
    for n in 0..100 {
        let now = at(0) + Duration::from_millis(10 * n);
        appended(&stores, &[click(n, &link, Class::Human, now)]).await;
        let (owed, came_to) = tell_some(&stores, now, EVERY, 100).await;
        match owed.first() {
            Some(owed) => told.push((now, owed.clicks.counted())),
            None => assert_eq!(came_to.next, told.last().map(|(then, _)| *then + EVERY)),
        }
    }
    let expected = [(0, 1), (250, 25), (500, 25), (750, 25)];
    assert_eq!(told, expected.map(|(millis, clicks)| (at(0) + Duration::from_millis(millis), clicks)));
    let due = at(1);
    assert_eq!(tell(&stores, just_before(due)).await, []);
    assert_eq!(tell(&stores, due).await, [(link.id, 24)], "the last of a burst");
}

/// Clause 9: that one waits is no reason for another to.
pub async fn links_wait_each_for_itself(stores: Stores) {
    let (one, other) = (link(1), link(2));
    inserted(&stores, &[one.clone(), other.clone()]).await;
    appended(&stores, &[click(1, &one, Class::Human, at(0))]).await;
    assert_eq!(tell(&stores, at(0)).await, [(one.id, 1)]);
    appended(&stores, &[click(2, &one, Class::Human, at(0)), click(3, &other, Class::Human, at(0))]).await;
    let between = at(0) + Duration::from_millis(100);
    let (owed, came_to) = tell_some(&stores, between, EVERY, 100).await;
    assert_eq!(owed.iter().map(|owed| owed.link).collect::<Vec<_>>(), [other.id]);
    assert_eq!(came_to.next, Some(at(0) + EVERY), "the one that waits");
}

/// Clause 9.
pub async fn a_clock_that_was_set_back_holds_nobody_up(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    appended(&stores, &[click(1, &link, Class::Human, at(0))]).await;
    assert_eq!(tell(&stores, at(3_600)).await, [(link.id, 1)]);
    appended(&stores, &[click(2, &link, Class::Human, at(0))]).await;
    assert_eq!(tell(&stores, at(3_600) - EVERY).await, [], "clocks differ by a little");
    assert_eq!(tell(&stores, at(0)).await, [(link.id, 1)]);
    appended(&stores, &[click(3, &link, Class::Human, at(0))]).await;
    assert_eq!(tell(&stores, at(0)).await, [], "it waits from then on");
}

/// Clause 9, with no wait at all.
pub async fn whoever_does_not_want_to_wait_is_told_all(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    for n in 0..3 {
        appended(&stores, &[click(n, &link, Class::Human, at(0))]).await;
        let (owed, came_to) = tell_some(&stores, at(0), Duration::ZERO, 100).await;
        assert_eq!((owed.len(), came_to.next), (1, None));
    }
}

/// Clause 10.
pub async fn a_call_tells_of_so_many_links_and_of_the_rest_later(stores: Stores) {
    let links: Vec<_> = (1..=10).map(link).collect();
    inserted(&stores, &links).await;
    let batch: Vec<_> = (0..).zip(&links).map(|(n, link)| click(n, link, Class::Human, at(0))).collect();
    appended(&stores, &batch).await;
    let (mut told, mut sizes) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let (owed, came_to) = tell_some(&stores, at(0), EVERY, 4).await;
        let is_more = came_to.next.is_some_and(|next| next <= at(0));
        sizes.push((owed.len(), is_more));
        told.extend(owed.into_iter().map(|owed| owed.link));
    }
    assert_eq!(sizes, [(4, true), (4, true), (2, false), (0, false)]);
    told.sort();
    assert_eq!(told, links.iter().map(|link| link.id).collect::<Vec<_>>());
}
