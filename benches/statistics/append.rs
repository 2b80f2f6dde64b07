//! How fast clicks are counted and told, into a store that is full of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::Outcome;
use crate::scene::{self, DAYS, LINKS, Scene};

/// Hits of a round of the drain.
const BATCH: u64 = 5_000;
/// Between rounds of the teller.
const PAUSE: Duration = Duration::from_millis(50);

/// Has one drain and four append, to all links and to one, while a teller tells of it.
pub(super) async fn measure(scene: &Scene, time: Duration) -> Outcome<Vec<Value>> {
    let mut told = Vec::new();
    let ways = [(1, LINKS), (4, LINKS), (1, 1), (4, 1)];
    for (way, (drains, links)) in (0_u64..).zip(ways) {
        let begun = Instant::now();
        let mut lanes: JoinSet<_> =
            (0..drains).map(|lane| append(scene.clone(), way * 4 + lane, links, time)).collect();
        let is_over = Arc::new(AtomicBool::new(false));
        let teller = tokio::spawn(tell(scene.clone(), is_over.clone()));
        let mut counted = 0;
        while let Some(lane) = lanes.join_next().await {
            counted += lane??;
        }
        let seconds = begun.elapsed().as_secs_f64();
        is_over.store(true, Ordering::SeqCst);
        let events = teller.await??;
        let rate = counted as f64 / seconds;
        let events = events as f64 / seconds;
        println!("{drains} drains to {links} links: {rate:.0} clicks/s, {events:.0} events/s tell of them");
        told.push(json!({ "drains": drains, "links": links, "clicks_per_second": rate, "events_per_second": events }));
    }
    Ok(told)
}

/// What one teller tells until all is over, as if every batch woke it.
async fn tell(scene: Scene, is_over: Arc<AtomicBool>) -> Outcome<u64> {
    let store = scene.store().await?;
    let mut told = 0;
    while !is_over.load(Ordering::SeqCst) {
        told += scene::tell(&store).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(told)
}

/// What one drain counts in `time`, on a node of its own: clicks of this moment, which nobody has counted yet.
async fn append(scene: Scene, lane: u64, links: u64, time: Duration) -> Outcome<u64> {
    let store = scene.store().await?;
    let begun = Instant::now();
    let (mut counted, mut number) = (0, scene.clicks + DAYS + lane * 1_000_000_000);
    while begun.elapsed() < time {
        let clicks: Vec<_> = (number..number + BATCH)
            .map(|n| {
                let at = scene::day(DAYS) + Duration::from_millis(n % 3_600_000);
                scene::click(scene.click_id(n), scene::link(n.wrapping_mul(7_919) % links), at)
            })
            .collect();
        counted += scene::append(&store, &clicks).await?;
        number += BATCH;
    }
    Ok(counted)
}
