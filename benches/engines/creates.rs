//! New links, each with its event, beside pgbench.

#[path = "creates/node.rs"]
mod node;
#[path = "creates/pgbench.rs"]
mod pgbench;
#[path = "creates/writers.rs"]
mod writers;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::options::Options;
use crate::rounds::Rounds;
use crate::schema::{Schema, is_durable};
use crate::target::Target;
use crate::{Findings, Outcome};
use node::Node;
use pgbench::Script;
use writers::Writers;

/// Where every link leads, whoever makes it: what it costs to index that is then the same for all.
const DESTINATION: &str = "https://example.com/landing/autumn";

/// What every event holds, as large as what the service tells of such a link.
const DATA: &str = r#"{"link":{"id":"lnk_06dkvxyz8sf4d9mq7v0r2h6w1c","slug":"aB3dE6g","domain":"127.0.0.1:8080","short_url":"http://127.0.0.1:8080/aB3dE6g","destination":"https://example.com/landing/autumn","title":null,"tags":[],"redirect_status":302,"referrer_policy":null,"cache_seconds":null,"expires_at":null,"disabled_at":null,"max_clicks":null,"clicks":0,"status":"active","metadata":{},"created_at":"2026-11-21T12:00:00.123456Z","updated_at":"2026-11-21T12:00:00.123456Z","version":1}}"#;

/// Whether a link is made under an idempotency key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Keyed,
}

pub(super) fn measure(runtime: &Runtime, options: &Options, url: &str) -> Outcome<Findings> {
    let is_durable = runtime.block_on(is_durable(url))?;
    println!(
        "creates a second on PostgreSQL, where a commit {} for the disk",
        if is_durable { "waits" } else { "DOES NOT WAIT" }
    );
    let (store, store_ratio) = through_store(runtime, options, url)?;
    let (memory, memory_ratio) = over_http(runtime, options, url, "memory")?;
    let (counted, counted_ratio) = over_http(runtime, options, url, "store")?;
    Ok(Findings {
        figures: json!({
            "durable": is_durable, "store": store, "http_limiter_memory": memory, "http_limiter_store": counted,
        }),
        targets: vec![
            Target::at_least("creates through the store, of pgbench", store_ratio, 0.8),
            Target::at_least("creates over HTTP, limits in memory, of pgbench", memory_ratio, 0.5),
            Target::at_least("creates over HTTP, limits in the store, of pgbench", counted_ratio, 0.5),
        ],
    })
}

/// In the same tables, which nobody else touches.
fn through_store(runtime: &Runtime, options: &Options, url: &str) -> Outcome<(Value, f64)> {
    Schema::with(runtime, url, |schema| {
        let connections = options.connections;
        let writers = runtime.block_on(Writers::open(schema, connections))?;
        let rounds = Rounds::run(
            options,
            [
                ("pgbench", Box::new(|time| pgbench::run(schema, Script::Transaction, connections, time))),
                ("pgbench, one trip", Box::new(|time| pgbench::run(schema, Script::OneTrip, connections, time))),
                ("store", Box::new(|time| runtime.block_on(writers.run(Way::Plain, time)))),
                ("store, keyed", Box::new(|time| runtime.block_on(writers.run(Way::Keyed, time)))),
            ],
        )?;
        let (plain, strict, keyed) = (rounds.ratio(2, 0), rounds.ratio(2, 1), rounds.ratio(3, 0));
        println!("  store of pgbench: {plain}; of pgbench in one trip: {strict}; keyed of pgbench: {keyed}\n");
        let figures = json!({
            "per_second": rounds.json(), "ratio": plain.json(), "ratio_to_one_trip": strict.json(),
            "keyed_ratio": keyed.json(),
        });
        Ok((figures, plain.median))
    })
}

/// A server beside pgbench in equal tables of its own: the events that pgbench writes are not the server's to publish.
fn over_http(runtime: &Runtime, options: &Options, url: &str, limiter: &'static str) -> Outcome<(Value, f64)> {
    let fight = |served: &Schema, bare: &Schema| {
        println!("over HTTP, limits counted in: {limiter}");
        let connections = options.connections;
        let node = Node::start(served, connections, limiter)?;
        let rounds = Rounds::run(
            options,
            [
                ("pgbench", Box::new(|time| pgbench::run(bare, Script::Transaction, connections, time))),
                ("http", Box::new(|time| node.run(Way::Plain, time))),
                ("http, keyed", Box::new(|time| node.run(Way::Keyed, time))),
            ],
        )?;
        let made = runtime.block_on(node.prove(served))?;
        let (plain, keyed) = (rounds.ratio(1, 0), rounds.ratio(2, 0));
        println!(
            "  http of pgbench: {plain}; keyed: {keyed}; {made} links, each there once and its event on the bus\n"
        );
        let figures = json!({
            "per_second": rounds.json(), "ratio": plain.json(), "keyed_ratio": keyed.json(), "links": made,
        });
        Ok((figures, plain.median))
    };
    Schema::with(runtime, url, |served| Schema::with(runtime, url, |bare| fight(served, bare)))
}
