//! The decision.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::Uri;
use url::Host;

use super::{AllowRule, EgressClass, EgressError, denied};

/// The ports that may be called at public addresses, unless others are named: those of HTTP, and those on which servers
/// of the web stand by custom.
///
/// Most senders leave all ports open and look at addresses alone. That lets every tenant have mail servers, databases and
/// remote shells of third parties called, and ask by the words of the failures which of their ports are open. The few
/// receivers on another port take one [`AllowRule`] each, as `:9000`.
pub const PORTS: [u16; 6] = [80, 443, 4443, 8080, 8443, 9443];

/// How the guard decides; each default says why it is so.
#[derive(Clone, Debug)]
pub struct GuardOptions {
    /// The ports that may be called at public addresses: [`PORTS`].
    pub ports: Vec<u16>,
    /// What may be called beyond. Nothing: private networks are whose they are.
    pub allow: Vec<AllowRule>,
}

impl Default for GuardOptions {
    fn default() -> Self {
        Self { ports: PORTS.to_vec(), allow: Vec::new() }
    }
}

/// Decides which hosts, addresses and ports may be called. Pure: it asks nobody.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    options: GuardOptions,
}

/// Where a URI leads: a host as every notation of it comes to, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Lower case, in ASCII, without a dot at the end; none where an address stands in the URI.
    pub name: Option<String>,
    /// The addresses, where none need be asked for: the literal, or what `localhost` is (RFC 6761 §6.3).
    pub known: Option<IpAddr>,
    /// The port, told or implied.
    pub port: u16,
}

impl Guard {
    /// A guard of these options.
    pub fn new(options: GuardOptions) -> Self {
        Self { options }
    }

    /// How it decides.
    pub fn options(&self) -> &GuardOptions {
        &self.options
    }

    /// Where the URI leads, if it may lead there as far as that is known without asking for addresses: an address in
    /// whatever notation is decided upon here.
    ///
    /// # Errors
    /// [`EgressClass::Blocked`]: another scheme, no host, a port that nothing allows, an address that may not be called.
    pub fn destination(&self, uri: &Uri) -> Result<Destination, EgressError> {
        let implied = match uri.scheme_str() {
            Some("https") => 443,
            Some("http") => 80,
            _ => {
                return Err(EgressError::new(EgressClass::Blocked, "blocked address: the scheme is not http or https"));
            }
        };
        let no_host = || EgressError::new(EgressClass::Blocked, "blocked address: its host is none");
        let authority = uri.authority().ok_or_else(no_host)?;
        if authority.as_str().contains('@') {
            return Err(EgressError::new(EgressClass::Blocked, "blocked address: it names a user"));
        }
        // A port that is no number would else be taken for the implied one.
        let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
            "" | ":" => implied,
            _ => authority.port_u16().filter(|port| *port != 0).ok_or_else(no_host)?,
        };
        // The reader of URLs of the web knows every notation: octal, hexadecimal, short, escaped, circled.
        let (name, known) = match Host::parse(authority.host()).map_err(|_| no_host())? {
            Host::Ipv4(address) => (None, Some(IpAddr::V4(address))),
            Host::Ipv6(address) => (None, Some(IpAddr::V6(address))),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.').to_owned();
                if name.is_empty() {
                    return Err(no_host());
                }
                // Nobody else may be asked what it is.
                let is_local = name == "localhost" || name.ends_with(".localhost");
                (Some(name), is_local.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)))
            }
        };
        let destination = Destination { name, known, port };
        if let Some(address) = known {
            self.check_one(&destination, address)?;
        } else if !self.may_ever_call(port) {
            return Err(EgressError::blocked_port(port));
        }
        Ok(destination)
    }

    /// What may be connected to, if *every* one of these addresses may be called: one that may not refuses all, since
    /// whoever mixes them wants the guard to look at one and the connector to take another.
    ///
    /// # Errors
    /// [`EgressClass::Blocked`], in the same words for each address. [`EgressClass::Dns`] where there is none.
    pub fn check(&self, destination: &Destination, addresses: &[IpAddr]) -> Result<Vec<SocketAddr>, EgressError> {
        if addresses.is_empty() {
            return Err(EgressError::dns());
        }
        for address in addresses {
            self.check_one(destination, *address)?;
        }
        Ok(addresses.iter().map(|address| SocketAddr::new(*address, destination.port)).collect())
    }

    fn check_one(&self, destination: &Destination, address: IpAddr) -> Result<(), EgressError> {
        let (name, port) = (destination.name.as_deref(), destination.port);
        if self.options.allow.iter().any(|rule| rule.covers(name, address, port)) {
            return Ok(());
        }
        // The port first: then its words say nothing of the address.
        if !self.is_open(port) {
            return Err(EgressError::blocked_port(port));
        }
        match denied(address) {
            Some(_) => Err(EgressError::blocked_address()),
            None => Ok(()),
        }
    }

    /// Whether the port may be called at public addresses.
    fn is_open(&self, port: u16) -> bool {
        self.options.ports.contains(&port) || self.options.allow.iter().any(|rule| rule.opens(port))
    }

    /// Whether there is any address at which the port may be called; if not, no name need be asked for.
    fn may_ever_call(&self, port: u16) -> bool {
        self.is_open(port) || self.options.allow.iter().any(|rule| rule.may_cover(port))
    }
}
