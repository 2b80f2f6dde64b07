//! How fast the gateway's proxy is, beside nginx's `proxy_pass`.
//!
//! `apt-get install nginx && cargo build --release -p waypost-server-axum && cargo bench --bench proxy` (`-- --help` lists
//! the options).
//!
//! Both stand before the same small server and take turns under the same load in the same run, so that whatever else the
//! machine does hits both. Both keep their connections open, on both sides, and log nothing; nginx has as many workers as
//! there are processors, as `waypost serve` has threads that answer. nginx runs from a configuration and in a directory of
//! its own; the one that the system may have is not touched. The route is public: nginx asks nobody who they are either.
//!
//! Ratios are taken within each pair of rounds, and their median is reported. A third column is the small server alone:
//! what the load could do at most. The last line printed is all of it as JSON. An answer that is not the server's fails
//! the run; a missed target fails it under `--enforce` only, since a busy machine misses targets too.

#![allow(clippy::disallowed_methods, reason = "a bench measures and waits for real")]

#[path = "proxy/backend.rs"]
mod backend;
#[path = "proxy/nginx.rs"]
mod nginx;
#[path = "proxy/options.rs"]
mod options;
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use options::Options;
use serde_json::{Value, json};
use support::load::Load;
use support::server::Settings;

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let outcome = if options.is_backend { backend::serve() } else { run(&options) };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxy: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What one turn measured.
#[derive(Clone, Copy)]
struct Turn {
    rate: f64,
    p50: f64,
    p99: f64,
}

impl std::fmt::Display for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rate, p50, p99 } = self;
        f.pad(&format!("{rate:.0}/s  {p50:.2}  {p99:.2}"))
    }
}

fn run(options: &Options) -> io::Result<()> {
    let backend = backend::spawn()?;
    let nginx = nginx::Nginx::start(backend.address(), options.workers)?;
    let directory = tempfile::Builder::new().prefix("waypost-proxy-").tempdir()?;
    let file = directory.path().join("waypost.toml");
    std::fs::write(&file, configuration(backend.address()))?;
    // Far above what the load can send: limits are not what is measured.
    let settings = Settings::default().env("WAYPOST_CONFIG", &file).env("WAYPOST_RATE_LIMIT", "100000000/1s");
    let waypost = settings.env("WAYPOST_ROLES", options.roles.as_str()).start()?;
    println!("{options}\n");
    println!("{:>5} {:>26} {:>26} {:>26} {:>7} {:>6}", "round", "alone", "nginx", "waypost", "ratio", "p99");
    let mut rounds = Vec::new();
    for round in 0..=options.rounds {
        // Round 0 warms all of them up and does not count.
        let alone = turn(options, backend.address())?;
        let theirs = turn(options, nginx.address())?;
        let ours = turn(options, waypost.address())?;
        if round == 0 {
            continue;
        }
        let (ratio, tail) = (ours.rate / theirs.rate, ours.p99 / theirs.p99);
        println!("{round:>5} {alone:>26} {theirs:>26} {ours:>26} {ratio:>7.3} {tail:>6.2}");
        rounds.push((alone, theirs, ours));
    }
    let median = |figure: &dyn Fn(&(Turn, Turn, Turn)) -> f64| {
        let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    let ratio = median(&|(_, theirs, ours)| ours.rate / theirs.rate);
    let tail = median(&|(_, theirs, ours)| ours.p99 / theirs.p99);
    let is_met = ratio >= 0.5 && tail <= 2.0;
    println!("\nthroughput: {ratio:.3} of nginx (target 0.5); p99: {tail:.2} of nginx (target at most 2)");
    let side = |side: &dyn Fn(&(Turn, Turn, Turn)) -> Turn| -> Value {
        json!({
            "per_second": median(&|pair| side(pair).rate),
            "p50_ms": median(&|pair| side(pair).p50),
            "p99_ms": median(&|pair| side(pair).p99),
        })
    };
    println!(
        "{}",
        json!({
            "bench": "proxy", "options": options.json(), "ratio": ratio, "p99_ratio": tail, "met": is_met,
            "alone": side(&|turns| turns.0), "nginx": side(&|turns| turns.1), "waypost": side(&|turns| turns.2),
        })
    );
    if options.enforce && !is_met {
        return Err(io::Error::other("a target is missed"));
    }
    Ok(())
}

fn configuration(backend: SocketAddr) -> String {
    format!(
        "[gateway]\nversion = 1\n\n[[gateway.upstreams]]\nname = \"backend\"\ntargets = [{{ url = \"http://{backend}\" }}]\n\
         max_idle = 256\n\n[[gateway.routes]]\npath = \"/bench/{{*rest}}\"\nmethods = [\"GET\"]\npublic = true\n\
         upstream = \"backend\"\n"
    )
}

fn turn(options: &Options, target: SocketAddr) -> io::Result<Turn> {
    let report = Load::new(target, ["/bench/one", "/bench/two", "/bench/three"])
        .header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
        .header("Accept", "application/json")
        .connections(options.connections)
        .threads(options.threads)
        .for_time(Duration::from_secs_f64(options.seconds))
        .run()?;
    if report.statuses != BTreeMap::from([(200, report.answered)]) || report.unanswered + report.unsent > 0 {
        let (statuses, faults) = (&report.statuses, &report.faults);
        return Err(io::Error::other(format!(
            "not every request was answered: statuses {statuses:?}, faults {faults:?}"
        )));
    }
    let millis = |latency: Duration| latency.as_secs_f64() * 1e3;
    Ok(Turn { rate: report.rate(), p50: millis(report.latency.p50()), p99: millis(report.latency.p99()) })
}
