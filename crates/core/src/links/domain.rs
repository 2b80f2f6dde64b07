//! Domains: the hosts that links are followed under, and the site that they make up.

use std::fmt;

use url::{Host, Url};

use super::{Slug, destination::DestinationRules};

/// The host that a link is followed under.
///
/// The default domain is kept as *the default*, not under its name of today: when the public address of a platform
/// changes, the links under it go on working.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Domain(Box<str>);

impl Domain {
    /// The platform's own public address, whatever it is called.
    pub fn main() -> Self {
        Self::default()
    }

    /// The domain that a store kept; the empty text is the default domain.
    pub fn trusted(text: &str) -> Self {
        Self(text.into())
    }

    /// The text for a store; empty for the default domain.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(default domain)" } else { &self.0 })
    }
}

/// Why a text does not name a domain of this site.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a domain of this server, which has {0}")]
pub struct UnknownDomain(String);

/// The public face of a platform: its main address, its further domains, and the rules of its destinations.
#[derive(Clone, Debug)]
pub struct Site {
    public_url: Url,
    domains: Vec<Box<str>>,
    rules: DestinationRules,
}

impl Site {
    /// A site at `public_url` (scheme, host and port) with further `domains`.
    ///
    /// # Errors
    /// In words, where `public_url` is no web origin or a domain is no host name.
    pub fn new(public_url: &str, domains: &[String], mut rules: DestinationRules) -> Result<Self, String> {
        let public_url = Url::parse(public_url).map_err(|fault| format!("{public_url:?} is not a URL: {fault}"))?;
        let is_origin = matches!(public_url.scheme(), "http" | "https")
            && public_url.path() == "/"
            && public_url.query().is_none()
            && public_url.fragment().is_none();
        if !is_origin {
            return Err(format!("\"{public_url}\" must be http(s)://host[:port], without a path"));
        }
        rules.add_own(&public_url);
        let mut names = Vec::new();
        for domain in domains {
            let host = Host::parse(domain).map_err(|fault| format!("{domain:?} is not a host name: {fault}"))?;
            let url = format!("{}://{host}/", public_url.scheme());
            if let Ok(url) = Url::parse(&url) {
                rules.add_own(&url);
            }
            names.push(host.to_string().into());
        }
        Ok(Self { public_url, domains: names, rules })
    }

    /// The rules that destinations are held to.
    pub fn destination_rules(&self) -> &DestinationRules {
        &self.rules
    }

    /// The main address, with a slash at its end.
    pub fn public_url(&self) -> &str {
        self.public_url.as_str()
    }

    /// The main address with `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// The domain that a client means by `name`: a host, with or without the port of the main address.
    ///
    /// # Errors
    /// [`UnknownDomain`] lists the domains that there are.
    pub fn domain(&self, name: &str) -> Result<Domain, UnknownDomain> {
        let lower = name.to_ascii_lowercase();
        if lower == self.main_name() || Some(lower.as_str()) == self.public_url.host_str() {
            return Ok(Domain::main());
        }
        if let Some(known) = self.domains.iter().find(|known| ***known == *lower) {
            return Ok(Domain(known.clone()));
        }
        let mut names = vec![self.main_name()];
        names.extend(self.domains.iter().map(ToString::to_string));
        Err(UnknownDomain(names.join(", ")))
    }

    /// The domain that a request came in under, by its `Host`. A host that is not known is the main address under
    /// another name: a load balancer's, an IP address, `localhost`.
    pub fn domain_of_host(&self, host: &str) -> Domain {
        // Most sites have one domain, and then no request needs its host read at all.
        if self.domains.is_empty() {
            return Domain::main();
        }
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_end_matches('.');
        self.domains
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name))
            .map_or_else(Domain::main, |known| Domain(known.clone()))
    }

    /// What people call a domain.
    pub fn name(&self, domain: &Domain) -> String {
        if domain.0.is_empty() { self.main_name() } else { domain.0.to_string() }
    }

    /// The URL that a link is followed under.
    pub fn short_url(&self, domain: &Domain, slug: &Slug) -> String {
        let mut url = self.public_url.clone();
        if !domain.0.is_empty() && url.set_host(Some(&domain.0)).is_ok() {
            // A further domain is reached on the scheme's own port: the main address's port is that of its host.
            let _ = url.set_port(None);
        }
        url.set_path(slug.as_str());
        url.into()
    }

    fn main_name(&self) -> String {
        let host = self.public_url.host_str().unwrap_or_default();
        self.public_url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site::new("http://127.0.0.1:8080", &["go.example".to_owned()], DestinationRules::default()).unwrap()
    }

    #[test]
    fn links_of_the_main_address_outlive_its_name() {
        let domain = site().domain("127.0.0.1:8080").unwrap();
        let moved = Site::new("https://w.example", &[], DestinationRules::default()).unwrap();
        let slug = Slug::parse("g++").unwrap();
        assert_eq!(moved.short_url(&domain, &slug), "https://w.example/g++");
        assert_eq!(moved.name(&domain), "w.example");
    }

    #[test]
    fn a_host_leads_to_its_domain_and_a_stranger_to_the_main_one() {
        let site = site();
        assert_eq!(site.domain_of_host("GO.example:443"), site.domain("go.example").unwrap());
        for host in ["127.0.0.1:8080", "localhost", "lb.internal:80", ""] {
            assert_eq!(site.domain_of_host(host), Domain::main());
        }
        assert!(site.domain("other.example").unwrap_err().to_string().contains("go.example"));
    }

    #[test]
    fn short_urls_encode_what_a_path_cannot_hold() {
        let site = site();
        let url = |slug| site.short_url(&Domain::main(), &Slug::parse(slug).unwrap());
        assert_eq!(url("launch/2026"), "http://127.0.0.1:8080/launch/2026");
        assert_eq!(url("straße"), "http://127.0.0.1:8080/stra%C3%9Fe");
    }

    #[test]
    fn a_public_address_is_an_origin() {
        for url in ["ftp://a.example", "https://a.example/path", "a.example", "https://a.example/?q"] {
            assert!(Site::new(url, &[], DestinationRules::default()).is_err(), "{url}");
        }
    }
}
