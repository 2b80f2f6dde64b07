//! The cases of [`crate::outbox::Outbox`].
//!
//! That an entry is there exactly if its transaction was committed is also proved where transactions are, in
//! [`links`](super::links) and [`clicks`](super::clicks).

mod claims;
mod verdicts;

use super::suite::suite;

suite! {
    /// Proves an [`crate::outbox::Outbox`], given in an `Arc`.
    outbox as __outbox_suite {
        claims:
            what_was_appended_is_claimed_as_it_was,
            an_empty_outbox_gives_nothing,
            a_claim_keeps_to_its_limit,
            entries_are_numbered_in_the_order_of_commits,
            a_claimed_entry_is_not_given_to_another,
            an_expired_claim_is_given_again,
            each_entry_goes_to_one_of_many_claimers,
            one_claim_may_hold_several_of_a_key_in_order,
            no_entry_overtakes_a_claimed_one_of_its_key,
            no_entry_overtakes_a_waiting_one_of_its_key,
            entries_of_one_key_leave_in_order_however_many_claim,
            events_without_a_subject_keep_their_workspaces_order,
            wait_returns_after_an_append;
        verdicts:
            ack_removes_the_entry,
            retry_gives_the_entry_back_at_its_moment,
            each_retry_counts_one_attempt,
            a_superseded_verdict_changes_nothing,
            a_verdict_counts_once,
            a_dead_entry_holds_up_nobody,
            dead_entries_are_listed_with_their_reasons,
            redrive_gives_the_dead_back_with_no_attempts,
            redrive_takes_the_oldest_first,
            backlog_counts_what_waits,
            one_verdict_does_not_touch_another_entry;
    }
}
