//! What a gateway tells the nodes behind it about who asks: a token for one request.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Fault, Jws, Tokens};
use crate::credentials::{Actor, PlanName, Principal, Scopes};
use crate::error::Result;
use crate::ids::WorkspaceId;

/// The type in the header; no access token has it, and none of these has the other.
const TYPE: &str = "waypost-principal+jwt";
/// How long a node may take to see it. 30 s: the time that a request is given in all (§12).
const LIFE: Duration = Duration::from_secs(30);
/// How far the clocks of gateway and node may stand apart: both are the operator's.
const LEEWAY: Duration = Duration::from_secs(5);

impl Tokens {
    /// Tells `audience`, an upstream by its name, who asks for `method` and `path`. Good for that, and for half a minute.
    ///
    /// # Errors
    /// Those of the store, where there is no key yet.
    pub async fn vouch(&self, who: &Principal, audience: &str, method: &str, path: &str) -> Result<String> {
        let now = self.clock.now();
        let mut claims = json!({
            "iss": &*self.issuer,
            "aud": audience,
            "sub": who.actor.to_string(),
            "workspace_id": who.workspace.to_string(),
            "scope": who.scopes.to_string(),
            "htm": method,
            "htu": path,
            "iat": now.as_second(),
            "exp": (now + LIFE).as_second(),
        });
        if let Some(plan) = &who.plan {
            claims["plan"] = plan.as_str().into();
        }
        self.sign(TYPE, &claims, now).await
    }

    /// Who asks for `method` and `path`, by the word of a gateway for `audience`.
    ///
    /// # Errors
    /// [`Unauthenticated`](crate::Kind::Unauthenticated) or [`Expired`](crate::Kind::Expired), whose source is the
    /// [`Fault`].
    pub async fn accept(&self, text: &str, audience: &str, method: &str, path: &str) -> Result<Principal> {
        let now = self.clock.now();
        let jws = Jws::parse(text)?;
        self.require_signature(&jws, TYPE, now).await?;
        Ok(self.read(&jws, audience, (method, path), now)?)
    }

    fn read(&self, jws: &Jws<'_>, audience: &str, request: (&str, &str), now: Timestamp) -> Result<Principal, Fault> {
        let claims = jws.claims();
        claims.require_issuer(&self.issuer)?;
        claims.require_audience(&[audience])?;
        claims.require_now(now, LEEWAY)?;
        if (claims.text("htm")?, claims.text("htu")?) != request {
            return Err(Fault::Request);
        }
        let plan = claims.optional_text("plan")?.map(PlanName::parse).transpose();
        Ok(Principal {
            workspace: claims.parsed("workspace_id", WorkspaceId::parse)?,
            actor: claims.parsed("sub", |text| Actor::parse(text).ok_or(()))?,
            scopes: claims.parsed("scope", Scopes::parse)?,
            plan: plan.map_err(|_| Fault::Claim("plan"))?,
            traceparent: None,
        })
    }
}
