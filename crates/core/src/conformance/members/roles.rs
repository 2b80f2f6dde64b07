//! Clauses 3 and 5: roles.

use std::sync::Arc;

use super::{Store, member, proposed, role_of, set, user, user_id, with_members};
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::race;
use crate::members::{Role, RoleSet, User};

/// Clause 3: each role comes back as it was set.
pub async fn a_role_makes_a_member(store: Store) {
    for (n, role) in (1..).zip(Role::ALL) {
        proposed(&store, &user(n)).await;
        assert_eq!(role_of(&store, 1, n).await, None);
        let made = member(1, n, role, at(5));
        assert_eq!(set(&store, 1, n, Some(role), at(5)).await, RoleSet::Done(made.clone()));
        assert_eq!(store.member(workspace(1), user_id(n)).await.expect("a look"), Some(made));
    }
}

/// Clause 3.
pub async fn the_last_role_holds_and_since_stays(store: Store) {
    with_members(&store, &[(1, Role::Owner), (2, Role::Viewer)]).await;
    for (moment, role) in (10..).zip([Role::Editor, Role::Owner, Role::Admin, Role::Admin, Role::Viewer]) {
        let now = member(1, 2, role, at(0));
        assert_eq!(set(&store, 1, 2, Some(role), at(moment)).await, RoleSet::Done(now.clone()));
        assert_eq!(store.member(workspace(1), user_id(2)).await.expect("a look"), Some(now));
    }
    assert_eq!(store.members(workspace(1)).await.expect("a list").len(), 2);
}

/// Clause 3: in a race, one row.
pub async fn of_many_roles_set_at_once_one_holds(store: Store) {
    proposed(&store, &user(1)).await;
    let tries = (0..30_usize).map(|n| {
        let store = Arc::clone(&store);
        let role = [Role::Admin, Role::Editor, Role::Viewer][n % 3];
        async move { set(&store, 1, 1, Some(role), at(7)).await }
    });
    let done = race(tries).await;
    assert!(done.iter().all(|done| matches!(done, RoleSet::Done(_))), "{done:?}");
    let members = store.members(workspace(1)).await.expect("a list");
    assert!(members.len() == 1 && members[0].since == at(7), "{members:?}");
}

/// Clause 3: who comes back is a member since then.
pub async fn a_role_is_taken_away(store: Store) {
    with_members(&store, &[(1, Role::Owner), (2, Role::Editor)]).await;
    assert_eq!(set(&store, 1, 2, None, at(10)).await, RoleSet::Done(member(1, 2, Role::Editor, at(0))));
    assert_eq!(role_of(&store, 1, 2).await, None);
    assert_eq!(store.memberships(user_id(2)).await.expect("a list"), []);
    assert_eq!(set(&store, 1, 2, None, at(11)).await, RoleSet::Unknown);
    let back = member(1, 2, Role::Viewer, at(20));
    assert_eq!(set(&store, 1, 2, Some(Role::Viewer), at(20)).await, RoleSet::Done(back.clone()));
    assert_eq!(store.members(workspace(1)).await.expect("a list"), [member(1, 1, Role::Owner, at(0)), back]);
}

/// Of [`RoleSet::Unknown`].
pub async fn who_is_no_user_is_no_member(store: Store) {
    proposed(&store, &user(1)).await;
    for role in [Some(Role::Owner), Some(Role::Viewer), None] {
        assert_eq!(set(&store, 1, 9, role, at(0)).await, RoleSet::Unknown);
        assert_eq!(role_of(&store, 1, 9).await, None);
    }
    assert_eq!(set(&store, 1, 1, None, at(0)).await, RoleSet::Unknown, "a user, and no member");
    assert_eq!(store.members(workspace(1)).await.expect("a list"), []);
    proposed(&store, &user(9)).await;
    assert!(matches!(set(&store, 1, 9, Some(Role::Owner), at(0)).await, RoleSet::Done(_)));
}

/// Of [`MemberStore::members`](crate::members::MemberStore::members).
pub async fn members_are_listed_the_longest_first(store: Store) {
    for (n, since) in [(1, 30), (2, 10), (3, 20)] {
        proposed(&store, &user(n)).await;
        set(&store, 1, n, Some(Role::Owner), at(since)).await;
    }
    let listed = store.members(workspace(1)).await.expect("a list");
    assert_eq!(listed, [(2, 10), (3, 20), (1, 30)].map(|(n, since)| member(1, n, Role::Owner, at(since))));
}

/// Of [`MemberStore::memberships`](crate::members::MemberStore::memberships).
pub async fn memberships_are_listed_the_longest_first(store: Store) {
    for n in [1, 2] {
        proposed(&store, &user(n)).await;
    }
    for (place, since) in [(1, 30), (2, 10), (3, 20)] {
        set(&store, place, 1, Some(Role::Editor), at(since)).await;
    }
    set(&store, 1, 2, Some(Role::Editor), at(0)).await;
    let listed = store.memberships(user_id(1)).await.expect("a list");
    assert_eq!(listed, [(2, 10), (3, 20), (1, 30)].map(|(place, since)| member(place, 1, Role::Editor, at(since))));
    assert_eq!(store.memberships(user_id(9)).await.expect("a list"), []);
}

/// Clause 2: a proposal is seen wherever its user is.
pub async fn a_member_shows_the_user_as_they_are_now(store: Store) {
    with_members(&store, &[(1, Role::Owner)]).await;
    assert_eq!(role_of(&store, 1, 1).await, Some(Role::Owner));
    let named = User { name: Some("new".to_owned()), signed_in_at: Some(at(50)), ..user(1) };
    assert_eq!(proposed(&store, &named).await, named);
    let found = store.member(workspace(1), user_id(1)).await.expect("a look").expect("a member");
    assert_eq!(found.user, named);
    assert_eq!(store.members(workspace(1)).await.expect("a list"), std::slice::from_ref(&found));
    assert_eq!(store.memberships(user_id(1)).await.expect("a list"), [found]);
}

/// Clause 5.
pub async fn another_workspaces_members_are_not_there(store: Store) {
    with_members(&store, &[(1, Role::Owner), (2, Role::Viewer)]).await;
    assert!(matches!(set(&store, 2, 2, Some(Role::Owner), at(9)).await, RoleSet::Done(_)));
    assert_eq!(role_of(&store, 2, 1).await, None);
    assert_eq!((role_of(&store, 1, 2).await, role_of(&store, 2, 2).await), (Some(Role::Viewer), Some(Role::Owner)));
    assert_eq!(store.members(workspace(2)).await.expect("a list"), [member(2, 2, Role::Owner, at(9))]);
    assert_eq!(store.members(workspace(1)).await.expect("a list").len(), 2);
    assert_eq!(store.members(workspace(3)).await.expect("a list"), []);
    assert_eq!(set(&store, 2, 1, None, at(9)).await, RoleSet::Unknown);
    assert_eq!(set(&store, 1, 2, None, at(9)).await, RoleSet::Done(member(1, 2, Role::Viewer, at(0))));
    assert_eq!(role_of(&store, 2, 2).await, Some(Role::Owner));
}
