//! That what was filled in is what the port would have counted.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};
use waypost::clicks::{Bucket, ClickStore as _, Counts, Facet, Interval, StatsQuery, Tallies};

use crate::Outcome;
use crate::scene::{self, DAYS, LINKS, Scene};

/// Every how manieth link is compared; the first among them.
const STEP: u64 = 97;
/// Clicks of one page.
const PAGE: usize = 5_000;

/// Reads a day of clicks through the port, adds them up, and compares that with the port's statistics.
pub(super) async fn prove(scene: &Scene) -> Outcome<Value> {
    let store = scene.store().await?;
    let day = DAYS / 2;
    let begun = Instant::now();
    let (mut clicks, last) = (Vec::new(), (day + 1) * scene.daily());
    while (clicks.len() as u64) < scene.daily() {
        let after = scene.click_id(last - scene.daily() + clicks.len() as u64 - 1);
        clicks.extend(store.list(scene::workspace(), Some(after), PAGE).await?);
    }
    let read = clicks.len() as f64 / begun.elapsed().as_secs_f64();
    clicks.truncate(usize::try_from(scene.daily())?);
    let tallies = Tallies::of(&clicks);
    let mut compared = 0;
    for link in (0..LINKS).step_by(usize::try_from(STEP)?).map(scene::link) {
        for facet in Facet::ALL {
            let query = StatsQuery {
                workspace: scene::workspace(),
                link,
                from: scene::day(day),
                to: scene::day(day + 1),
                interval: Interval::Hour,
                group_by: Some(facet),
                groups: usize::MAX,
            };
            let found = store.stats(&query).await?;
            let hours = tallies.hours.iter().filter(|((of, _), _)| *of == link);
            let hours: Vec<_> = hours.map(|((_, start), counts)| Bucket { start: *start, counts: *counts }).collect();
            let facets = tallies.facets.iter().filter(|((of, by, ..), _)| (*of, *by) == (link, facet));
            let facets: BTreeMap<_, Counts> =
                facets.map(|((.., value), counts)| (value.to_string(), *counts)).collect();
            let groups = found.groups.into_iter().map(|group| (group.value.unwrap_or_default(), group.counts));
            if found.series != hours || groups.collect::<BTreeMap<_, _>>() != facets {
                return Err(format!("{link} by {} is not what its clicks add up to", facet.as_str()).into());
            }
            compared += hours.len() + facets.len();
        }
    }
    println!("{compared} sums are what {} clicks add up to; read at {read:.0} clicks/s through the port", clicks.len());
    Ok(json!({ "clicks": clicks.len(), "sums": compared, "read_per_second": read }))
}
