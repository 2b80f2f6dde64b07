//! Who takes part: clients, and people.

use std::sync::Arc;

use serde_json::{Value, json};
use waypost_adapters::memory::MemoryStore;
use waypost_core::IdentityOptions;
use waypost_core::clock::{Clock, ManualClock};
use waypost_core::grants::Consent;
use waypost_core::ids::{ClientId, UserId, WorkspaceId};
use waypost_core::login::LoginOptions;
use waypost_core::members::{Role, User};

use crate::harness::{Asking, Provider, Reply, Server, Setup};

pub(super) const TOKEN: &str = "/oauth/token";
pub(super) const REVOKE: &str = "/oauth/revoke";
pub(super) const INTROSPECT: &str = "/oauth/introspect";
/// Where people are sent back to.
pub(super) const BACK: &str = "https://app.example/back";
/// RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A server at which people sign in.
pub(super) async fn with_login() -> Server {
    let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap());
    let http = Provider::new("https://id.example", Arc::new(clock.clone()));
    let login = LoginOptions::new("https://id.example", "waypost", "default");
    let identity = IdentityOptions { http: Some(Arc::new(http)), login: Some(login), ..IdentityOptions::default() };
    let beside = Some((Arc::new(MemoryStore::default()), clock));
    Server::with(Setup { identity, beside, ..Setup::default() }).await
}

/// A registered client.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) id: String,
    pub(super) secret: String,
}

/// Registers a client by a key of the workspace `default`.
pub(super) async fn register(server: &Server, body: Value) -> Party {
    let reply = server.post("/v1/oauth/clients", &body).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let made = reply.json();
    let secret = made["client_secret"].as_str().unwrap_or_default().to_owned();
    Party { id: made["client_id"].as_str().unwrap().to_owned(), secret }
}

/// A client with a secret and these scopes.
pub(super) async fn partner(server: &Server, scopes: &[&str]) -> Party {
    register(server, json!({"name": "partner", "scopes": scopes, "redirect_uris": [BACK]})).await
}

/// A client that has none.
pub(super) async fn program(server: &Server, scopes: &[&str]) -> Party {
    register(server, json!({"name": "app", "scopes": scopes, "auth": "none", "redirect_uris": [BACK]})).await
}

impl Party {
    /// A form of this client, which proves who it is in the body.
    pub(super) fn ask(&self, server: &Server, path: &str, parameters: &[(&str, &str)]) -> Asking {
        let mut all = parameters.to_vec();
        all.push(("client_id", &self.id));
        if !self.secret.is_empty() {
            all.push(("client_secret", &self.secret));
        }
        server.form(path, &all)
    }

    /// An access token for itself.
    pub(super) async fn token(&self, server: &Server) -> String {
        let reply = self.ask(server, TOKEN, &[("grant_type", "client_credentials")]).send().await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Turns a code into tokens.
    pub(super) async fn redeem(&self, server: &Server, code: &str) -> Reply {
        self.redeem_with(server, code, BACK, VERIFIER).await
    }

    pub(super) async fn redeem_with(&self, server: &Server, code: &str, back: &str, verifier: &str) -> Reply {
        let form =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", back), ("code_verifier", verifier)];
        self.ask(server, TOKEN, &form).send().await
    }

    /// Turns a refresh token into the next.
    pub(super) async fn refresh(&self, server: &Server, token: &str) -> Reply {
        self.ask(server, TOKEN, &[("grant_type", "refresh_token"), ("refresh_token", token)]).send().await
    }

    pub(super) fn client_id(&self) -> ClientId {
        self.id.parse().unwrap()
    }
}

pub(super) async fn default_workspace(server: &Server) -> WorkspaceId {
    server.platform.credentials.workspace("default").await.unwrap().id
}

/// A person with this role in the workspace `default`.
pub(super) async fn person(server: &Server, name: &str, role: Role) -> UserId {
    let (platform, now) = (&server.platform, server.clock.now());
    let user = User {
        id: UserId::fresh(now, &*platform.entropy),
        issuer: "https://id.example".into(),
        subject: name.into(),
        name: Some(name.into()),
        email: None,
        created_at: now,
        signed_in_at: None,
    };
    let user = platform.ports().members.user(&user).await.unwrap();
    set_role(server, user.id, Some(role)).await;
    user.id
}

pub(super) async fn set_role(server: &Server, user: UserId, role: Option<Role>) {
    let workspace = default_workspace(server).await;
    server.platform.ports().members.set_role(workspace, user, role, server.clock.now()).await.unwrap();
}

/// The code for which a person allowed a client all that it may.
pub(super) async fn consent(server: &Server, client: &Party, user: UserId) -> String {
    let consent = Consent {
        user,
        client: client.client_id(),
        redirect_uri: BACK,
        challenge: CHALLENGE,
        scopes: waypost_core::credentials::Scopes::default(),
    };
    server.platform.authorizations.allow(&consent).await.unwrap().expose().to_owned()
}

/// The texts of access and refresh token of an answer.
pub(super) fn tokens(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let body = reply.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// Status and error of an answer.
pub(super) fn refusal(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["error"].as_str().unwrap_or_default().to_owned())
}
