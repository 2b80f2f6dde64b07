//! Rounds of the two servers in turn, and the account of what they answered.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::options::Options;
use crate::support::load::{Load, Report};
use crate::support::process::Process;
use crate::support::server::Server;

/// The links under load, and how many redirects of each were answered.
pub(super) struct Links {
    /// Path and id; the id is empty where nobody counts.
    links: Vec<(String, String)>,
    redirected: BTreeMap<String, u64>,
}

impl Links {
    /// Creates links by one bulk request, at most 1,000.
    pub(super) fn create(server: &Server, count: usize) -> io::Result<Self> {
        let items: Vec<_> = (0..count)
            .map(|index| json!({ "slug": slug(index), "destination": format!("https://example.com/landing/{index}") }))
            .collect();
        let answer = server.api().post("/v1/links/bulk", &json!({ "items": items }), None)?.expect(207)?;
        let results = answer.json();
        let links = (0..count)
            .map(|index| match results["results"][index]["link"]["id"].as_str() {
                Some(id) => Ok((format!("/{}", slug(index)), id.to_owned())),
                None => Err(io::Error::other(format!("link {index} was not created: {}", results["results"][index]))),
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { links, redirected: BTreeMap::new() })
    }

    /// The same paths for a server without an API.
    pub(super) fn foreign(count: usize) -> Self {
        let links = (0..count).map(|index| (format!("/{}", slug(index)), String::new())).collect();
        Self { links, redirected: BTreeMap::new() }
    }

    pub(super) fn paths(&self, count: usize) -> impl Iterator<Item = &str> {
        self.links.iter().take(count).map(|(path, _)| path.as_str())
    }

    /// Notes what was answered.
    ///
    /// # Errors
    ///
    /// When anything but complete redirects came back: figures of such a run mean nothing.
    pub(super) fn add(&mut self, report: &Report) -> io::Result<()> {
        for tally in &report.paths {
            *self.redirected.entry(tally.path.clone()).or_default() += tally.redirected;
        }
        if report.redirected() == report.answered && report.unanswered + report.unsent == 0 {
            return Ok(());
        }
        let (statuses, faults) = (&report.statuses, &report.faults);
        Err(io::Error::other(format!("not every request was redirected: statuses {statuses:?}, faults {faults:?}")))
    }

    /// Redirects answered so far.
    pub(super) fn redirected(&self) -> u64 {
        self.redirected.values().sum()
    }

    /// Waits until each link has counted as many clicks as it answered redirects; gives their sum and the time it took.
    ///
    /// # Errors
    ///
    /// When a count is too high, or still too low at the end of the limit.
    pub(super) fn await_clicks(&self, server: &Server, limit: Duration) -> io::Result<(u64, Duration)> {
        let begun = Instant::now();
        let api = server.api();
        let mut counted = 0;
        for (path, id) in &self.links {
            let expected = self.redirected.get(path).copied().unwrap_or_default();
            loop {
                let link = api.get(&format!("/v1/links/{id}"))?.expect(200)?.json();
                let clicks = link["clicks"].as_u64().unwrap_or_default();
                if clicks == expected {
                    counted += clicks;
                    break;
                }
                if clicks > expected || begun.elapsed() > limit {
                    return Err(io::Error::other(format!(
                        "{path}: {clicks} clicks counted, {expected} redirects answered"
                    )));
                }
                thread::sleep(Duration::from_millis(100));
            }
        }
        Ok((counted, begun.elapsed()))
    }
}

fn slug(index: usize) -> String {
    format!("bench-{index:03}")
}

/// A load whose requests look like a browser's after a click in a post.
pub(super) fn browser<'a>(target: SocketAddr, paths: impl Iterator<Item = &'a str>) -> Load {
    Load::new(target, paths)
        .header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
        .header("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
        .header("Accept-Language", "en-US,en;q=0.5")
        .header("Referer", "https://news.example.org/item?id=42")
}

/// One server's figures in one round.
struct Round {
    rate: f64,
    p50: f64,
    p99: f64,
    /// CPU time of the server a request, in microseconds: under load, and with what it did afterwards.
    cpu: f64,
    cpu_with_drain: f64,
}

/// Lets the two take turns and prints a table; gives the same figures as JSON.
pub(super) fn fight(
    name: &str,
    options: &Options,
    bare: &Process,
    server: &Server,
    links: &mut Links,
    count: usize,
) -> io::Result<Value> {
    let mut foreign = Links::foreign(count);
    println!("{name}: req/s, p50 and p99 in ms, server CPU in µs a request (with the drain after it)");
    println!("{:>5} {:>34} {:>34} {:>7} {:>9}", "round", "bare", "waypost", "ratio", "p99 ratio");
    let mut rounds = Vec::new();
    for round in 0..=options.rounds {
        // Round 0 warms both up and does not count.
        let seconds = if round == 0 { options.seconds.min(2.0) } else { options.seconds };
        let mine = turn(options, bare, &mut foreign, count, seconds)?;
        let theirs = turn(options, server.process(), links, count, seconds)?;
        if round == 0 {
            continue;
        }
        let (ratio, tail) = (theirs.rate / mine.rate, theirs.p99 / mine.p99);
        println!("{round:>5} {mine:>34} {theirs:>34} {ratio:>7.3} {tail:>9.2}");
        rounds.push((mine, theirs));
    }
    let ratio = Spread::of(rounds.iter().map(|(bare, waypost)| waypost.rate / bare.rate));
    let p99_ratio = Spread::of(rounds.iter().map(|(bare, waypost)| waypost.p99 / bare.p99));
    println!("  req/s ratio: {ratio}; p99 ratio: {p99_ratio}\n");
    let side = |side: fn(&(Round, Round)) -> &Round| {
        let of = |figure: fn(&Round) -> f64| Spread::of(rounds.iter().map(|pair| figure(side(pair)))).median;
        json!({
            "per_second": of(|round| round.rate), "p50_ms": of(|round| round.p50), "p99_ms": of(|round| round.p99),
            "cpu_us": of(|round| round.cpu), "cpu_us_with_drain": of(|round| round.cpu_with_drain),
        })
    };
    Ok(json!({
        "bare": side(|pair| &pair.0), "waypost": side(|pair| &pair.1), "ratio": ratio.json(), "p99_ratio": p99_ratio.json(),
    }))
}

fn turn(options: &Options, process: &Process, links: &mut Links, count: usize, seconds: f64) -> io::Result<Round> {
    let before = process.cpu_time()?;
    let report = browser(process.address(), links.paths(count))
        .connections(options.connections)
        .threads(options.threads)
        .for_time(Duration::from_secs_f64(seconds))
        .run()?;
    let after = process.cpu_time()?;
    links.add(&report)?;
    if !process.settle(Duration::from_secs(60))? {
        return Err(io::Error::other("the server is still at work a minute after its round: the next would be unfair"));
    }
    let a_request = |time: Duration| time.as_secs_f64() * 1e6 / report.answered as f64;
    Ok(Round {
        rate: report.rate(),
        p50: report.latency.p50().as_secs_f64() * 1e3,
        p99: report.latency.p99().as_secs_f64() * 1e3,
        cpu: a_request(after - before),
        cpu_with_drain: a_request(process.cpu_time()? - before),
    })
}

impl std::fmt::Display for Round {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rate, p50, p99, cpu, cpu_with_drain } = self;
        f.pad(&format!("{rate:.0}  {p50:.2}  {p99:.2}  {cpu:.1} ({cpu_with_drain:.1})"))
    }
}

/// The middle and the ends of some figures.
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + sorted[middle]) / 2.0 } else { sorted[middle] };
        Self { median, min: sorted[0], max: sorted[sorted.len() - 1] }
    }

    fn json(&self) -> Value {
        json!({ "median": self.median, "min": self.min, "max": self.max })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "median {:.3} (min {:.3}, max {:.3})", self.median, self.min, self.max)
    }
}
