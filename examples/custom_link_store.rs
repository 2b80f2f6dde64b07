//! A link store of one's own, and the proof that it keeps the laws of its port.
//!
//! `cargo run --example custom_link_store --features conformance`; with `test` for `run` the whole proof.
//!
//! It keeps an audit trail around any other store. A wrapper owes the contract of what it wraps, so it passes the same
//! suite: one line, at the end of this file.

use std::error::Error;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use waypost::conformance::{self, Stores, fixtures};
use waypost::ids::{LinkId, WorkspaceId};
use waypost::links::{Atomicity, Domain, Link, LinkAnchor, LinkQuery, LinkStore, LinkWrite, Slug, Written};
use waypost::memory::MemoryStore;
use waypost::page::Page;

/// Notes every change that was made.
#[derive(Debug)]
struct AuditedLinkStore {
    inner: Arc<dyn LinkStore>,
    trail: Mutex<Vec<String>>,
}

fn audited(inner: Arc<dyn LinkStore>) -> AuditedLinkStore {
    let trail = Mutex::default();
    AuditedLinkStore { inner, trail }
}

#[async_trait]
impl LinkStore for AuditedLinkStore {
    async fn get(&self, workspace: WorkspaceId, id: LinkId) -> waypost::Result<Option<Link>> {
        self.inner.get(workspace, id).await
    }

    async fn find(&self, domain: &Domain, slug: &Slug) -> waypost::Result<Option<Link>> {
        self.inner.find(domain, slug).await
    }

    async fn list(&self, query: &LinkQuery) -> waypost::Result<Page<Link, LinkAnchor>> {
        self.inner.list(query).await
    }

    async fn write(&self, write: LinkWrite<'_>) -> waypost::Result<Written> {
        let changes: Vec<_> = write.changes.iter().map(|(change, _)| format!("{change:?}")).collect();
        let written = self.inner.write(write).await?;
        // Only what was made: refused changes and lost leases left nothing behind.
        if let Written::Committed(outcomes) = &written {
            let made = changes.into_iter().zip(outcomes).filter(|(_, outcome)| outcome.is_ok());
            let mut trail = self.trail.lock().expect("no code panics under this lock");
            trail.extend(made.map(|(change, _)| change));
        }
        Ok(written)
    }

    async fn due(&self, now: Timestamp, limit: usize) -> waypost::Result<Vec<Link>> {
        self.inner.due(now, limit).await
    }
}

/// A fresh subject for each case: the store under proof, and the neighbours that share its transactions.
async fn stores() -> Stores {
    let store = Arc::new(MemoryStore::default());
    Stores { links: Arc::new(audited(store.clone())), clicks: store.clone(), idempotency: store.clone(), outbox: store }
}

/// Runs one case of the suite; like a test, it panics where its rule is broken.
async fn prove<C: AsyncFnOnce(Stores)>(case: C) {
    case(stores().await).await;
    let name = std::any::type_name::<C>();
    println!("holds: {}", name.rsplit("::").next().unwrap_or(name).replace('_', " "));
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = audited(Arc::new(MemoryStore::default()));
    let first = fixtures::link(1);
    let second = Link { slug: first.slug.clone(), ..fixtures::link(2) };
    for link in [&first, &second] {
        // The second is refused: its slug is taken by then.
        let changes = vec![(fixtures::insert(link), None)];
        store.write(fixtures::plain(Atomicity::All, changes)).await?;
    }
    let trail = store.trail.into_inner()?;
    assert_eq!(trail.len(), 1);
    println!("audit trail: {:.60}…\n", trail[0]);

    prove(conformance::links::a_change_and_its_event_commit_together).await;
    prove(conformance::links::one_refused_change_undoes_all).await;
    prove(conformance::links::the_answer_is_kept_with_the_change).await;
    prove(conformance::links::another_workspaces_row_is_not_found_by_a_change).await;
    Ok(())
}

// The whole suite, a test for each of its cases, is one line. An adapter's tests need no more.
#[cfg(test)]
conformance::links!(stores);
