//! Many clients, each with a record of its own.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::record::{Heard, Record};
use super::{Addresses, Client, Manner};
use crate::support::wait::until;

/// Clients at work; they end when this is dropped.
pub struct Fleet {
    heard: Vec<Heard>,
    // Ends its tasks when it is dropped.
    _runtime: Runtime,
}

impl Fleet {
    /// Starts so many clients that behave alike: each address and each transport has as many that begin there.
    ///
    /// # Errors
    ///
    /// When there are no threads to run them.
    pub fn start(clients: usize, manner: &Manner, addresses: &Addresses) -> io::Result<Self> {
        // One thread: what it shares the machine with has more to do.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let manner = Arc::new(manner.clone());
        let heard: Vec<_> = (0..clients).map(|_| Heard::default()).collect();
        for (number, ear) in heard.iter().enumerate() {
            let client = Client::new(number, manner.clone(), addresses.clone(), ear.clone());
            // The next transport once for each round of the addresses.
            let mut client = client.begin_with(number / 2);
            runtime.spawn(async move { client.run().await });
        }
        Ok(Self { heard, _runtime: runtime })
    }

    /// Waits until this is true of every client's record.
    ///
    /// # Errors
    ///
    /// At the limit; the message says of how many it was not true, and how the first of them fares.
    pub fn all(&self, limit: Duration, what: &str, is_so: impl Fn(&Record) -> bool) -> io::Result<()> {
        let waited = until(limit, what, || {
            let is_so = self.heard.iter().all(|heard| is_so(&heard.look()));
            Ok(is_so.then_some(()))
        });
        waited.map_err(|error| {
            let others: Vec<_> = self.heard.iter().filter(|heard| !is_so(&heard.look())).collect();
            let first = others.first().map(|heard| heard.look().clone()).unwrap_or_default();
            let (log, opened, endings) = (first.log().len(), first.opened, &first.endings);
            let first = format!("the first has {log} events of {opened} sessions, which ended {endings:?}");
            io::Error::new(error.kind(), format!("{error}; {} clients are not there; {first}", others.len()))
        })
    }

    /// What the clients were told, up to this moment.
    pub fn records(&self) -> Vec<Record> {
        self.heard.iter().map(|heard| heard.look().clone()).collect()
    }
}

/// Adds up how often things happened to many.
pub fn add_up<'a>(counts: impl Iterator<Item = &'a BTreeMap<String, usize>>) -> BTreeMap<String, usize> {
    let mut sums = BTreeMap::new();
    for (name, count) in counts.flatten() {
        *sums.entry(name.clone()).or_default() += count;
    }
    sums
}
