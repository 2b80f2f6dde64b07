//! PostgreSQL is away for a minute.

use std::time::{Duration, Instant};

use super::drill::{Toll, drill, lasting};
use super::nodes::Plan;

/// How long it is away.
const AWAY: Duration = Duration::from_secs(60);

/// That no follow fails or is slow, and that every click is counted afterwards, holds after each fault; here it is given
/// time to fail: for beliefs to end, for queues to fill.
#[test]
fn known_links_are_followed_while_postgres_is_away_for_a_minute() {
    drill(Plan::POSTGRES, Toll::Patience, |cluster| {
        cluster.postgres.kill9()?;
        lasting(AWAY);
        cluster.postgres.restart()?;
        Ok(Instant::now())
    });
}
