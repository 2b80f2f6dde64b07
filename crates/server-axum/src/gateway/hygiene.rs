//! Headers that only a gateway may set: a client's copy dies before anything within sees it.
//!
//! What stands behind a gateway believes some headers blindly: who the caller is, which path was meant, which method. So
//! they are taken off every request, *in every spelling*. Servers and languages fold names in different ways (CGI and
//! WSGI turn `-` into `_`, others the other way round), so names are compared folded: in lower case, each run of
//! characters that are no letter and no digit as one `-`. `X_User_Id`, `x--user.id` and `X-User-Id` are one name.
//!
//! - *Identity*, and what rewrites a request: always taken off.
//! - *Forwarding* (`X-Forwarded-For` and its kind): taken off unless the peer is a trusted proxy. The caller's address has
//!   been read by then ([`context`](super::context)).
//! - Any other name with `_`: taken off, since proxies merge it with its twin.
//! - `Waypost-Principal`, the signed word of a Waypost gateway: let through, in this one spelling and once, if
//!   [trusted](Hygiene::trust_gateway) and the peer is a trusted proxy. Who lets it through must verify its signature.
//!
//! What was taken off is counted, and named at the level debug; values are never told.
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::hygiene::{self, Hygiene};
//!
//! let hygiene = Hygiene::default().and_identity(["X-Company-Role", "X-Sso-*"]);
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(hygiene, hygiene::clean));
//! ```

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName};

use super::client_address::TrustedProxies;
use super::metrics::names;

/// What a Waypost gateway says of the caller to who stands behind it.
pub const PRINCIPAL: HeaderName = HeaderName::from_static("waypost-principal");

/// Who the caller is, what was meant instead of what was asked. `*` at the end: every name that begins so.
pub const IDENTITY: &[&str] = &[
    "authenticated-*",
    "client-cert",
    "client-cert-chain",
    "client-verify",
    "remote-addr",
    "remote-email",
    "remote-groups",
    "remote-name",
    "remote-user",
    "ssl-client-*",
    "tls-client-*",
    "waypost-*",
    "x-access-token-claims",
    "x-account-id",
    "x-admin",
    "x-amzn-oidc-*",
    "x-auth-email",
    "x-auth-groups",
    "x-auth-request-*",
    "x-auth-roles",
    "x-auth-user",
    "x-authenticated-*",
    "x-client-cert",
    "x-client-cert-*",
    "x-client-dn",
    "x-client-verify",
    "x-consumer-*",
    "x-credential-*",
    "x-email",
    "x-endpoint-api-userinfo",
    "x-forwarded-access-token",
    "x-forwarded-client-cert",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-path",
    "x-forwarded-preferred-username",
    "x-forwarded-uri",
    "x-forwarded-user",
    "x-goog-authenticated-user-*",
    "x-goog-iap-*",
    "x-groups",
    "x-http-method",
    "x-http-method-override",
    "x-jwt-*",
    "x-method-override",
    "x-ms-client-principal",
    "x-ms-client-principal-*",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-override-url",
    "x-principal",
    "x-proxy-user",
    "x-remote-*",
    "x-rewrite-url",
    "x-role",
    "x-roles",
    "x-scope",
    "x-scopes",
    "x-ssl-*",
    "x-tenant",
    "x-tenant-id",
    "x-token-*",
    "x-user",
    "x-user-*",
    "x-userinfo",
    "x-username",
    "x-waypost-*",
    "x-webauth-*",
    "x-workspace",
    "x-workspace-id",
];

/// Whom a request comes from and through, as proxies tell it.
pub const FORWARDING: &[&str] = &[
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-pseudo-ipv4",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "forwarded-for",
    "front-end-https",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-*",
    "x-host",
    "x-original-forwarded-for",
    "x-originating-ip",
    "x-real-ip",
    "x-url-scheme",
];

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

/// Folded names, and beginnings of them.
#[derive(Clone, Debug, Default)]
struct Patterns {
    whole: HashSet<Box<str>>,
    begins: Vec<Box<str>>,
}

impl Patterns {
    fn add<T: AsRef<str>>(&mut self, patterns: impl IntoIterator<Item = T>) {
        for pattern in patterns {
            match pattern.as_ref().strip_suffix('*') {
                Some(start) => self.begins.push(format!("{}-", fold(start)).into()),
                None => {
                    self.whole.insert(fold(pattern.as_ref()).into());
                }
            }
        }
    }

    fn has(&self, folded: &str) -> bool {
        self.whole.contains(folded) || self.begins.iter().any(|start| folded.starts_with(&**start))
    }
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

/// A name as the laxest reader would take it. Names of HTTP are in lower case already, most of them folded too, and
/// those cost one pass.
fn fold(name: &str) -> Cow<'_, str> {
    let bytes = name.as_bytes();
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_folded = |(at, b): (usize, &u8)| {
        is_plain(*b) || (*b == b'-' && at > 0 && bytes.get(at + 1).is_some_and(|next| is_plain(*next)))
    };
    if bytes.iter().enumerate().all(is_folded) {
        return Cow::Borrowed(name);
    }
    let mut folded = String::with_capacity(name.len());
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        if !folded.is_empty() {
            folded.push('-');
        }
        folded.extend(part.chars().map(|c| c.to_ascii_lowercase()));
    }
    Cow::Owned(folded)
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
