//! Word of changed links, from the node that changed them to those that have them in memory.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{Domain, Slug};
use crate::error::Result;

/// A link's name: what its cached copies are found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkName {
    /// The domain.
    pub domain: Domain,
    /// The slug.
    pub slug: Slug,
}

/// Tells every node which links changed, so that none goes on following what another has changed.
///
/// Word, not truth: it is sent after the commit and kept nowhere. What is lost on the way is made good by forgetting
/// everything, never by silence; and a cache believes a link for a short time only, so even a lost word ends.
///
/// # Contract
/// 1. *Heard.* What is announced after [`listen`](Self::listen) returned is heard by that listener, in
///    [`Heard::Names`] or as [`Heard::Everything`]. Several announcements may be heard as one, and one in parts.
/// 2. *Honest.* A listener that may have missed something (its connection was cut, it was too slow) hears
///    [`Heard::Everything`] once it is connected again, by itself.
/// 3. *By all.* Every listener hears each announcement, that of the announcing node included.
/// 4. *Cancel safe.* A [`next`](Listener::next) that is dropped loses nothing.
/// 5. *Everything, if need be.* An announcement of no names says that anything may have changed, and is heard as
///    [`Heard::Everything`]. A node that had more to tell than it could keep says so in this way.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the word cannot be sent; the caller may announce the same again.
#[async_trait]
pub trait Invalidations: Debug + Send + Sync {
    /// Says that these links changed; without any, that all may have.
    async fn announce(&self, names: &[LinkName]) -> Result<()>;

    /// Listens from now on.
    async fn listen(&self) -> Result<Box<dyn Listener>>;
}

/// Hears what is announced.
#[async_trait]
pub trait Listener: Debug + Send {
    /// The next word, as soon as there is one. Cancel safe.
    async fn next(&mut self) -> Heard;
}

/// What a listener heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// These links changed.
    Names(Vec<LinkName>),
    /// Anything may have changed: words were lost.
    Everything,
}
