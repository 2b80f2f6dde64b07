//! What is asked for when a client is registered.

use serde_json::Value;

use super::jwks::ClientKeys;
use super::{Client, RedirectUri};
use crate::credentials::draft::{read_name, read_plan, read_scopes};
use crate::credentials::{PlanName, Scopes};
use crate::error::Issue;
use crate::fields::{Fields, kind};
use crate::limits::Plans;

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// By a secret (RFC 6749 §2.3.1).
    Secret,
    /// By an assertion that it signs with a key of its own (RFC 7523).
    Key,
    /// Not at all: it is a public client, and asks in the name of people only.
    None,
}

impl ClientAuth {
    /// The names.
    pub const ALLOWED: [&str; 3] = ["secret", "key", "none"];

    /// Reads a name.
    ///
    /// # Errors
    /// In words that list the names.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        match name {
            "secret" => Ok(Self::Secret),
            "key" => Ok(Self::Key),
            "none" => Ok(Self::None),
            _ => Err("must be secret, key or none"),
        }
    }

    /// How a client does it that was registered.
    pub fn of(client: &Client) -> Self {
        match (client.secrets.is_empty(), client.jwks.is_some()) {
            (false, _) => Self::Secret,
            (true, true) => Self::Key,
            (true, false) => Self::None,
        }
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Key => "key",
            Self::None => "none",
        }
    }
}

/// A client to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientDraft {
    /// What its owner calls it, 1 to 128 characters.
    pub name: String,
    /// The most that its tokens may do; at least one.
    pub scopes: Scopes,
    /// The plan; that of whoever registers it if none is named.
    pub plan: Option<PlanName>,
    /// How it proves who it is. By a key if it brings keys, and else by a secret.
    pub auth: ClientAuth,
    /// Its public keys, for [`ClientAuth::Key`] alone.
    pub keys: Option<ClientKeys>,
    /// Where people may be sent back to, at most 10; at least one for [`ClientAuth::None`].
    pub redirect_uris: Vec<RedirectUri>,
}

/// The most redirect URIs of a client.
const MOST_URIS: usize = 10;

impl ClientDraft {
    /// Reads a draft from the fields of a request.
    ///
    /// # Errors
    /// Every fault.
    pub fn read(mut fields: Fields, plans: &Plans) -> Result<Self, Vec<Issue>> {
        let name = read_name(&mut fields);
        let scopes = read_scopes(&mut fields);
        let plan = read_plan(&mut fields, plans);
        let keys = fields.read("jwks", |value| ClientKeys::read(&value)).value();
        let auth = fields.text("auth", ClientAuth::parse).value();
        let redirect_uris = fields.read("redirect_uris", read_uris).value().unwrap_or_default();
        let auth = auth.unwrap_or(if keys.is_some() { ClientAuth::Key } else { ClientAuth::Secret });
        for (name, missing) in [("name", name.is_none()), ("scopes", scopes.is_none())] {
            if missing && !fields.is_at_fault(name) {
                fields.fault(name, "is required");
            }
        }
        let draft = Self {
            name: name.unwrap_or_default(),
            scopes: scopes.unwrap_or_default(),
            plan,
            auth,
            keys,
            redirect_uris,
        };
        let is_whole = !["auth", "jwks", "redirect_uris"].into_iter().any(|name| fields.is_at_fault(name));
        if let (true, Err(issue)) = (is_whole, draft.check()) {
            fields.fault(&issue.field, issue.issue);
        }
        let issues = fields.into_issues();
        if issues.is_empty() { Ok(draft) } else { Err(issues) }
    }

    /// Whether its parts go together.
    ///
    /// # Errors
    /// Names the part that is missing, or one too many.
    pub fn check(&self) -> Result<(), Issue> {
        match (self.auth, self.keys.is_some()) {
            (ClientAuth::Key, false) => Err(Issue::new("jwks", "is required where `auth` is `key`")),
            (ClientAuth::Secret | ClientAuth::None, true) => {
                Err(Issue::new("jwks", "goes with `auth` as `key` alone, so that there is one way in"))
            }
            (ClientAuth::None, false) if self.redirect_uris.is_empty() => {
                let issue = "is required where `auth` is `none`: such a client asks in the name of people only";
                Err(Issue::new("redirect_uris", issue))
            }
            _ => Ok(()),
        }
    }
}

fn read_uris(value: Value) -> Result<Vec<RedirectUri>, String> {
    let Value::Array(items) = value else { return Err(format!("must be a list, not {}", kind(&value))) };
    if items.len() > MOST_URIS {
        return Err(format!("must be at most {MOST_URIS} URIs"));
    }
    let read = |item: &Value| RedirectUri::parse(item.as_str().unwrap_or_default()).map_err(|fault| fault.to_string());
    items.iter().map(read).collect()
}
