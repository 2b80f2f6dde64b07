//! Clauses 1 and 2: each click once, together with what it changes.

use super::{appended, query, stats};
use crate::clicks::{Appended, Class, Click, Interval};
use crate::conformance::Stores;
use crate::conformance::fixtures::{at, click, link};
use crate::conformance::links::{inserted, kept, told};
use crate::conformance::race;
use crate::links::Link;

/// So many clicks, of every class, over a week.
pub(super) fn clicks(link: &Link, count: u64) -> Vec<Click> {
    let class = |n| [Class::Human, Class::Human, Class::Bot, Class::Human, Class::Duplicate][n as usize % 5];
    let moment = |n: u64| at(i64::try_from(n * 7_919 % (7 * 86_400)).expect("small"));
    (0..count).map(|n| click(n, link, class(n), moment(n))).collect()
}

async fn counted(stores: &Stores, link: &Link) -> u64 {
    stats(stores, &query(link, Interval::Day, None)).await.total.counted()
}

/// Clause 1.
pub async fn a_click_counts_once(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let clicks = clicks(&link, 20);
    assert_eq!(appended(&stores, &clicks).await, Appended { counted: 20, repeated: 0 });
    assert_eq!(appended(&stores, &clicks).await, Appended { counted: 0, repeated: 20 });
    assert_eq!(counted(&stores, &link).await, 20);
}

/// Clause 1.
pub async fn a_click_that_is_twice_in_one_batch_counts_once(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let twice = [clicks(&link, 5), clicks(&link, 5)].concat();
    assert_eq!(appended(&stores, &twice).await, Appended { counted: 5, repeated: 5 });
    assert_eq!(counted(&stores, &link).await, 5);
}

/// Clause 1: whatever the batches were.
pub async fn a_replay_that_is_split_otherwise_counts_nothing(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let clicks = clicks(&link, 30);
    for batch in clicks[..20].chunks(7) {
        appended(&stores, batch).await;
    }
    let mut sum = Appended::default();
    for batch in clicks.chunks(11) {
        let appended = appended(&stores, batch).await;
        sum.counted += appended.counted;
        sum.repeated += appended.repeated;
    }
    assert_eq!(sum, Appended { counted: 10, repeated: 20 });
    assert_eq!(counted(&stores, &link).await, 30);
    assert_eq!(kept(&stores, &link).await.map(|link| link.clicks), Some(30));
}

/// Clause 1: in a race.
pub async fn of_many_who_append_the_same_clicks_each_click_counts_once(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let clicks = clicks(&link, 200);
    let drains = (0..8).map(|n| {
        let (stores, clicks) = (stores.clone(), clicks.clone());
        async move {
            let mut sum = 0;
            for batch in clicks.chunks(13 + n) {
                sum += appended(&stores, batch).await.counted;
            }
            sum
        }
    });
    let sums = race(drains).await.into_iter();
    assert_eq!(sums.sum::<usize>(), 200);
    assert_eq!(counted(&stores, &link).await, 200);
}

/// Clause 2: to count tells nobody yet.
pub async fn an_append_leaves_the_outbox_alone(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    appended(&stores, &clicks(&link, 10)).await;
    assert_eq!(told(&stores).await, []);
}

/// Clause 2: the count that a link shows is the roll-up's.
pub async fn a_links_own_count_follows(stores: Stores) {
    let (one, other) = (link(1), link(2));
    inserted(&stores, &[one.clone(), other.clone()]).await;
    appended(&stores, &clicks(&one, 12)).await;
    appended(&stores, &clicks(&one, 15)).await;
    assert_eq!(kept(&stores, &one).await, Some(Link { clicks: 15, ..one.clone() }), "clicks are no edit");
    assert_eq!(kept(&stores, &other).await, Some(other));
    let found = stores.links.find(&one.domain, &one.slug).await.expect("a look");
    assert_eq!(found.map(|link| link.clicks), Some(15));
}

/// Clause 2, of nothing.
pub async fn an_empty_batch_counts_nothing(stores: Stores) {
    assert_eq!(appended(&stores, &[]).await, Appended::default());
}
