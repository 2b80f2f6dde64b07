//! Taking them off.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName};

use super::names::{FORWARDING, IDENTITY};
use super::spelling::{Patterns, fold};
use crate::gateway::client_address::TrustedProxies;
use crate::gateway::metrics::names;

/// What a Waypost gateway says of the caller to who stands behind it.
pub const PRINCIPAL: HeaderName = HeaderName::from_static("waypost-principal");

/// The names, and who may send some of them. Clones share the names.
#[derive(Clone, Debug)]
pub struct Hygiene {
    names: Arc<Names>,
    proxies: Arc<TrustedProxies>,
    trusts_gateway: bool,
}

#[derive(Clone, Debug)]
struct Names {
    identity: Patterns,
    forwarding: Patterns,
}

/// What a name is, if it may not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Identity,
    Forwarding,
    Underscore,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Forwarding => "forwarding",
            Self::Underscore => "underscore",
        }
    }
}

impl Default for Hygiene {
    /// The names of [`IDENTITY`] and [`FORWARDING`], no trusted proxy, no trusted gateway.
    fn default() -> Self {
        let mut names = Names { identity: Patterns::default(), forwarding: Patterns::default() };
        names.identity.add(IDENTITY);
        names.forwarding.add(FORWARDING);
        Self { names: Arc::new(names), proxies: Arc::default(), trusts_gateway: false }
    }
}

impl Hygiene {
    /// Lets these proxies say whom they forward for.
    #[must_use]
    pub fn with_proxies(self, proxies: TrustedProxies) -> Self {
        Self { proxies: Arc::new(proxies), ..self }
    }

    /// Takes these names off as well; `*` at the end stands for any rest.
    #[must_use]
    pub fn and_identity<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        Arc::make_mut(&mut self.names).identity.add(names);
        self
    }

    /// Lets [`PRINCIPAL`] through from trusted proxies. Off by default: who turns it on must verify the signature.
    #[must_use]
    pub fn trust_gateway(self, trusts_gateway: bool) -> Self {
        Self { trusts_gateway, ..self }
    }

    /// Takes off what `peer` may not send; says how many names that were.
    pub fn apply(&self, headers: &mut HeaderMap, peer: Option<SocketAddr>) -> usize {
        let is_proxy = || peer.is_some_and(|peer| self.proxies.trusts(peer.ip()));
        let found: Vec<_> = headers.keys().filter_map(|name| Some((name.clone(), self.kind(name)?))).collect();
        let mut removed = 0;
        for (name, kind) in found {
            let passes = match kind {
                Kind::Forwarding => is_proxy(),
                Kind::Identity if name == PRINCIPAL => {
                    self.trusts_gateway && headers.get_all(&name).iter().count() == 1 && is_proxy()
                }
                _ => false,
            };
            if !passes {
                headers.remove(&name);
                removed += 1;
                metrics::counter!(names::HEADERS_REMOVED, "kind" => kind.label()).increment(1);
                tracing::debug!(
                    header = name.as_str(),
                    kind = kind.label(),
                    "took a header off that no client may send"
                );
            }
        }
        removed
    }

    fn kind(&self, name: &HeaderName) -> Option<Kind> {
        let folded = fold(name.as_str());
        if self.names.identity.has(&folded) {
            Some(Kind::Identity)
        } else if name.as_str().contains('_') {
            Some(Kind::Underscore)
        } else if self.names.forwarding.has(&folded) {
            // A spelling that is not the proxies' own is nobody's word.
            Some(if folded == name.as_str() { Kind::Forwarding } else { Kind::Identity })
        } else {
            None
        }
    }
}

/// Takes off what the peer may not send.
pub async fn clean(State(hygiene): State<Hygiene>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    hygiene.apply(request.headers_mut(), peer);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn peer() -> Option<SocketAddr> {
        Some("10.0.0.1:9".parse().unwrap())
    }

    fn left(hygiene: &Hygiene, peer: Option<SocketAddr>, names: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for name in names {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static("1"));
        }
        hygiene.apply(&mut headers, peer);
        headers.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn an_identity_dies_in_every_spelling() {
        let hygiene = Hygiene::default().with_proxies(TrustedProxies::parse(["10.0.0.0/8"]).unwrap());
        for name in [
            "X-User-Id",
            "X_User_Id",
            "x-user_id",
            "x.user.id",
            "x--user--id",
            "X-User-Id-",
            "x__user-.id",
            "x~user~id",
            "Waypost-Principal",
            "Waypost_Principal",
            "X-Waypost-Principal",
            "x.waypost.role",
            "X-Forwarded-User",
            "X-Remote-User",
            "Remote-User",
            "REMOTE_USER",
            "X-Auth-Request-Email",
            "X_Auth_Request_Groups",
            "X-Authenticated-Userid",
            "X-Client-Cert",
            "X-SSL-Client-Verify",
            "SSL_CLIENT_S_DN",
            "X-Original-URL",
            "X-Rewrite-URL",
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X-Method-Override",
            "X_HTTP_Method_Override",
            "X-Forwarded-Client-Cert",
            "X-Tenant-Id",
            "X-WEBAUTH-USER",
            "x-forwarded--for",
            "x.forwarded.for",
        ] {
            assert_eq!(left(&hygiene, peer(), &[name]), [""; 0], "{name}");
        }
    }

    #[test]
    fn what_clients_send_with_right_passes() {
        let names = [
            "accept",
            "accept-language",
            "authorization",
            "content-length",
            "content-type",
            "cookie",
            "host",
            "idempotency-key",
            "if-match",
            "last-event-id",
            "origin",
            "sec-purpose",
            "sec-websocket-key",
            "te",
            "traceparent",
            "upgrade",
            "user-agent",
            "x-request-id",
            "x-requested-with",
            "x-custom",
            "x.dotted",
        ];
        assert_eq!(left(&Hygiene::default(), None, &names).len(), names.len());
        assert_eq!(left(&Hygiene::default(), None, &["content_length", "transfer_encoding", "x_custom"]), [""; 0]);
    }

    #[test]
    fn forwarding_is_for_trusted_proxies() {
        let names = ["x-forwarded-for", "x-forwarded-proto", "forwarded", "x-real-ip", "true-client-ip"];
        let hygiene = Hygiene::default().with_proxies(TrustedProxies::parse(["10.0.0.0/8"]).unwrap());
        assert_eq!(left(&hygiene, peer(), &names).len(), names.len());
        for stranger in [None, Some("192.0.2.1:9".parse().unwrap())] {
            assert_eq!(left(&hygiene, stranger, &names), [""; 0]);
        }
    }

    #[test]
    fn the_word_of_a_gateway_needs_trust_a_proxy_and_its_own_spelling() {
        let strict = Hygiene::default().with_proxies(TrustedProxies::parse(["10.0.0.0/8"]).unwrap());
        let trusting = strict.clone().trust_gateway(true);
        let name = "waypost-principal";
        assert_eq!(left(&trusting, peer(), &[name]), [name]);
        assert_eq!(left(&strict, peer(), &[name]), [""; 0], "not turned on");
        assert_eq!(left(&trusting, Some("192.0.2.1:9".parse().unwrap()), &[name]), [""; 0], "not a proxy");
        assert_eq!(left(&trusting, None, &[name]), [""; 0], "nobody knows who");
        assert_eq!(left(&trusting, peer(), &[name, name]), [""; 0], "two are one too many");
        for other in ["waypost_principal", "waypost--principal", "x-waypost-principal", "waypost-principals"] {
            assert_eq!(left(&trusting, peer(), &[other]), [""; 0], "{other}");
        }
    }

    #[test]
    fn an_embedder_adds_names_and_all_of_a_name_goes() {
        let hygiene = Hygiene::default().and_identity(["X-Company-Role", "X-Sso-*"]);
        assert_eq!(left(&hygiene, None, &["x_company_role", "x-sso-anything", "x-company-roles"]), ["x-company-roles"]);
        let mut headers = HeaderMap::new();
        for value in ["a", "b", "c"] {
            headers.append("x-user-id", HeaderValue::from_static(value));
        }
        assert_eq!(hygiene.apply(&mut headers, None), 1);
        assert!(headers.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_run_of_separators_and_no_case_hides_a_name(
            at in 0..IDENTITY.len(),
            runs in prop::collection::vec("[-_.~+!#$%&'*^`|]{1,3}", 8),
            upper in any::<u16>(),
        ) {
            let mut name = String::new();
            for (number, part) in IDENTITY[at].replace('*', "any").split('-').enumerate() {
                if number > 0 {
                    name.push_str(&runs[number % runs.len()]);
                }
                name.extend(part.chars().enumerate().map(|(at, c)| match upper >> (at % 16) & 1 {
                    1 => c.to_ascii_uppercase(),
                    _ => c,
                }));
            }
            prop_assert_eq!(left(&Hygiene::default(), None, &[&name]), [""; 0]);
        }
    }
}
