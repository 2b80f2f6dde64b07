//! Keys that are believed for a moment.

use std::sync::Arc;

use waypost_adapters::memory::MemoryStore;
use waypost_core::clock::{Clock as _, ManualClock};
use waypost_core::conformance::fixtures::at;
use waypost_core::credentials::{ApiKeyText, CredentialStore, Credentials, IssuedKey, Scopes};
use waypost_core::entropy::SeededEntropy;
use waypost_core::layers::{Cached, Fault, Faulty, Layered};
use waypost_core::{Kind, Result};

struct Bench {
    credentials: Credentials,
    /// Those of another node.
    elsewhere: Credentials,
    clock: ManualClock,
    store: Faulty,
}

fn bench() -> Bench {
    let (inner, clock, store) = (Arc::new(MemoryStore::default()), ManualClock::new(at(0)), Faulty::default());
    let (timing, entropy) = (Arc::new(clock.clone()), Arc::new(SeededEntropy::new(1)));
    let counted: Arc<dyn CredentialStore> =
        Arc::new(Layered::new(inner.clone() as Arc<dyn CredentialStore>, store.clone()));
    let cached = Arc::new(Cached::<dyn CredentialStore>::new(counted, timing.clone()));
    Bench {
        credentials: Credentials::new(cached, timing.clone(), entropy.clone()),
        elsewhere: Credentials::new(inner, timing, entropy),
        clock,
        store,
    }
}

async fn issued(bench: &Bench) -> IssuedKey {
    let workspace = bench.credentials.workspace("shop").await.expect("a workspace");
    bench.credentials.issue(workspace.id, "test", Scopes::ALL, None).await.expect("a key")
}

async fn shows(bench: &Bench, text: &ApiKeyText) -> Result<(), Kind> {
    bench.credentials.authenticate(text.expose()).await.map(drop).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_key_is_looked_up_once_a_second_and_its_use_noted_once_a_minute() {
    let bench = bench();
    let key = issued(&bench).await;
    let before = bench.store.calls();
    for _ in 0..100 {
        shows(&bench, &key.text).await.expect("known");
    }
    assert_eq!(bench.store.calls() - before, 2, "a look-up, and a note of the use");
    for _ in 0..10 {
        bench.clock.advance(std::time::Duration::from_secs(1));
        shows(&bench, &key.text).await.expect("known");
    }
    assert_eq!(bench.store.calls() - before, 12, "ten more look-ups");
    let kept = &bench.elsewhere.keys(key.key.workspace).await.expect("keys")[0];
    assert_eq!(kept.last_used_at, Some(at(0)));
    bench.clock.advance(std::time::Duration::from_secs(60));
    shows(&bench, &key.text).await.expect("known");
    let kept = &bench.elsewhere.keys(key.key.workspace).await.expect("keys")[0];
    assert_eq!(kept.last_used_at, Some(bench.clock.now()));
}

#[tokio::test]
async fn a_key_that_is_revoked_here_stops_at_once_and_elsewhere_within_a_second() {
    let bench = bench();
    let (here, there) = (issued(&bench).await, issued(&bench).await);
    for key in [&here, &there] {
        shows(&bench, &key.text).await.expect("known");
    }
    bench.credentials.revoke(here.key.workspace, here.key.id).await.expect("revoked");
    assert_eq!(shows(&bench, &here.text).await, Err(Kind::Unauthenticated));
    bench.elsewhere.revoke(there.key.workspace, there.key.id).await.expect("revoked");
    bench.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(shows(&bench, &there.text).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn a_key_that_was_unknown_is_known_once_it_is_made_here() {
    let bench = bench();
    let text = issued(&self::bench()).await.text;
    assert_eq!(shows(&bench, &text).await, Err(Kind::Unauthenticated));
    let before = bench.store.calls();
    assert_eq!(shows(&bench, &text).await, Err(Kind::Unauthenticated));
    assert_eq!(bench.store.calls(), before, "absence is believed too");
    let workspace = bench.credentials.workspace("shop").await.expect("a workspace");
    bench.credentials.adopt(workspace.id, "adopted", &text, Scopes::ALL).await.expect("adopted");
    shows(&bench, &text).await.expect("known");
}

#[tokio::test]
async fn a_look_up_that_raced_with_a_revocation_is_not_believed() {
    let bench = Arc::new(bench());
    let key = issued(&bench).await;
    bench.store.script([Some(Fault::Late)]);
    let before = bench.store.calls();
    let looking = tokio::spawn({
        let (bench, text) = (bench.clone(), key.text.clone());
        async move { shows(&bench, &text).await }
    });
    bench.store.met(before + 1).await;
    bench.credentials.revoke(key.key.workspace, key.key.id).await.expect("revoked");
    bench.store.release();
    let _ = looking.await.expect("no panic");
    assert_eq!(shows(&bench, &key.text).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn a_look_up_that_hangs_holds_up_nobody_else() {
    let bench = Arc::new(bench());
    let key = issued(&bench).await;
    bench.store.script([Some(Fault::Hangs)]);
    let before = bench.store.calls();
    let hanging = tokio::spawn({
        let (bench, text) = (bench.clone(), key.text.clone());
        async move { shows(&bench, &text).await }
    });
    bench.store.met(before + 1).await;
    // Who asks meanwhile waits for a moment, and then asks on their own.
    let moves_on = async { bench.clock.advance(std::time::Duration::from_millis(100)) };
    let (shown, ()) = tokio::join!(shows(&bench, &key.text), moves_on);
    shown.expect("known");
    bench.store.release();
    hanging.await.expect("no panic").expect("known");
}
