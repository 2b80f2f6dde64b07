//! The real server, asked to make links over connections that stay open.

use std::cell::Cell;
use std::time::Duration;

use serde_json::json;

use super::{DESTINATION, Way};
use crate::Outcome;
use crate::schema::Schema;
use crate::support::load::Load;
use crate::support::server::{ADMIN_KEY, Server, Settings};

/// How long it may take to publish the events of a round: the next one is another's.
const PATIENCE: Duration = Duration::from_secs(120);

/// More than it can count, so that it counts and refuses nobody.
const RATE_LIMIT: &str = "1000000000/1m";

/// A running `waypost serve`, and what was asked of it.
pub(super) struct Node {
    server: Server,
    connections: usize,
    loads: Cell<u64>,
    made: Cell<u64>,
}

impl Node {
    /// Starts it with as many connections to PostgreSQL as will be open to it.
    pub(super) fn start(schema: &Schema, connections: usize, limiter: &str) -> Outcome<Self> {
        let server = Settings::default()
            .env("WAYPOST_DATABASE_URL", &schema.url)
            .env("WAYPOST_DATABASE_SCHEMA", &schema.name)
            .env("WAYPOST_DATABASE_CONNECTIONS", connections.to_string())
            .env("WAYPOST_LIMITER", limiter)
            .env("WAYPOST_RATE_LIMIT", RATE_LIMIT)
            .start()?;
        Ok(Self { server, connections, loads: Cell::new(0), made: Cell::new(0) })
    }

    /// Has it make links; gives links a second. Returns when it has nothing left to do.
    pub(super) fn run(&self, way: Way, time: Duration) -> Outcome<f64> {
        let load = Load::new(self.server.address(), ["/v1/links"])
            .header("Authorization", &format!("Bearer {ADMIN_KEY}"))
            .post(&json!({ "destination": DESTINATION }).to_string())
            .connections(self.connections)
            .for_time(time);
        let turn = self.loads.replace(self.loads.get() + 1);
        let report = match way {
            Way::Plain => load.run()?,
            Way::Keyed => load.mark("Idempotency-Key", &format!("turn-{turn}-")).run()?,
        };
        if report.unanswered + report.unsent > 0 || report.statuses.keys().any(|status| *status != 201) {
            let (statuses, faults) = (&report.statuses, &report.faults);
            return Err(format!("not every link was made: statuses {statuses:?}, faults {faults:?}").into());
        }
        self.made.set(self.made.get() + report.answered);
        if !self.server.process().settle(PATIENCE)? {
            return Err("the server is still at work long after its round: the next would be unfair".into());
        }
        Ok(report.rate())
    }

    /// Gives how many links were made, after a look at the tables: each is there once, and its event is on the bus.
    pub(super) async fn prove(&self, schema: &Schema) -> Outcome<u64> {
        let made = self.made.get();
        let links = schema.number("SELECT count(*) FROM waypost_link").await?;
        let events = schema.number("SELECT count(*) FROM waypost_event").await?;
        if [links, events].into_iter().any(|found| u64::try_from(found) != Ok(made)) {
            return Err(format!("{made} links were made, {links} are there, {events} events are on the bus").into());
        }
        Ok(made)
    }
}
