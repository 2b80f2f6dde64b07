//! Somebody has Redis forget everything.

use std::io;
use std::time::Instant;

use super::drill::{Toll, drill};
use super::nodes::{Cluster, Plan};

#[test]
fn redis_with_limits_and_word_forgets_everything() {
    drill(Plan::REDIS_WITHOUT_EVENTS, Toll::Patience, flush);
}

#[test]
fn redis_with_events_forgets_everything() {
    drill(Plan::REDIS, Toll::Log, flush);
}

fn flush(cluster: &mut Cluster) -> io::Result<Instant> {
    cluster.redis().flush_all()?;
    Ok(Instant::now())
}
