//! Pages of a keyset listing, and the sealed cursors that lead from one to the next (§5).

mod cursor;

pub use cursor::{Cursors, InvalidCursor};

/// How many rows a page may hold: 1 to 100, by default 20.
///
/// 100 keeps an answer within one read of the client's buffer and a scan within one page of the index; a caller that
/// asks for more gets 100, a caller that asks for less than one is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The most rows of one page of the API.
    pub const MAX: Self = Self(100);

    /// The limit that was asked for, held within its bounds; `None` for zero.
    pub fn new(rows: u64) -> Option<Self> {
        (rows > 0).then(|| Self(rows.min(100) as u16))
    }

    /// The number of rows.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

/// Some rows of a listing, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, A> {
    /// The rows, in the order that was asked for.
    pub rows: Vec<T>,
    /// What to ask for next; `None` at the end of the listing.
    pub next: Option<A>,
}

impl<T, A> Page<T, A> {
    /// Makes a page of up to `limit` rows out of `rows`, which hold one more if there is a next page.
    pub fn cut(mut rows: Vec<T>, limit: Limit, anchor: impl Fn(&T) -> A) -> Self {
        let more = rows.len() > limit.get();
        rows.truncate(limit.get());
        let next = if more { rows.last().map(anchor) } else { None };
        Self { rows, next }
    }
}
