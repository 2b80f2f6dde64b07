//! Clause 2: grants and their first tokens, and of their errors.

use std::sync::Arc;
use std::time::Duration;

use super::{Store, client_id, found, grant, grant_id, hash, kept, opened, token, user_id};
use crate::Kind;
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::race;
use crate::credentials::{Scope, Scopes, SecretKind};
use crate::grants::{Grant, GrantToken};

/// Clause 2: every field, whether it is set or not.
pub async fn a_grant_and_its_token_are_kept_as_they_were_given(store: Store) {
    let full = Grant {
        client: Some(client_id(7)),
        scopes: Scopes::from_iter([Scope::LinksRead, Scope::EventsRead]),
        label: "Größe 'n\" 日本 \\ (X11; Linux)".to_owned(),
        created_at: at(60) + Duration::from_micros(1),
        used_at: at(70),
        ended_at: Some(at(80)),
        ..grant(2)
    };
    let bound = GrantToken { binding: Some(hash(200)), used_at: Some(at(65)), ..token(2, 2) };
    let grants = [grant(1), full, Grant { scopes: Scopes::ALL, ..grant(3) }, grant(4)];
    let of_kind = |n, kind| GrantToken { kind, ..token(n, n) };
    let tokens =
        [of_kind(1, SecretKind::Session), bound, of_kind(3, SecretKind::Code), of_kind(4, SecretKind::Refresh)];
    for (grant, token) in grants.iter().zip(&tokens) {
        store.open(grant, token).await.expect("opened");
    }
    for (n, (grant, token)) in (1..).zip(grants.into_iter().zip(tokens)) {
        assert_eq!(kept(&store, n).await.as_ref(), Some(&grant));
        assert_eq!(found(&store, n).await, Some((grant, token)));
    }
}

/// Of the look-ups.
pub async fn what_is_not_there_is_not_found(store: Store) {
    opened(&store, &[grant(1)]).await;
    assert_eq!((kept(&store, 2).await, found(&store, 2).await), (None, None));
    assert_eq!(store.grants(user_id(2), at(0)).await.expect("a list"), []);
    store.touch(grant_id(2), at(5)).await.expect("nothing to note");
    assert_eq!((kept(&store, 1).await, kept(&store, 2).await), (Some(grant(1)), None));
}

/// Clause 2 and the errors: not the grant either.
pub async fn under_a_hash_that_is_there_nothing_is_kept(store: Store) {
    opened(&store, &[grant(1)]).await;
    let refused = store.open(&grant(2), &token(1, 2)).await.expect_err("the hash is there");
    assert_eq!(refused.kind(), Kind::Conflict);
    assert_eq!(kept(&store, 2).await, None);
    assert_eq!(found(&store, 1).await, Some((grant(1), token(1, 1))));
}

/// Clause 2 and the errors: not the token either.
pub async fn under_the_id_of_a_grant_that_is_there_nothing_is_kept(store: Store) {
    opened(&store, &[grant(1)]).await;
    let other = Grant { user: user_id(9), ..grant(1) };
    assert_eq!(store.open(&other, &token(2, 1)).await.expect_err("the id is there").kind(), Kind::Conflict);
    assert_eq!(found(&store, 2).await, None);
    assert_eq!(kept(&store, 1).await, Some(grant(1)));
}

/// Clause 2: in a race.
pub async fn of_many_who_open_under_one_hash_one_is_kept(store: Store) {
    let tries = (1..=30).map(|n| {
        let store = Arc::clone(&store);
        async move { store.open(&grant(n), &token(99, n)).await.is_ok().then_some(n) }
    });
    let won: Vec<_> = race(tries).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(found(&store, 99).await, Some((grant(won[0]), token(99, won[0]))));
    assert_eq!(store.grants(user_id(1), at(100)).await.expect("a list"), [grant(won[0])]);
}

/// Of [`GrantStore::grants`](crate::grants::GrantStore::grants): in every workspace, and those that hold alone.
pub async fn live_grants_are_listed_newest_first(store: Store) {
    let grants = [
        grant(2),
        Grant { workspace: workspace(2), client: Some(client_id(1)), ..grant(3) },
        Grant { created_at: at(9), ..grant(1) },
        Grant { user: user_id(2), ..grant(4) },
        Grant { ended_at: Some(at(50)), ..grant(5) },
        Grant { expires_at: at(100), ..grant(6) },
    ];
    opened(&store, &grants).await;
    let listed = async |now| {
        let listed = store.grants(user_id(1), now).await.expect("a list");
        listed.into_iter().map(|grant| grant.id.to_bytes()[0]).collect::<Vec<_>>()
    };
    assert_eq!(listed(at(99)).await, [1, 6, 3, 2]);
    assert_eq!(listed(at(100)).await, [1, 3, 2], "over from its moment on");
    assert_eq!(store.grants(user_id(2), at(99)).await.expect("a list"), [grants[3].clone()]);
}

/// Of [`GrantStore::touch`](crate::grants::GrantStore::touch).
pub async fn a_use_is_noted_and_never_goes_back(store: Store) {
    opened(&store, &[grant(1), grant(2)]).await;
    for (noted, then) in [(60, 60), (120, 120), (90, 120)] {
        store.touch(grant_id(1), at(noted)).await.expect("noted");
        let used = Grant { used_at: at(then), ..grant(1) };
        assert_eq!(kept(&store, 1).await.as_ref(), Some(&used));
        assert_eq!(found(&store, 1).await, Some((used, token(1, 1))));
    }
    assert_eq!(kept(&store, 2).await, Some(grant(2)), "the other one is not touched");
}
