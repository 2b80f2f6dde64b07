//! The network between both nodes and a server fails for half a minute: it refuses, or it swallows.

use std::time::{Duration, Instant};

use super::drill::{Toll, drill, lasting};
use super::nodes::Plan;
use crate::support::proxy::Mode;

/// How long the network fails.
const FAILING: Duration = Duration::from_secs(30);

#[test]
fn postgres_is_cut_off() {
    postgres(Mode::Cut);
}

#[test]
fn postgres_falls_silent() {
    postgres(Mode::BlackHole);
}

#[test]
fn redis_is_cut_off() {
    redis(Mode::Cut);
}

#[test]
fn redis_falls_silent() {
    redis(Mode::BlackHole);
}

fn postgres(mode: Mode) {
    let plan = Plan { proxies: true, ..Plan::POSTGRES };
    drill(plan, Toll::Patience, |cluster| {
        cluster.to_postgres().set(mode)?;
        lasting(FAILING);
        cluster.to_postgres().heal()?;
        Ok(Instant::now())
    });
}

fn redis(mode: Mode) {
    let plan = Plan { proxies: true, ..Plan::REDIS };
    drill(plan, Toll::Patience, |cluster| {
        cluster.to_redis().set(mode)?;
        lasting(FAILING);
        cluster.to_redis().heal()?;
        Ok(Instant::now())
    });
}
