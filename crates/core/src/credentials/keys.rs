//! API keys, as those who hold them make, replace and revoke them.

use std::time::Duration;

use jiff::Timestamp;

use super::draft::{read_name, read_plan, read_scopes};
use super::{ApiKey, ApiKeyText, Credentials, IssuedKey, PlanName, Principal, Scope, Scopes};
use crate::error::{Error, Kind, Result};
use crate::fields::Fields;
use crate::ids::KeyId;
use crate::limits::Plans;

/// How long a replaced key is still good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap(Duration);

impl Overlap {
    /// A week: who has not changed over by then has forgotten to.
    pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// An overlap; `None` above the longest.
    pub fn new(overlap: Duration) -> Option<Self> {
        (overlap <= Self::LONGEST).then_some(Self(overlap))
    }

    /// Reads the field `overlap`, in seconds.
    ///
    /// # Errors
    /// [`Kind::Invalid`] with every fault, unknown fields included.
    pub fn read(mut fields: Fields) -> Result<Self> {
        let overlap = fields.whole("overlap", 0..=Self::LONGEST.as_secs()).value();
        fields.finish()?;
        Ok(overlap.map_or(Self::default(), |seconds| Self(Duration::from_secs(seconds))))
    }

    /// Until when what is replaced at `now` is good.
    pub fn end(self, now: Timestamp) -> Timestamp {
        now + self.0
    }
}

impl Default for Overlap {
    /// A day: a deployment in every time zone's working hours.
    fn default() -> Self {
        Self(Duration::from_secs(24 * 60 * 60))
    }
}

/// What a new key is asked to be.
#[derive(Clone, Debug)]
pub struct KeyDraft {
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The plan that it is limited by; that of the one who makes it if none is named.
    pub plan: Option<PlanName>,
    /// From when on it is void.
    pub expires_at: Option<Timestamp>,
}

impl KeyDraft {
    /// Reads a draft; `now` decides whether a time lies ahead.
    ///
    /// # Errors
    /// [`Kind::Invalid`] with every fault of every field.
    pub fn read(mut fields: Fields, plans: &Plans, now: Timestamp) -> Result<Self> {
        let name = read_name(&mut fields);
        let scopes = read_scopes(&mut fields);
        let plan = read_plan(&mut fields, plans);
        let expires_at = fields.time("expires_at").value();
        if expires_at.is_some_and(|at| at <= now) {
            fields.fault("expires_at", "must lie in the future");
        }
        for (field, is_there) in [("name", name.is_some()), ("scopes", scopes.is_some())] {
            if !is_there && !fields.is_at_fault(field) {
                fields.fault(field, "is required");
            }
        }
        fields.finish()?;
        match (name, scopes) {
            (Some(name), Some(scopes)) => Ok(Self { name, scopes, plan, expires_at }),
            _ => Err(Error::internal("a fault was noted and lost")),
        }
    }
}

impl Credentials {
    /// Makes a key in the workspace of `who`, that may do no more than they.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::Forbidden`] for more than they have; those of the store.
    pub async fn create_key(&self, who: &Principal, draft: KeyDraft) -> Result<IssuedKey> {
        who.require(Scope::KeysWrite)?;
        let plan = draft.plan.or_else(|| who.plan.clone());
        who.may_grant(draft.scopes, plan.as_ref())?;
        self.make(who, draft.name, draft.scopes, plan, draft.expires_at).await
    }

    /// The keys of the workspace, oldest first, those that are void included.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; those of the store.
    pub async fn list_keys(&self, who: &Principal) -> Result<Vec<ApiKey>> {
        who.require(Scope::KeysRead)?;
        self.keys(who.workspace).await
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::NotFound`], also for another workspace's; those of the store.
    pub async fn read_key(&self, who: &Principal, id: KeyId) -> Result<ApiKey> {
        let keys = self.list_keys(who).await?;
        keys.into_iter().find(|key| key.id == id).ok_or_else(|| Error::not_found("API key"))
    }

    /// Replaces a key by a new one of the same name, scopes, plan and end; the old one is good for `overlap` more.
    ///
    /// # Errors
    /// As [`create_key`](Self::create_key), since whoever is shown the new text may do what the key may;
    /// [`Kind::NotFound`], also for another workspace's; [`Kind::Conflict`] for a key that is void, or that ends within a
    /// week, since it was replaced before or its time is over soon.
    pub async fn rotate_key(&self, who: &Principal, id: KeyId, overlap: Overlap) -> Result<IssuedKey> {
        who.require(Scope::KeysWrite)?;
        let keys = self.keys(who.workspace).await?;
        let old = keys.into_iter().find(|key| key.id == id).ok_or_else(|| Error::not_found("API key"))?;
        let now = self.clock.now();
        if !old.is_live(now) {
            return Err(Error::new(Kind::Conflict, "The API key is void: make a new one"));
        }
        // It has been replaced before, or is near its own end: its heir would end with it.
        if old.expires_at.is_some_and(|end| end <= now + Overlap::LONGEST) {
            return Err(Error::new(Kind::Conflict, "The API key ends within a week: make a new one"));
        }
        who.may_grant(old.scopes, old.plan.as_ref())?;
        let issued = self.make(who, old.name, old.scopes, old.plan, old.expires_at).await?;
        self.store.expire_key(who.workspace, id, overlap.end(now)).await?;
        Ok(issued)
    }

    /// Revokes a key, on every node within a second. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::NotFound`], also for another workspace's; those of the store.
    pub async fn revoke_key(&self, who: &Principal, id: KeyId) -> Result<ApiKey> {
        who.require(Scope::KeysWrite)?;
        self.revoke(who.workspace, id).await
    }

    async fn make(
        &self,
        who: &Principal,
        name: String,
        scopes: Scopes,
        plan: Option<PlanName>,
        expires_at: Option<Timestamp>,
    ) -> Result<IssuedKey> {
        let id = KeyId::fresh(self.clock.now(), &*self.entropy);
        let text = ApiKeyText::generate(id, &*self.entropy);
        let draft = KeyDraft { name, scopes, plan, expires_at };
        let key = self.keep(id, who.workspace, draft, &text).await?;
        Ok(IssuedKey { key, text })
    }
}
