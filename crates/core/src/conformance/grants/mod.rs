//! The cases of [`crate::grants::GrantStore`].
//!
//! Clause 1, that no text of a token is ever given to the store, is proved by the types: there is no call that takes one.

mod denying;
mod ending;
mod keeping;
mod sweeping;
mod turning;

use std::sync::Arc;

use jiff::Timestamp;

use super::fixtures::{at, workspace};
use super::suite::suite;
use crate::credentials::{Scopes, SecretHash, SecretKind};
use crate::grants::{Grant, GrantStore, GrantToken, Turn};
use crate::ids::{ClientId, GrantId, UserId};

suite! {
    /// Proves a [`crate::grants::GrantStore`], given in an `Arc`.
    grants as __grants_suite {
        keeping:
            a_grant_and_its_token_are_kept_as_they_were_given,
            what_is_not_there_is_not_found,
            under_a_hash_that_is_there_nothing_is_kept,
            under_the_id_of_a_grant_that_is_there_nothing_is_kept,
            of_many_who_open_under_one_hash_one_is_kept,
            live_grants_are_listed_newest_first,
            a_use_is_noted_and_never_goes_back;
        turning:
            a_turned_token_is_used_up_and_its_successor_is_there,
            a_used_token_is_told_so_with_its_moment,
            whether_it_went_on_is_told_by_later_tokens_of_the_same_grant,
            of_many_who_turn_a_token_one_is_done,
            of_many_who_turn_a_token_to_one_successor_one_is_done,
            an_unknown_token_is_not_turned,
            a_token_of_an_ended_grant_is_not_turned,
            a_turn_that_races_with_the_end_comes_before_it_or_not_at_all,
            under_a_successors_hash_that_is_there_nothing_changes;
        ending:
            an_ended_grant_keeps_the_first_moment,
            one_grant_is_ended,
            all_grants_of_a_person_are_ended,
            all_grants_of_a_member_are_ended,
            all_grants_of_a_client_are_ended,
            what_had_expired_is_not_ended,
            of_many_who_end_a_grant_one_is_told_so,
            ends_that_overlap_all_come_through;
        denying:
            a_denied_token_stays_so_until_its_moment,
            a_later_moment_extends_a_denial_and_an_earlier_does_not_shorten_it,
            of_many_denials_of_one_token_the_last_moment_holds;
        sweeping:
            a_sweep_forgets_grants_that_were_over_before_its_moment_and_no_others,
            a_forgotten_grant_takes_its_tokens_along,
            a_token_that_was_over_goes_before_its_grant,
            a_denial_is_forgotten_after_its_end,
            a_sweep_keeps_to_its_limit,
            sweeps_at_once_forget_each_grant_once;
    }
}

type Store = Arc<dyn GrantStore>;

fn grant_id(n: u8) -> GrantId {
    GrantId::from_bytes([n; 16])
}

/// The n-th person.
pub fn user_id(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

/// The n-th client.
pub fn client_id(n: u8) -> ClientId {
    ClientId::from_bytes([n; 16])
}

/// The n-th hash.
pub fn hash(n: u8) -> SecretHash {
    SecretHash([n; 32])
}

/// The n-th grant, of the first person in the first workspace: nothing set that may be left out.
pub fn grant(n: u8) -> Grant {
    let made = at(i64::from(n));
    Grant {
        id: grant_id(n),
        user: user_id(1),
        client: None,
        workspace: workspace(1),
        scopes: Scopes::default(),
        label: String::new(),
        created_at: made,
        used_at: made,
        expires_at: at(10_000),
        ended_at: None,
    }
}

/// The token under the n-th hash, of the grant `of`.
pub fn token(n: u8, of: u8) -> GrantToken {
    GrantToken {
        hash: hash(n),
        kind: SecretKind::Refresh,
        grant: grant_id(of),
        expires_at: at(9_000),
        binding: None,
        used_at: None,
    }
}

/// Opens grants, each with a token under the hash of its own number.
async fn opened(store: &Store, grants: &[Grant]) {
    for grant in grants {
        store.open(grant, &token(grant.id.to_bytes()[0], grant.id.to_bytes()[0])).await.expect("opened");
    }
}

async fn kept(store: &Store, n: u8) -> Option<Grant> {
    store.grant(grant_id(n)).await.expect("a look")
}

async fn found(store: &Store, n: u8) -> Option<(Grant, GrantToken)> {
    store.find(hash(n)).await.expect("a look")
}

/// Turns the token under one hash to a successor under another, of the first grant.
async fn turned(store: &Store, used: u8, successor: u8, now: Timestamp) -> Turn {
    store.turn(hash(used), &token(successor, 1), now).await.expect("an outcome")
}
