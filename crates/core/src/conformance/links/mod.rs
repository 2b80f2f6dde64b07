//! The cases of [`crate::links::LinkStore`], and of the transaction that it shares with the outbox and the
//! keyed answers.

mod expiry;
mod filters;
mod keyed;
mod listing;
mod names;
mod paging;
mod walls;
mod writes;

use super::suite::suite;

suite! {
    /// Proves a [`crate::links::LinkStore`], given with its neighbours as
    /// [`crate::conformance::Stores`].
    links as __links_suite {
        names:
            a_link_is_kept_as_it_was_given,
            a_taken_slug_is_refused,
            of_many_who_race_for_a_slug_one_wins,
            a_deleted_link_frees_its_slug,
            the_same_slug_under_two_domains_is_two_names,
            slugs_differ_by_case,
            a_slug_is_unique_across_workspaces;
        writes:
            a_change_and_its_event_commit_together,
            a_change_without_an_event_tells_nothing,
            events_of_a_write_leave_in_the_order_of_its_changes,
            one_refused_change_undoes_all,
            each_change_stands_for_itself_where_it_may,
            changes_apply_in_order,
            undoing_brings_back_what_was_updated_and_deleted,
            an_update_takes_effect,
            an_update_of_a_stale_version_is_refused,
            of_many_who_update_one_version_one_wins,
            a_delete_of_a_stale_version_is_refused,
            a_missing_row_is_not_found,
            an_update_does_not_touch_admitted_and_clicks,
            an_empty_write_commits;
        keyed:
            the_answer_is_kept_with_the_change,
            the_answer_is_made_once_from_every_outcome,
            a_refusal_is_answered_too,
            a_refused_change_among_others_is_answered_with_all_outcomes,
            no_answer_leaves_the_lease_as_it_is,
            a_superseded_lease_changes_nothing,
            a_released_lease_changes_nothing,
            a_spent_lease_changes_nothing,
            of_many_writes_under_one_lease_one_is_made;
        listing:
            every_sort_is_a_total_order_by_key_and_id,
            slugs_are_sorted_by_code_points,
            ties_are_broken_by_id_across_pages,
            the_last_page_says_so,
            an_empty_listing_is_one_empty_page;
        paging:
            rows_that_come_and_go_between_pages_hide_no_other,
            rows_that_come_and_go_meanwhile_hide_no_other,
            an_anchor_outlives_its_row;
        filters:
            texts_match_literally_and_in_either_ascii_case,
            tags_match_whole_and_exactly,
            domains_and_destinations_match_exactly,
            times_exclude_their_own_moment,
            conditions_hold_together,
            filters_hold_across_pages;
        walls:
            get_does_not_see_another_workspace,
            list_does_not_see_another_workspace,
            find_serves_every_workspace,
            another_workspaces_row_is_not_found_by_a_change;
        expiry:
            due_lists_what_expired_oldest_first,
            an_expiry_is_told_until_it_is_marked,
            an_expiry_is_marked_by_one_of_many,
            a_mark_is_no_edit,
            a_mark_for_a_stale_version_is_refused,
            an_expiry_that_moves_is_told_again,
            an_edit_that_leaves_the_expiry_tells_nothing_again,
            a_refused_mark_among_all_undoes_the_others;
    }
}

use crate::conformance::Stores;
use crate::events::Event;
use crate::links::{Atomicity, Change, Link, LinkWrite, Outcome, Written};

/// Commits, and expects not to be superseded.
async fn committed(stores: &Stores, write: LinkWrite<'_>) -> Vec<Outcome> {
    match stores.links.write(write).await.expect("a write") {
        Written::Committed(outcomes) => outcomes,
        Written::Superseded => panic!("no lease was lost"),
    }
}

/// Commits one change without an event.
async fn changed(stores: &Stores, change: Change) -> Outcome {
    let write = LinkWrite { changes: vec![(change, None)], atomicity: Atomicity::All, keyed: None };
    committed(stores, write).await.pop().expect("an outcome for the change")
}

/// Inserts links that are known to be free.
pub(super) async fn inserted(stores: &Stores, links: &[Link]) {
    let changes = links.iter().map(|link| (Change::Insert(Box::new(link.clone())), None)).collect();
    let outcomes = committed(stores, LinkWrite { changes, atomicity: Atomicity::All, keyed: None }).await;
    assert_eq!(outcomes, vec![Ok(()); links.len()]);
}

/// What is in the outbox. Claims it, so it is looked at once, at the end of a case.
pub(super) async fn told(stores: &Stores) -> Vec<Event> {
    let (now, lease) = (super::fixtures::at(0), super::fixtures::seconds(1));
    let entries = stores.outbox.claim(1_000, now, lease).await.expect("a claim");
    entries.into_iter().map(|entry| entry.event).collect()
}

/// The link as it is kept now.
pub(super) async fn kept(stores: &Stores, link: &Link) -> Option<Link> {
    stores.links.get(link.workspace, link.id).await.expect("a look")
}
