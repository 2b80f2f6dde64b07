//! What two nodes must agree on at any moment: which links there are, and how much is allowed.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::drill::rounds;
use super::nodes::{Cluster, Plan};
use crate::support::http::Api;
use crate::support::load::{Load, Report};
use crate::support::server::ADMIN_KEY;
use crate::support::wait::until;

/// Links that are changed; every third is deleted.
const CHANGED: usize = 60;

/// How long a change may take to be followed at the other node.
const WORD: Duration = Duration::from_secs(1);

/// How long it is waited for, to say how long it took.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_change_at_one_node_is_followed_at_the_other_with_postgres_alone() {
    changes_are_followed(Plan::POSTGRES);
}

#[test]
fn a_change_at_one_node_is_followed_at_the_other_with_redis() {
    changes_are_followed(Plan::REDIS);
}

#[test]
fn a_limit_counts_for_both_nodes_with_postgres_alone() {
    limits_are_shared(Plan::POSTGRES);
}

#[test]
fn a_limit_counts_for_both_nodes_with_redis() {
    limits_are_shared(Plan::REDIS);
}

fn changes_are_followed(plan: Plan) {
    for round in 1..=rounds() {
        let cluster = Cluster::start(plan).expect("a cluster");
        let apis = cluster.apis();
        let mut delays: Vec<Duration> = (0..CHANGED).map(|number| change(&apis, number).expect("a change")).collect();
        delays.sort();
        let (median, longest) = (delays[CHANGED / 2], delays[CHANGED - 1]);
        println!("round {round}: {CHANGED} changes, followed after {median:.1?} by half, {longest:.1?} at most");
        assert!(longest < WORD, "a change was followed after {longest:?}");
    }
}

/// Changes a link that both nodes have in memory at one of them; says when the other one knew.
fn change(apis: &[Api; 2], number: usize) -> io::Result<Duration> {
    let (here, there) = (&apis[number % 2], &apis[1 - number % 2]);
    let link = here.create_link("https://example.com/old", None, None)?.expect(201)?.json();
    let text = |name: &str| link[name].as_str().map(str::to_owned).ok_or_else(|| io::Error::other("no link"));
    let (id, path) = (text("id")?, format!("/{}", text("slug")?));
    let follow = || {
        let answer = there.send("HEAD", &path, &[], None)?;
        io::Result::Ok((answer.status, answer.header("location").unwrap_or_default().to_owned()))
    };
    for _ in 0..2 {
        assert_eq!(follow()?, (302, "https://example.com/old".to_owned()), "it is in memory now");
    }
    let (path, expected) =
        (format!("/v1/links/{id}"), if number % 3 == 2 { (404, "") } else { (302, "https://example.com/new") });
    if expected.0 == 404 {
        here.send("DELETE", &path, &[], None)?.expect(204)?;
    } else {
        here.send("PATCH", &path, &[], Some(&json!({ "destination": expected.1 })))?.expect(200)?;
    }
    let changed = Instant::now();
    until(PATIENCE, "the other node to follow the change", || {
        let (status, location) = follow()?;
        Ok(((status, location.as_str()) == expected).then(|| changed.elapsed()))
    })
}

/// 300 requests at once, half of them at each node.
///
/// A key's bucket holds 100, and gets 100 more in the course of the window. So the hundred of a minute may have become
/// 101 when the last request comes; with an hour there is time for none. The address, which may make 200, refuses the
/// last hundred before anybody asks for their key.
fn limits_are_shared(plan: Plan) {
    const ALLOWED: u64 = 100;
    for (limit, window) in [("100/1m", Duration::from_secs(60)), ("100/1h", Duration::from_secs(3_600))] {
        for round in 1..=rounds() {
            let cluster = Cluster::start(Plan { rate_limit: Some(limit), ..plan }).expect("a cluster");
            let begun = Instant::now();
            let reports = thread::scope(|scope| {
                let loads = cluster.nodes.each_ref().map(|node| {
                    let load = Load::new(node.address(), ["/v1/links?limit=1"])
                        .header("Authorization", &format!("Bearer {ADMIN_KEY}"))
                        .connections(25)
                        .for_count(3 * ALLOWED / 2);
                    scope.spawn(|| load.run())
                });
                loads.map(|load| load.join().expect("no panic").expect("a load that could connect"))
            });
            let took = begun.elapsed();
            let count = |status| reports.iter().map(|report: &Report| report.statuses.get(&status).unwrap_or(&0)).sum();
            let (admitted, refused): (u64, u64) = (count(200), count(429));
            let refilled = took.as_nanos() as u64 * ALLOWED / window.as_nanos() as u64;
            println!("round {round}: {limit}: {admitted} admitted, {refused} refused, {took:.2?}, {refilled} refilled");
            assert_eq!(admitted + refused, 3 * ALLOWED, "every request is answered with the one or the other");
            assert!((ALLOWED..=ALLOWED + refilled).contains(&admitted), "{admitted} admitted in {took:?}");
        }
    }
}
