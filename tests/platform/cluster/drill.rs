//! One fault under load, from an empty cluster to the verdict.

use std::env;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::ledger::{Ledger, NO_ANSWER};
use super::nodes::{Cluster, Plan};
use super::recovery::{RECOVERY, recover};
use super::tail::Tail;
use super::verdict;
use super::visitors::{Visitors, Visits};
use super::writers::{Writer, Writers};
use crate::support::wait::until;

/// Links that visitors follow.
const VISITED: usize = 8;

/// Links made before the fault, and again after it.
const UNDER_WAY: usize = 150;

/// How long that may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much longer than before a follow may take at most, whatever is away.
const SLOW: Duration = Duration::from_secs(1);

/// What a fault may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Toll {
    /// Patience: some requests are answered with a refusal, and repeated.
    Patience,
    /// What was under way at the node that died: its connections break.
    Node,
    /// The place of each reader: the log may have lost its end, and only its readers can tell, by reading it anew.
    Place,
    /// The log of events up to that moment.
    Log,
}

/// Rounds of a test: one, unless `WAYPOST_TEST_ROUNDS` says more.
pub(super) fn rounds() -> u32 {
    let given = env::var("WAYPOST_TEST_ROUNDS").ok();
    given.map_or(1, |given| given.parse().expect("WAYPOST_TEST_ROUNDS is a number"))
}

/// Lets a fault last. The load goes on meanwhile; there is nothing to wait for.
pub(super) fn lasting(time: Duration) {
    thread::sleep(time);
}

/// Loads a cluster, does the fault to it, and looks at what is left; each round on a new one.
///
/// The fault gives the moment from which recovery counts.
pub(super) fn drill(plan: Plan, toll: Toll, fault: impl Fn(&mut Cluster) -> io::Result<Instant>) {
    for round in 1..=rounds() {
        let mut cluster = Cluster::start(plan).expect("a cluster");
        run(round, &mut cluster, toll, &fault);
    }
}

fn run(round: u32, cluster: &mut Cluster, toll: Toll, fault: impl Fn(&mut Cluster) -> io::Result<Instant>) {
    let (apis, ledger) = (cluster.apis(), Arc::new(Ledger::default()));
    let tails = apis.each_ref().map(|api| Tail::start(api.clone()));
    let mut visitors = visitors(cluster, &ledger);
    visit(&mut visitors, cluster);
    let writers = Writers::start(&apis, &ledger);
    get_on(&ledger, &writers, &visitors);
    let quiet = visitors.finish().expect("visitors who got to the nodes");
    let refused = ledger.refusals();
    assert_eq!(refused.count, 0, "refused before anything happened: {:?}", refused.kinds);

    visit(&mut visitors, cluster);
    let back = fault(cluster).expect("a fault that can be done");
    let recovered = recover(&apis, &ledger, back).expect("a cluster that recovers");
    if toll == Toll::Node {
        // Its visitors were cut off; others come to where it is now.
        visitors.visit(cluster.nodes[0].address()).expect("a node that is back");
    }
    get_on(&ledger, &writers, &visitors);
    writers.finish();
    let visits = visitors.finish().expect("visitors who got to the nodes");

    let (entries, refusals) = (ledger.entries(), ledger.refusals());
    let settled = refusals.last.map_or(Duration::ZERO, |last| last.saturating_duration_since(back));
    println!(
        "round {round}: {} keys, {} changes, refused {:?}; nodes worked again after {recovered:.2?}, the last refusal came \
         after {settled:.2?}; {} follows, the slowest {:.0?}, before the fault {:.0?}",
        entries.len(),
        entries.iter().map(|entry| entry.steps.len()).sum::<usize>(),
        refusals.kinds,
        visits.redirects,
        visits.slowest,
        quiet.slowest,
    );
    judge_visits(&quiet, &visits, toll);
    verdict::links(cluster, &entries);
    match toll {
        Toll::Log => verdict::events_after(cluster, &entries, &tails, back),
        Toll::Place => verdict::events(cluster, &entries, &tails, 1),
        Toll::Patience | Toll::Node => verdict::events(cluster, &entries, &tails, 0),
    }
    visitors.verify(cluster);
    if toll != Toll::Node {
        let unanswered: Vec<_> = refusals.kinds.keys().filter(|kind| kind.starts_with(NO_ANSWER)).collect();
        assert!(unanswered.is_empty(), "a node that runs answers: {:?}", refusals.kinds);
    }
    assert!(recovered.iter().all(|took| *took < RECOVERY), "recovered after {recovered:?}");
    assert!(settled < RECOVERY, "refused {settled:?} after all was back: {:?}", refusals.kinds);
}

/// People who know some links.
fn visitors(cluster: &Cluster, ledger: &Ledger) -> Visitors {
    let apis = cluster.apis();
    let mut writer = Writer { apis: apis.clone(), node: 0, ledger };
    let links: Vec<_> = (0..VISITED).map(|number| writer.create(&format!("visited-{number}")).0).collect();
    links.iter().for_each(|link| ledger.enter(link.clone()));
    Visitors::new(&apis, links).expect("links that both nodes know")
}

fn visit(visitors: &mut Visitors, cluster: &Cluster) {
    for node in &cluster.nodes {
        visitors.visit(node.address()).expect("a node that can be visited");
    }
}

/// Waits until more links were made, and more were followed.
fn get_on(ledger: &Ledger, writers: &Writers, visitors: &Visitors) {
    let (made, followed) = (ledger.len() + UNDER_WAY, visitors.answered() + UNDER_WAY as u64);
    until(PATIENCE, "the load to get on", || {
        assert!(!writers.has_lost_one(), "a client has given up");
        Ok((ledger.len() >= made && visitors.answered() >= followed).then_some(()))
    })
    .expect("a load that gets on");
}

/// A link that is known is followed at once, whatever is away, by every node that runs.
fn judge_visits(quiet: &Visits, visits: &Visits, toll: Toll) {
    assert!(visits.others.is_empty(), "follows that led nowhere: {:?}", visits.others);
    if toll == Toll::Node {
        return;
    }
    assert_eq!(visits.lost, 0, "follows that nobody answered");
    let (slowest, usual) = (visits.slowest, quiet.slowest);
    assert!(slowest < SLOW + usual, "a follow took {slowest:?}, and {usual:?} before the fault");
}
