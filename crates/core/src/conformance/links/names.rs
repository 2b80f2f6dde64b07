//! Clause 1: one link a name. And what is kept under it.

use super::{changed, inserted, kept, told};
use crate::conformance::Stores;
use crate::conformance::fixtures::{delete, event, full_link, insert, link, link_id, plain, slug, workspace};
use crate::conformance::race;
use crate::links::{Atomicity, Domain, Link, Refusal, Written};

/// Clause 1, before all: every field comes back, whether it is set or not.
pub async fn a_link_is_kept_as_it_was_given(stores: Stores) {
    let (bare, full) = (link(1), full_link(2));
    inserted(&stores, &[bare.clone(), full.clone()]).await;
    for link in [bare, full] {
        assert_eq!(kept(&stores, &link).await, Some(link.clone()));
        let found = stores.links.find(&link.domain, &link.slug).await.expect("a look");
        assert_eq!(found, Some(link));
    }
    assert_eq!(stores.links.get(workspace(1), link_id(3)).await.expect("a look"), None);
    assert_eq!(stores.links.find(&Domain::main(), &slug("nowhere")).await.expect("a look"), None);
}

/// Clause 1: the first stays as it is.
pub async fn a_taken_slug_is_refused(stores: Stores) {
    let first = link(1);
    inserted(&stores, std::slice::from_ref(&first)).await;
    let second = Link { slug: first.slug.clone(), ..link(2) };
    assert_eq!(changed(&stores, insert(&second)).await, Err(Refusal::SlugTaken));
    assert_eq!(kept(&stores, &second).await, None);
    assert_eq!(stores.links.find(&first.domain, &first.slug).await.expect("a look"), Some(first));
}

/// Clause 1: and only the winner is told of.
pub async fn of_many_who_race_for_a_slug_one_wins(stores: Stores) {
    let tries = (0..32).map(|n| {
        let stores = stores.clone();
        async move {
            let link = Link { slug: slug("wanted"), ..link(n) };
            let write = plain(Atomicity::All, vec![(insert(&link), Some(event(n, &link.id.to_string())))]);
            (link, stores.links.write(write).await.expect("a write"))
        }
    });
    let outcomes = race(tries).await;
    let won: Vec<_> = outcomes.iter().filter(|(_, done)| *done == Written::Committed(vec![Ok(())])).collect();
    let lost = Written::Committed(vec![Err(Refusal::SlugTaken)]);
    assert_eq!(won.len(), 1);
    assert_eq!(outcomes.iter().filter(|(_, done)| *done == lost).count(), 31);
    let found = stores.links.find(&Domain::main(), &slug("wanted")).await.expect("a look");
    assert_eq!(found.as_ref(), Some(&won[0].0));
    let subjects: Vec<_> = told(&stores).await.into_iter().map(|event| event.subject).collect();
    assert_eq!(subjects, [Some(won[0].0.id.to_string())]);
}

/// Clause 1.
pub async fn a_deleted_link_frees_its_slug(stores: Stores) {
    let first = link(1);
    let second = Link { slug: first.slug.clone(), ..link(2) };
    inserted(&stores, std::slice::from_ref(&first)).await;
    assert_eq!(changed(&stores, delete(&first)).await, Ok(()));
    assert_eq!(kept(&stores, &first).await, None);
    assert_eq!(stores.links.find(&first.domain, &first.slug).await.expect("a look"), None);
    assert_eq!(changed(&stores, insert(&second)).await, Ok(()));
    assert_eq!(stores.links.find(&first.domain, &first.slug).await.expect("a look"), Some(second));
}

/// Clause 1: unique is the pair.
pub async fn the_same_slug_under_two_domains_is_two_names(stores: Stores) {
    let main = link(1);
    let other = Link { domain: Domain::trusted("go.example.org"), slug: main.slug.clone(), ..link(2) };
    inserted(&stores, &[main.clone(), other.clone()]).await;
    assert_eq!(stores.links.find(&main.domain, &main.slug).await.expect("a look"), Some(main));
    assert_eq!(stores.links.find(&other.domain, &other.slug).await.expect("a look"), Some(other));
}

/// Clause 1: a slug is its code points, nothing less.
pub async fn slugs_differ_by_case(stores: Stores) {
    let slugs = ["Case", "case", "CASE", "straße", "strasse", "é", "e"];
    let links: Vec<_> = slugs.iter().zip(1..).map(|(text, n)| Link { slug: slug(text), ..link(n) }).collect();
    inserted(&stores, &links).await;
    for link in links {
        assert_eq!(stores.links.find(&link.domain, &link.slug).await.expect("a look"), Some(link));
    }
}

/// Clause 1: a name is followed by everybody, so it belongs to one workspace.
pub async fn a_slug_is_unique_across_workspaces(stores: Stores) {
    let ours = link(1);
    let theirs = Link { workspace: workspace(2), slug: ours.slug.clone(), ..link(2) };
    inserted(&stores, &[ours]).await;
    assert_eq!(changed(&stores, insert(&theirs)).await, Err(Refusal::SlugTaken));
}
