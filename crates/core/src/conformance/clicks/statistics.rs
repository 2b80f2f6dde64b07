//! Clauses 3, 4 and 6: what roll-ups answer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::counting::clicks;
use super::{appended, query, stats};
use crate::clicks::{Class, Click, Counts, Facet, Group, Interval, Stats, StatsQuery};
use crate::conformance::Stores;
use crate::conformance::fixtures::{at, click, link, workspace};
use crate::conformance::links::{inserted, kept};
use crate::links::Link;

const INTERVALS: [Interval; 4] = [Interval::Hour, Interval::Day, Interval::Week, Interval::Month];

fn sum(counts: impl IntoIterator<Item = Counts>) -> Counts {
    counts.into_iter().fold(Counts::default(), |mut sum, counts| {
        sum += counts;
        sum
    })
}

fn counts<'a>(clicks: impl IntoIterator<Item = &'a Click>) -> Counts {
    clicks.into_iter().fold(Counts::default(), |mut sum, click| {
        sum.add(click.class);
        sum
    })
}

async fn with_clicks(stores: &Stores, count: u64) -> (Link, Vec<Click>) {
    let link = link(1);
    inserted(stores, std::slice::from_ref(&link)).await;
    let clicks = clicks(&link, count);
    for batch in clicks.chunks(37) {
        appended(stores, batch).await;
    }
    (link, clicks)
}

/// Clause 4.
pub async fn counted_is_human_and_bot_and_duplicate(stores: Stores) {
    let (link, _) = with_clicks(&stores, 100).await;
    let total = stats(&stores, &query(&link, Interval::Day, None)).await.total;
    assert_eq!(total, Counts { human: 60, bot: 20, duplicate: 20 });
    assert_eq!(kept(&stores, &link).await.map(|link| link.clicks), Some(total.counted()));
}

/// Clause 4: in every bucket of every width, against a sum over the clicks themselves.
pub async fn every_series_adds_up_to_the_total(stores: Stores) {
    let (link, clicks) = with_clicks(&stores, 300).await;
    for interval in INTERVALS {
        let found = stats(&stores, &query(&link, interval, None)).await;
        let mut expected = BTreeMap::<_, Counts>::new();
        for click in &clicks {
            expected.entry(interval.floor(click.at)).or_default().add(click.class);
        }
        let series: Vec<_> = found.series.iter().map(|bucket| (bucket.start, bucket.counts)).collect();
        assert_eq!(
            series,
            expected.into_iter().collect::<Vec<_>>(),
            "oldest first, without empty buckets: {interval:?}"
        );
        assert_eq!(sum(found.series.iter().map(|bucket| bucket.counts)), found.total);
        assert_eq!(found.groups, []);
    }
}

/// Clause 4: by every facet, those without a value included.
pub async fn every_facet_adds_up_to_the_total(stores: Stores) {
    let (link, clicks) = with_clicks(&stores, 300).await;
    for facet in Facet::ALL {
        let found = stats(&stores, &query(&link, Interval::Day, Some(facet))).await;
        let mut expected = BTreeMap::<Option<String>, Counts>::new();
        for click in &clicks {
            let visitor = &click.visitor;
            let value = match facet {
                Facet::Country => visitor.country.map(|country| country.as_str().to_owned()),
                Facet::Referrer => visitor.referrer.as_deref().map(str::to_owned),
                Facet::Browser => visitor.browser.as_deref().map(str::to_owned),
                Facet::Os => visitor.os.as_deref().map(str::to_owned),
                Facet::Device => visitor.device.as_deref().map(str::to_owned),
            };
            expected.entry(value).or_default().add(click.class);
        }
        let groups: BTreeMap<_, _> = found.groups.iter().map(|group| (group.value.clone(), group.counts)).collect();
        assert_eq!(groups.len(), found.groups.len(), "each value once");
        assert_eq!(groups, expected, "{facet:?}");
        assert_eq!(sum(groups.into_values()), found.total);
    }
}

/// Of [`StatsQuery`]: `from` is brought down to the hour, `to` up to it.
pub async fn a_range_covers_whole_hours(stores: Stores) {
    let (link, clicks) = with_clicks(&stores, 300).await;
    let hour = |n: i64| at(n * 3_600);
    let minutes = |n: u64| Duration::from_secs(n * 60);
    for (from, to, first, last) in [
        (hour(10), hour(20), 10, 20),
        (hour(10) + minutes(59), hour(19) + minutes(1), 10, 20),
        (hour(20), hour(20), 20, 20),
        (hour(20) + minutes(10), hour(20) + minutes(20), 20, 21),
        (hour(0), hour(24 * 7), 0, 24 * 7),
    ] {
        let within = clicks.iter().filter(|click| click.at >= hour(first) && click.at < hour(last));
        let found = stats(&stores, &StatsQuery { from, to, ..query(&link, Interval::Hour, None) }).await;
        assert_eq!(found.total, counts(within), "{from} to {to}");
        assert_eq!(sum(found.series.iter().map(|bucket| bucket.counts)), found.total);
    }
}

/// Of [`Stats::groups`]: by all that was counted, as many as were asked for.
pub async fn groups_are_the_largest_first(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let browsers = [("Firefox", 5), ("Safari", 9), ("Edge", 2), ("", 7), ("Lynx", 1)];
    let mut clicks = Vec::new();
    for (browser, count) in browsers {
        for _ in 0..count {
            let class = if clicks.len() % 2 == 0 { Class::Human } else { Class::Bot };
            let mut click = click(clicks.len() as u64, &link, class, at(0));
            click.visitor.browser = (!browser.is_empty()).then(|| browser.into());
            clicks.push(click);
        }
    }
    appended(&stores, &clicks).await;
    let ask = StatsQuery { groups: 3, ..query(&link, Interval::Day, Some(Facet::Browser)) };
    let groups = stats(&stores, &ask).await.groups;
    let found: Vec<_> = groups.iter().map(|Group { value, counts }| (value.as_deref(), counts.counted())).collect();
    assert_eq!(found, [(Some("Safari"), 9), (None, 7), (Some("Firefox"), 5)]);
}

/// Of [`StatsQuery::group_by`].
pub async fn groups_cover_whole_days(stores: Stores) {
    let (link, clicks) = with_clicks(&stores, 300).await;
    let day = 86_400;
    let ask =
        StatsQuery { from: at(day + 7_200), to: at(2 * day + 60), ..query(&link, Interval::Hour, Some(Facet::Device)) };
    let found = stats(&stores, &ask).await;
    let within = clicks.iter().filter(|click| click.at >= at(day) && click.at < at(3 * day));
    assert_eq!(sum(found.groups.iter().map(|group| group.counts)), counts(within));
}

/// Clause 3: retention removes clicks, not what they add up to.
pub async fn totals_outlive_the_clicks(stores: Stores) {
    let (link, clicks) = with_clicks(&stores, 100).await;
    let ask = query(&link, Interval::Day, Some(Facet::Country));
    let before = stats(&stores, &ask).await;
    assert_eq!(before.total, counts(&clicks));
    assert_eq!(stores.clicks.forget(at(100 * 86_400), 1_000).await.expect("a number"), 100);
    assert_eq!(stats(&stores, &ask).await, before);
    assert_eq!(kept(&stores, &link).await.map(|link| link.clicks), Some(100));
}

/// Clause 6.
pub async fn another_workspaces_statistics_are_empty(stores: Stores) {
    let (link, _) = with_clicks(&stores, 50).await;
    for interval in INTERVALS {
        let ask = StatsQuery { workspace: workspace(2), ..query(&link, interval, Some(Facet::Country)) };
        assert_eq!(stats(&stores, &ask).await, Stats::default());
    }
}

/// Clause 4, of two links.
pub async fn links_do_not_share_statistics(stores: Stores) {
    let links = [link(1), link(2), link(3)];
    inserted(&stores, &links).await;
    let clicks: Vec<_> = (0..30)
        .map(|n| click(n, &links[usize::from(n % 3 == 0)], Class::Human, at(3_600 * i64::try_from(n).expect("small"))))
        .collect();
    appended(&stores, &clicks).await;
    for (link, count) in links.iter().zip([20, 10, 0]) {
        for facet in Facet::ALL {
            let found = stats(&stores, &query(link, Interval::Hour, Some(facet))).await;
            assert_eq!(found.total, Counts { human: count, bot: 0, duplicate: 0 });
            assert_eq!(sum(found.groups.iter().map(|group| group.counts)), found.total);
        }
    }
}
