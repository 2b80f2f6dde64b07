//! What may be called beyond the public network.

use std::fmt;
use std::net::IpAddr;

use url::Host;

use super::Network;

/// One thing that may be called although it is not public, or although its port is another.
///
/// | text | lets through |
/// |---|---|
/// | `hooks.internal` | this host, whatever address it has, on any port |
/// | `*.internal` | every host below `internal`, not itself |
/// | `10.0.0.0/8`, `fd00::/8`, `10.1.2.3` | these addresses on any port, and every name that has no others |
/// | `hooks.internal:8080`, `10.0.0.0/8:8080`, `[fd00::/8]:8080` | the same on one port alone |
/// | `:9000` | this port at public addresses |
///
/// A host that is allowed is believed: whoever writes its DNS decides what is called, the machine itself included. Allow
/// networks where that is somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowRule {
    scope: Scope,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    /// Public addresses, which only need the port.
    Public,
    Host(String),
    /// With the dot before it.
    Below(String),
    Network(Network),
}

/// Why a text allows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAllowRule {
    /// It is neither host nor network.
    #[error(
        "`{0}` is not a host or a network; write hooks.internal, *.internal, 10.0.0.0/8, or one of them with :PORT"
    )]
    Form(String),
    /// It is a network with bits behind its prefix.
    #[error("`{0}` {1}")]
    Network(String, super::InvalidNetwork),
    /// It has a port that is none.
    #[error("`{0}` has no port from 1 to 65535; write it as hooks.internal:8080")]
    Port(String),
    /// It would let every name lead anywhere.
    #[error("`{0}` would allow everything; if that is meant, write 0.0.0.0/0 and ::/0")]
    Everything(String),
}

impl AllowRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// [`InvalidAllowRule`] names the text, and what would be right.
    pub fn parse(text: &str) -> Result<Self, InvalidAllowRule> {
        let text = text.trim();
        let port = |digits: &str| {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            let port = if is_number { digits.parse().ok() } else { None };
            port.filter(|port| *port != 0).map(Some).ok_or_else(|| InvalidAllowRule::Port(text.to_owned()))
        };
        if let Some(digits) = text.strip_prefix(':').filter(|rest| !rest.contains(':')) {
            return Ok(Self { scope: Scope::Public, port: port(digits)? });
        }
        if let Some((network, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let port = match (rest, rest.strip_prefix(':')) {
                ("", _) => None,
                (_, Some(digits)) => port(digits)?,
                (_, None) => return Err(InvalidAllowRule::Form(text.to_owned())),
            };
            return Ok(Self { scope: Scope::network(text, network)?, port });
        }
        // Of colons there is one before a port, and there are two at least in an IPv6 address.
        let (scope, port) = match text.split_once(':') {
            Some((scope, digits)) if !digits.contains(':') && !digits.starts_with('/') => (scope, port(digits)?),
            _ => (text, None),
        };
        let scope = match scope.parse::<IpAddr>().is_ok() || scope.contains('/') {
            true => Scope::network(text, scope)?,
            false => Scope::host(text, scope)?,
        };
        Ok(Self { scope, port })
    }

    /// Whether it lets this address of this host through, whatever the address is.
    pub(super) fn covers(&self, name: Option<&str>, address: IpAddr, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
            && match &self.scope {
                Scope::Public => false,
                Scope::Host(host) => name == Some(host),
                Scope::Below(suffix) => name.is_some_and(|name| name.len() > suffix.len() && name.ends_with(suffix)),
                Scope::Network(network) => network.contains(address),
            }
    }

    /// Whether there may be an address that it lets through on this port.
    pub(super) fn may_cover(&self, port: u16) -> bool {
        self.scope != Scope::Public && self.port.is_none_or(|own| own == port)
    }

    /// Whether it opens the port at public addresses.
    pub(super) fn opens(&self, port: u16) -> bool {
        self.scope == Scope::Public && self.port == Some(port)
    }

    /// Whether it takes the guard's whole meaning away: all addresses, on all ports.
    pub fn is_everything(&self) -> bool {
        matches!(self.scope, Scope::Network(network) if network.is_everything()) && self.port.is_none()
    }
}

impl Scope {
    fn network(text: &str, network: &str) -> Result<Self, InvalidAllowRule> {
        Network::parse(network).map(Self::Network).map_err(|fault| match fault {
            super::InvalidNetwork::Form => InvalidAllowRule::Form(text.to_owned()),
            fault @ super::InvalidNetwork::Bits(_) => InvalidAllowRule::Network(text.to_owned(), fault),
        })
    }

    fn host(text: &str, host: &str) -> Result<Self, InvalidAllowRule> {
        if host == "*" {
            return Err(InvalidAllowRule::Everything(text.to_owned()));
        }
        let (is_below, name) = host.strip_prefix("*.").map_or((false, host), |name| (true, name));
        let form = || InvalidAllowRule::Form(text.to_owned());
        // By the parser that reads targets, so that both come to the same letters.
        let Ok(Host::Domain(read)) = Host::parse(name) else { return Err(form()) };
        let read = read.trim_end_matches('.');
        if read.is_empty() || read.contains('*') {
            return Err(form());
        }
        Ok(if is_below { Self::Below(format!(".{read}")) } else { Self::Host(read.to_owned()) })
    }
}

impl fmt::Display for AllowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.scope, self.port) {
            (Scope::Public, _) => {}
            (Scope::Host(host), _) => f.write_str(host)?,
            (Scope::Below(suffix), _) => write!(f, "*{suffix}")?,
            (Scope::Network(network), Some(_)) if network.to_string().contains(':') => write!(f, "[{network}]")?,
            (Scope::Network(network), _) => write!(f, "{network}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_lets_its_own_through_and_its_neighbours_not() {
        for (rule, host, address, port, is_covered) in [
            ("hooks.internal", Some("hooks.internal"), "10.0.0.1", 1, true),
            ("Hooks.Internal.", Some("hooks.internal"), "::1", 80, true),
            ("hooks.internal", Some("a.hooks.internal"), "10.0.0.1", 80, false),
            ("hooks.internal:8080", Some("hooks.internal"), "10.0.0.1", 8080, true),
            ("hooks.internal:8080", Some("hooks.internal"), "10.0.0.1", 80, false),
            ("*.internal", Some("a.b.internal"), "10.0.0.1", 80, true),
            ("*.internal", Some("internal"), "10.0.0.1", 80, false),
            ("*.internal", Some("notinternal"), "10.0.0.1", 80, false),
            ("*.internal", None, "10.0.0.1", 80, false),
            ("10.0.0.0/8", None, "10.9.9.9", 22, true),
            ("10.0.0.0/8", Some("any.example"), "10.9.9.9", 22, true),
            ("10.0.0.0/8", None, "11.0.0.1", 80, false),
            ("10.0.0.0/8:8080", None, "10.9.9.9", 8080, true),
            ("10.0.0.0/8:8080", None, "10.9.9.9", 8081, false),
            ("fd00::/8", None, "fd12::1", 80, true),
            ("[fd00::/8]:8080", None, "fd12::1", 8080, true),
            ("[fd00::/8]:8080", None, "fd12::1", 80, false),
            ("::1", None, "::1", 80, true),
            (":9000", Some("a.example"), "10.0.0.1", 9000, false),
        ] {
            let rule = AllowRule::parse(rule).unwrap();
            assert_eq!(
                rule.covers(host, address.parse().unwrap(), port),
                is_covered,
                "{rule} {host:?} {address} {port}"
            );
            assert_eq!(AllowRule::parse(&rule.to_string()).unwrap(), rule);
        }
        assert!(AllowRule::parse(":9000").unwrap().opens(9000) && !AllowRule::parse(":9000").unwrap().opens(9001));
        assert!(AllowRule::parse("::/0").unwrap().is_everything());
        assert!(!AllowRule::parse("0.0.0.0/0:8080").unwrap().is_everything());
    }

    #[test]
    fn what_is_no_rule_is_refused_with_its_cure() {
        for (text, told) in [
            ("", "is not a host or a network"),
            ("https://hooks.internal", "is not a host or a network"),
            ("hooks.internal/path", "is not a host or a network"),
            ("a b", "is not a host or a network"),
            ("a.*.internal", "is not a host or a network"),
            ("[fd00::/8", "is not a host or a network"),
            ("[fd00::/8]8080", "is not a host or a network"),
            ("10.0.0.0/40", "is not a host or a network"),
            ("10.1.0.0/8", "has bits behind its prefix; write 10.0.0.0/8"),
            ("hooks.internal:0", "has no port"),
            ("hooks.internal:http", "has no port"),
            (":65536", "has no port"),
            ("*", "write 0.0.0.0/0 and ::/0"),
            ("*:8080", "write 0.0.0.0/0 and ::/0"),
        ] {
            let fault = AllowRule::parse(text).expect_err(text).to_string();
            assert!(fault.contains(told) && fault.starts_with(&format!("`{text}`")), "{text}: {fault}");
        }
    }
}
