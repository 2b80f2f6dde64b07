//! Single clicks, for export and until retention removes them.

use super::appended;
use super::counting::clicks;
use crate::clicks::{Class, Click, ClickId, Country};
use crate::conformance::Stores;
use crate::conformance::fixtures::{at, click, link, workspace};
use crate::conformance::links::inserted;
use crate::ids::WorkspaceId;
use crate::links::Link;

/// Turns pages of `limit` to the end.
async fn listed(stores: &Stores, workspace: WorkspaceId, limit: usize) -> Vec<Click> {
    let mut all = Vec::<Click>::new();
    loop {
        let after: Option<ClickId> = all.last().map(|click| click.id);
        let page = stores.clicks.list(workspace, after, limit).await.expect("a page");
        assert!(page.len() <= limit);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
        assert!(all.len() < 10_000, "the listing has no end");
    }
}

/// Of [`ClickStore::list`](crate::clicks::ClickStore::list): whole, whatever the order they came in.
pub async fn clicks_are_listed_in_the_order_of_their_ids(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let mut clicks = clicks(&link, 40);
    clicks[3].visitor.country = Country::new("SE");
    clicks[3].visitor.os = Some("日本 OS".into());
    let (early, late) = clicks.split_at(17);
    appended(&stores, late).await;
    appended(&stores, early).await;
    for limit in [1, 7, 100] {
        assert_eq!(listed(&stores, workspace(1), limit).await, clicks);
    }
}

/// Clause 6, of single clicks.
pub async fn clicks_of_another_workspace_are_not_listed(stores: Stores) {
    let ours = link(1);
    let theirs = Link { workspace: workspace(2), ..link(2) };
    inserted(&stores, &[ours.clone(), theirs.clone()]).await;
    let clicks: Vec<_> =
        (0..20).map(|n| click(n, if n % 2 == 0 { &ours } else { &theirs }, Class::Human, at(0))).collect();
    appended(&stores, &clicks).await;
    for (workspace, rest) in [(workspace(1), 0), (workspace(2), 1)] {
        let expected: Vec<_> = clicks.iter().skip(rest).step_by(2).cloned().collect();
        assert_eq!(listed(&stores, workspace, 3).await, expected);
    }
    assert_eq!(listed(&stores, workspace(3), 10).await, []);
}

/// Of [`ClickStore::forget`](crate::clicks::ClickStore::forget): by when they were made, the moment itself excluded.
pub async fn forget_removes_what_is_older(stores: Stores) {
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    let clicks: Vec<_> =
        (0..10).map(|n: u64| click(n, &link, Class::Human, at(100 - 10 * i64::try_from(n).expect("small")))).collect();
    appended(&stores, &clicks).await;
    assert_eq!(stores.clicks.forget(at(50), 100).await.expect("a number"), 4);
    assert_eq!(listed(&stores, workspace(1), 100).await, clicks[..6]);
    assert_eq!(stores.clicks.forget(at(50), 100).await.expect("a number"), 0);
}

/// Of [`ClickStore::forget`](crate::clicks::ClickStore::forget): row by row or by the day, and nothing twice.
pub async fn forget_that_stays_below_its_limit_is_done(stores: Stores) {
    const LIMIT: usize = 4;
    let link = link(1);
    inserted(&stores, std::slice::from_ref(&link)).await;
    appended(&stores, &clicks(&link, 40)).await;
    let forget = || async { stores.clicks.forget(at(100 * 86_400), LIMIT).await.expect("a number") };
    let mut forgotten = 0;
    // Each call but the last removes as many at least as the limit says.
    for _ in 0..=40 / LIMIT {
        let removed = forget().await;
        forgotten += removed;
        if removed < LIMIT {
            break;
        }
    }
    assert_eq!(forgotten, 40);
    assert_eq!(listed(&stores, workspace(1), 100).await, []);
    assert_eq!(forget().await, 0);
}
