//! The cases of [`crate::members::MemberStore`].

mod identities;
mod owners;
mod roles;

use std::sync::Arc;

use jiff::Timestamp;

use super::fixtures::{at, workspace};
use super::suite::suite;
use crate::ids::UserId;
use crate::members::{Member, MemberStore, Role, RoleSet, User};

suite! {
    /// Proves a [`crate::members::MemberStore`], given in an `Arc`.
    members as __members_suite {
        identities:
            a_user_is_kept_as_proposed,
            one_identity_is_one_user,
            of_many_who_propose_an_identity_all_are_given_one,
            identities_differ_by_issuer_by_subject_and_by_case,
            what_a_proposal_lacks_stays,
            only_who_signs_in_changes_what_is_known,
            a_sign_in_never_goes_back,
            the_id_of_another_user_is_refused;
        roles:
            a_role_makes_a_member,
            the_last_role_holds_and_since_stays,
            of_many_roles_set_at_once_one_holds,
            a_role_is_taken_away,
            who_is_no_user_is_no_member,
            members_are_listed_the_longest_first,
            memberships_are_listed_the_longest_first,
            a_member_shows_the_user_as_they_are_now,
            another_workspaces_members_are_not_there;
        owners:
            the_last_owner_stays,
            an_owner_beside_another_may_go,
            owners_of_another_workspace_do_not_count,
            a_workspace_that_has_no_owner_needs_none,
            of_two_owners_demoted_at_once_one_stays,
            of_many_owners_who_go_at_once_one_stays;
    }
}

type Store = Arc<dyn MemberStore>;

fn user_id(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

/// The n-th user: nothing set that may be left out.
pub fn user(n: u8) -> User {
    User {
        id: user_id(n),
        issuer: "https://id.example".to_owned(),
        subject: format!("subject-{n}"),
        name: None,
        email: None,
        created_at: at(i64::from(n)),
        signed_in_at: None,
    }
}

fn member(workspace_n: u64, n: u8, role: Role, since: Timestamp) -> Member {
    Member { workspace: workspace(workspace_n), user: user(n), role, since }
}

async fn proposed(store: &Store, user: &User) -> User {
    store.user(user).await.expect("a user")
}

async fn set(store: &Store, workspace_n: u64, n: u8, role: Option<Role>, now: Timestamp) -> RoleSet {
    store.set_role(workspace(workspace_n), user_id(n), role, now).await.expect("an outcome")
}

/// Makes users, and members of the first workspace at the moment 0.
async fn with_members(store: &Store, members: &[(u8, Role)]) {
    for (n, role) in members {
        proposed(store, &user(*n)).await;
        assert_eq!(set(store, 1, *n, Some(*role), at(0)).await, RoleSet::Done(member(1, *n, *role, at(0))));
    }
}

async fn role_of(store: &Store, workspace_n: u64, n: u8) -> Option<Role> {
    store.member(workspace(workspace_n), user_id(n)).await.expect("a look").map(|member| member.role)
}
