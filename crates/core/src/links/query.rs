//! Asking for many links: filters, sort orders, and the place to go on from.

use jiff::Timestamp;

use super::{Domain, Link, Tag};
use crate::ids::{LinkId, WorkspaceId};
use crate::page::{InvalidCursor, Limit};

/// Which links of a workspace, in which order, from where on.
#[derive(Clone, Debug)]
pub struct LinkQuery {
    /// The workspace whose links are asked for.
    pub workspace: WorkspaceId,
    /// Which of them.
    pub filter: LinkFilter,
    /// In which order.
    pub sort: LinkSort,
    /// Strictly after this place; from the beginning otherwise.
    pub after: Option<LinkAnchor>,
    /// How many.
    pub limit: Limit,
}

/// Which links are wanted; every condition that is there must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkFilter {
    /// Has this tag.
    pub tag: Option<Tag>,
    /// Is followed under this domain.
    pub domain: Option<Domain>,
    /// Leads exactly there.
    pub destination: Option<String>,
    /// Has this text in its slug, title or destination; ASCII letters match in either case.
    pub text: Option<String>,
    /// Was made after this moment.
    pub created_after: Option<Timestamp>,
    /// Was made before this moment.
    pub created_before: Option<Timestamp>,
}

impl LinkFilter {
    /// Whether `link` is wanted. What every adapter's query must agree with.
    pub fn admits(&self, link: &Link) -> bool {
        let has = |text: &str, part: &str| text.to_ascii_lowercase().contains(&part.to_ascii_lowercase());
        self.tag.as_ref().is_none_or(|tag| link.tags.iter().any(|own| own == tag))
            && self.domain.as_ref().is_none_or(|domain| link.domain == *domain)
            && self.destination.as_ref().is_none_or(|destination| link.destination.as_str() == destination)
            && self.text.as_ref().is_none_or(|part| {
                has(link.slug.as_str(), part)
                    || has(link.destination.as_str(), part)
                    || link.title.as_ref().is_some_and(|title| has(title.as_str(), part))
            })
            && self.created_after.is_none_or(|at| link.created_at > at)
            && self.created_before.is_none_or(|at| link.created_at < at)
    }
}

/// A sort order. The id breaks ties, so each order is total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LinkSort {
    /// By what.
    pub key: SortKey,
    /// Which way.
    pub direction: Direction,
}

/// What links can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SortKey {
    /// When it was made.
    #[default]
    CreatedAt,
    /// When it was last edited.
    UpdatedAt,
    /// Its slug, by code points.
    Slug,
}

/// Which way a sort runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Direction {
    /// Small and old first.
    Ascending,
    /// Large and new first; what people look for is mostly new.
    #[default]
    Descending,
}

impl LinkSort {
    /// The names on the wire; a `-` in front turns the order round.
    pub const ALLOWED: [&'static str; 6] = ["created_at", "-created_at", "updated_at", "-updated_at", "slug", "-slug"];

    /// Takes a sort order by its name.
    pub fn parse(name: &str) -> Option<Self> {
        let (name, direction) = match name.strip_prefix('-') {
            Some(name) => (name, Direction::Descending),
            None => (name, Direction::Ascending),
        };
        let key = match name {
            "created_at" => SortKey::CreatedAt,
            "updated_at" => SortKey::UpdatedAt,
            "slug" => SortKey::Slug,
            _ => return None,
        };
        Some(Self { key, direction })
    }
}

/// A place in a sorted listing: the sort key and the id of a row, which itself may be gone by now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkAnchor {
    /// The row's value of the sort key.
    pub key: AnchorKey,
    /// The row's id.
    pub id: LinkId,
}

/// The value of a sort key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnchorKey {
    /// Of `created_at` and `updated_at`.
    Time(Timestamp),
    /// Of `slug`.
    Text(String),
}

impl LinkAnchor {
    /// The place of `link` in `sort`.
    pub fn of(link: &Link, sort: LinkSort) -> Self {
        let key = match sort.key {
            SortKey::CreatedAt => AnchorKey::Time(link.created_at),
            SortKey::UpdatedAt => AnchorKey::Time(link.updated_at),
            SortKey::Slug => AnchorKey::Text(link.slug.as_str().to_owned()),
        };
        Self { key, id: link.id }
    }

    /// The bytes that a cursor seals.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.id.to_bytes().to_vec();
        match &self.key {
            AnchorKey::Time(at) => bytes.extend_from_slice(&at.as_microsecond().to_be_bytes()),
            AnchorKey::Text(text) => bytes.extend_from_slice(text.as_bytes()),
        }
        bytes
    }

    /// Reads the bytes that a cursor sealed for `sort`.
    ///
    /// # Errors
    /// [`InvalidCursor`] for bytes of another form.
    pub fn from_bytes(bytes: &[u8], sort: LinkSort) -> Result<Self, InvalidCursor> {
        let (id, key) = bytes.split_first_chunk::<16>().ok_or(InvalidCursor)?;
        let key = match sort.key {
            SortKey::Slug => AnchorKey::Text(String::from_utf8(key.to_vec()).map_err(|_| InvalidCursor)?),
            SortKey::CreatedAt | SortKey::UpdatedAt => {
                let micros = i64::from_be_bytes(key.try_into().map_err(|_| InvalidCursor)?);
                AnchorKey::Time(Timestamp::from_microsecond(micros).map_err(|_| InvalidCursor)?)
            }
        };
        Ok(Self { key, id: LinkId::from_bytes(*id) })
    }
}

impl LinkQuery {
    /// What a cursor is bound to: workspace, sort and filters. Place and limit may change from page to page.
    pub fn binding(&self) -> Vec<u8> {
        format!("links {} {:?} {:?}", self.workspace, self.sort, self.filter).into_bytes()
    }
}
