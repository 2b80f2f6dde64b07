//! Scopes: what a principal may do.

use std::fmt;

/// One kind of thing that may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Scope {
    /// Read links.
    LinksRead,
    /// Make, edit and delete links.
    LinksWrite,
    /// Read statistics.
    AnalyticsRead,
    /// Read events.
    EventsRead,
    /// Read webhook endpoints.
    WebhooksRead,
    /// Register and delete webhook endpoints.
    WebhooksWrite,
    /// List API keys.
    KeysRead,
    /// Make, rotate and revoke API keys.
    KeysWrite,
    /// List OAuth clients.
    ClientsRead,
    /// Register, rotate and revoke OAuth clients.
    ClientsWrite,
    /// List members.
    MembersRead,
    /// Add and remove members, and change their roles.
    MembersWrite,
    /// List who still calls what is on its way out.
    UsageRead,
    /// Make, change and remove owners. Beside it, the scopes of whatever changes members.
    OwnersWrite,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::LinksRead,
        Self::LinksWrite,
        Self::AnalyticsRead,
        Self::EventsRead,
        Self::WebhooksRead,
        Self::WebhooksWrite,
        Self::KeysRead,
        Self::KeysWrite,
        Self::ClientsRead,
        Self::ClientsWrite,
        Self::MembersRead,
        Self::MembersWrite,
        Self::UsageRead,
        Self::OwnersWrite,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LinksRead => "links:read",
            Self::LinksWrite => "links:write",
            Self::AnalyticsRead => "analytics:read",
            Self::EventsRead => "events:read",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::ClientsRead => "clients:read",
            Self::ClientsWrite => "clients:write",
            Self::MembersRead => "members:read",
            Self::MembersWrite => "members:write",
            Self::UsageRead => "usage:read",
            Self::OwnersWrite => "owners:write",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no scope of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a scope; there are {known}")]
pub struct UnknownScope {
    name: String,
    known: String,
}

/// A set of scopes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    /// Every scope there is, those of later versions included.
    pub const ALL: Self = Self(u32::MAX);

    /// Whether `scope` is among them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u8 != 0
    }

    /// Those that are in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// These but for `scope`.
    #[must_use]
    pub fn without(self, scope: Scope) -> Self {
        Self(self.0 & !(1 << scope as u8))
    }

    /// Whether all of them are in `other`. Every scope there is stays more than those that are known today.
    pub fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Reads names parted by spaces or commas; `*` is every scope.
    ///
    /// # Errors
    /// [`UnknownScope`] lists the scopes that there are.
    pub fn parse(text: &str) -> Result<Self, UnknownScope> {
        text.split([' ', ',']).filter(|name| !name.is_empty()).try_fold(Self::default(), |scopes, name| {
            if name == "*" {
                return Ok(Self::ALL);
            }
            let scope = Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
            let scope = scope.ok_or_else(|| UnknownScope {
                name: name.to_owned(),
                known: Scope::ALL.map(Scope::as_str).join(", "),
            })?;
            Ok(Self(scopes.0 | 1 << scope as u8))
        })
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | 1 << scope as u8))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("*");
        }
        let names: Vec<_> = Scope::ALL.into_iter().filter(|scope| self.contains(*scope)).map(Scope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in ["links:read events:read", "*", ""] {
            assert_eq!(Scopes::parse(text).unwrap().to_string(), text);
        }
        assert!(Scopes::parse("links:admin").unwrap_err().to_string().contains("links:write"));
        assert!(!Scopes::parse("links:read").unwrap().contains(Scope::LinksWrite));
        let fewer = Scopes::ALL.without(Scope::OwnersWrite);
        assert!(fewer.contains(Scope::UsageRead) && !fewer.contains(Scope::OwnersWrite));
        assert!(!fewer.to_string().contains("owners:write"));
    }
}
