//! People who follow links that both nodes know, all the time.
//!
//! Each request bears a `Referer` of its own, whose host is kept with the click: so every single redirect is compared with
//! every single click, not only their sums.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::ledger::Entry;
use super::nodes::Cluster;
use crate::support::command::waypost;
use crate::support::http::Api;
use crate::support::load::{Load, Running};
use crate::support::wait::{clicks, gauge, until};

/// Follows a second and node.
const RATE: u32 = 100;

/// Connections to each node.
const CONNECTIONS: usize = 8;

/// Longer than any fault takes; they are stopped before.
const LONGEST: Duration = Duration::from_secs(600);

/// How long clicks may take to be counted, and to be exported.
const PATIENCE: Duration = Duration::from_secs(120);

/// Visitors at work.
pub(super) struct Visitors {
    links: Vec<Entry>,
    running: Vec<Running>,
    /// Loads until now, by which their marks differ.
    loads: usize,
    /// Marks of redirects that arrived.
    answered: HashSet<String>,
    /// Marks of requests whose answer did not arrive.
    unanswered: HashSet<String>,
}

/// What visitors saw for a while.
#[derive(Debug, Default)]
pub(super) struct Visits {
    /// Redirects that arrived.
    pub(super) redirects: u64,
    /// Requests that no node answered, or took.
    pub(super) lost: u64,
    /// Answers that were no redirect, by status.
    pub(super) others: BTreeMap<u16, u64>,
    /// The longest that one of them had to wait.
    pub(super) slowest: Duration,
}

impl Visitors {
    /// People who know these links. Has both nodes look them up, which is no click.
    ///
    /// # Errors
    ///
    /// When a link cannot be followed.
    pub(super) fn new(apis: &[Api; 2], links: Vec<Entry>) -> io::Result<Self> {
        for link in &links {
            for api in apis {
                api.send("HEAD", &link.path, &[], None)?.expect(302)?;
            }
        }
        let (answered, unanswered) = (HashSet::new(), HashSet::new());
        Ok(Self { links, running: Vec::new(), loads: 0, answered, unanswered })
    }

    /// Has them visit this node, too.
    ///
    /// # Errors
    ///
    /// When it cannot be connected to.
    pub(super) fn visit(&mut self, node: SocketAddr) -> io::Result<()> {
        let load = Load::new(node, self.links.iter().map(|link| link.path.as_str()))
            .connections(CONNECTIONS)
            .header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
            .mark("Referer", &format!("https://visit-{}.", self.loads))
            .at_rate(RATE)
            .for_time(LONGEST);
        self.running.push(load.start()?);
        self.loads += 1;
        Ok(())
    }

    /// How many redirects they have got.
    pub(super) fn answered(&self) -> u64 {
        self.running.iter().map(Running::answered).sum()
    }

    /// Sends them home, and asks what they saw.
    ///
    /// # Errors
    ///
    /// When they never got to a node.
    pub(super) fn finish(&mut self) -> io::Result<Visits> {
        self.stop();
        let mut visits = Visits::default();
        for running in self.running.drain(..) {
            let report = running.join()?;
            self.answered.extend(report.marks_answered());
            self.unanswered.extend(report.marks_unanswered());
            visits.redirects += report.redirected();
            visits.lost += report.unanswered + report.unsent + report.missed;
            for (status, count) in report.statuses.iter().filter(|(status, _)| !(300..400).contains(*status)) {
                *visits.others.entry(*status).or_default() += count;
            }
            visits.slowest = visits.slowest.max(report.latency.max());
        }
        Ok(visits)
    }

    /// Compares all that visitors saw with what was counted.
    pub(super) fn verify(&self, cluster: &Cluster) {
        let ids: Vec<String> = self.links.iter().map(|link| link.id.clone()).collect();
        let mut last = None;
        let counts = until(PATIENCE, "the clicks to be counted", || {
            // The gauges first: what they say of empty spools then holds for the counts as well.
            let spools = [0, 1].map(|node| gauge(&cluster.nodes[node], "waypost_spool_bytes"));
            let [left, right] = spools;
            let is_empty = left? == Some(0.0) && right? == Some(0.0);
            let counts = clicks(&cluster.nodes[0], &ids)?;
            let is_still = last.replace(counts.clone()) == Some(counts.clone());
            Ok((is_empty && is_still).then_some(counts))
        });
        let counts = counts.expect("empty spools");
        let clicks = clicks_by_mark(cluster);
        let twice: Vec<_> = clicks.iter().filter(|(_, count)| **count > 1).take(10).collect();
        assert!(twice.is_empty(), "counted more than once: {twice:?}");
        let lost: Vec<_> = self.answered.iter().filter(|mark| !clicks.contains_key(*mark)).collect();
        assert!(lost.is_empty(), "{} of {} answered and not counted", lost.len(), self.answered.len());
        let is_known = |mark: &String| self.answered.contains(mark) || self.unanswered.contains(mark);
        let foreign: Vec<_> = clicks.keys().filter(|mark| !is_known(mark)).take(10).collect();
        assert!(foreign.is_empty(), "counted and never sent: {foreign:?}");
        assert_eq!(counts.iter().sum::<u64>(), clicks.len() as u64, "counts and single clicks agree");
    }

    fn stop(&self) {
        self.running.iter().for_each(Running::stop);
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How many clicks bear each mark, as the store itself has them.
fn clicks_by_mark(cluster: &Cluster) -> HashMap<String, u64> {
    let url = cluster.postgres.url();
    let arguments = ["export", "clicks", "--format", "jsonl", "--database-url", &url];
    let done = waypost(cluster.nodes[0].data_dir(), &arguments, PATIENCE).and_then(|done| done.success());
    let mut clicks = HashMap::new();
    for line in done.expect("an export").stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let click: Value = serde_json::from_slice(line).expect("a line of JSON");
        if let Some(host) = click["referrer"].as_str() {
            *clicks.entry(format!("https://{host}")).or_default() += 1;
        }
    }
    clicks
}
