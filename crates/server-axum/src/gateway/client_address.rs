//! Who is calling, by address: the peer, or what trusted proxies say of it.
//!
//! `X-Forwarded-For` is a list to which every proxy appends the peer that it saw. Only what a trusted proxy appended can
//! be believed, so the list is read from the right: as long as an entry is a trusted proxy itself, the one left of it
//! counts. Whatever a client wrote stands further left, and is never reached. Other headers (`Forwarded`, `X-Real-IP`)
//! are not read: two sources of one truth are a hole.
//!
//! ```
//! use http::HeaderMap;
//! use waypost_server_axum::gateway::client_address::TrustedProxies;
//!
//! let proxies = TrustedProxies::parse(["10.0.0.0/8"])?;
//! let mut headers = HeaderMap::new();
//! headers.insert("x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.1.1.1".parse()?);
//! let client = proxies.client("10.2.2.2".parse()?, &headers);
//! assert_eq!(client.to_string(), "198.51.100.7", "what stands left of it may be forged");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

/// A caller's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The address that stands for a caller of whom nothing is known (a test, a Unix socket).
    pub const UNKNOWN: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// An address; IPv4 inside IPv6 is IPv4.
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address.
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// What counts as one caller: an IPv4 address, or the first of the /64 of an IPv6 address, since a subscriber has
    /// that many.
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (!0 << 64))),
        }
    }

    /// The key of a limit: an IPv4 address, or the /64 of an IPv6 address, since a subscriber has that many.
    pub fn limit_key(self) -> String {
        match self.0 {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is no address and no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address or a network such as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidNetwork(String);

/// A network: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    bits: u128,
    prefix: u32,
}

/// IPv4 as its place in IPv6, so that one comparison does for both.
fn bits(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) if prefix.bytes().all(|b| b.is_ascii_digit()) => {
                (address, Some(prefix.parse().ok()?))
            }
            Some(_) => return None,
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (width, offset) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let prefix: u32 = prefix.unwrap_or(width);
        (prefix <= width).then(|| Self { bits: bits(address), prefix: prefix + offset })
    }

    fn contains(self, address: IpAddr) -> bool {
        let differing = self.bits ^ bits(address);
        differing.leading_zeros() >= self.prefix
    }
}

/// The proxies whose word about a caller's address counts. None by default.
///
/// Behind a proxy that is not listed here, every caller has the proxy's address and they share one limit: list it.
/// Listing a network from which clients connect directly lets them choose their address: do not.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Reads addresses and networks.
    ///
    /// # Errors
    /// [`InvalidNetwork`] names the first that is neither.
    pub fn parse<T: AsRef<str>>(networks: impl IntoIterator<Item = T>) -> Result<Self, InvalidNetwork> {
        let parse = |text: T| Network::parse(text.as_ref()).ok_or_else(|| InvalidNetwork(text.as_ref().into()));
        networks.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the address is a trusted proxy's.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whose request this is, given the peer of the connection.
    ///
    /// An entry that is no address ends the walk: the nearest proxy to its right is then the client.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut nearest = peer;
        if !self.trusts(peer) {
            return ClientAddress::new(peer);
        }
        // Several lines are one list, in order (RFC 9110 §5.3).
        'walk: for line in headers.get_all("x-forwarded-for").iter().rev() {
            let Ok(line) = line.to_str() else { break };
            for entry in line.rsplit(',') {
                let Some(address) = entry_address(entry.trim()) else {
                    break 'walk;
                };
                nearest = address;
                if !self.trusts(address) {
                    break 'walk;
                }
            }
        }
        ClientAddress::new(nearest)
    }
}

/// An entry is an address, in brackets or not, with a port or not.
fn entry_address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn client(proxies: &[&str], peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let proxies = TrustedProxies::parse(proxies).unwrap();
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_peer_that_is_no_proxy_cannot_speak_for_others() {
        assert_eq!(client(&[], "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.1", &["10.0.0.1"]), "192.0.2.1");
    }

    #[test]
    fn counted_from_the_right_through_proxies_only() {
        let own = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"];
        assert_eq!(client(&own, "10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(&own, "10.0.0.1", &["1.1.1.1, 203.0.113.9, 192.0.2.7"]), "203.0.113.9");
        assert_eq!(client(&own, "10.0.0.1", &["1.1.1.1", "203.0.113.9", "10.9.9.9"]), "203.0.113.9");
        assert_eq!(client(&own, "10.0.0.1", &["10.3.3.3, 10.2.2.2"]), "10.3.3.3", "all are proxies: the farthest");
        assert_eq!(client(&own, "fd00::1", &["[2001:db8::5]:4711"]), "2001:db8::5");
        assert_eq!(client(&own, "10.0.0.1", &["203.0.113.9:80"]), "203.0.113.9");
    }

    #[test]
    fn nonsense_ends_the_walk_at_the_nearest_proxy() {
        let own = ["10.0.0.0/8"];
        for forged in ["", "unknown", "1.1.1.1, _hidden", "1.1.1.1,", "999.1.1.1", "1.1.1.1 2.2.2.2", "\"1.1.1.1\""] {
            assert_eq!(client(&own, "10.0.0.1", &[forged]), "10.0.0.1", "{forged:?}");
        }
        assert_eq!(client(&own, "10.0.0.1", &["x, 10.4.4.4"]), "10.4.4.4");
    }

    #[test]
    fn an_ipv4_peer_on_an_ipv6_socket_is_ipv4() {
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:10.0.0.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(&["::/0"], "10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn limits_see_a_64_of_ipv6() {
        let key = |text: &str| ClientAddress::new(text.parse().unwrap()).limit_key();
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(key("2001:db8:1:2::9"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::9"), key("2001:db8:1:3::9"));
        assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn networks_are_read_strictly() {
        for text in ["10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0", "proxy.example", "", "/8"] {
            assert!(TrustedProxies::parse([text]).is_err(), "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_a_client_forges_never_matters(forged in "[ -~]{0,60}", real in any::<u32>()) {
            let real = IpAddr::V4(Ipv4Addr::from_bits(real));
            let proxies = TrustedProxies::parse(["10.0.0.0/8"]).unwrap();
            prop_assume!(!proxies.trusts(real));
            let mut headers = HeaderMap::new();
            headers.append("x-forwarded-for", forged.parse().unwrap());
            headers.append("x-forwarded-for", format!("{forged}, {real}").parse().unwrap());
            let client = proxies.client("10.0.0.1".parse().unwrap(), &headers);
            prop_assert_eq!(client, ClientAddress::new(real));
        }
    }
}
