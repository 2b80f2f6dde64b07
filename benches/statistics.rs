//! What statistics cost over many clicks: PostgreSQL, full of them, asked through the port.
//!
//! `WAYPOST_TEST_POSTGRES_URL=postgres://… cargo bench --bench statistics --features postgres` (`-- --help` lists the
//! options).
//!
//! A schema of its own is filled with the clicks of one workspace, over 90 days and a thousand links of which one has a
//! fifth of them. The database makes the clicks and adds them up, day by day; then a day of them is read through the port,
//! added up by the code that every adapter uses, and compared with what the port answers. A difference fails the run.
//!
//! Then the questions that a dashboard asks are asked in turn, of the link that has most and of others, each beside a
//! bare `SELECT 1` on a connection that is open. Last, clicks are appended, by one drain and by four, to many links and to
//! one. The schema is dropped at the end.
//!
//! The last line printed is all of it as JSON. A missed target fails the run under `--enforce` only, since a busy machine
//! misses targets too.

#![allow(clippy::disallowed_methods, reason = "a bench measures and waits for real")]

#[path = "statistics/append.rs"]
mod append;
#[path = "statistics/ask.rs"]
mod ask;
#[path = "statistics/fill.rs"]
mod fill;
#[path = "statistics/options.rs"]
mod options;
#[path = "statistics/proof.rs"]
mod proof;
#[path = "statistics/scene.rs"]
mod scene;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use options::Options;
use scene::Scene;
use serde_json::json;

/// What a step comes to.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Names the server.
const URL: &str = "WAYPOST_TEST_POSTGRES_URL";
/// How long statistics may take at p99.
const TARGET_MS: f64 = 100.0;

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let Ok(url) = env::var(URL) else {
        eprintln!("{URL} names no server to measure, such as postgres://waypost@127.0.0.1:5432/postgres");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(&url, &options)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("statistics: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(url: &str, options: &Options) -> Outcome<()> {
    let scene = Scene::open(url, options.clicks).await?;
    let measured = measure(&scene, options).await;
    scene.drop_all().await?;
    measured
}

async fn measure(scene: &Scene, options: &Options) -> Outcome<()> {
    let filled = fill::fill(scene).await?;
    let proved = proof::prove(scene).await?;
    let asked = ask::measure(scene, options.rounds).await?;
    let appended = append::measure(scene, options.seconds).await?;

    let slowest = asked.iter().filter_map(|question| question["p99_ms"].as_f64()).fold(f64::NAN, f64::max);
    let is_met = slowest <= TARGET_MS;
    let verdict = if is_met { "met" } else { "missed" };
    println!(
        "{verdict:>6}  the slowest question over {} clicks, ms at p99, at most {TARGET_MS}: {slowest:.1}",
        scene.clicks
    );
    println!(
        "\n{}",
        json!({
            "bench": "statistics", "clicks": scene.clicks, "filled": filled, "proved": proved, "asked": asked,
            "appended": appended,
            "targets": [{ "name": "slowest question, ms at p99", "figure": slowest, "limit": TARGET_MS, "met": is_met }],
        })
    );
    if options.enforce && !is_met {
        return Err("a target is missed".into());
    }
    Ok(())
}
