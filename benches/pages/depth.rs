//! What a page costs, by how deep it lies.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};

use crate::options::Options;
use crate::support::load::Load;
use crate::support::server::{ADMIN_KEY, Server};

/// Requests of one page before the other has its turn.
const TURN: u64 = 25;

/// Reads the first and the deep page in turn, in each order; gives the ratio of their medians.
///
/// Each turn has one connection that stays open: the price of connecting, which both pay, would flatter the ratio.
pub(super) fn measure(server: &Server, options: &Options, links: usize) -> io::Result<Vec<Value>> {
    if links < options.page * 100 {
        return Err(io::Error::other(format!("{links} links have no page {}", options.page)));
    }
    ["-created_at", "slug"]
        .into_iter()
        .map(|sort| {
            let first = format!("/v1/links?limit=100&sort={sort}");
            let deep = path_of(server, &first, options.page)?;
            // One turn each to warm up, which counts for nothing.
            turn(server, &first)?;
            turn(server, &deep)?;
            let (mut firsts, mut deeps, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..options.rounds {
                let (first, deep) = (turn(server, &first)?, turn(server, &deep)?);
                firsts.push(first);
                deeps.push(deep);
                ratios.push(deep / first);
            }
            let [(first, ..), (deep, ..), (ratio, least, most)] = [firsts, deeps, ratios].map(spread);
            println!(
                "page 1 by {sort}: {first:.3} ms, page {}: {deep:.3} ms; ratio {ratio:.3} (min {least:.3}, max {most:.3})",
                options.page
            );
            Ok(json!({
                "sort": sort, "page": options.page, "first_ms": first, "deep_ms": deep, "ratio": ratio,
                "min": least, "max": most, "requests": options.rounds as u64 * TURN * 2,
            }))
        })
        .collect()
}

/// The path of that page.
fn path_of(server: &Server, first: &str, page: usize) -> io::Result<String> {
    let (api, mut path) = (server.api(), first.to_owned());
    for number in 1..page {
        let answer = api.get(&path)?.expect(200)?.json();
        let cursor = answer["next_cursor"].as_str();
        let cursor = cursor.ok_or_else(|| io::Error::other(format!("page {number} is the last")))?;
        path = format!("{first}&cursor={cursor}");
    }
    Ok(path)
}

/// The median of one turn, in milliseconds.
fn turn(server: &Server, path: &str) -> io::Result<f64> {
    let report = Load::new(server.address(), [path])
        .connections(1)
        .header("Authorization", &format!("Bearer {ADMIN_KEY}"))
        .for_count(TURN)
        .for_time(Duration::from_secs(60))
        .run()?;
    if report.statuses != [(200, TURN)].into() {
        let (statuses, faults) = (&report.statuses, &report.faults);
        return Err(io::Error::other(format!("pages were refused: {statuses:?}, {faults:?}")));
    }
    Ok(report.latency.p50().as_secs_f64() * 1e3)
}

/// Median, least and most.
fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    (figures[figures.len() / 2], figures[0], figures[figures.len() - 1])
}
