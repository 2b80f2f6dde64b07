//! The port that keeps grants.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Grant, GrantToken};
use crate::credentials::SecretHash;
use crate::error::Result;
use crate::ids::{ClientId, GrantId, TokenId, UserId, WorkspaceId};

/// Keeps grants, their tokens, and the ids of access tokens that were revoked before their time.
///
/// # Contract
/// 1. *Hashes only.* No text of a token is ever given to the store.
/// 2. *Together.* A grant and its first token are kept together or not at all.
/// 3. *Once.* Of those who turn a token at once, one is told [`Turn::Done`], and its successor is there with it; all
///    others are told [`Turn::Used`], and theirs is not. They may well propose one and the same successor.
/// 4. *Not after the end.* A token of a grant that was ended is not turned.
/// 5. *Ended for good.* A grant that was ended stays so, and keeps the first moment; its tokens can still be found, so
///    that one who shows them is told why they are void.
/// 6. *Denied until the end.* A token's id that was denied stays so until the moment that was given with it, and a later
///    moment extends that.
/// 7. *Swept.* A sweep forgets what is over by its moment, and nothing else.
///
/// # Errors
/// [`Unavailable`](crate::Kind::Unavailable) when the store is away; [`Conflict`](crate::Kind::Conflict) for the hash of
/// a token or the id of a grant that is there already, of which nothing is kept.
#[async_trait]
pub trait GrantStore: Debug + Send + Sync {
    /// Keeps a grant with its first token.
    async fn open(&self, grant: &Grant, token: &GrantToken) -> Result<()>;

    /// The token with this hash, and its grant.
    async fn find(&self, hash: SecretHash) -> Result<Option<(Grant, GrantToken)>>;

    /// The grant of this id.
    async fn grant(&self, id: GrantId) -> Result<Option<Grant>>;

    /// The grants of a person that hold at `now`, newest first.
    async fn grants(&self, user: UserId, now: Timestamp) -> Result<Vec<Grant>>;

    /// Uses a token up at `now` and puts its successor beside it, of the same grant.
    async fn turn(&self, used: SecretHash, successor: &GrantToken, now: Timestamp) -> Result<Turn>;

    /// Notes that a grant was used.
    async fn touch(&self, id: GrantId, at: Timestamp) -> Result<()>;

    /// Ends grants; answers how many held until then. For people and logs: of one who repeats a call whose answer was
    /// lost, the second answer counts only what the first one left.
    async fn end(&self, which: Ending, now: Timestamp) -> Result<u64>;

    /// Denies an access token until `until`, when it ends by itself.
    async fn deny(&self, token: TokenId, until: Timestamp) -> Result<()>;

    /// Whether an access token is denied at `now`.
    async fn is_denied(&self, token: TokenId, now: Timestamp) -> Result<bool>;

    /// Forgets grants that expired or were ended before `before`, with their tokens; single tokens that expired before
    /// it, so that a grant that is turned for years keeps no trail of years; and denials that ended before it. At most
    /// `limit` of each. Answers how many in all, the tokens of forgotten grants left out.
    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64>;
}

/// What became of a token that was to be turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is used up now, and its successor is there.
    Done,
    /// It was used up before, at this moment, and whether what came of it then was used as well.
    Used {
        /// When.
        at: Timestamp,
        /// Whether a token of the same grant that came after it has been used up too.
        went_on: bool,
    },
    /// There is no such token, or its grant was ended.
    Unknown,
}

/// Which grants to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// One.
    Grant(GrantId),
    /// All of a person, in every workspace.
    User(UserId),
    /// All of a person in one workspace: they are no member any more.
    Member(WorkspaceId, UserId),
    /// All that were given to a client.
    Client(ClientId),
}
