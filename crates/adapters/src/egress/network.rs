//! Networks: an address and how many of its bits count.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3), or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// It is neither an address nor a network.
    #[error("is not an address or a network; write 10.0.0.0/8 or fd00::/8")]
    Form,
    /// Bits behind the prefix are set, so another network may be meant.
    #[error("has bits behind its prefix; write {0}")]
    Bits(Network),
}

impl Network {
    pub(super) const fn v4(octets: [u8; 4], bits: u8) -> Self {
        let [a, b, c, d] = octets;
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    /// Of the first four groups; none of the networks we know by heart needs more.
    pub(super) const fn v6(groups: [u16; 4], bits: u8) -> Self {
        let [a, b, c, d] = groups;
        Self { address: IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)), bits }
    }

    /// Reads `10.0.0.0/8`, `fd00::/8`, or one address.
    ///
    /// # Errors
    /// [`InvalidNetwork`] says what would be right.
    pub fn parse(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork::Form)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let is_number = |bits: &str| bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits = match bits {
            Some(bits) if is_number(bits) => bits.parse().map_err(|_| InvalidNetwork::Form)?,
            Some(_) => return Err(InvalidNetwork::Form),
            None => most,
        };
        if bits > most {
            return Err(InvalidNetwork::Form);
        }
        let begins = first(address, bits);
        if begins != address {
            return Err(InvalidNetwork::Bits(Self { address: begins, bits }));
        }
        Ok(Self { address, bits })
    }

    /// Whether the address lies in it. IPv4 and IPv6 are apart: `::ffff:10.0.0.1` does not lie in `10.0.0.0/8`.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && first(address, self.bits) == self.address
    }

    /// Whether it is all there is.
    pub fn is_everything(&self) -> bool {
        self.bits == 0
    }
}

/// The first address of the network of this size that the address lies in.
fn first(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address, self.bits) {
            (IpAddr::V4(address), 32) => write!(f, "{address}"),
            (IpAddr::V6(address), 128) => write!(f, "{address}"),
            (address, bits) => write!(f, "{address}/{bits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_begins_as_it_does() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("172.16.0.0/12", "172.31.0.1", "172.32.0.1"),
            ("fd00::/8", "fdff::1", "fe00::"),
            ("::/0", "ffff::", "127.0.0.1"),
            ("::1", "::1", "::2"),
            ("10.0.0.0/8", "10.0.0.1", "::ffff:10.0.0.1"),
        ] {
            let read = Network::parse(network).unwrap();
            assert!(read.contains(inside.parse().unwrap()), "{inside} in {network}");
            assert!(!read.contains(outside.parse().unwrap()), "{outside} in {network}");
            assert_eq!(read.to_string(), network);
        }
    }

    #[test]
    fn what_is_no_network_is_refused_with_what_would_be_right() {
        for text in
            ["", "10", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "fd00::/129", "a.example", "010.0.0.1", "::1%1"]
        {
            assert_eq!(Network::parse(text), Err(InvalidNetwork::Form), "{text:?}");
        }
        let fault = Network::parse("10.1.2.3/8").unwrap_err();
        assert_eq!(fault.to_string(), "has bits behind its prefix; write 10.0.0.0/8");
    }
}
