//! The cases of [`crate::webhooks::DeliveryQueue`] and [`crate::webhooks::DeliveryLog`], and those of
//! [`crate::webhooks::WebhookStore`] that concern them and the outbox.

mod again;
mod changing;
mod claiming;
mod making;
mod order;
mod reading;
mod refilling;
mod retention;
mod scene;
mod settling;
mod waking;

use super::suite::suite;

suite! {
    /// Proves the ports of webhooks, given as [`Deliveries`](crate::conformance::Deliveries).
    deliveries as __deliveries_suite {
        making:
            what_was_enqueued_is_claimed_as_it_was,
            a_delivery_is_made_once,
            one_that_arrived_is_not_made_again,
            one_that_was_given_up_is_not_made_again,
            one_of_an_endpoint_that_is_not_there_is_not_made,
            an_event_is_owed_to_each_of_its_endpoints,
            a_large_batch_is_made_whole,
            of_many_who_enqueue_the_same_each_delivery_is_made_once,
            the_backlog_counts_what_is_owed;
        claiming:
            where_nothing_is_owed_nothing_is_claimed,
            a_queue_that_is_held_is_given_to_nobody_else,
            an_ended_lease_is_taken_by_another_under_a_higher_token,
            a_claim_keeps_to_its_room,
            queues_that_have_been_due_for_longest_come_first,
            deliveries_come_as_they_are_due_and_then_as_in_the_log,
            nothing_is_claimed_before_a_pause_is_over,
            a_claim_shows_the_endpoint_as_it_was_changed,
            of_many_who_claim_each_gets_queues_of_its_own;
        refilling:
            a_refill_renews_the_lease,
            a_refill_gives_what_is_due_those_under_way_included,
            a_refill_finds_what_was_enqueued_meanwhile,
            a_queue_that_another_took_is_missing,
            a_queue_that_was_given_back_is_missing,
            a_queue_whose_endpoint_is_gone_is_missing,
            a_refill_shows_the_endpoint_as_it_was_changed;
        settling:
            what_arrived_is_owed_no_more,
            what_is_tried_again_is_due_at_its_moment,
            what_was_given_up_is_owed_no_more_and_says_why,
            a_settlement_without_a_call_keeps_no_attempt,
            a_superseded_settlement_keeps_its_attempts_and_nothing_else,
            the_same_settlement_keeps_an_attempt_once,
            a_settlement_made_again_does_not_touch_what_was_redriven,
            a_settlement_says_which_queues_are_still_held,
            one_settlement_does_not_touch_another_delivery,
            how_an_endpoint_stands_comes_back_with_its_queue,
            a_queue_is_kept_until_it_is_given_back,
            a_queue_given_back_is_claimed_when_the_next_is_due,
            what_comes_in_while_a_queue_is_held_is_claimed_after,
            nothing_is_lost_between_those_who_give_back_and_those_who_enqueue;
        order:
            only_the_first_of_a_key_is_due,
            the_next_of_a_key_is_due_once_the_first_has_arrived,
            the_next_of_a_key_is_due_once_the_first_was_given_up,
            a_retry_holds_up_its_key_and_no_other,
            what_was_redriven_goes_before_those_that_are_not_due,
            what_was_redriven_holds_up_none_that_is_due,
            every_endpoint_has_keys_of_its_own,
            each_key_arrives_in_its_order;
        again:
            one_that_was_given_up_is_owed_from_its_first_attempt,
            one_that_arrived_is_owed_once_more,
            one_that_waits_is_due_now,
            those_that_failed_are_found_by_when_they_were_made,
            those_that_failed_are_found_by_their_types,
            those_that_failed_are_found_by_how_they_failed,
            the_oldest_come_first_up_to_a_limit,
            nothing_of_another_workspace_is_redriven;
        reading:
            the_newest_come_first_in_pages,
            an_anchor_need_not_be_there,
            every_condition_filters,
            nobody_reads_over_the_wall,
            a_delivery_is_told_with_its_attempts_oldest_first,
            calls_are_measured_by_the_hour;
        retention:
            whole_days_are_forgotten_with_their_attempts,
            a_day_of_which_something_is_owed_stays,
            hours_of_days_before_are_forgotten;
        changing:
            an_update_is_made_to_the_version_before_it_alone,
            an_update_keeps_every_field,
            an_update_tells_its_events_if_it_is_made,
            of_many_who_update_one_version_one_does,
            with_an_endpoint_goes_what_is_owed_to_it,
            subscribers_are_the_enabled_endpoints_of_the_workspaces;
        waking:
            wait_returns_after_an_enqueue,
            wait_returns_after_a_redrive;
    }
}
