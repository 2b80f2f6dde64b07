//! Clause 5: ending grants.

use std::sync::Arc;

use super::{Store, client_id, found, grant, grant_id, kept, opened, token, user_id};
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::race;
use crate::grants::{Ending, Grant};

async fn ended(store: &Store, which: Ending, now: i64) -> u64 {
    store.end(which, at(now)).await.expect("a count")
}

/// A grant of each kind that an end tells apart: of two people, to two clients and to none, in two workspaces.
fn each_kind() -> Vec<Grant> {
    let kinds = [(1, None, 1), (1, Some(1), 1), (1, Some(2), 2), (2, None, 1), (2, Some(1), 2), (2, Some(2), 2)];
    let made = |(n, (user, client, place)): (u8, (u8, Option<u8>, u64))| Grant {
        user: user_id(user),
        client: client.map(client_id),
        workspace: workspace(place),
        ..grant(n)
    };
    (1..).zip(kinds).map(made).collect()
}

/// Ends some of one of each kind, and expects these to be ended, and no others.
async fn ends(store: &Store, which: Ending, expected: &[u8]) {
    opened(store, &each_kind()).await;
    assert_eq!(ended(store, which, 60).await, expected.len() as u64);
    for before in each_kind() {
        let n = before.id.to_bytes()[0];
        let then = Grant { ended_at: expected.contains(&n).then(|| at(60)), ..before };
        assert_eq!(kept(store, n).await.as_ref(), Some(&then));
        assert_eq!(found(store, n).await, Some((then, token(n, n))), "an ended one is still found");
    }
    assert_eq!(ended(store, which, 70).await, 0, "there is none left");
}

/// Clause 5: however often, and by whatever.
pub async fn an_ended_grant_keeps_the_first_moment(store: Store) {
    opened(&store, &[grant(1)]).await;
    assert_eq!(ended(&store, Ending::Grant(grant_id(1)), 60).await, 1);
    let then = Grant { ended_at: Some(at(60)), ..grant(1) };
    for (which, now) in
        [(Ending::Grant(grant_id(1)), 70), (Ending::User(user_id(1)), 80), (Ending::Grant(grant_id(1)), 50)]
    {
        assert_eq!(ended(&store, which, now).await, 0);
        assert_eq!(kept(&store, 1).await.as_ref(), Some(&then));
    }
    assert_eq!(store.grants(user_id(1), at(0)).await.expect("a list"), []);
}

/// Of [`Ending::Grant`].
pub async fn one_grant_is_ended(store: Store) {
    ends(&store, Ending::Grant(grant_id(2)), &[2]).await;
    assert_eq!(ended(&store, Ending::Grant(grant_id(9)), 60).await, 0);
}

/// Of [`Ending::User`].
pub async fn all_grants_of_a_person_are_ended(store: Store) {
    ends(&store, Ending::User(user_id(1)), &[1, 2, 3]).await;
}

/// Of [`Ending::Member`].
pub async fn all_grants_of_a_member_are_ended(store: Store) {
    ends(&store, Ending::Member(workspace(2), user_id(2)), &[5, 6]).await;
}

/// Of [`Ending::Client`].
pub async fn all_grants_of_a_client_are_ended(store: Store) {
    ends(&store, Ending::Client(client_id(1)), &[2, 5]).await;
}

/// Clause 5: it ended by itself.
pub async fn what_had_expired_is_not_ended(store: Store) {
    let short = Grant { expires_at: at(60), ..grant(2) };
    opened(&store, &[grant(1), short.clone()]).await;
    assert_eq!(ended(&store, Ending::User(user_id(1)), 60).await, 1);
    assert_eq!(kept(&store, 2).await, Some(short));
    assert_eq!(kept(&store, 1).await, Some(Grant { ended_at: Some(at(60)), ..grant(1) }));
}

/// Clause 5: in a race.
pub async fn of_many_who_end_a_grant_one_is_told_so(store: Store) {
    opened(&store, &[grant(1)]).await;
    let tries = (0..30).map(|n| {
        let store = Arc::clone(&store);
        async move { (ended(&store, Ending::Grant(grant_id(1)), 60 + n).await, 60 + n) }
    });
    let told = race(tries).await;
    let won: Vec<_> = told.iter().filter(|(count, _)| *count == 1).collect();
    assert_eq!((won.len(), told.iter().map(|(count, _)| count).sum::<u64>()), (1, 1), "{told:?}");
    assert_eq!(kept(&store, 1).await.and_then(|grant| grant.ended_at), Some(at(won[0].1)));
}

/// Clause 5: in a race of those who end the same grants, each from another side; none is in another's way.
pub async fn ends_that_overlap_all_come_through(store: Store) {
    let grants: Vec<_> =
        (1..=60).map(|n: u8| Grant { user: user_id(n % 3), client: Some(client_id(n % 4)), ..grant(n) }).collect();
    opened(&store, &grants).await;
    let people = (0..3).map(|n| Ending::User(user_id(n)));
    let clients = (0..4).map(|n| Ending::Client(client_id(n)));
    let members = (0..3).map(|n| Ending::Member(workspace(1), user_id(n)));
    let tries = people.chain(clients).chain(members).map(|which| {
        let store = Arc::clone(&store);
        async move { ended(&store, which, 60).await }
    });
    assert_eq!(race(tries).await.into_iter().sum::<u64>(), 60, "each once");
    for n in 1..=60 {
        assert_eq!(kept(&store, n).await.and_then(|grant| grant.ended_at), Some(at(60)));
    }
}
