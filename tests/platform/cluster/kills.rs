//! A server or a node dies by `kill -9`, and is started again.

use std::io;
use std::time::{Duration, Instant};

use super::drill::{Toll, drill, lasting};
use super::nodes::{Cluster, Plan};

/// How long a server is gone.
const GONE: Duration = Duration::from_secs(3);

#[test]
fn postgres_alone_is_killed_and_comes_back() {
    drill(Plan::POSTGRES, Toll::Patience, postgres);
}

#[test]
fn postgres_beside_redis_is_killed_and_comes_back() {
    drill(Plan::REDIS, Toll::Patience, postgres);
}

#[test]
fn redis_with_limits_and_word_is_killed_and_comes_back() {
    drill(Plan::REDIS_WITHOUT_EVENTS, Toll::Patience, redis);
}

/// A Redis that was restarted may have lost the last events, and then would give their offsets to others. It has not here,
/// but readers cannot know: they are told to begin anew, and find everything.
#[test]
fn redis_with_events_is_killed_and_comes_back() {
    drill(Plan::REDIS, Toll::Place, redis);
}

#[test]
fn nats_with_events_is_killed_and_comes_back() {
    drill(Plan::NATS, Toll::Patience, |cluster| {
        cluster.nats().kill9()?;
        lasting(GONE);
        cluster.nats().restart()?;
        Ok(Instant::now())
    });
}

#[test]
fn a_node_on_postgres_alone_is_killed_and_comes_back() {
    drill(Plan::POSTGRES, Toll::Node, node);
}

#[test]
fn a_node_with_redis_is_killed_and_comes_back() {
    drill(Plan::REDIS, Toll::Node, node);
}

fn postgres(cluster: &mut Cluster) -> io::Result<Instant> {
    cluster.postgres.kill9()?;
    lasting(GONE);
    cluster.postgres.restart()?;
    Ok(Instant::now())
}

fn redis(cluster: &mut Cluster) -> io::Result<Instant> {
    cluster.redis().kill9()?;
    lasting(GONE);
    cluster.redis().restart()?;
    Ok(Instant::now())
}

/// Recovery counts from the kill: the other node never stops, and the platform is whole when this one is back.
fn node(cluster: &mut Cluster) -> io::Result<Instant> {
    cluster.nodes[0].kill9()?;
    let killed = Instant::now();
    cluster.nodes[0].restart()?;
    Ok(killed)
}
