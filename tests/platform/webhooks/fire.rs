//! At least once, under fire: the receiver fails at random, nodes are killed, the database restarts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::{make_links, register, settings, text};
use crate::support::dice::Dice;
use crate::support::postgres::Postgres;
use crate::support::receiver::Receiver;
use crate::support::server::Server;
use crate::support::wait::until;

const LINKS: usize = 20_000;
const AT_ONCE: usize = 1_000;
const KILLS: usize = 5;
/// Of a hundred calls, so many fail.
const FAILING: u64 = 30;
/// Short waits, so that the run is over soon; ten of them, so that hardly anything is given up by chance (0.3^11).
const RETRIES: &str = "1s,1s,1s,1s,1s,1s,1s,1s,1s,1s";
/// Within which all must have arrived after the last event was committed.
const PATIENCE: Duration = Duration::from_secs(240);

/// A call as the receiver saw it: which event, and whether it was answered well.
type Seen = HashMap<String, Vec<u16>>;

#[test]
fn twenty_thousand_events_arrive_through_kills_and_a_restart_of_the_database() {
    fire().expect("the fire");
}

fn fire() -> io::Result<()> {
    let dice = Mutex::new(Dice::new());
    let receiver = Receiver::start(move |_, _| {
        let mut dice = dice.lock().expect("no code panics under this lock");
        if dice.throw(0..100) < FAILING { 503 } else { 200 }
    })?;
    let mut database = Postgres::start()?;
    let mut server =
        settings().env("WAYPOST_DATABASE_URL", database.url()).env("WAYPOST_WEBHOOK_RETRIES", RETRIES).start()?;
    let api = server.api();
    let endpoint = text(&register(&api, &json!({"url": receiver.url(), "events": ["link.created"]}))?, "id")?;
    let mut made = HashSet::new();
    let mut moments = Dice::new();
    for batch in 0..LINKS / AT_ONCE {
        made.extend(make_links(&api, &format!("batch-{batch}"), AT_ONCE)?);
        // Kills are spread over the run, each while deliveries are under way.
        if batch % 4 == 3 {
            let before = receiver.count();
            let more = usize::try_from(moments.throw(50..400)).unwrap_or(50);
            until(PATIENCE, "deliveries to be under way", || Ok((receiver.count() > before + more).then_some(())))?;
            server.restart()?;
        }
        if batch == 10 {
            database.restart()?;
            until(PATIENCE, "the server to be ready again", || Ok(ready(&server).then_some(())))?;
        }
    }
    assert_eq!(made.len(), LINKS);
    until(PATIENCE, "everything to be delivered", || Ok((owed(&database)? == 0).then_some(())))?;

    let (mut seen, mut subjects) = (Seen::new(), BTreeMap::<String, String>::new());
    for call in receiver.calls() {
        let event: Value = serde_json::from_slice(&call.body).map_err(io::Error::other)?;
        subjects.insert(call.id().to_owned(), text(&event, "subject")?);
        seen.entry(call.id().to_owned()).or_default().push(call.status);
    }
    let arrived: HashSet<_> =
        seen.iter().filter(|(_, statuses)| statuses.contains(&200)).map(|(id, _)| subjects[id].clone()).collect();
    assert_eq!(arrived, made, "every event arrives");
    assert_eq!(seen.len(), LINKS, "under one id each");

    // Each attempt is on record, but for those that were under way on a node when it was killed.
    let recorded = recorded(&database)?;
    let calls: usize = seen.values().map(Vec::len).sum();
    let missing: usize = seen.iter().map(|(id, calls)| calls.len() - recorded.get(id).copied().unwrap_or(0)).sum();
    let repeated =
        seen.values().filter(|statuses| statuses.iter().filter(|status| **status == 200).count() > 1).count();
    println!("{LINKS} events, {calls} calls, {repeated} repeated, {missing} of killed nodes and not on record");
    assert!(recorded.len() == LINKS && recorded.values().all(|count| *count > 0), "none without an attempt");
    assert!(missing <= (KILLS + 1) * 64 * 2, "more than can have been under way: {missing}");
    assert!(repeated <= missing, "repeated without a crash: {repeated}, with {missing} lost");
    let stats = api.get(&format!("/v1/webhooks/{endpoint}/stats"))?.expect(200)?.json();
    assert_eq!(stats["succeeded"].as_u64().map(|count| count >= LINKS as u64), Some(true), "{stats}");
    Ok(())
}

fn ready(server: &Server) -> bool {
    server.api().get("/readyz").is_ok_and(|answer| answer.status == 200)
}

fn owed(database: &Postgres) -> io::Result<u64> {
    let sql = "SELECT (SELECT count(*) FROM waypost_delivery_owed) + (SELECT count(*) FROM waypost_outbox) + \
        (SELECT (max(place) - (SELECT acked FROM waypost_event_group WHERE name = 'webhooks'))::int8 FROM waypost_event)";
    database.psql(sql)?.trim().parse().map_err(io::Error::other)
}

/// How many attempts are on record, by the text of the event's id.
fn recorded(database: &Postgres) -> io::Result<HashMap<String, usize>> {
    let rows = database.psql("SELECT id, count(*) FROM waypost_attempt GROUP BY id")?;
    let row = |line: &str| {
        let (id, count) = line.split_once('|')?;
        let bits = u128::from_str_radix(&id.replace('-', ""), 16).ok()?;
        let id = waypost::ids::EventId::from_bytes(bits.to_be_bytes());
        Some((id.to_string(), count.parse().ok()?))
    };
    rows.lines().map(|line| row(line).ok_or_else(|| io::Error::other(format!("no row: {line}")))).collect()
}
