//! Values that PostgreSQL's types do not hold are asked for all the same, and are no fault.

use jiff::Timestamp;
use waypost_core::conformance::fixtures::{insert, link, plain, workspace};
use waypost_core::limits::{Algorithm, Policy, RateLimiter as _};
use waypost_core::links::{Atomicity, LinkFilter, LinkQuery, LinkSort, LinkStore as _};
use waypost_core::page::Limit;

use super::database;
use crate::postgres::{PostgresLinkStore, PostgresRateLimiter};

#[tokio::test]
async fn filters_that_no_row_can_fulfil_and_moments_before_all_others_are_answered() {
    let (db, _schema) = database().await;
    let links = PostgresLinkStore::new(&db);
    links.write(plain(Atomicity::All, vec![(insert(&link(1)), None)])).await.unwrap();
    let found = async |filter| {
        let (workspace, sort) = (workspace(1), LinkSort::default());
        let query = LinkQuery { workspace, filter, sort, after: None, limit: Limit::MAX };
        links.list(&query).await.unwrap().rows.len()
    };
    let nul = Some("link\0".to_owned());
    assert_eq!(found(LinkFilter { text: nul.clone(), ..LinkFilter::default() }).await, 0);
    assert_eq!(found(LinkFilter { destination: nul, ..LinkFilter::default() }).await, 0);
    assert_eq!(found(LinkFilter { created_after: Some(Timestamp::MIN), ..LinkFilter::default() }).await, 1);
    assert_eq!(found(LinkFilter { created_before: Some(Timestamp::MIN), ..LinkFilter::default() }).await, 0);
    assert_eq!(found(LinkFilter { created_before: Some(Timestamp::MAX), ..LinkFilter::default() }).await, 1);
}

#[tokio::test]
async fn a_limit_counts_under_any_text() {
    let (db, _schema) = database().await;
    let limiter = PostgresRateLimiter::new(&db);
    let policy = Policy::new("one", Algorithm::FixedWindow, 1, std::time::Duration::from_secs(60)).unwrap();
    for key in ["a", "a\0", "\0"] {
        let ask = || limiter.decide(&policy, key, 1, link(1).created_at);
        assert!(ask().await.unwrap().is_allowed() && !ask().await.unwrap().is_allowed(), "{key:?}");
    }
}
