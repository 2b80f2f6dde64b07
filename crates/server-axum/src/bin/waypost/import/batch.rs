//! The reading side: rows, checked and gathered, on a thread of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::Sender;
use waypost_core::links::Slug;

use super::formats::{Import, Row, Scope};
use super::rejects::Reject;
use super::sink::Sink;

/// A row that can become a link.
#[derive(Debug)]
pub(super) struct Item<R> {
    /// What the source says.
    pub(super) row: Row,
    /// The slug that it says, or that was drawn for it.
    pub(super) slug: Slug,
    /// How often a slug was drawn for it; `None` where the source has one.
    pub(super) drawn: Option<u32>,
    /// What the sink needs.
    pub(super) ready: R,
}

/// A piece of the source.
#[derive(Debug)]
pub(super) struct Batch<R> {
    /// What can become links.
    pub(super) items: Vec<Item<R>>,
    /// What cannot.
    pub(super) rejects: Vec<Reject>,
    /// The last line of it.
    pub(super) line: u64,
    /// How many bytes of the source were read by then.
    pub(super) taken: u64,
    /// What links lose on the way, and how many of them.
    pub(super) left_out: BTreeMap<&'static str, u64>,
    /// Whether the source breaks off here.
    pub(super) broken: bool,
}

impl<R> Default for Batch<R> {
    fn default() -> Self {
        Self { items: Vec::new(), rejects: Vec::new(), line: 0, taken: 0, left_out: BTreeMap::new(), broken: false }
    }
}

/// Reads `rows` to their end, or until nobody takes them any more.
pub(super) fn read<T: Sink>(
    rows: Import<'_>,
    sink: &T,
    domain: Option<&str>,
    size: usize,
    taken: &Arc<AtomicU64>,
    out: &Sender<Batch<T::Ready>>,
) {
    let mut batch = Batch::default();
    for outcome in rows {
        match outcome {
            Ok(mut row) => {
                batch.line = row.line;
                if let Some(domain) = domain {
                    row.domain = Some(domain.to_owned());
                }
                for what in std::mem::take(&mut row.left_out).into_iter().chain(sink.loses(&row)) {
                    *batch.left_out.entry(what).or_default() += 1;
                }
                match item(row, sink, None) {
                    Ok(item) => batch.items.push(item),
                    Err(reject) => batch.rejects.push(*reject),
                }
            }
            Err(refused) => {
                batch.line = refused.line;
                batch.broken |= refused.scope == Scope::Rest;
                batch.rejects.push(Reject::of_source(refused));
            }
        }
        if batch.items.len() + batch.rejects.len() >= size {
            batch.taken = taken.load(Ordering::Relaxed);
            if out.blocking_send(std::mem::take(&mut batch)).is_err() {
                return;
            }
        }
    }
    batch.taken = taken.load(Ordering::Relaxed);
    // Nobody waits for the rest if the import was stopped.
    let _ = out.blocking_send(batch);
}

/// Makes a row ready for the sink; with another slug than last time if one was drawn for it.
pub(super) fn item<T: Sink>(row: Row, sink: &T, last: Option<u32>) -> Result<Item<T::Ready>, Box<Reject>> {
    let (slug, drawn) = match &row.slug {
        Some(text) => (Slug::parse(text).map_err(|fault| format!("slug {fault}")), None),
        None => {
            let attempt = last.map_or(0, |last| last + 1);
            (Ok(sink.slugs().of(&row, attempt)), Some(attempt))
        }
    };
    let ready = slug.and_then(|slug| sink.ready(&row, &slug).map(|ready| (slug, ready)));
    match ready {
        Ok((slug, ready)) => Ok(Item { row, slug, drawn, ready }),
        Err(reason) => Err(Box::new(Reject::of_row(row, reason))),
    }
}
