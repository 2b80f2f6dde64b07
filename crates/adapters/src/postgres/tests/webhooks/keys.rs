//! Keys of order, where the first of one is settled while another comes.

use waypost_core::conformance::fixtures::at;
use waypost_core::webhooks::{DeliveryLog as _, DeliveryState};

use super::*;

/// One that comes while the one before it is settled is behind it or is due; it is never behind nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_next_of_a_key_that_comes_while_the_first_is_settled_is_found() {
    for is_enqueue_first in [true, false] {
        for hold in [Hold::Keep, Hold::Release] {
            let (store, schema) = registered(&[ordered(1)]).await;
            store.enqueue(&[delivery(&ordered(1), 1, 0)], at(0)).await.unwrap();
            let first = claimed(&store, 1).await;
            let settle = async { store.settle(&[arrived(&first[0], 1, hold)]).await.unwrap() };
            let enqueue = async { store.enqueue(&[delivery(&ordered(1), 2, 0)], at(1)).await.unwrap() };
            let (made, kept) = both(&schema, is_enqueue_first, enqueue, settle).await;
            assert_eq!((made, kept.len()), (1, 1));
            // Of a queue that is held, when its lease has ended.
            assert_eq!(numbers(&claimed(&store, 60).await), [[2]], "first: {is_enqueue_first}, {hold:?}");
        }
    }
}

#[tokio::test]
async fn a_key_may_be_longer_than_an_entry_of_an_index() {
    let (store, _schema) = registered(&[ordered(1)]).await;
    let long: String =
        (0..20_000_u32).filter_map(|n| char::from_u32(0x4e00 + n.wrapping_mul(7_919) % 20_000)).collect();
    let with_key = |n: u64| {
        let delivery = delivery(&ordered(1), n, 0);
        Delivery { ordering: Some(long.clone()), ..delivery }
    };
    let both = [with_key(1), with_key(2)];
    assert_eq!(store.enqueue(&both, at(0)).await.unwrap(), 2);
    let first = claimed(&store, 1).await;
    assert_eq!((numbers(&first), &first[0].due[0].delivery), (vec![vec![1]], &both[0]));
    store.settle(&[arrived(&first[0], 1, Hold::Release)]).await.unwrap();
    assert_eq!(numbers(&claimed(&store, 2).await), [[2]]);
}

#[tokio::test]
async fn what_a_receiver_answers_may_hold_what_postgres_cannot() {
    let (store, _schema) = registered(&[endpoint(1)]).await;
    let one = delivery(&endpoint(1), 1, 0);
    store.enqueue(std::slice::from_ref(&one), at(0)).await.unwrap();
    let first = claimed(&store, 1).await;
    let mut settled = settled(&one, 1, DeliveryRuling::Fail("a\0b".to_owned()));
    settled.attempt.as_mut().unwrap().result.excerpt = "c\0d".to_owned();
    let kept = store.settle(&[settlement(&first[0], vec![settled], Hold::Keep)]).await.unwrap();
    assert_eq!(kept, [endpoint(1).id]);
    let (record, attempts) = store.delivery(workspace(1), endpoint(1).id, one.id()).await.unwrap().unwrap();
    assert_eq!(record.state, DeliveryState::Failed("a\u{fffd}b".to_owned()));
    assert_eq!(attempts[0].result.excerpt, "c\u{fffd}d");
}
