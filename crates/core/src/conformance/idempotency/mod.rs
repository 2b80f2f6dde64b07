//! The cases of [`crate::idempotency::IdempotencyStore`].
//!
//! That a link write carries its answer along is a law of [`crate::links::LinkStore`], proved with
//! [`links`](super::links).

mod answers;
mod leases;

use super::suite::suite;

suite! {
    /// Proves an [`crate::idempotency::IdempotencyStore`], given in an `Arc`.
    idempotency as __idempotency_suite {
        leases:
            of_a_hundred_claims_one_is_granted,
            a_busy_key_says_when_to_come_back,
            expired_lease_can_be_retaken,
            of_many_who_retake_an_expired_lease_one_is_granted,
            swept_and_expired_cannot_be_told_apart,
            a_superseded_lease_cannot_complete,
            a_superseded_lease_cannot_release,
            a_released_lease_is_as_if_never_granted,
            a_released_lease_cannot_complete,
            sweep_takes_only_what_is_over,
            sweep_keeps_to_its_limit;
        answers:
            the_answer_is_replayed_byte_for_byte,
            an_empty_answer_is_replayed,
            an_answer_is_over_at_its_moment,
            a_spent_lease_cannot_answer_again,
            another_request_under_a_running_key_is_a_mismatch,
            another_request_under_an_answered_key_is_a_mismatch,
            a_key_that_is_over_may_stand_for_another_request,
            the_same_key_in_two_workspaces_is_two_keys,
            keys_differ_by_case;
    }
}
