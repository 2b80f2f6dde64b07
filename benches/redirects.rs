//! How fast the server redirects, beside the least that a server can do.
//!
//! `cargo build --release -p waypost-server-axum && cargo bench --bench redirects` (`-- --help` lists the options).
//!
//! Two servers take turns under the same load in the same run, so that whatever else the machine does hits both: a *bare*
//! axum handler that answers a fixed 302, as anyone would write it, and `waypost serve`, where each click is durable
//! before its redirect leaves. Ratios are taken within each pair of rounds and their median is reported. Before the other
//! side's turn the server drains its clicks in peace, and the CPU time of that is charged to its requests.
//!
//! Then: latency at a fixed rate, memory after few and after many redirects, and whether every redirect was counted.
//! The last line printed is all of it as JSON. A redirect that was not counted, or counted twice, fails the run; a missed
//! target fails it under `--enforce` only, since a busy machine misses targets too.

#![allow(clippy::disallowed_methods, reason = "a bench measures and waits for real")]

#[path = "redirects/bare.rs"]
mod bare;
#[path = "redirects/duel.rs"]
mod duel;
#[path = "redirects/options.rs"]
mod options;
#[path = "../tests/support/mod.rs"]
mod support;

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use duel::{Links, browser};
use options::Options;
use serde_json::{Value, json};
use support::process::Process;
use support::server::Settings;

/// How long clicks may take to be drained after the last load.
const DRAIN: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if options.is_bare {
        return done(bare::serve());
    }
    done(run(&options))
}

fn done(outcome: io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("redirects: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let bare = bare::spawn()?;
    let server = Settings::default().envs(options.environment()).start()?;
    let mut links = Links::create(&server, options.links)?;
    println!("{options}\n");

    let one = duel::fight("one link", options, &bare, &server, &mut links, 1)?;
    let many = duel::fight(&format!("{} links", options.links), options, &bare, &server, &mut links, options.links)?;
    let bare_at_rate = at_rate("bare", options, &bare, &mut Links::foreign(options.links))?;
    let server_at_rate = at_rate("waypost", options, server.process(), &mut links)?;
    let (counted, drain) = links.await_clicks(&server, DRAIN)?;
    println!(
        "\nclicks: {counted} counted, {} redirects answered, all of them {:.1} s after the last",
        links.redirected(),
        drain.as_secs_f64()
    );
    drop(server);
    let memory = memory(options)?;

    let targets = [
        Target::at_least("one link: req/s ratio", &one["ratio"]["median"], 0.9),
        Target::at_least("many links: req/s ratio", &many["ratio"]["median"], 0.9),
        Target::at_most("one link: p99 ratio", &one["p99_ratio"]["median"], 2.0),
        Target::at_most("many links: p99 ratio", &many["p99_ratio"]["median"], 2.0),
        Target::at_most("open loop: p99 in ms", &server_at_rate["p99_ms"], 2.0),
    ];
    println!();
    for target in &targets {
        println!("{target}");
    }
    println!(
        "\n{}",
        json!({
            "bench": "redirects",
            "options": options.json(),
            "one_link": one,
            "many_links": many,
            "open_loop": { "bare": bare_at_rate, "waypost": server_at_rate },
            "clicks": { "redirected": links.redirected(), "counted": counted, "drain_seconds": drain.as_secs_f64() },
            "memory": memory,
            "targets": targets.iter().map(Target::json).collect::<Vec<_>>(),
        })
    );
    if options.enforce && targets.iter().any(|target| !target.is_met) {
        return Err(io::Error::other("a target is missed"));
    }
    Ok(())
}

/// A figure and what it should be.
struct Target {
    name: &'static str,
    figure: f64,
    limit: f64,
    is_met: bool,
}

impl Target {
    fn at_least(name: &'static str, figure: &Value, limit: f64) -> Self {
        let figure = figure.as_f64().unwrap_or(f64::NAN);
        Self { name, figure, limit, is_met: figure >= limit }
    }

    fn at_most(name: &'static str, figure: &Value, limit: f64) -> Self {
        let figure = figure.as_f64().unwrap_or(f64::NAN);
        Self { name, figure, limit, is_met: figure <= limit }
    }

    fn json(&self) -> Value {
        json!({ "name": self.name, "figure": self.figure, "limit": self.limit, "met": self.is_met })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, figure, limit, is_met } = self;
        let verdict = if *is_met { "met" } else { "missed" };
        write!(f, "{verdict:>6}  {name}: {figure:.3} (target {limit})")
    }
}

/// Latency at a rate that is held whatever the server does.
fn at_rate(name: &str, options: &Options, process: &Process, links: &mut Links) -> io::Result<Value> {
    process.settle(DRAIN)?;
    let load = |seconds: f64| {
        browser(process.address(), links.paths(usize::MAX))
            .connections(options.connections)
            .at_rate(options.rate)
            .for_time(Duration::from_secs_f64(seconds))
            .run()
    };
    let (warm_up, report) = (load(1.0)?, load(options.rate_seconds)?);
    links.add(&warm_up)?;
    links.add(&report)?;
    let [p50, p99, p999, max, lag] =
        [report.latency.p50(), report.latency.p99(), report.latency.p999(), report.latency.max(), report.lag.p99()]
            .map(|latency| latency.as_secs_f64() * 1e3);
    println!(
        "open loop, {name}, {}/s: {:.0}/s answered, p50 {p50:.3} ms, p99 {p99:.3} ms, p99.9 {p999:.3} ms, max {max:.3} ms \
         (p99 of sending late {lag:.3} ms, missed {})",
        options.rate,
        report.rate(),
        report.missed
    );
    Ok(json!({
        "rate": options.rate, "answered_per_second": report.rate(), "missed": report.missed,
        "p50_ms": p50, "p99_ms": p99, "p999_ms": p999, "max_ms": max, "send_lag_p99_ms": lag,
    }))
}

/// Memory after a thousand redirects and after many more, on a fresh server.
fn memory(options: &Options) -> io::Result<Value> {
    let server = Settings::default().envs(options.environment()).start()?;
    let mut links = Links::create(&server, options.links)?;
    let idle = server.process().rss_bytes()?;
    let mut grow = |count: u64| {
        let load = browser(server.address(), links.paths(usize::MAX)).connections(options.connections).for_count(count);
        // Bounded by the count; the time is a limit for a server that is far slower than expected.
        links.add(&load.for_time(Duration::from_secs(300)).run()?)?;
        server.process().rss_bytes()
    };
    let first = grow(1_000)?;
    let last = grow(options.memory_redirects - 1_000)?;
    let (_, drain) = links.await_clicks(&server, DRAIN)?;
    // What the drain itself took is given back within a moment, or it is not.
    thread::sleep(Duration::from_secs(1));
    let drained = server.process().rss_bytes()?;
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "memory: idle {:.1} MiB, after 1,000 redirects {:.1} MiB, after {} {:.1} MiB, drained {:.1} MiB ({:.1} s)",
        mebibytes(idle),
        mebibytes(first),
        options.memory_redirects,
        mebibytes(last),
        mebibytes(drained),
        drain.as_secs_f64()
    );
    Ok(json!({
        "redirects": options.memory_redirects, "idle_mib": mebibytes(idle), "after_1000_mib": mebibytes(first),
        "after_all_mib": mebibytes(last), "drained_mib": mebibytes(drained), "growth": last as f64 / first as f64,
        "drain_seconds": drain.as_secs_f64(), "start_up_ms": server.start_up().as_secs_f64() * 1e3,
    }))
}
