//! The cases of [`crate::credentials::CredentialStore`].
//!
//! Clause 1, that no text of a key is ever given to the store, is proved by the types: there is no call that takes one.

mod keys;
mod names;

use super::suite::suite;

suite! {
    /// Proves a [`crate::credentials::CredentialStore`], given in an `Arc`.
    credentials as __credentials_suite {
        keys:
            a_key_is_kept_as_it_was_given,
            a_hash_belongs_to_one_key,
            of_many_who_insert_one_hash_one_wins,
            keys_are_listed_oldest_first,
            a_revoked_key_stays_revoked,
            a_revoked_key_is_not_brought_back_by_an_insert,
            another_workspaces_keys_are_not_there,
            a_use_is_noted;
        names:
            a_secret_is_the_first_that_was_proposed,
            of_many_who_propose_a_secret_all_are_given_one,
            a_workspace_is_the_first_that_was_proposed,
            of_many_who_propose_a_workspace_all_are_given_one,
            names_differ_by_case;
    }
}
