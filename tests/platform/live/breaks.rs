//! The break test: whatever dies meanwhile, each client is told exactly what the log says.
//!
//! Clients on two nodes follow a log from its oldest event on while links are made and changed through both. A node that
//! serves them dies by `kill -9` three times and is started again elsewhere, and Redis, which carries the log, dies once.
//! In the end each client's events must be the log's: none missing, none twice, all in order. Only the death of Redis may
//! cost a client its place, since nobody can know whether the log lost its end: then it is told so, once, and begins anew.
//!
//! `WAYPOST_TEST_SCALE=full` runs 1,000 clients and 10,000 events; without it a fifth of both takes the same paths.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use waypost::ids::EventId;

use super::writers::Writers;
use crate::cluster::nodes::{Cluster, Plan};
use crate::support::http::Api;
use crate::support::live::{Addresses, Fleet, Manner, Record, Transport, add_up};
use crate::support::server::ADMIN_KEY;
use crate::support::wait::until;

/// How long one step may take at most, at the full scale in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// What happens to the ground that clients stand on, one after another, each under load.
const STRIKES: [Strike; 4] = [Strike::Node(0), Strike::Redis, Strike::Node(1), Strike::Node(0)];

#[derive(Clone, Copy, Debug)]
enum Strike {
    /// The node of that number dies, and everybody who is there goes to the other one.
    Node(usize),
    /// Redis dies.
    Redis,
}

/// How much of everything there is.
struct Scale {
    clients: usize,
    events: usize,
}

impl Scale {
    fn of_this_run() -> Self {
        match env::var("WAYPOST_TEST_SCALE").as_deref() {
            Ok("full") => Self { clients: 1_000, events: 10_000 },
            Ok(other) => panic!("WAYPOST_TEST_SCALE is `{other}`: it may be `full`, or absent"),
            Err(_) => Self { clients: 100, events: 1_000 },
        }
    }
}

#[test]
fn streams_are_told_the_log_through_three_kills_of_nodes_and_one_of_redis() {
    told_the_log(&[Transport::Sse]);
}

#[test]
fn sockets_are_told_the_log_through_three_kills_of_nodes_and_one_of_redis() {
    told_the_log(&[Transport::WebSocket]);
}

#[test]
fn polls_are_told_the_log_through_three_kills_of_nodes_and_one_of_redis() {
    told_the_log(&[Transport::LongPoll]);
}

#[test]
fn clients_that_change_their_transport_at_each_break_are_told_the_log() {
    told_the_log(&Transport::ALL);
}

fn told_the_log(transports: &[Transport]) {
    let scale = Scale::of_this_run();
    // Thousands of clients with one key come back at once, and none of them is to be sent away for that.
    let plan = Plan { rate_limit: Some("1000000/1s"), ..Plan::REDIS };
    let mut cluster = Cluster::start(plan).expect("a cluster");
    let addresses = Addresses::new(cluster.nodes.each_ref().map(|node| node.address()));
    // From an address of their own: one address may have so many requests under way, and the writers need theirs.
    let source = Some(Ipv4Addr::new(127, 0, 0, 2));
    let manner = Manner { transports: transports.to_vec(), source, ..Manner::new(transports[0], ADMIN_KEY) };
    let fleet = Fleet::start(scale.clients, &manner, &addresses).expect("clients");
    fleet.all(PATIENCE, "clients to be there", |record| record.is_open).expect("clients that get in");

    let writers = Writers::new(cluster.apis());
    let share = scale.events / (STRIKES.len() + 1);
    for (number, strike) in STRIKES.into_iter().enumerate() {
        let (begun, mut took) = (Instant::now(), [Duration::ZERO; 2]);
        writers.publish(share, PATIENCE, |published| {
            until(PATIENCE, "half of the events", || Ok((published.now() >= share / 2).then_some(())))?;
            took[0] = begun.elapsed();
            strike.strike(&mut cluster, &addresses)?;
            took[1] = begun.elapsed();
            Ok(())
        });
        let published = begun.elapsed();
        let sessions = format!("clients to be back after {strike:?}, number {number}");
        fleet.all(PATIENCE, &sessions, |record| record.is_open).expect("clients that come back");
        let ([struck, restarted], back) = (took, begun.elapsed());
        println!(
            "{strike:?}: struck at {struck:.1?}, up again {restarted:.1?}, published {published:.1?}, all back {back:.1?}"
        );
    }
    writers.publish(share, PATIENCE, |_| Ok(()));

    let last = Instant::now();
    let log = settle(&cluster, &fleet, writers.published()).expect("a log that everybody gets to the end of");
    let records = fleet.records();
    tell(&records, &log, last.elapsed());
    judge(&records, &log);
}

impl Strike {
    fn strike(self, cluster: &mut Cluster, addresses: &Addresses) -> io::Result<()> {
        match self {
            Self::Node(number) => {
                cluster.nodes[number].kill9()?;
                cluster.nodes[number].restart()?;
                addresses.set(number, cluster.nodes[number].address());
                Ok(())
            }
            Self::Redis => cluster.redis().restart(),
        }
    }
}

/// Waits until every client has as many events as the log, and the log has not grown meanwhile; gives the log.
fn settle(cluster: &Cluster, fleet: &Fleet, published: usize) -> io::Result<Vec<EventId>> {
    let api = cluster.nodes[0].api();
    until(PATIENCE, "a log that has everything", || {
        // Where Redis has just come back, a busy machine may be late with an answer.
        let Ok(log) = read(&api) else { return Ok(None) };
        if log.len() < published {
            return Ok(None);
        }
        fleet.all(PATIENCE, "the end of the log", |record| record.log().len() >= log.len())?;
        Ok(read(&api).is_ok_and(|again| again == log).then_some(log))
    })
}

/// The whole log, from its oldest event on.
fn read(api: &Api) -> io::Result<Vec<EventId>> {
    let (mut all, mut path) = (Vec::new(), "/v1/events?limit=100".to_owned());
    loop {
        let page = api.get(&path)?.expect(200)?.json();
        let ids = page["data"].as_array().into_iter().flatten().map(|event| event["id"].as_str());
        for id in ids {
            all.push(EventId::parse(id.unwrap_or_default()).map_err(io::Error::other)?);
        }
        if page["has_more"] != true {
            return Ok(all);
        }
        let next = page["next_cursor"].as_str().ok_or_else(|| io::Error::other("no way to go on"))?;
        path = format!("/v1/events?limit=100&cursor={next}");
    }
}

fn tell(records: &[Record], log: &[EventId], late: Duration) {
    let sum = |count: fn(&Record) -> usize| records.iter().map(count).sum::<usize>();
    let endings = add_up(records.iter().map(|record| &record.endings));
    let words: BTreeMap<_, _> = add_up(records.iter().map(|record| &record.words));
    println!(
        "{} clients, {} events in the log; {} sessions, {} resets; the last was there {late:.1?} after the last was \
         published; endings {endings:?}; words {words:?}",
        records.len(),
        log.len(),
        sum(|record| record.opened),
        sum(Record::resets),
    );
}

fn judge(records: &[Record], log: &[EventId]) {
    let mut once = log.to_vec();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), log.len(), "the log has each event once");
    let differences = records.iter().enumerate();
    let differences = differences.filter_map(|(number, record)| Some((number, record.differs_from(log)?)));
    let differences: Vec<_> = differences.collect();
    assert!(differences.is_empty(), "{} clients, the first of them: {:?}", differences.len(), differences[0]);
    for (number, record) in records.iter().enumerate() {
        assert!(record.resets() <= 1, "client {number} was reset {} times", record.resets());
        // Both nodes died, so that it was at one of them when that died.
        assert!(record.opened >= 2, "client {number} was never thrown out: {:?}", record.endings);
    }
}
