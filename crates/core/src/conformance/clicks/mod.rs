//! The cases of [`crate::clicks::ClickStore`].

mod admission;
mod counting;
mod single;
mod statistics;
mod telling;

use super::suite::suite;

suite! {
    /// Proves a [`crate::clicks::ClickStore`], given with its neighbours as
    /// [`crate::conformance::Stores`].
    clicks as __clicks_suite {
        counting:
            a_click_counts_once,
            a_click_that_is_twice_in_one_batch_counts_once,
            a_replay_that_is_split_otherwise_counts_nothing,
            of_many_who_append_the_same_clicks_each_click_counts_once,
            an_append_leaves_the_outbox_alone,
            a_links_own_count_follows,
            an_empty_batch_counts_nothing;
        admission:
            of_a_thousand_who_race_ten_are_let_through,
            a_look_takes_nothing,
            a_link_without_a_limit_admits_everybody,
            a_link_that_is_gone_admits_nobody,
            links_have_limits_of_their_own,
            a_limit_that_is_edited_holds_at_once;
        statistics:
            counted_is_human_and_bot_and_duplicate,
            every_series_adds_up_to_the_total,
            every_facet_adds_up_to_the_total,
            a_range_covers_whole_hours,
            groups_are_the_largest_first,
            groups_cover_whole_days,
            totals_outlive_the_clicks,
            another_workspaces_statistics_are_empty,
            links_do_not_share_statistics;
        single:
            clicks_are_listed_in_the_order_of_their_ids,
            clicks_of_another_workspace_are_not_listed,
            forget_removes_what_is_older,
            forget_that_stays_below_its_limit_is_done;
        telling:
            what_was_counted_is_told_once,
            a_replay_owes_nothing,
            what_is_told_adds_up_to_the_total_class_by_class,
            of_many_who_tell_and_append_at_once_each_click_is_told_once,
            a_link_that_was_deleted_is_told,
            events_commit_with_what_they_tell_of,
            a_quiet_link_is_told_at_once,
            a_busy_link_is_told_no_more_often_than_it_should,
            links_wait_each_for_itself,
            a_clock_that_was_set_back_holds_nobody_up,
            whoever_does_not_want_to_wait_is_told_all,
            a_call_tells_of_so_many_links_and_of_the_rest_later;
    }
}

use crate::clicks::{Appended, Click, Facet, Interval, Stats, StatsQuery};
use crate::conformance::Stores;
use crate::conformance::fixtures::at;
use crate::links::Link;

async fn appended(stores: &Stores, clicks: &[Click]) -> Appended {
    stores.clicks.append(clicks).await.expect("appended")
}

/// A question about the first hundred days of `link`.
fn query(link: &Link, interval: Interval, group_by: Option<Facet>) -> StatsQuery {
    StatsQuery {
        workspace: link.workspace,
        link: link.id,
        from: at(0),
        to: at(100 * 86_400),
        interval,
        group_by,
        groups: 1_000,
    }
}

async fn stats(stores: &Stores, query: &StatsQuery) -> Stats {
    stores.clicks.stats(query).await.expect("statistics")
}
