//! The sweeper of grants, over a store in memory.

use std::sync::Arc;
use std::time::Duration;

use waypost_adapters::memory::MemoryStore;
use waypost_core::Kind;
use waypost_core::conformance::fixtures::{at, workspace};
use waypost_core::credentials::{Scopes, SecretHash, SecretKind};
use waypost_core::engine::{Engine as _, Next};
use waypost_core::grants::{Ending, Grant, GrantStore, GrantSweeper, GrantToken, Turn};
use waypost_core::ids::{GrantId, UserId};
use waypost_core::layers::{Fault, Faulty, Layered};

const DAY: i64 = 24 * 60 * 60;
const HOUR: Duration = Duration::from_secs(60 * 60);

fn hash(n: u16) -> SecretHash {
    let mut hash = [0; 32];
    hash[..2].copy_from_slice(&n.to_be_bytes());
    SecretHash(hash)
}

fn token(n: u16, grant: GrantId) -> GrantToken {
    GrantToken { hash: hash(n), kind: SecretKind::Refresh, grant, expires_at: at(DAY), binding: None, used_at: None }
}

/// Opens the n-th grant, which holds for a day.
async fn opened(store: &MemoryStore, n: u16) -> GrantId {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    let grant = Grant {
        id: GrantId::from_bytes(id),
        user: UserId::from_bytes([1; 16]),
        client: None,
        workspace: workspace(1),
        scopes: Scopes::ALL,
        label: String::new(),
        created_at: at(0),
        used_at: at(0),
        expires_at: at(DAY),
        ended_at: None,
    };
    store.open(&grant, &token(n, grant.id)).await.expect("opened");
    grant.id
}

#[tokio::test]
async fn what_is_over_is_recognised_for_a_week_and_then_forgotten() {
    let store = Arc::new(MemoryStore::default());
    let mut sweeper = GrantSweeper::new(store.clone());
    let (expired, ended) = (opened(&store, 1).await, opened(&store, 2).await);
    let turned = store.turn(hash(1), &token(3, expired), at(10)).await.expect("an outcome");
    assert_eq!(turned, Turn::Done);
    store.end(Ending::Grant(ended), at(20)).await.expect("a count");
    let now = at(7 * DAY + 20);
    assert_eq!(sweeper.step(now).await.expect("a round"), Next::At(now + HOUR));
    assert!(store.grant(ended).await.expect("a look").is_some(), "a week is not over");
    let now = at(7 * DAY + 21);
    assert_eq!(sweeper.step(now).await.expect("a round"), Next::At(now + HOUR));
    assert_eq!(store.grant(ended).await.expect("a look"), None);
    let used = store.turn(hash(1), &token(9, expired), now).await.expect("an outcome");
    assert_eq!(used, Turn::Used { at: at(10), went_on: false }, "the reuse is still told");
    sweeper.step(at(8 * DAY + 1)).await.expect("a round");
    assert_eq!((store.grant(expired).await.expect("a look"), store.find(hash(1)).await.expect("a look")), (None, None));
}

#[tokio::test]
async fn much_that_is_over_is_forgotten_round_by_round() {
    let store = Arc::new(MemoryStore::default());
    for n in 0..1_200 {
        opened(&store, n).await;
    }
    let mut sweeper = GrantSweeper::new(store.clone());
    let now = at(30 * DAY);
    let mut rounds = Vec::new();
    for _ in 0..3 {
        rounds.push(sweeper.step(now).await.expect("a round"));
    }
    assert_eq!(rounds, [Next::Now, Next::Now, Next::At(now + HOUR)]);
    assert_eq!(store.grants(UserId::from_bytes([1; 16]), at(0)).await.expect("a list"), []);
}

#[tokio::test]
async fn a_store_that_is_away_is_swept_in_the_next_round() {
    let (inner, faulty) = (Arc::new(MemoryStore::default()), Faulty::default());
    let id = opened(&inner, 1).await;
    let mut sweeper = GrantSweeper::new(Arc::new(Layered::new(inner.clone() as Arc<dyn GrantStore>, faulty.clone())));
    faulty.script([Some(Fault::Before(Kind::Unavailable))]);
    assert_eq!(sweeper.step(at(30 * DAY)).await.expect_err("it is away").kind(), Kind::Unavailable);
    assert!(inner.grant(id).await.expect("a look").is_some());
    sweeper.step(at(30 * DAY)).await.expect("a round");
    assert_eq!(inner.grant(id).await.expect("a look"), None);
}
