//! Grants in memory.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use jiff::Timestamp;
use waypost_core::credentials::SecretHash;
use waypost_core::grants::{Ending, Grant, GrantStore, GrantToken, Turn};
use waypost_core::ids::{GrantId, TokenId, UserId};
use waypost_core::{Error, Kind, Result};

use super::MemoryStore;

#[derive(Debug, Default)]
pub(super) struct Grants {
    grants: HashMap<GrantId, Grant>,
    tokens: HashMap<SecretHash, Kept>,
    denied: HashMap<TokenId, Timestamp>,
    /// Counts tokens, so that it can be told which of two came first.
    count: u64,
}

#[derive(Debug)]
struct Kept {
    token: GrantToken,
    place: u64,
}

impl Grants {
    fn keep(&mut self, token: &GrantToken) -> Result<()> {
        if self.tokens.contains_key(&token.hash) {
            return Err(Error::new(Kind::Conflict, "The token is there already"));
        }
        self.count += 1;
        self.tokens.insert(token.hash, Kept { token: token.clone(), place: self.count });
        Ok(())
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    async fn open(&self, grant: &Grant, token: &GrantToken) -> Result<()> {
        let mut state = self.begin()?;
        if state.grants.grants.contains_key(&grant.id) {
            return Err(Error::new(Kind::Conflict, "The grant is there already"));
        }
        state.grants.keep(token)?;
        state.grants.grants.insert(grant.id, grant.clone());
        Ok(())
    }

    async fn find(&self, hash: SecretHash) -> Result<Option<(Grant, GrantToken)>> {
        let state = self.begin()?;
        let Some(kept) = state.grants.tokens.get(&hash) else { return Ok(None) };
        let grant = state.grants.grants.get(&kept.token.grant);
        Ok(grant.map(|grant| (grant.clone(), kept.token.clone())))
    }

    async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        Ok(self.begin()?.grants.grants.get(&id).cloned())
    }

    async fn grants(&self, user: UserId, now: Timestamp) -> Result<Vec<Grant>> {
        let state = self.begin()?;
        let own = state.grants.grants.values().filter(|grant| grant.user == user && grant.is_live(now));
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by_key(|grant| std::cmp::Reverse((grant.created_at, grant.id)));
        Ok(own)
    }

    async fn turn(&self, used: SecretHash, successor: &GrantToken, now: Timestamp) -> Result<Turn> {
        let mut state = self.begin()?;
        let grants = &mut state.grants;
        let Some(kept) = grants.tokens.get(&used) else { return Ok(Turn::Unknown) };
        let (id, place) = (kept.token.grant, kept.place);
        if grants.grants.get(&id).is_none_or(|grant| grant.ended_at.is_some()) {
            return Ok(Turn::Unknown);
        }
        if let Some(at) = kept.token.used_at {
            let after = |other: &Kept| other.token.grant == id && other.place > place && other.token.used_at.is_some();
            return Ok(Turn::Used { at, went_on: grants.tokens.values().any(after) });
        }
        grants.keep(successor)?;
        if let Some(kept) = grants.tokens.get_mut(&used) {
            kept.token.used_at = Some(now);
        }
        Ok(Turn::Done)
    }

    async fn touch(&self, id: GrantId, at: Timestamp) -> Result<()> {
        if let Some(grant) = self.begin()?.grants.grants.get_mut(&id) {
            grant.used_at = grant.used_at.max(at);
        }
        Ok(())
    }

    async fn end(&self, which: Ending, now: Timestamp) -> Result<u64> {
        let mut state = self.begin()?;
        let mut ended = 0;
        for grant in state.grants.grants.values_mut() {
            let meant = match which {
                Ending::Grant(id) => grant.id == id,
                Ending::User(user) => grant.user == user,
                Ending::Member(workspace, user) => grant.workspace == workspace && grant.user == user,
                Ending::Client(client) => grant.client == Some(client),
            };
            if meant && grant.is_live(now) {
                grant.ended_at = Some(now);
                ended += 1;
            }
        }
        Ok(ended)
    }

    async fn deny(&self, token: TokenId, until: Timestamp) -> Result<()> {
        let mut state = self.begin()?;
        let denied = state.grants.denied.entry(token).or_insert(until);
        *denied = (*denied).max(until);
        Ok(())
    }

    async fn is_denied(&self, token: TokenId, now: Timestamp) -> Result<bool> {
        Ok(self.begin()?.grants.denied.get(&token).is_some_and(|until| *until > now))
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let mut state = self.begin()?;
        let Grants { grants, tokens, denied, .. } = &mut state.grants;
        let limit = limit as usize;
        let is_over = |grant: &&Grant| grant.expires_at < before || grant.ended_at.is_some_and(|at| at < before);
        let over: HashSet<_> = grants.values().filter(is_over).map(|grant| grant.id).take(limit).collect();
        for id in &over {
            grants.remove(id);
        }
        tokens.retain(|_, kept| !over.contains(&kept.token.grant));
        let past = tokens.values().filter(|kept| kept.token.expires_at < before).map(|kept| kept.token.hash);
        let past: Vec<_> = past.take(limit).collect();
        for hash in &past {
            tokens.remove(hash);
        }
        let denials = denied.iter().filter(|(_, until)| **until < before).map(|(id, _)| *id);
        let denials: Vec<_> = denials.take(limit).collect();
        for id in &denials {
            denied.remove(id);
        }
        Ok((over.len() + past.len() + denials.len()) as u64)
    }
}
