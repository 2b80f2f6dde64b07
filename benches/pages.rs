//! What a store full of links costs: to fill, to start with, to hold in memory and to page through.
//!
//! `cargo build --release -p waypost-server-axum && cargo bench --bench pages` (`-- --help` lists the options).
//!
//! `waypost import` fills an empty store from a CSV file, and a server starts on it. Then the list is walked from end to
//! end, in three orders, while another client makes and deletes links all along: a row listed twice, or a row missed that
//! was there from beginning to end, fails the run. Last, the first page and one far behind it are read in turn over one
//! connection each, and the ratio of their medians is what a deep page costs.
//!
//! The last line printed is all of it as JSON. A missed target fails the run under `--enforce` only, since a busy machine
//! misses targets too.

#![allow(clippy::disallowed_methods, reason = "a bench measures and waits for real")]

#[path = "pages/depth.rs"]
mod depth;
#[path = "pages/options.rs"]
mod options;
#[path = "pages/source.rs"]
mod source;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "pages/walk.rs"]
mod walk;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use options::Options;
use serde_json::{Value, json};
use support::command::waypost;
use support::server::{Server, Settings};

/// How long an import may take, and how long the server may be busy with what it left behind.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    let outcome = match Options::from_args() {
        Ok(Some(options)) => run(&options),
        Ok(None) => return ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let folder = tempfile::Builder::new().prefix("waypost-pages-").tempdir()?;
    let source = source::Source::of(options, folder.path())?;
    let imports = (0..options.imports)
        .map(|turn| import(&source, &folder.path().join(format!("data-{turn}"))))
        .collect::<io::Result<Vec<_>>>()?;
    println!("import of {} links into an empty store: {imports:.0?} links/s", source.slugs.len());

    let data = folder.path().join("data-0");
    let start = || Settings::default().data_dir(&data).start();
    // Publishes the events of the import; what is measured next is a server with nothing left to do.
    let fresh = start()?;
    let working = settled_memory(&fresh)?;
    drop(fresh);
    let starts =
        (0..options.starts).map(|_| Ok(start()?.start_up().as_secs_f64() * 1e3)).collect::<io::Result<Vec<_>>>()?;
    let server = start()?;
    let idle = settled_memory(&server)?;
    println!(
        "start to ready with all of them: {starts:.0?} ms; idle memory {idle:.1} MiB, {working:.1} MiB after it has \
         published their events"
    );

    let walks = ["-created_at", "created_at", "slug"]
        .into_iter()
        .map(|sort| walk::walk(&server, &source.slugs, sort))
        .collect::<io::Result<Vec<_>>>()?;
    let depth = depth::measure(&server, options, source.slugs.len())?;
    let walked = settled_memory(&server)?;
    println!("memory after all of it: {walked:.1} MiB");

    let worst = depth.iter().filter_map(|depth| depth["ratio"].as_f64()).fold(f64::NAN, f64::max);
    let slowest_import = imports.iter().copied().fold(f64::NAN, f64::min);
    let slowest_start = starts.iter().copied().fold(f64::NAN, f64::max);
    let targets = [
        ("import, links/s, at least", slowest_import, 10_000.0, slowest_import >= 10_000.0),
        ("start to ready, ms, at most", slowest_start, 1_000.0, slowest_start <= 1_000.0),
        ("idle memory, MiB, at most", idle, 40.0, idle <= 40.0),
        ("cost of a deep page, of the first, at most", worst, 1.2, worst <= 1.2),
    ];
    for (name, figure, limit, is_met) in &targets {
        println!("{:>6}  {name} {limit}: {figure:.3}", if *is_met { "met" } else { "missed" });
    }
    let told = |(name, figure, limit, is_met): &(&str, f64, f64, bool)| json!({ "name": name, "figure": figure, "limit": limit, "met": is_met });
    println!(
        "\n{}",
        json!({
            "bench": "pages", "links": source.slugs.len(), "imports_per_second": imports, "starts_ms": starts,
            "memory_mib": { "idle": idle, "after_events": working, "after_all": walked },
            "walks": walks, "depth": depth, "targets": targets.iter().map(told).collect::<Vec<Value>>(),
        })
    );
    if options.enforce && targets.iter().any(|(.., is_met)| !is_met) {
        return Err(io::Error::other("a target is missed"));
    }
    Ok(())
}

/// Imports all links into a new store; gives links a second, the start and the end of the program included.
fn import(source: &source::Source, data: &Path) -> io::Result<f64> {
    let file = source.file.to_str().ok_or_else(|| io::Error::other("a path in UTF-8 is needed"))?;
    let rejects = data.with_extension("rejected.csv");
    let rejects = rejects.to_string_lossy();
    let done = waypost(data, &["import", file, "--rejects", &rejects], PATIENCE)?.success()?;
    Ok(source.slugs.len() as f64 / done.took.as_secs_f64())
}

/// Resident memory in MiB, once the server has nothing to do any more.
fn settled_memory(server: &Server) -> io::Result<f64> {
    if !server.process().settle(PATIENCE)? {
        return Err(io::Error::other("the server does not come to rest"));
    }
    Ok(server.process().rss_bytes()? as f64 / f64::from(1 << 20))
}
