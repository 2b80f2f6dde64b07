//! Where the server listens, and what visitors see.

use std::net::TcpListener;

use url::{Host, Url};

use super::Finding;
use crate::data_dir;
use crate::settings::Settings;
use crate::store;

/// Looks at the addresses.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![listen(settings)];
    findings.extend(public(settings));
    findings
}

fn listen(settings: &Settings) -> Finding {
    let Some(address) = settings.listen else {
        return Finding::ok("listen", "the default");
    };
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok("listen", format!("{address} is free")),
        Err(_) if data_dir::is_held(&settings.data_dir) => {
            Finding::ok("listen", format!("{address} is taken, as it should be: a server runs on this data directory"))
        }
        Err(fault) => Finding::fail(
            "listen",
            format!("{address} cannot be listened on ({fault}); stop what listens there, or choose another port"),
        ),
    }
}

fn public(settings: &Settings) -> Vec<Finding> {
    let text = store::public_url(settings, settings.listen);
    let Ok(url) = Url::parse(&text) else {
        return vec![Finding::fail("public_url", format!("{text} is not a URL"))];
    };
    let is_open = settings.listen.is_some_and(|address| !address.ip().is_loopback());
    if is_local(&url) {
        return vec![if is_open {
            Finding::warn(
                "public_url",
                format!(
                    "{text} works on this machine alone, and the server listens to others; set public_url to what visitors see"
                ),
            )
        } else {
            Finding::ok("public_url", format!("{text}, for this machine alone"))
        }];
    }
    let mut findings = vec![if url.scheme() == "https" {
        Finding::ok("public_url", text.clone())
    } else {
        Finding::warn(
            "public_url",
            format!(
                "{text} is not encrypted, so keys can be read on the way; set tls_certificate and tls_key, or put a proxy with TLS before it, and make it https"
            ),
        )
    }];
    if url.scheme() == "https" && settings.trusted_proxies.is_empty() && settings.tls_certificate.is_none() {
        findings.push(Finding::warn(
            "trusted_proxies",
            "TLS ends at a proxy, and none is trusted, so all visitors have its address and share one limit; name it",
        ));
    }
    if settings.domains.is_empty() {
        let host = url.host_str().unwrap_or_default();
        let cure = "give links a host of their own by domains";
        findings.push(Finding::warn(
            "hosts",
            format!("links and the API share {host}, so a link can pass for a page of yours; {cure}"),
        ));
    }
    findings
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;

    fn grades(settings: &Settings) -> Vec<(&'static str, Grade)> {
        public(settings).into_iter().map(|finding| (finding.name, finding.grade)).collect()
    }

    #[test]
    fn a_public_host_shall_be_encrypted_and_for_links_alone() {
        let mut settings = Settings { public_url: Some("http://go.example.com".to_owned()), ..Settings::default() };
        assert_eq!(grades(&settings), [("public_url", Grade::Warn), ("hosts", Grade::Warn)]);
        settings.public_url = Some("https://go.example.com".to_owned());
        settings.domains = vec!["s.example.com".to_owned()];
        assert_eq!(grades(&settings), [("public_url", Grade::Ok), ("trusted_proxies", Grade::Warn)]);
        settings.trusted_proxies = vec!["10.0.0.0/8".to_owned()];
        assert_eq!(grades(&settings), [("public_url", Grade::Ok)]);
    }

    #[test]
    fn a_local_url_is_well_as_long_as_nobody_else_is_listened_to() {
        let mut settings = Settings { listen: "127.0.0.1:0".parse().ok(), ..Settings::default() };
        assert_eq!(grades(&settings), [("public_url", Grade::Ok)]);
        settings.listen = "0.0.0.0:80".parse().ok();
        assert_eq!(grades(&settings), [("public_url", Grade::Warn)]);
    }
}
