//! A client library of others, unmodified, against a server on a socket.

use std::io;

use axum::Router;
use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, HttpRequest, HttpResponse, IntrospectionUrl,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RevocationUrl, Scope, StandardRevocableToken,
    TokenIntrospectionResponse, TokenResponse, TokenUrl,
};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use waypost_core::grants::Consent;
use waypost_core::members::Role;

use super::parties::{BACK, partner, person};
use crate::harness::{PUBLIC_URL, Server};

/// A server on a socket, reached as behind a proxy that ends TLS.
struct Socket {
    at: String,
    http: reqwest::Client,
    _serving: AbortOnDropHandle<()>,
}

impl Socket {
    async fn open(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { at, http, _serving: AbortOnDropHandle::new(serving) }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, io::Error> {
        let (head, body) = request.into_parts();
        let url = head.uri.to_string().replacen(PUBLIC_URL, &self.at, 1);
        let sent = self.http.request(head.method, url).headers(head.headers).body(body).send().await;
        let reply = sent.map_err(io::Error::other)?;
        let mut answer = http::Response::builder().status(reply.status());
        *answer.headers_mut().unwrap() = reply.headers().clone();
        let body = reply.bytes().await.map_err(io::Error::other)?.to_vec();
        answer.body(body).map_err(io::Error::other)
    }
}

#[tokio::test]
async fn an_oauth_library_gets_uses_looks_at_and_takes_back_tokens() {
    let server = Server::start().await;
    let socket = Socket::open(server.router()).await;
    let party = partner(&server, &["links:read", "links:write"]).await;
    let url = |path: &str| format!("{PUBLIC_URL}{path}");
    let send = |request| socket.send(request);
    for way in [AuthType::BasicAuth, AuthType::RequestBody] {
        let client = BasicClient::new(ClientId::new(party.id.clone()))
            .set_client_secret(ClientSecret::new(party.secret.clone()))
            .set_auth_type(way)
            .set_token_uri(TokenUrl::new(url("/oauth/token")).unwrap())
            .set_revocation_url(RevocationUrl::new(url("/oauth/revoke")).unwrap())
            .set_introspection_url(IntrospectionUrl::new(url("/oauth/introspect")).unwrap())
            .set_redirect_uri(RedirectUrl::new(BACK.to_owned()).unwrap());
        let narrow = Scope::new("links:read".to_owned());
        let own = client.exchange_client_credentials().add_scope(narrow.clone()).request_async(&send).await.unwrap();
        assert_eq!((own.expires_in().unwrap().as_secs(), own.scopes().unwrap()), (900, &vec![narrow]));
        let token = own.access_token();
        assert_eq!(server.get("/v1/links").key(token.secret()).send().await.status, 200);
        let seen = client.introspect(token).request_async(&send).await.unwrap();
        assert!(seen.active() && seen.client_id().unwrap().as_str() == party.id);
        let taken: StandardRevocableToken = token.clone().into();
        client.revoke_token(taken).unwrap().request_async(&send).await.unwrap();
        assert!(!client.introspect(token).request_async(&send).await.unwrap().active());

        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let consent = Consent {
            user: person(&server, "ada", Role::Editor).await,
            client: party.client_id(),
            redirect_uri: BACK,
            challenge: challenge.as_str(),
            scopes: Default::default(),
        };
        let code = server.platform.authorizations.allow(&consent).await.unwrap();
        let code = || AuthorizationCode::new(code.expose().to_owned());
        let wrong = client.exchange_code(code()).set_pkce_verifier(PkceCodeVerifier::new("x".repeat(43)));
        assert!(wrong.request_async(&send).await.is_err_and(|error| error.to_string().contains("invalid_grant")));
        let granted = client.exchange_code(code()).set_pkce_verifier(verifier).request_async(&send).await.unwrap();
        let refresh = granted.refresh_token().unwrap();
        let next = client.exchange_refresh_token(refresh).request_async(&send).await.unwrap();
        assert_ne!(next.refresh_token().unwrap().secret(), refresh.secret());
        assert_eq!(server.get("/v1/links").key(next.access_token().secret()).send().await.status, 200);
        let taken: StandardRevocableToken = next.refresh_token().unwrap().clone().into();
        client.revoke_token(taken).unwrap().request_async(&send).await.unwrap();
        assert!(client.exchange_refresh_token(next.refresh_token().unwrap()).request_async(&send).await.is_err());
    }
}
