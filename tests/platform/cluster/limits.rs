//! One limit of two nodes, by each algorithm.

use std::thread;

use super::drill::rounds;
use super::nodes::{Cluster, Plan};
use crate::support::load::{Load, Report};
use crate::support::server::ADMIN_KEY;

const QUOTA: u64 = 100;

/// A window of a month has no edge in the seconds that a test takes, and refills nothing in them. A node that cannot ask
/// admits nothing, so what is admitted was counted by both.
macro_rules! plans {
    ($algorithm:literal) => {
        concat!(
            "[plans.common]\napi = { quota = 100, window = \"31d\", when_away = \"deny\", algorithm = \"",
            $algorithm,
            "\" }\n"
        )
    };
}

const ALGORITHMS: [(&str, &str); 3] = [
    ("token bucket", plans!("token-bucket")),
    ("sliding window", plans!("sliding-window")),
    ("fixed window", plans!("fixed-window")),
];

#[test]
fn eight_callers_of_two_nodes_are_never_admitted_above_the_quota_with_postgres_alone() {
    quota_holds(Plan::POSTGRES);
}

#[test]
fn eight_callers_of_two_nodes_are_never_admitted_above_the_quota_with_redis() {
    quota_holds(Plan::REDIS);
}

/// Four callers hammer each node, three times as often as they may.
fn quota_holds(plan: Plan) {
    for (name, file) in ALGORITHMS {
        for round in 1..=rounds() {
            let cluster = Cluster::start(Plan { file: Some(file), ..plan }).expect("a cluster");
            let reports = thread::scope(|scope| {
                let loads = cluster.nodes.each_ref().map(|node| {
                    let load = Load::new(node.address(), ["/v1/links?limit=1"])
                        .header("Authorization", &format!("Bearer {ADMIN_KEY}"))
                        .connections(4)
                        .for_count(3 * QUOTA / 2);
                    scope.spawn(|| load.run())
                });
                loads.map(|load| load.join().expect("no panic").expect("a load that could connect"))
            });
            let count = |status| reports.iter().map(|report: &Report| report.statuses.get(&status).unwrap_or(&0)).sum();
            let (admitted, refused): (u64, u64) = (count(200), count(429));
            println!("round {round}: {name}: {admitted} admitted, {refused} refused");
            assert_eq!(admitted + refused, 3 * QUOTA, "{name}: every request is answered with the one or the other");
            assert!(admitted <= QUOTA, "{name}: {admitted} admitted");
            assert!(admitted >= QUOTA / 2, "{name}: {admitted} admitted: the limiter was away most of the time");
        }
    }
}
