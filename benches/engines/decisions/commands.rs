//! What a Redis server says that it was asked to do.

use redis::aio::ConnectionManager;

use crate::Outcome;

/// What is no part of a decision's way: commands that scripts run inside the server, this question itself, and the
/// heartbeat of a connection that only listens.
const BESIDES: [&str; 5] = ["get", "set", "time", "info", "ping"];

/// How many commands came from outside since the server's start.
pub(super) async fn seen(connection: &mut ConnectionManager) -> Outcome<u64> {
    let told: String = redis::cmd("INFO").arg("commandstats").query_async(connection).await?;
    Ok(told.lines().filter_map(calls).sum())
}

/// Reads a line such as `cmdstat_evalsha:calls=3,usec=…`.
fn calls(line: &str) -> Option<u64> {
    let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
    if BESIDES.contains(&name) { None } else { rest.split(',').next()?.parse().ok() }
}
