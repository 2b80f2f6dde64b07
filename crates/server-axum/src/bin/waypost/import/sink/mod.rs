//! Where links go: into the store itself, or to a running server.

mod remote;
mod store;

use std::collections::VecDeque;

use waypost_core::Error;
use waypost_core::links::Slug;

pub(super) use remote::RemoteSink;
pub(super) use store::StoreSink;

use super::batch::Item;
use super::formats::Row;
use super::slugs::Slugs;

/// Takes links in batches.
pub(super) trait Sink: Send + Sync + 'static {
    /// What it needs to make a link.
    type Ready: Send + Sync + 'static;

    /// Draws slugs for rows that have none.
    fn slugs(&self) -> &Slugs;

    /// What of a row it cannot keep.
    fn loses(&self, _: &Row) -> Option<&'static str> {
        None
    }

    /// Checks a row, and turns it into what is needed to make its link.
    ///
    /// # Errors
    /// Why it cannot become a link, in words.
    fn ready(&self, row: &Row, slug: &Slug) -> Result<Self::Ready, String>;

    /// Makes the links of a batch, each for itself; a fate for each, in order. Making them again changes nothing.
    ///
    /// # Errors
    /// What keeps it from making any.
    fn write(&self, items: &[Item<Self::Ready>]) -> impl Future<Output = Result<VecDeque<Fate>, Error>> + Send;

    /// What [`write`](Self::write) would do, as far as that can be told without doing it.
    ///
    /// # Errors
    /// What keeps it from looking.
    fn look(&self, items: &[Item<Self::Ready>]) -> impl Future<Output = Result<VecDeque<Fate>, Error>> + Send;
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its link was made.
    Made,
    /// Its link was there before, leading to the same place.
    Already,
    /// Another link has its slug.
    Taken(String),
    /// It was refused, for this reason.
    Refused(String),
}
