//! The cases of [`crate::links::Invalidations`].
//!
//! A listener may always hear that anything may have changed instead of the names; each case takes that for an answer,
//! and none takes silence.

mod hearing;
mod losing;

use super::suite::suite;

suite! {
    /// Proves an [`crate::links::Invalidations`], given in an `Arc`.
    invalidations as __invalidations_suite {
        hearing:
            what_is_announced_is_heard,
            names_are_heard_as_they_were_announced,
            a_large_announcement_is_heard_whole,
            every_listener_hears_each_announcement,
            of_many_who_announce_at_once_all_are_heard,
            a_listener_that_is_gone_disturbs_nobody,
            announcing_to_nobody_is_no_failure,
            no_names_mean_everything;
        losing:
            a_next_that_is_dropped_loses_nothing,
            a_slow_listener_is_never_left_in_the_dark,
            a_slow_listener_holds_nobody_up;
    }
}

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::conformance::fixtures::{seconds, slug};
use crate::links::{Domain, Heard, Invalidations, LinkName, Listener};

type Carrier = Arc<dyn Invalidations>;

/// The n-th name of a domain.
fn name(n: u64) -> LinkName {
    LinkName { domain: Domain::main(), slug: slug(&format!("link-{n}")) }
}

async fn listening(carrier: &Carrier) -> Box<dyn Listener> {
    carrier.listen().await.expect("somebody who listens")
}

async fn announced(carrier: &Carrier, names: &[LinkName]) {
    carrier.announce(names).await.expect("announced");
}

async fn next(listener: &mut Box<dyn Listener>) -> Heard {
    tokio::time::timeout(seconds(10), listener.next()).await.expect("a word within ten seconds")
}

/// Listens until every one of `names` was heard, or that anything may have changed; gives what names were heard.
async fn hears(listener: &mut Box<dyn Listener>, names: &[LinkName]) -> BTreeSet<LinkName> {
    let (mut awaited, mut heard) = (names.iter().cloned().collect::<BTreeSet<_>>(), BTreeSet::new());
    while !awaited.is_empty() {
        match next(listener).await {
            Heard::Names(names) => {
                assert!(!names.is_empty(), "a word that says nothing");
                for name in names {
                    awaited.remove(&name);
                    heard.insert(name);
                }
            }
            Heard::Everything => awaited.clear(),
        }
    }
    heard
}
