//! Secrets of endpoints: replaced by new ones, and sealed anew.

use super::{Registered, Webhooks};
use crate::credentials::{Overlap, Principal, Scope};
use crate::error::{Error, Kind, Result};
use crate::ids::WebhookId;

/// The most secrets of an endpoint that are live at a time. Each is a signature in every delivery.
pub const MOST_SECRETS: usize = 5;

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

    /// Seals every secret of the workspace with the key that seals now, as far as another one did; says how many there
    /// were. For whoever operates the platform: afterwards the keys before it can be taken away.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::Internal`] for a secret whose key is not there: nothing of its endpoint is
    /// changed; those of the store.
    pub async fn reseal(&self, who: &Principal) -> Result<usize> {
        who.require(Scope::WebhooksWrite)?;
        let seal = &self.messages.seal;
        let mut resealed = 0;
        for endpoint in self.store.endpoints(who.workspace).await? {
            let owner = endpoint.id.to_string();
            let count = endpoint.secrets.iter().filter(|secret| !seal.is_current(&secret.sealed)).count();
            if count == 0 {
                continue;
            }
            let change = self.change(who.workspace, endpoint.id, |endpoint, _| {
                for secret in endpoint.secrets.iter_mut().filter(|secret| !seal.is_current(&secret.sealed)) {
                    let open = seal.open(&secret.sealed, owner.as_bytes())?;
                    secret.sealed = seal.close(&open, owner.as_bytes(), &*self.entropy)?;
                }
                Ok(())
            });
            match change.await {
                Ok(_) => resealed += count,
                // Deleted meanwhile, and its secrets with it.
                Err(error) if error.kind() == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(resealed)
    }
}
