//! Clauses 2 and 4: nothing is lost in silence.

use std::time::Duration;

use super::{Carrier, announced, hears, listening, name};
use crate::conformance::fixtures::seconds;

/// More than a carrier should keep for one listener.
const MANY: u64 = 20_000;

/// Clause 4: whatever moment a wait is dropped at.
pub async fn a_next_that_is_dropped_loses_nothing(carrier: Carrier) {
    let mut listener = listening(&carrier).await;
    for n in 1..=50 {
        if n % 2 == 0 {
            announced(&carrier, &[name(n)]).await;
        }
        // One that is heard here is heard; the others must still come.
        let within = Duration::from_micros(n * 20);
        if tokio::time::timeout(within, listener.next()).await.is_ok() {
            continue;
        }
        if n % 2 == 0 {
            hears(&mut listener, &[name(n)]).await;
        }
    }
}

/// Clause 2: one that does not listen for a while hears all of it afterwards, or that it may have missed something.
pub async fn a_slow_listener_is_never_left_in_the_dark(carrier: Carrier) {
    let mut listener = listening(&carrier).await;
    let names: Vec<_> = (0..MANY).map(name).collect();
    for names in names.chunks(500) {
        announced(&carrier, names).await;
    }
    hears(&mut listener, &names).await;
    announced(&carrier, &[name(MANY)]).await;
    hears(&mut listener, &[name(MANY)]).await;
}

/// Clause 3: who announces waits for no listener, and other listeners hear meanwhile.
pub async fn a_slow_listener_holds_nobody_up(carrier: Carrier) {
    let _slow = listening(&carrier).await;
    let mut quick = listening(&carrier).await;
    let announcing = async {
        for first in (0..MANY).step_by(500) {
            let names: Vec<_> = (first..first + 500).map(name).collect();
            announced(&carrier, &names).await;
            hears(&mut quick, &names).await;
        }
    };
    tokio::time::timeout(seconds(30), announcing).await.expect("nobody waits for the slow one");
}
