//! The addresses that are nobody's on the public network.
//!
//! After the registries of special addresses that IANA keeps (RFC 6890, RFC 8190). The standard library's own predicates
//! miss some of them.

use std::net::IpAddr;

use super::Network;

/// Whatever is given out lies in here (IANA, "IPv6 Address Space"). Outside lie loopback, unique local and link-local
/// addresses, multicast, and the forms with an IPv4 address inside: `::ffff:0:0/96`, `::/96`, `64:ff9b::/96`, `64:ff9b:1::/48`.
const GLOBAL_V6: Network = Network::v6([0x2000, 0, 0, 0], 3);

const DENIED: [(Network, &str); 23] = [
    (Network::v4([0, 0, 0, 0], 8), "this network (RFC 791 §3.2)"),
    (Network::v4([10, 0, 0, 0], 8), "private (RFC 1918)"),
    (Network::v4([100, 64, 0, 0], 10), "shared by carriers (RFC 6598)"),
    (Network::v4([127, 0, 0, 0], 8), "loopback (RFC 1122 §3.2.1.3)"),
    (Network::v4([168, 63, 129, 16], 32), "the platform of a cloud, on a public address"),
    (Network::v4([169, 254, 0, 0], 16), "link-local (RFC 3927), and the metadata of clouds"),
    (Network::v4([172, 16, 0, 0], 12), "private (RFC 1918)"),
    (Network::v4([192, 0, 0, 0], 24), "assigned to protocols (RFC 6890 §2.1)"),
    (Network::v4([192, 0, 2, 0], 24), "for documents (RFC 5737)"),
    (Network::v4([192, 88, 99, 0], 24), "6to4 relays (RFC 7526)"),
    (Network::v4([192, 168, 0, 0], 16), "private (RFC 1918)"),
    (Network::v4([198, 18, 0, 0], 15), "for measurements (RFC 2544)"),
    (Network::v4([198, 51, 100, 0], 24), "for documents (RFC 5737)"),
    (Network::v4([203, 0, 113, 0], 24), "for documents (RFC 5737)"),
    (Network::v4([224, 0, 0, 0], 4), "multicast (RFC 5771)"),
    (Network::v4([240, 0, 0, 0], 4), "reserved (RFC 1112 §4), and broadcast (RFC 919)"),
    (Network::v6([0x2001, 0, 0, 0], 23), "assigned to protocols (RFC 2928): Teredo, ORCHID and others"),
    (Network::v6([0x2001, 0xdb8, 0, 0], 32), "for documents (RFC 3849)"),
    (Network::v6([0x2002, 0, 0, 0], 16), "6to4 (RFC 3056): an IPv4 address inside"),
    (Network::v6([0x2620, 0x4f, 0x8000, 0], 48), "a sink of name servers (RFC 7534)"),
    (Network::v4([192, 31, 196, 0], 24), "a sink of name servers (RFC 7535)"),
    (Network::v4([192, 175, 48, 0], 24), "a sink of name servers (RFC 7534)"),
    (Network::v6([0x3fff, 0, 0, 0], 20), "for documents (RFC 9637)"),
];

/// Why the address may not be called unless somebody allows it; `None` for a public one.
///
/// Forms of IPv6 with an IPv4 address inside are all refused, whatever is inside: no name needs them, and who translates
/// them where is not known here. A network that reaches IPv4 by NAT64 alone allows `64:ff9b::/96`, or names a proxy.
pub fn denied(address: IpAddr) -> Option<&'static str> {
    if address.is_ipv6() && !GLOBAL_V6.contains(address) {
        return Some("outside 2000::/3, the addresses that are given out (RFC 4291 §2.4)");
    }
    DENIED.iter().find(|(network, _)| network.contains(address)).map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_denied(text: &str) -> bool {
        denied(text.parse().unwrap()).is_some()
    }

    #[test]
    fn each_network_ends_where_the_registry_says() {
        for (before, first, last, after) in [
            ("1.0.0.0", "0.0.0.0", "0.255.255.255", "1.0.0.1"),
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
            ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"),
            ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
            ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
            ("192.31.195.255", "192.31.196.0", "192.31.196.255", "192.31.197.0"),
            ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
            ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
            ("192.175.47.255", "192.175.48.0", "192.175.48.255", "192.175.49.0"),
            ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
            ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
            ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
            ("223.255.255.255", "224.0.0.0", "255.255.255.255", "1.1.1.1"),
            ("2001:200::", "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"),
            ("2000:ffff::", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"),
            ("2001:db7::", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"),
            ("2001:ffff::", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"),
            ("2620:4f:7fff::", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::"),
            ("3ffe:ffff::", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"),
            ("3fff:ffff::", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2a00::1"),
        ] {
            assert!(!is_denied(before), "{before}");
            assert!(is_denied(first), "{first}");
            assert!(is_denied(last), "{last}");
            assert!(!is_denied(after), "{after}");
        }
    }
}
