//! Who is asking: tokens of foreign issuers, people who sign in, their sessions, and members (contract §9).

mod csrf;
mod hostile_tokens;
mod issuer_keys;
mod login;
mod login_attacks;
mod members;
mod proofs;
mod sessions;
mod sockets;
mod tickets;

use std::sync::Arc;

use jiff::Timestamp;
use waypost_adapters::memory::MemoryStore;
use waypost_core::IdentityOptions;
use waypost_core::clock::{Clock, ManualClock};
use waypost_core::credentials::Scopes;
use waypost_core::issuers::{IssuerOptions, WorkspaceRule};
use waypost_core::login::LoginOptions;
use waypost_core::members::Role;

use crate::harness::provider::{CLIENT, SECRET};
use crate::harness::{Provider, Server, Setup};

const ISSUER: &str = "https://id.example";

/// A server that believes a provider.
struct House {
    server: Server,
    provider: Provider,
    identity: IdentityOptions,
}

impl House {
    /// One that takes the provider's tokens and its people; strangers become editors.
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut IdentityOptions)) -> Self {
        let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap());
        let provider = Provider::new(ISSUER, Arc::new(clock.clone()));
        let mut issuer = IssuerOptions::new(ISSUER, "https://go.example", WorkspaceRule::Named("default".to_owned()));
        issuer.most_scopes = Scopes::parse("links:read links:write").unwrap();
        let mut login = LoginOptions::new(ISSUER, CLIENT, "default");
        (login.client_secret, login.role) = (Some(SECRET.to_owned()), Some(Role::Editor));
        let mut identity =
            IdentityOptions { http: Some(Arc::new(provider.clone())), issuers: vec![issuer], login: Some(login) };
        change(&mut identity);
        let beside = Some((Arc::new(MemoryStore::default()), clock));
        let server = Server::with(Setup { identity: identity.clone(), beside, ..Setup::default() }).await;
        Self { server, provider, identity }
    }

    fn now(&self) -> Timestamp {
        self.server.clock.now()
    }

    /// A second node over the same store.
    async fn second(&self) -> Server {
        Server::with(self.server.beside(self.identity.clone())).await
    }
}
