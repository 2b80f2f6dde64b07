//! Clause 5: exact limits.

use std::num::NonZeroU64;

use crate::clicks::{Admission, Take};
use crate::conformance::Stores;
use crate::conformance::fixtures::{delete, edited, link, link_id, plain, update};
use crate::conformance::links::{inserted, kept};
use crate::conformance::race;
use crate::ids::LinkId;
use crate::links::{Atomicity, Link};

fn limited(n: u64, max: u64) -> Link {
    Link { max_clicks: NonZeroU64::new(max), ..link(n) }
}

async fn admit(stores: &Stores, link: LinkId, take: Take) -> Admission {
    stores.clicks.admit(link, take).await.expect("a decision")
}

/// Clause 5.
pub async fn of_a_thousand_who_race_ten_are_let_through(stores: Stores) {
    let link = limited(1, 10);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let follows = (0..1_000).map(|_| {
        let (stores, id) = (stores.clone(), link.id);
        async move { admit(&stores, id, Take::One).await }
    });
    let decisions = race(follows).await;
    let count = |wanted| decisions.iter().filter(|decision| **decision == wanted).count();
    assert_eq!((count(Admission::Admitted), count(Admission::UsedUp)), (10, 990));
    assert_eq!(kept(&stores, &link).await, Some(Link { admitted: 10, ..link }), "an admission is no edit");
}

/// Clause 5: neither while there is some left, nor once there is none.
pub async fn a_look_takes_nothing(stores: Stores) {
    let link = limited(1, 1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    for _ in 0..3 {
        assert_eq!(admit(&stores, link.id, Take::Look).await, Admission::Admitted);
    }
    assert_eq!(kept(&stores, &link).await.map(|link| link.admitted), Some(0));
    assert_eq!(admit(&stores, link.id, Take::One).await, Admission::Admitted);
    for take in [Take::Look, Take::One, Take::Look] {
        assert_eq!(admit(&stores, link.id, take).await, Admission::UsedUp);
    }
    assert_eq!(kept(&stores, &link).await.map(|link| link.admitted), Some(1));
}

/// Clause 5: no limit, nothing to use up.
pub async fn a_link_without_a_limit_admits_everybody(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    for take in [Take::One, Take::Look, Take::One] {
        assert_eq!(admit(&stores, link.id, take).await, Admission::Admitted);
    }
}

/// Of [`Admission::Gone`]: one that never was, and one that was deleted.
pub async fn a_link_that_is_gone_admits_nobody(stores: Stores) {
    let link = limited(1, 10);
    inserted(&stores, std::slice::from_ref(&link)).await;
    stores.links.write(plain(Atomicity::All, vec![(delete(&link), None)])).await.expect("a write");
    for id in [link.id, link_id(2)] {
        assert_eq!(admit(&stores, id, Take::One).await, Admission::Gone);
        assert_eq!(admit(&stores, id, Take::Look).await, Admission::Gone);
    }
}

/// Clause 5.
pub async fn links_have_limits_of_their_own(stores: Stores) {
    let (one, other) = (limited(1, 1), limited(2, 2));
    inserted(&stores, &[one.clone(), other.clone()]).await;
    assert_eq!(admit(&stores, one.id, Take::One).await, Admission::Admitted);
    assert_eq!(admit(&stores, one.id, Take::One).await, Admission::UsedUp);
    assert_eq!(admit(&stores, other.id, Take::One).await, Admission::Admitted);
    assert_eq!(admit(&stores, other.id, Take::One).await, Admission::Admitted);
    assert_eq!(admit(&stores, other.id, Take::One).await, Admission::UsedUp);
}

/// Clause 5: raised, lowered below what was let through, and lifted.
pub async fn a_limit_that_is_edited_holds_at_once(stores: Stores) {
    let mut now = limited(1, 2);
    inserted(&stores, std::slice::from_ref(&now)).await;
    for expected in [Admission::Admitted, Admission::Admitted, Admission::UsedUp] {
        assert_eq!(admit(&stores, now.id, Take::One).await, expected);
    }
    for (max, expected) in [
        (NonZeroU64::new(3), [Admission::Admitted, Admission::UsedUp]),
        (NonZeroU64::new(1), [Admission::UsedUp, Admission::UsedUp]),
        (None, [Admission::Admitted, Admission::Admitted]),
    ] {
        let next = Link { max_clicks: max, ..edited(&now) };
        let write = plain(Atomicity::All, vec![(update(&next, now.version), None)]);
        stores.links.write(write).await.expect("a write");
        now = next;
        for expected in expected {
            assert_eq!(admit(&stores, now.id, Take::One).await, expected, "with {max:?}");
        }
    }
}
