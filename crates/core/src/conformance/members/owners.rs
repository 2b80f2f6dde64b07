//! Clause 4: an owner remains.

use std::sync::Arc;

use super::{Store, proposed, role_of, set, user, with_members};
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::race;
use crate::members::{Role, RoleSet};

const LESSER: [Option<Role>; 4] = [Some(Role::Admin), Some(Role::Editor), Some(Role::Viewer), None];

/// Clause 4: neither demoted nor removed, and nothing is changed by the attempt.
pub async fn the_last_owner_stays(store: Store) {
    with_members(&store, &[(1, Role::Owner), (2, Role::Admin)]).await;
    for role in LESSER {
        assert_eq!(set(&store, 1, 1, role, at(10)).await, RoleSet::LastOwner);
        assert_eq!(role_of(&store, 1, 1).await, Some(Role::Owner));
    }
    assert!(matches!(set(&store, 1, 1, Some(Role::Owner), at(10)).await, RoleSet::Done(_)), "an owner stays one");
    assert!(matches!(set(&store, 1, 2, None, at(10)).await, RoleSet::Done(_)), "who is none may go");
}

/// Clause 4.
pub async fn an_owner_beside_another_may_go(store: Store) {
    for role in LESSER {
        with_members(&store, &[(1, Role::Owner)]).await;
        proposed(&store, &user(2)).await;
        assert!(matches!(set(&store, 1, 2, Some(Role::Owner), at(0)).await, RoleSet::Done(_)));
        assert!(matches!(set(&store, 1, 2, role, at(10)).await, RoleSet::Done(_)));
        assert_eq!(role_of(&store, 1, 2).await, role);
        assert_eq!(set(&store, 1, 1, role, at(10)).await, RoleSet::LastOwner);
    }
}

/// Clauses 4 and 5.
pub async fn owners_of_another_workspace_do_not_count(store: Store) {
    with_members(&store, &[(1, Role::Owner)]).await;
    proposed(&store, &user(2)).await;
    assert!(matches!(set(&store, 2, 2, Some(Role::Owner), at(0)).await, RoleSet::Done(_)));
    assert!(matches!(set(&store, 2, 1, Some(Role::Viewer), at(0)).await, RoleSet::Done(_)));
    assert_eq!(set(&store, 1, 1, None, at(10)).await, RoleSet::LastOwner);
    assert_eq!(set(&store, 2, 2, None, at(10)).await, RoleSet::LastOwner);
    assert!(matches!(set(&store, 2, 1, None, at(10)).await, RoleSet::Done(_)), "an owner elsewhere alone");
}

/// Clause 4: a workspace that keys alone act in never had one.
pub async fn a_workspace_that_has_no_owner_needs_none(store: Store) {
    with_members(&store, &[(1, Role::Admin), (2, Role::Viewer)]).await;
    assert!(matches!(set(&store, 1, 1, Some(Role::Editor), at(10)).await, RoleSet::Done(_)));
    assert!(matches!(set(&store, 1, 1, None, at(10)).await, RoleSet::Done(_)));
    assert!(matches!(set(&store, 1, 2, None, at(10)).await, RoleSet::Done(_)));
    assert_eq!(store.members(workspace(1)).await.expect("a list"), []);
}

/// Clause 4: in a race, again and again, each the other way round.
pub async fn of_two_owners_demoted_at_once_one_stays(store: Store) {
    with_members(&store, &[(1, Role::Owner), (2, Role::Owner)]).await;
    for round in 0..10_usize {
        let tries = [1, 2].map(|n| {
            let store = Arc::clone(&store);
            async move { set(&store, 1, n, LESSER[round % 4], at(10)).await }
        });
        let refused = race(tries).await.iter().filter(|done| **done == RoleSet::LastOwner).count();
        let owners = [role_of(&store, 1, 1).await, role_of(&store, 1, 2).await];
        assert_eq!((refused, owners.iter().filter(|role| **role == Some(Role::Owner)).count()), (1, 1), "{owners:?}");
        for n in [1, 2] {
            assert!(matches!(set(&store, 1, n, Some(Role::Owner), at(0)).await, RoleSet::Done(_)));
        }
    }
}

/// Clause 4: in a race of many, beside those who are set to other roles.
pub async fn of_many_owners_who_go_at_once_one_stays(store: Store) {
    let owners: Vec<_> = (1..=20).map(|n| (n, Role::Owner)).collect();
    with_members(&store, &owners).await;
    with_members(&store, &[(21, Role::Viewer), (22, Role::Viewer)]).await;
    let tries = (1..=22).map(|n| {
        let store = Arc::clone(&store);
        async move { set(&store, 1, n, LESSER[usize::from(n) % 4], at(10)).await }
    });
    let done = race(tries).await;
    assert_eq!(done.iter().filter(|done| **done == RoleSet::LastOwner).count(), 1, "{done:?}");
    let left = store.members(workspace(1)).await.expect("a list");
    assert_eq!(left.iter().filter(|member| member.role == Role::Owner).count(), 1, "{left:?}");
}
