//! Clauses 1, 3 and 5: what is announced is heard, by all.

use std::sync::Arc;

use super::{Carrier, announced, hears, listening, name, next};
use crate::conformance::fixtures::slug;
use crate::conformance::race;
use crate::links::{Domain, Heard, LinkName};

/// Clause 1.
pub async fn what_is_announced_is_heard(carrier: Carrier) {
    let mut listener = listening(&carrier).await;
    for n in 1..=20 {
        announced(&carrier, &[name(n)]).await;
        hears(&mut listener, &[name(n)]).await;
    }
}

/// Clause 1: the carrier keeps domain and slug apart, and to the letter.
pub async fn names_are_heard_as_they_were_announced(carrier: Carrier) {
    let mut listener = listening(&carrier).await;
    let further = Domain::trusted("go.example");
    let names = [
        LinkName { domain: Domain::main(), slug: slug("spring") },
        LinkName { domain: further.clone(), slug: slug("spring") },
        LinkName { domain: further, slug: slug("Spring") },
        LinkName { domain: Domain::main(), slug: slug("früh-ling_2") },
    ];
    announced(&carrier, &names).await;
    let heard = hears(&mut listener, &names).await;
    assert!(heard.iter().all(|name| names.contains(name)), "{heard:?}");
}

/// Clause 1: a bulk create changes a thousand links, and the longest slugs make it larger than some carriers' frame.
pub async fn a_large_announcement_is_heard_whole(carrier: Carrier) {
    let mut listener = listening(&carrier).await;
    let long = |n| LinkName { domain: Domain::main(), slug: slug(&format!("{n:0>120}")) };
    let names: Vec<_> = (0..1_000).map(long).collect();
    announced(&carrier, &names).await;
    hears(&mut listener, &names).await;
}

/// Clause 3.
pub async fn every_listener_hears_each_announcement(carrier: Carrier) {
    let mut listeners = Vec::new();
    for _ in 0..5 {
        listeners.push(listening(&carrier).await);
    }
    announced(&carrier, &[name(1), name(2)]).await;
    announced(&carrier, &[name(3)]).await;
    for listener in &mut listeners {
        hears(listener, &[name(1), name(2), name(3)]).await;
    }
}

/// Clauses 1 and 3.
pub async fn of_many_who_announce_at_once_all_are_heard(carrier: Carrier) {
    let mut listener = listening(&carrier).await;
    let announcers = (0..8).map(|announcer| {
        let carrier = Arc::clone(&carrier);
        async move {
            for n in 0..25 {
                announced(&carrier, &[name(announcer * 100 + n)]).await;
            }
        }
    });
    race(announcers).await;
    let names: Vec<_> = (0..8).flat_map(|announcer| (0..25).map(move |n| name(announcer * 100 + n))).collect();
    hears(&mut listener, &names).await;
}

/// Clause 3, for those that stay.
pub async fn a_listener_that_is_gone_disturbs_nobody(carrier: Carrier) {
    let mut staying = listening(&carrier).await;
    let leaving = listening(&carrier).await;
    announced(&carrier, &[name(1)]).await;
    drop(leaving);
    announced(&carrier, &[name(2)]).await;
    hears(&mut staying, &[name(1), name(2)]).await;
}

/// Clause 1: nobody has to be there.
pub async fn announcing_to_nobody_is_no_failure(carrier: Carrier) {
    announced(&carrier, &[name(1)]).await;
    announced(&carrier, &[]).await;
    let mut listener = listening(&carrier).await;
    announced(&carrier, &[name(2)]).await;
    hears(&mut listener, &[name(2)]).await;
}

/// Clause 5.
pub async fn no_names_mean_everything(carrier: Carrier) {
    let mut listener = listening(&carrier).await;
    announced(&carrier, &[name(1)]).await;
    hears(&mut listener, &[name(1)]).await;
    announced(&carrier, &[]).await;
    assert_eq!(next(&mut listener).await, Heard::Everything);
}
