//! Destinations: where a link leads, checked so that following it can harm nobody by surprise.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use url::{Host, Url};

/// The longest destination in bytes, as given and as sent (§2).
const LONGEST: usize = 8_192;

/// Why a text is not a destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDestination {
    /// More than 8,192 bytes.
    #[error("must be at most {LONGEST} bytes")]
    TooLong,
    /// Parsers strip these in silence, and then mean another address than the text shows.
    #[error("must not have control characters, nor spaces around it")]
    Character,
    /// Not `scheme://host…`.
    #[error("must be an absolute URL like https://example.com/")]
    NotAbsolute,
    /// A scheme that is not allowed.
    #[error("scheme must be {0}")]
    Scheme(String),
    /// Two parsers disagree on what a backslash means.
    #[error("must not have a backslash before the query")]
    Backslash,
    /// `user:password@`, which dresses one host up as another.
    #[error("must not have user information before the host")]
    UserInfo,
    /// The URL standard does not accept it.
    #[error("is not a valid URL: {0}")]
    Unparsable(#[from] url::ParseError),
    /// It leads back here.
    #[error("must not be a link of this server itself")]
    SelfLink,
    /// It aims at the visitor's own network.
    #[error("must not lead to a private, loopback or link-local address")]
    Private,
}

/// What a platform lets links lead to.
#[derive(Clone, Debug)]
pub struct DestinationRules {
    /// The schemes that are allowed: `http` and `https` unless the operator says more.
    pub schemes: Vec<String>,
    /// Whether links may lead into private networks. Off by default: such a link aims at its visitor's own network.
    pub allow_private: bool,
    /// The hosts (and ports) of this platform's own short links.
    pub own: Vec<(String, Option<u16>)>,
}

impl Default for DestinationRules {
    fn default() -> Self {
        Self { schemes: vec!["http".into(), "https".into()], allow_private: false, own: Vec::new() }
    }
}

impl DestinationRules {
    /// Notes that `url` is an address of this platform, so no link may lead there.
    pub fn add_own(&mut self, url: &Url) {
        if let Some(host) = url.host_str() {
            self.own.push((bare(host), url.port_or_known_default()));
        }
    }
}

/// Where a link leads: an absolute URL in the form that is sent, ASCII throughout.
///
/// ```
/// use waypost_core::links::{Destination, DestinationRules};
///
/// let rules = DestinationRules::default();
/// assert_eq!(Destination::parse("HTTPS://bücher.example/ä", &rules)?.as_str(), "https://xn--bcher-kva.example/%C3%A4");
/// assert!(Destination::parse("javascript:alert(1)", &rules).is_err());
/// # Ok::<(), waypost_core::links::InvalidDestination>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Destination(Bytes);

impl Destination {
    /// Reads a destination under `rules`.
    ///
    /// # Errors
    /// [`InvalidDestination`] names the rule that it breaks.
    pub fn parse(text: &str, rules: &DestinationRules) -> Result<Self, InvalidDestination> {
        if text.len() > LONGEST {
            return Err(InvalidDestination::TooLong);
        }
        if text.chars().any(char::is_control) || text.trim() != text {
            return Err(InvalidDestination::Character);
        }
        let (scheme, rest) = text.split_once(':').ok_or(InvalidDestination::NotAbsolute)?;
        if !rules.schemes.iter().any(|allowed| allowed.eq_ignore_ascii_case(scheme)) {
            return Err(InvalidDestination::Scheme(rules.schemes.join(" or ")));
        }
        let authority = rest.strip_prefix("//").ok_or(InvalidDestination::NotAbsolute)?;
        let path = authority.split(['?', '#']).next().unwrap_or_default();
        if path.contains('\\') {
            return Err(InvalidDestination::Backslash);
        }
        if path.is_empty() || path.starts_with('/') {
            return Err(InvalidDestination::NotAbsolute);
        }
        let url = Url::parse(text)?;
        if path.split('/').next().is_some_and(|authority| authority.contains('@')) {
            return Err(InvalidDestination::UserInfo);
        }
        let host = url.host().ok_or(InvalidDestination::NotAbsolute)?;
        if is_own(&host, url.port_or_known_default(), &rules.own) {
            return Err(InvalidDestination::SelfLink);
        }
        if !rules.allow_private && is_private(&host) {
            return Err(InvalidDestination::Private);
        }
        if url.as_str().len() > LONGEST {
            return Err(InvalidDestination::TooLong);
        }
        Ok(Self(String::from(url).into()))
    }

    /// The destination that a store kept. It was parsed when it came in, under the rules of its day.
    pub fn trusted(text: String) -> Self {
        Self(text.into())
    }

    /// The URL in the form that is sent.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The same, as bytes that can be shared without a copy.
    pub fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// The host as people read it, where that differs from the ASCII form.
    pub fn unicode_host(&self) -> Option<String> {
        let url = Url::parse(self.as_str()).ok()?;
        let ascii = url.domain()?;
        let (unicode, outcome) = idna::domain_to_unicode(ascii);
        (outcome.is_ok() && unicode != ascii).then_some(unicode)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// A host for comparing: no trailing dot, loopback under one name.
fn bare(host: &str) -> String {
    match host.trim_end_matches('.') {
        "localhost" | "127.0.0.1" | "[::1]" => "localhost".to_owned(),
        other => other.to_owned(),
    }
}

fn is_own(host: &Host<&str>, port: Option<u16>, own: &[(String, Option<u16>)]) -> bool {
    let host = bare(&host.to_string());
    // Under the ports of http and https stands one server: the one redirects to the other.
    let is_web = |port| matches!(port, Some(80 | 443));
    let is_mine = |my_port| my_port == port || is_web(my_port) && is_web(port);
    own.iter().any(|(mine, my_port)| *mine == host && is_mine(*my_port))
}

/// Whether `host` names something in the visitor's own network. Names are judged as text: nothing is looked up.
fn is_private(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => is_private_v4(*address),
        Host::Ipv6(address) => is_private_v6(*address),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            ["localhost", "local", "internal", "localdomain"]
                .iter()
                .any(|zone| name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
        }
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let bench = a == 198 && (18..20).contains(&b);
    a == 0 || a >= 224 || shared || bench || address.is_private() || address.is_loopback() || address.is_link_local()
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
        || embedded_v4(address).is_some_and(is_private_v4)
}

/// The IPv4 address that an IPv6 address stands for: mapped (RFC 4291 §2.5.5.2), NAT64 (RFC 6052 §2.1) or 6to4
/// (RFC 3056 §2).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match (a, b) {
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => Some(join(g, h)),
        (0x2002, _) => Some(join(b, c)),
        _ => address.to_ipv4_mapped(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> InvalidDestination {
        let mut rules = DestinationRules::default();
        rules.add_own(&Url::parse("https://go.example").unwrap());
        Destination::parse(text, &rules).expect_err(text)
    }

    #[test]
    fn each_refusal_names_its_rule() {
        use InvalidDestination as Fault;
        let web = || Fault::Scheme("http or https".into());
        for (text, fault) in [
            ("javascript:alert(1)", web()),
            ("data:text/html,hi", web()),
            ("JaVaScRiPt://example.com/%0aalert(1)", web()),
            ("vbscript:x", web()),
            ("file:///etc/passwd", web()),
            ("example.com", Fault::NotAbsolute),
            ("//example.com", Fault::NotAbsolute),
            ("http:example.com", Fault::NotAbsolute),
            ("http:///example.com", Fault::NotAbsolute),
            ("https://", Fault::NotAbsolute),
            ("https://?q", Fault::NotAbsolute),
            ("https://user@example.com/", Fault::UserInfo),
            ("https://user:pass@example.com/", Fault::UserInfo),
            ("https://@example.com/", Fault::UserInfo),
            ("https://good.example\\@evil.example/", Fault::Backslash),
            ("ht\ntps://example.com/", Fault::Character),
            ("https://example.com/\r\nSet-Cookie: a=b", Fault::Character),
            (" https://example.com/", Fault::Character),
            ("https://example.com/\u{0}", Fault::Character),
            ("https://go.example/loop", Fault::SelfLink),
            ("HTTPS://GO.example.:443/loop", Fault::SelfLink),
            ("http://go.example/loop", Fault::SelfLink),
            ("http://go.example/loop", Fault::SelfLink),
            ("http://127.0.0.1/", Fault::Private),
            ("http://2130706433/", Fault::Private),
            ("http://0x7f.1/", Fault::Private),
            ("http://[::1]/", Fault::Private),
            ("http://[::ffff:10.0.0.1]/", Fault::Private),
            ("http://169.254.169.254/latest", Fault::Private),
            ("http://[64:ff9b::7f00:1]/", Fault::Private),
            ("http://[2002:7f00:1::]/", Fault::Private),
            ("http://255.255.255.255/", Fault::Private),
            ("http://100.64.0.1/", Fault::Private),
            ("http://printer.local/", Fault::Private),
            ("http://localhost:3000/", Fault::Private),
            (&format!("https://example.com/{}", "x".repeat(8_192)), Fault::TooLong),
            (&format!("https://example.com/{}", "ä".repeat(4_000)), Fault::TooLong),
        ] {
            assert_eq!(refusal(text), fault, "{text:.60}");
        }
        assert!(matches!(refusal("https://xn--/"), Fault::Unparsable(_)));
        assert!(matches!(refusal("https://exa mple.com/"), Fault::Unparsable(_)));
    }

    #[test]
    fn what_is_kept_is_what_is_sent() {
        for (text, sent) in [
            ("http://EXAMPLE.com", "http://example.com/"),
            ("https://example.com/a b?q=ü#ä", "https://example.com/a%20b?q=%C3%BC#%C3%A4"),
            ("https://example.com:8443/@user", "https://example.com:8443/@user"),
            ("https://local.example/", "https://local.example/"),
        ] {
            assert_eq!(Destination::parse(text, &DestinationRules::default()).unwrap().as_str(), sent);
        }
    }

    #[test]
    fn the_unicode_host_is_shown_where_it_differs() {
        let parse = |text| Destination::parse(text, &DestinationRules::default()).unwrap();
        assert_eq!(parse("https://bücher.example/").unicode_host().as_deref(), Some("bücher.example"));
        assert_eq!(parse("https://example.com/").unicode_host(), None);
    }
}
