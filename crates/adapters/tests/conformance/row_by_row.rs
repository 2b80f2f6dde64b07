//! What holds for stores that remove clicks one by one, and not for those that keep them by the day.

use waypost_core::clicks::{Class, Click};
use waypost_core::conformance::Stores;
use waypost_core::conformance::fixtures::{at, click, link};

/// Removes neither more nor fewer at once than it was told.
pub(crate) async fn forget_keeps_to_its_limit(stores: &Stores) {
    let link = link(1);
    let clicks: Vec<Click> = (0..10).map(|n| click(n, &link, Class::Human, at(0))).collect();
    stores.clicks.append(&clicks).await.expect("appended");
    let mut forgotten = Vec::new();
    for _ in 0..4 {
        forgotten.push(stores.clicks.forget(at(86_400), 4).await.expect("a number"));
    }
    assert_eq!(forgotten, [4, 4, 2, 0]);
}
