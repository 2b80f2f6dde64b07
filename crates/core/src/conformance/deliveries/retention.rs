//! Clause 6 of [`crate::webhooks::DeliveryLog`]: what is forgotten, and what is not.

use super::reading::{page, query};
use super::scene::{DAY, arrived, delivery, event_made, given_up, of, ruled};
use crate::conformance::Deliveries;
use crate::conformance::fixtures::{at, just_before, workspace};
use crate::conformance::webhooks::endpoint;
use crate::webhooks::{Attempt, Delivery, DeliveryQuery, DeliveryRuling, FailureClass, Redrive, Which};

/// One delivery of each of some days, each made and settled a minute into its day.
async fn one_a_day(on: &Deliveries, days: impl IntoIterator<Item = i64>) -> Vec<Delivery> {
    let mut made = Vec::new();
    for (n, day) in (1..).zip(days) {
        let one = of(&endpoint(1), n, event_made(n, at(day * DAY + 60)));
        on.owe(std::slice::from_ref(&one), day * DAY + 60).await;
        made.push(one);
    }
    made
}

async fn trimmed(on: &Deliveries, before: jiff::Timestamp) -> usize {
    on.log.trim(before).await.expect("a number")
}

/// Clause 6: a day that has ended by then, with what arrived and what was given up.
pub async fn whole_days_are_forgotten_with_their_attempts(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = one_a_day(&on, 0..4).await;
    let claimed = on.claim_one(9 * DAY).await;
    let settled = all.iter().map(|one| match one.position.offset {
        2 => given_up(one, 9 * DAY, FailureClass::Dns),
        _ => arrived(one, 9 * DAY),
    });
    on.release(&claimed, settled.collect()).await;
    assert_eq!(trimmed(&on, just_before(at(DAY))).await, 0, "the first day has not ended");
    assert_eq!(trimmed(&on, at(DAY)).await, 1);
    assert_eq!(trimmed(&on, at(3 * DAY - 1)).await, 1, "the third has not ended");
    assert_eq!(trimmed(&on, at(3 * DAY - 1)).await, 0, "what is forgotten is forgotten");
    for (gone, kept) in all[..2].iter().zip(&all[2..]) {
        assert_eq!(on.find(gone).await, None);
        assert_eq!(on.record(kept).await.1.len(), 1);
    }
    let anchored = DeliveryQuery { after: Some(all[1].id()), ..query(9) };
    assert_eq!(page(&on, &anchored).await, (Vec::new(), None), "the anchor is gone, and so are those before it");
    assert_eq!(page(&on, &query(9)).await.0, [all[3].id(), all[2].id()]);
    let one = Redrive { workspace: workspace(1), endpoint: endpoint(1).id, which: Which::One(all[1].id()) };
    assert_eq!(on.queue.redrive(&one, 9, at(9 * DAY)).await.expect("a number"), 0);
    on.owe(&all[..1], 9 * DAY).await;
    assert_eq!(on.record(&all[0]).await.1, [], "its attempts were forgotten too");
}

/// Clause 6: the whole day, until nothing of it is; days beside it go.
pub async fn a_day_of_which_something_is_owed_stays(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let all = one_a_day(&on, 0..3).await;
    let beside = of(&endpoint(1), 9, event_made(9, at(DAY + 70)));
    on.owe(std::slice::from_ref(&beside), DAY + 70).await;
    let claimed = on.claim_one(9 * DAY).await;
    let mut settled: Vec<_> = [&all[0], &all[2], &beside].map(|one| arrived(one, 9 * DAY)).into();
    settled.push(ruled(&all[1], None, DeliveryRuling::Retry(at(20 * DAY))));
    on.keep(&claimed, settled).await;
    assert_eq!(trimmed(&on, at(9 * DAY)).await, 2);
    assert_eq!(page(&on, &query(9)).await.0, [beside.id(), all[1].id()]);
    assert_eq!((on.waiting().await, on.due(&claimed, 20 * DAY).await), (1, vec![all[1].id()]));
    on.keep(&claimed, vec![arrived(&all[1], 20 * DAY)]).await;
    assert_eq!(trimmed(&on, at(9 * DAY)).await, 1);
    assert_eq!(page(&on, &query(9)).await.0, []);
}

/// Clause 6: of measures, by when their calls were made.
pub async fn hours_of_days_before_are_forgotten(on: Deliveries) {
    on.register(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1);
    on.owe(std::slice::from_ref(&one), 1).await;
    let claimed = on.claim_one(1).await;
    let call = super::scene::attempt(1, DAY - 1, None);
    let calls = [call.clone(), Attempt { number: 2, at: at(DAY), ..call }];
    for call in calls {
        on.keep(&claimed, vec![ruled(&one, Some(call), DeliveryRuling::Retry(at(DAY)))]).await;
    }
    let measured = async || on.log.measure(workspace(1), endpoint(1).id, at(0)).await.expect("measures").succeeded;
    assert_eq!(measured().await, 2);
    trimmed(&on, at(2 * DAY - 1)).await;
    assert_eq!(measured().await, 1, "what is owed keeps no hours");
}
