//! Rounds in which each of several ways to work is measured once.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Outcome;
use crate::options::Options;

/// How long each goes on before the first round, so that caches are warm and plans are made.
const WARM_UP: Duration = Duration::from_secs(1);

/// Works for so long, and gives how often a second it was done.
pub(super) type Work<'a> = Box<dyn FnMut(Duration) -> Outcome<f64> + 'a>;

/// What came out: how often a second, by round and by way.
pub(super) struct Rounds {
    names: Vec<&'static str>,
    rates: Vec<Vec<f64>>,
}

impl Rounds {
    /// Lets all take turns, each round beginning with another, and prints a table.
    pub(super) fn run<const N: usize>(options: &Options, ways: [(&'static str, Work<'_>); N]) -> Outcome<Self> {
        let (names, mut works): (Vec<_>, Vec<_>) = ways.into_iter().unzip();
        for work in &mut works {
            work(WARM_UP)?;
        }
        println!("{:>5} {}", "round", cells(&names));
        let mut rates = Vec::with_capacity(options.rounds);
        for round in 0..options.rounds {
            let mut row = vec![0.0; works.len()];
            for turn in 0..works.len() {
                let way = (round + turn) % works.len();
                row[way] = works[way](options.time())?;
            }
            println!("{:>5} {}", round + 1, cells(&row.iter().map(|rate| format!("{rate:.0}")).collect::<Vec<_>>()));
            rates.push(row);
        }
        Ok(Self { names, rates })
    }

    /// How many times as often one is done as another.
    pub(super) fn ratio(&self, of: usize, to: usize) -> Spread {
        Spread::of(self.rates.iter().map(|rates| rates[of] / rates[to]))
    }

    /// What is done a second, by its name.
    pub(super) fn json(&self) -> Value {
        let rate = |way: usize| Spread::of(self.rates.iter().map(|rates| rates[way])).json();
        self.names.iter().enumerate().map(|(way, name)| ((*name).to_owned(), rate(way))).collect()
    }
}

fn cells(texts: &[impl fmt::Display]) -> String {
    texts.iter().map(|text| format!("{text:>18}")).collect()
}

/// The middle and the ends of some figures.
pub(super) struct Spread {
    pub(super) median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    /// Of one figure or more.
    pub(super) fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + sorted[middle]) / 2.0 } else { sorted[middle] };
        Self { median, min: sorted[0], max: sorted[sorted.len() - 1] }
    }

    pub(super) fn json(&self) -> Value {
        json!({ "median": self.median, "min": self.min, "max": self.max })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "median {:.3} (min {:.3}, max {:.3})", self.median, self.min, self.max)
    }
}
