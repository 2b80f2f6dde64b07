//! Secrets of endpoints: replaced by new ones, and sealed anew.

use jiff::Timestamp;

use super::{Endpoint, Registered, Webhooks};
use crate::credentials::{Overlap, Principal, Scope};
use crate::error::{Error, Kind, Result};
use crate::ids::WebhookId;

/// The most secrets of an endpoint that are live at a time. Each is a signature in every delivery.
pub const MOST_SECRETS: usize = 5;

/// What became of secrets that were to be sealed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// How many were sealed with the key that seals now.
    pub sealed: usize,
    /// How many are left under another key, which is not there to open them.
    pub left: usize,
}

impl Webhooks {
    /// Makes another secret; those before it are used for `overlap` more, beside it. One that would end sooner does.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::NotFound`]; [`Kind::Conflict`] where [`MOST_SECRETS`] are live; those of the
    /// store.
    pub async fn rotate(&self, who: &Principal, id: WebhookId, overlap: Overlap) -> Result<Registered> {
        who.require(Scope::WebhooksWrite)?;
        let (secret, kept) = self.draw_secret(id, self.clock.now())?;
        let (endpoint, ()) = self
            .change(who.workspace, id, |endpoint, now| {
                let ends = overlap.end(now);
                for secret in &mut endpoint.secrets {
                    secret.ends_at = Some(secret.ends_at.map_or(ends, |at| at.min(ends)));
                }
                endpoint.secrets.retain(|secret| secret.is_live(now));
                if endpoint.secrets.len() >= MOST_SECRETS {
                    let message = "Five secrets are live; wait until one ends, or rotate with an overlap of 0";
                    return Err(Error::new(Kind::Conflict, message));
                }
                endpoint.secrets.insert(0, kept.clone());
                endpoint.updated_at = now;
                Ok(())
            })
            .await?;
        Ok(Registered { endpoint, secret })
    }

    /// Seals every secret of the workspace with the key that seals now, as far as another one did. Secrets that have ended are
    /// dropped; one that cannot be opened is left as it is, counted and logged. For whoever operates the platform: once
    /// nothing is left, the keys before it can be taken away.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; those of the store.
    pub async fn reseal(&self, who: &Principal) -> Result<Resealed> {
        who.require(Scope::WebhooksWrite)?;
        let mut resealed = Resealed::default();
        for endpoint in self.store.endpoints(who.workspace).await? {
            let mut renewed = endpoint.clone();
            let mut part = self.renew(&mut renewed, self.clock.now())?;
            if renewed != endpoint {
                part = match self.change(who.workspace, endpoint.id, |it, now| self.renew(it, now)).await {
                    Ok((_, part)) => part,
                    // Deleted meanwhile, and its secrets with it.
                    Err(error) if error.kind() == Kind::NotFound => continue,
                    Err(error) => return Err(error),
                };
            }
            if part.left > 0 {
                tracing::warn!(endpoint = %endpoint.id, secrets = part.left, "secrets cannot be opened: the key that sealed them is not there");
            }
            resealed.sealed += part.sealed;
            resealed.left += part.left;
        }
        Ok(resealed)
    }

    /// Seals the secrets of one endpoint anew.
    fn renew(&self, endpoint: &mut Endpoint, now: Timestamp) -> Result<Resealed> {
        let (seal, owner) = (&self.messages.seal, endpoint.id.to_string());
        let mut resealed = Resealed::default();
        endpoint.secrets.retain(|secret| secret.is_live(now));
        for secret in endpoint.secrets.iter_mut().filter(|secret| !seal.is_current(&secret.sealed)) {
            match seal.open(&secret.sealed, owner.as_bytes()) {
                Ok(open) => {
                    secret.sealed = seal.close(&open, owner.as_bytes(), &*self.entropy)?;
                    resealed.sealed += 1;
                }
                Err(_) => resealed.left += 1,
            }
        }
        Ok(resealed)
    }
}
