//! `kill -9` under full redirect load: every redirect that was answered is counted, once.
//!
//! Each request bears a `Referer` of its own, whose host is kept with the click. So it is not sums that are compared, in
//! which a lost click and a double one would cancel out, but every single redirect with every single click. What is told of
//! them adds up to that, and no link is told more often than it should be.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::Duration;

use jiff::Timestamp;

use serde_json::{Value, json};

use crate::support::command::waypost;
use crate::support::dice::Dice;
use crate::support::load::Load;
use crate::support::server::Server;
use crate::support::wait;

const KILLS: u64 = 10;
const LINKS: usize = 8;

/// How long the last clicks may take to be told, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two events of a link, in whole milliseconds, as events tell their time.
const EVERY: i64 = 249;

/// What the clients of all loads together know.
#[derive(Default)]
struct Account {
    /// Marks of redirects that arrived.
    answered: HashSet<String>,
    /// Marks of requests that were under way when the server died.
    unanswered: HashSet<String>,
    /// By link: redirects that arrived, and requests that were under way.
    links: [(u64, u64); LINKS],
}

#[test]
fn every_answered_redirect_is_counted_once_through_ten_kills() {
    let mut dice = Dice::new();
    let mut server = Server::start().expect("a server on an empty store");
    let (paths, ids) = create_links(&server);
    let mut account = Account::default();
    for kill in 0..KILLS {
        let load = Load::new(server.address(), &paths)
            .connections(64)
            .header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
            .mark("Referer", &format!("https://kill-{kill}."))
            .for_time(Duration::from_secs(30))
            .start()
            .expect("a load");
        let enough = dice.throw(500..4_000);
        let reached = load.wait_for(enough);
        server.kill9().expect("a server to kill");
        load.stop();
        let report = load.join().expect("a load that could connect");
        assert!(reached >= enough, "kill {kill}: only {reached} answers, faults {:?}", report.faults);
        assert_eq!(report.redirected(), report.answered, "kill {kill}: {:?}", report.statuses);
        account.answered.extend(report.marks_answered());
        account.unanswered.extend(report.marks_unanswered());
        for ((redirected, unanswered), path) in account.links.iter_mut().zip(&report.paths) {
            *redirected += path.redirected;
            *unanswered += path.unanswered;
        }
        // No wait for the drain: the next load, and often the next kill, meets it half-way.
        server.restart().expect("a server that starts again");
        println!("kill {kill}: {} answered, {} unanswered", report.answered, report.unanswered);
    }

    let counts = wait::counted(&server, &ids).expect("a drained spool");
    for (count, (answered, unanswered)) in counts.iter().zip(account.links) {
        assert!(
            (answered..=answered + unanswered).contains(count),
            "{answered} answered, {unanswered} unanswered, {count} counted"
        );
    }
    let clicks = clicks_by_mark(&server);
    let twice: Vec<_> = clicks.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "counted more than once: {twice:?}");
    let lost: Vec<_> = account.answered.iter().filter(|mark| !clicks.contains_key(*mark)).collect();
    assert!(lost.is_empty(), "{} answered and not counted: {lost:?}", lost.len());
    let foreign: Vec<_> =
        clicks.keys().filter(|mark| !account.answered.contains(*mark) && !account.unanswered.contains(*mark)).collect();
    assert!(foreign.is_empty(), "counted and never sent: {foreign:?}");
    assert_eq!(counts.iter().sum::<u64>(), clicks.len() as u64, "counts and single clicks agree");
    let events: usize = ids.iter().zip(&counts).map(|(id, count)| check_told(&server, id, *count)).sum();
    println!(
        "{KILLS} kills: {} redirects answered, {} unanswered, {} clicks, {events} events of them",
        account.answered.len(),
        account.unanswered.len(),
        clicks.len()
    );
}

/// Paths and ids of new links.
fn create_links(server: &Server) -> (Vec<String>, Vec<String>) {
    let items: Vec<_> = (0..LINKS)
        .map(|link| json!({ "slug": format!("crash-{link}"), "destination": "https://example.com/" }))
        .collect();
    let answer = server.api().post("/v1/links/bulk", &json!({ "items": items }), None);
    let results = answer.expect("an answer").json();
    let ids = (0..LINKS).map(|link| {
        let id = results["results"][link]["link"]["id"].as_str();
        id.unwrap_or_else(|| panic!("no link {link}: {results}")).to_owned()
    });
    ((0..LINKS).map(|link| format!("/crash-{link}")).collect(), ids.collect())
}

/// Looks at what was told of a link that was counted so often; gives how many events that were.
fn check_told(server: &Server, id: &str, count: u64) -> usize {
    let sum = |events: &[Value]| events.iter().filter_map(|event| event["data"]["clicks"]["counted"].as_u64()).sum();
    let told = wait::until(PATIENCE, "all clicks to be told", || {
        let events = told(server, id)?;
        let sum: u64 = sum(&events);
        Ok((sum >= count).then_some(events))
    });
    let told = told.expect("events that tell of all clicks");
    assert_eq!(sum(&told), count, "what is told of {id} adds up to what was counted");
    let mut so_far = 0;
    for event in &told {
        so_far += sum(std::slice::from_ref(event));
        assert_eq!(event["data"]["total"]["counted"], so_far, "each total is what was told up to it: {event}");
    }
    let at =
        |event: &Value| -> Timestamp { event["created_at"].as_str().and_then(|at| at.parse().ok()).expect("a time") };
    for pair in told.windows(2) {
        let apart = at(&pair[1]).duration_since(at(&pair[0])).as_millis();
        assert!(apart >= i128::from(EVERY), "{apart} ms apart: {pair:?}");
    }
    told.len()
}

/// The events that tell of clicks of a link.
fn told(server: &Server, id: &str) -> io::Result<Vec<Value>> {
    let path = format!("/v1/events?limit=100&types=link.clicked&subject={id}");
    let (mut events, mut next) = (Vec::new(), String::new());
    loop {
        let page = server.api().get(&format!("{path}{next}"))?.expect(200)?.json();
        events.extend(page["data"].as_array().into_iter().flatten().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) if page["has_more"] == true => next = format!("&cursor={cursor}"),
            _ => return Ok(events),
        }
    }
}

/// How many clicks bear each mark, as the store itself has them.
fn clicks_by_mark(server: &Server) -> HashMap<String, u64> {
    let arguments = ["export", "clicks", "--format", "jsonl"];
    let done = waypost(server.data_dir(), &arguments, Duration::from_secs(120)).and_then(|done| done.success());
    let mut clicks = HashMap::new();
    for line in done.expect("an export").stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let click: Value = serde_json::from_slice(line).expect("a line of JSON");
        let host = click["referrer"].as_str().unwrap_or_else(|| panic!("a click without its mark: {click}"));
        *clicks.entry(format!("https://{host}")).or_default() += 1;
    }
    clicks
}
