//! Clauses 3 and 6: what one workspace sees of another.

use super::listing::{every_sort, listed, query};
use super::{changed, committed, inserted, kept, told};
use crate::conformance::Stores;
use crate::conformance::fixtures::{delete, edited, event, expire, link, plain, update, workspace};
use crate::links::{Atomicity, Link, LinkFilter, LinkQuery, Refusal};

/// Ours are 1 and 3, theirs 2 and 4.
fn two_workspaces() -> Vec<Link> {
    (1..=4).map(|n| Link { workspace: workspace(if n % 2 == 0 { 2 } else { 1 }), ..link(n) }).collect()
}

/// Clause 6.
pub async fn get_does_not_see_another_workspace(stores: Stores) {
    let links = two_workspaces();
    inserted(&stores, &links).await;
    assert_eq!(stores.links.get(workspace(1), links[1].id).await.expect("a look"), None);
    assert_eq!(stores.links.get(workspace(2), links[0].id).await.expect("a look"), None);
    assert_eq!(kept(&stores, &links[1]).await.as_ref(), Some(&links[1]));
}

/// Clause 6: in every order, across pages, with a filter that fits the rows of both.
pub async fn list_does_not_see_another_workspace(stores: Stores) {
    let links = two_workspaces();
    inserted(&stores, &links).await;
    let filter = LinkFilter { text: Some("link".to_owned()), ..LinkFilter::default() };
    for sort in every_sort() {
        for filter in [LinkFilter::default(), filter.clone()] {
            for limit in [1, 10] {
                let ours = LinkQuery { filter: filter.clone(), ..query(sort, limit) };
                let theirs = LinkQuery { workspace: workspace(2), ..ours.clone() };
                let nobodys = LinkQuery { workspace: workspace(3), ..ours.clone() };
                let mut ours = listed(&stores, ours).await;
                let mut theirs = listed(&stores, theirs).await;
                ours.sort();
                theirs.sort();
                assert_eq!((ours, theirs), (vec![links[0].id, links[2].id], vec![links[1].id, links[3].id]));
                assert_eq!(listed(&stores, nobodys).await, []);
            }
        }
    }
}

/// Clause 6: a redirect has no workspace.
pub async fn find_serves_every_workspace(stores: Stores) {
    let links = two_workspaces();
    inserted(&stores, &links).await;
    for link in links {
        assert_eq!(stores.links.find(&link.domain, &link.slug).await.expect("a look"), Some(link));
    }
}

/// Clauses 3 and 6: *not found*, never *stale*, whatever the version; and nothing is told.
pub async fn another_workspaces_row_is_not_found_by_a_change(stores: Stores) {
    let ours = link(1);
    inserted(&stores, std::slice::from_ref(&ours)).await;
    let forged = Link { workspace: workspace(2), ..ours.clone() };
    let newer = edited(&forged);
    for change in
        [update(&newer, ours.version), update(&newer, newer.version), delete(&forged), delete(&newer), expire(&forged)]
    {
        assert_eq!(changed(&stores, change.clone()).await, Err(Refusal::NotFound), "{change:?}");
        let write = plain(Atomicity::Each, vec![(change, Some(event(1, "lnk_a")))]);
        assert_eq!(committed(&stores, write).await, [Err(Refusal::NotFound)]);
    }
    assert_eq!(kept(&stores, &ours).await, Some(ours));
    assert_eq!(told(&stores).await, []);
}
