//! What a node does: which role brings what.
//!
//! | role | routes | engines |
//! |---|---|---|
//! | `gateway` | those of the section `[gateway]`, which lead elsewhere | health checks of their targets, reload |
//! | `links`, `webhooks`, `feed` | the API, the documentation, and follows | those that a node has for itself: clicks from its spool to the store and from there to the outbox, word of changed links, its live sessions and who of them watches what |
//! | `webhooks` | as above | beside these: events from the log to the queues of endpoints, the calls of receivers, forgetting what was delivered |
//! | `relay` | | those that one node or several do for all: the relay of events, expiry, sweeping, retention |
//!
//! Together the nodes need each role once. Without `relay` no event reaches the log, and without `webhooks` none leaves it
//! for a partner: what is owed waits for a node that has the role, for as long as the log keeps events.
//!
//! Every node answers `/livez`, `/readyz` and `/metrics`. The API is not yet parted: `links`, `webhooks` and `feed` bring
//! all of it.

use std::fmt;

use waypost_server_axum::Own;

/// One thing that a node may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Gateway,
    Links,
    Webhooks,
    Feed,
    Relay,
}

/// Each role and its name.
const NAMES: [(Role, &str); 5] = [
    (Role::Gateway, "gateway"),
    (Role::Links, "links"),
    (Role::Webhooks, "webhooks"),
    (Role::Feed, "feed"),
    (Role::Relay, "relay"),
];

/// What a node does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roles(Vec<Role>);

impl Default for Roles {
    fn default() -> Self {
        Self(NAMES.map(|(role, _)| role).to_vec())
    }
}

impl Roles {
    /// Reads a list of names.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let known = NAMES.map(|(_, name)| name).join(", ");
        let mut roles = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match NAMES.iter().find(|(_, known)| *known == name) {
                Some((role, _)) if !roles.contains(role) => roles.push(*role),
                Some(_) => {}
                None => return Err(format!("`{name}` is not a role; write some of {known}")),
            }
        }
        if roles.is_empty() {
            return Err(format!("is empty, so the node would do nothing; write some of {known}"));
        }
        Ok(Self(roles))
    }

    fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    fn serves(&self) -> bool {
        [Role::Links, Role::Webhooks, Role::Feed].into_iter().any(|role| self.has(role))
    }

    /// Which of the program's own routes the node has.
    pub(crate) fn own(&self) -> Own {
        if self.serves() { Own::All } else { Own::Probes }
    }

    /// Whether the node has the routes that lead elsewhere.
    pub(crate) fn leads_elsewhere(&self) -> bool {
        self.has(Role::Gateway)
    }

    /// Whether the node runs the engine of this name.
    pub(crate) fn runs(&self, engine: &str) -> bool {
        match engine {
            // What lies in this node's spool is counted by this node, and told at once by who knows that it was.
            "drain" | "teller" | "spool_sync" => self.serves(),
            // Reads for the live sessions of this node.
            "live_tail" => self.serves(),
            // Whoever is connected to this node is kept present by this node.
            "presence" => self.serves(),
            // Who changes links says so, and who keeps links in memory listens.
            "announcer" | "forgetter" => self.serves() || self.has(Role::Relay),
            // They meet in the store, and any number of nodes share the work.
            "webhook_fanout" | "webhook_dispatcher" | "webhook_backlog" | "webhook_retention" => {
                self.has(Role::Webhooks)
            }
            "proxy_health" | "gateway_reload" => self.leads_elsewhere(),
            // Fills a memory of this process, which whoever recognises callers reads.
            "issuer-keys" => self.serves() || self.leads_elsewhere(),
            _ => self.has(Role::Relay),
        }
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = NAMES.iter().filter(|(role, _)| self.has(*role)).map(|(_, name)| *name).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_roles_do_everything_and_the_gateway_alone_serves_nothing_of_its_own() {
        let all = Roles::default();
        let gateway = Roles::parse("gateway").unwrap();
        assert_eq!((all.own(), gateway.own()), (Own::All, Own::Probes));
        for engine in [
            "drain",
            "teller",
            "spool_sync",
            "relay",
            "expiry",
            "announcer",
            "click_retention",
            "presence",
            "live_tail",
        ] {
            assert!(all.runs(engine) && !gateway.runs(engine), "{engine}");
        }
        assert!(gateway.runs("proxy_health") && all.runs("gateway_reload") && gateway.runs("issuer-keys"));
        let links = Roles::parse("links, links").unwrap();
        assert!(
            links.runs("drain")
                && links.runs("presence")
                && links.runs("teller")
                && links.runs("forgetter")
                && !links.runs("relay")
                && !links.leads_elsewhere()
        );
        let relay = Roles::parse("relay").unwrap();
        assert!(relay.runs("announcer") && !relay.runs("teller"));
        for engine in ["webhook_fanout", "webhook_dispatcher", "webhook_backlog", "webhook_retention"] {
            let runs = |roles| Roles::parse(roles).unwrap().runs(engine);
            assert!(all.runs(engine) && runs("webhooks") && !runs("gateway,links,feed,relay"), "{engine}");
        }
        assert_eq!(Roles::parse("feed,gateway").unwrap().to_string(), "gateway,feed");
    }

    #[test]
    fn a_name_that_is_none_is_refused_with_those_that_are() {
        assert!(Roles::parse("gateway,mail").unwrap_err().contains("gateway, links, webhooks, feed, relay"));
        assert!(Roles::parse(" , ").is_err());
    }
}
