//! Clients, members, grants and tokens that are believed for a moment: on two nodes over one store.

use std::sync::Arc;
use std::time::Duration;

use waypost_adapters::memory::MemoryStore;
use waypost_core::clients::{Client, ClientStore};
use waypost_core::clock::ManualClock;
use waypost_core::conformance::fixtures::{at, seconds, workspace};
use waypost_core::credentials::{Scopes, SecretHash, SecretKind};
use waypost_core::grants::{Ending, Grant, GrantStore, GrantToken, Turn};
use waypost_core::ids::{ClientId, GrantId, TokenId, UserId};
use waypost_core::layers::{Cached, Fault, Faulty, Layered};
use waypost_core::members::{MemberStore, Role, User};

const CLIENT: ClientId = ClientId::from_bytes([1; 16]);
const USER: UserId = UserId::from_bytes([2; 16]);
const GRANT: GrantId = GrantId::from_bytes([3; 16]);
const TOKEN: TokenId = TokenId::from_bytes([4; 16]);
const SESSION: SecretHash = SecretHash([5; 32]);

/// A node: its own memory around the store that all share.
#[derive(Clone)]
struct Node {
    clients: Arc<dyn ClientStore>,
    members: Arc<dyn MemberStore>,
    grants: Arc<dyn GrantStore>,
    /// Counts the calls that reach the store, and fails them.
    store: Faulty,
}

impl Node {
    fn new(store: &Arc<MemoryStore>, clock: &ManualClock) -> Self {
        let (clock, hand) = (Arc::new(clock.clone()), Faulty::default());
        let clients: Arc<dyn ClientStore> = store.clone();
        let members: Arc<dyn MemberStore> = store.clone();
        let grants: Arc<dyn GrantStore> = store.clone();
        Self {
            clients: Arc::new(Cached::<dyn ClientStore>::new(
                Arc::new(Layered::new(clients, hand.clone())),
                clock.clone(),
            )),
            members: Arc::new(Cached::<dyn MemberStore>::new(
                Arc::new(Layered::new(members, hand.clone())),
                clock.clone(),
            )),
            grants: Arc::new(Cached::<dyn GrantStore>::new(Arc::new(Layered::new(grants, hand.clone())), clock)),
            store: hand,
        }
    }

    /// What each request asks: whether the client, the member, the grant, the session and the token are good.
    async fn asks(&self) -> [bool; 5] {
        let client = self.clients.client(CLIENT).await.expect("a look");
        let member = self.members.member(workspace(1), USER).await.expect("a look");
        let grant = self.grants.grant(GRANT).await.expect("a look");
        let session = self.grants.find(SESSION).await.expect("a look");
        [
            client.is_some_and(|client| client.revoked_at.is_none()),
            member.is_some_and(|member| member.role == Role::Editor),
            grant.is_some_and(|grant| grant.is_live(at(0))),
            session.is_some_and(|(grant, _)| grant.is_live(at(0))),
            !self.grants.is_denied(TOKEN, at(0)).await.expect("a look"),
        ]
    }
}

fn client() -> Client {
    Client {
        id: CLIENT,
        workspace: workspace(1),
        name: "partner".to_owned(),
        scopes: Scopes::ALL,
        plan: None,
        secrets: Vec::new(),
        jwks: None,
        redirect_uris: Vec::new(),
        created_at: at(0),
        revoked_at: None,
        version: 1,
    }
}

fn token(hash: SecretHash, kind: SecretKind) -> GrantToken {
    GrantToken { hash, kind, grant: GRANT, expires_at: at(9_000), binding: None, used_at: None }
}

/// Two nodes over one store, in which everything is good.
async fn two_nodes() -> (Node, Node, ManualClock) {
    let (store, clock) = (Arc::new(MemoryStore::default()), ManualClock::new(at(0)));
    let user = User {
        id: USER,
        issuer: "https://id.example".to_owned(),
        subject: "somebody".to_owned(),
        name: None,
        email: None,
        created_at: at(0),
        signed_in_at: None,
    };
    let grant = Grant {
        id: GRANT,
        user: USER,
        client: Some(CLIENT),
        workspace: workspace(1),
        scopes: Scopes::ALL,
        label: String::new(),
        created_at: at(0),
        used_at: at(0),
        expires_at: at(10_000),
        ended_at: None,
    };
    store.insert_client(&client()).await.expect("kept");
    store.user(&user).await.expect("kept");
    store.set_role(workspace(1), USER, Some(Role::Editor), at(0)).await.expect("set");
    store.open(&grant, &token(SESSION, SecretKind::Session)).await.expect("opened");
    (Node::new(&store, &clock), Node::new(&store, &clock), clock)
}

const GOOD: [bool; 5] = [true; 5];

/// Revokes everything through a node.
async fn revoke_all(node: &Node) {
    let revoked = Client { revoked_at: Some(at(0)), version: 2, ..client() };
    assert!(node.clients.update_client(&revoked).await.expect("an outcome"));
    node.members.set_role(workspace(1), USER, None, at(0)).await.expect("an outcome");
    assert_eq!(node.grants.end(Ending::Grant(GRANT), at(0)).await.expect("a count"), 1);
    node.grants.deny(TOKEN, at(900)).await.expect("denied");
}

#[tokio::test]
async fn what_each_request_asks_is_looked_up_once_a_second() {
    let (here, _, clock) = two_nodes().await;
    for _ in 0..100 {
        assert_eq!(here.asks().await, GOOD);
    }
    assert_eq!(here.store.calls(), 5);
    for _ in 0..10 {
        clock.advance(seconds(1));
        assert_eq!(here.asks().await, GOOD);
    }
    assert_eq!(here.store.calls(), 5 + 10 * 4, "a session by its grant, which is asked for anyway");
}

#[tokio::test]
async fn what_is_revoked_here_stops_at_once_and_elsewhere_within_a_second() {
    let (here, there, clock) = two_nodes().await;
    for node in [&here, &there] {
        assert_eq!(node.asks().await, GOOD);
    }
    clock.advance(Duration::from_millis(1));
    revoke_all(&here).await;
    assert_eq!(here.asks().await, [false; 5]);
    assert_eq!(there.asks().await, GOOD, "it is believed");
    clock.advance(Duration::from_millis(998));
    assert_eq!(there.asks().await, GOOD, "to the last");
    clock.advance(Duration::from_millis(1));
    assert_eq!(there.asks().await, [false; 5], "less than a second after it was revoked");
}

#[tokio::test]
async fn every_way_to_end_a_grant_is_seen_at_once() {
    for which in [Ending::Grant(GRANT), Ending::User(USER), Ending::Member(workspace(1), USER), Ending::Client(CLIENT)]
    {
        let (here, ..) = two_nodes().await;
        assert_eq!(here.asks().await, GOOD);
        assert_eq!(here.grants.end(which, at(0)).await.expect("a count"), 1);
        assert_eq!(here.asks().await, [true, true, false, false, true], "{which:?}");
    }
}

/// Those that were under way when it was revoked here, and end after that.
#[tokio::test]
async fn a_look_up_that_raced_with_a_revocation_is_not_believed() {
    for which in [Ending::Grant(GRANT), Ending::User(USER)] {
        let (here, ..) = two_nodes().await;
        here.store.script([Some(Fault::Late)]);
        let looking = tokio::spawn({
            let here = here.clone();
            async move { here.grants.grant(GRANT).await }
        });
        here.store.met(1).await;
        assert_eq!(here.grants.end(which, at(0)).await.expect("a count"), 1);
        here.store.release();
        assert!(looking.await.expect("no panic").is_ok(), "asked before, answered as of then");
        assert_eq!(here.asks().await, [true, true, false, false, true], "{which:?}");
    }
}

/// A second from the question, however long the answer takes.
#[tokio::test]
async fn a_slow_look_up_is_believed_no_longer_than_a_quick_one() {
    let (here, there, clock) = two_nodes().await;
    there.store.script([Some(Fault::Late)]);
    let looking = tokio::spawn({
        let there = there.clone();
        async move { there.grants.grant(GRANT).await }
    });
    there.store.met(1).await;
    clock.advance(Duration::from_millis(1));
    revoke_all(&here).await;
    clock.advance(Duration::from_millis(999));
    there.store.release();
    assert!(looking.await.expect("no panic").is_ok());
    assert_eq!(there.asks().await, [false; 5]);
}

#[tokio::test]
async fn what_failed_to_be_revoked_may_have_been() {
    let (here, ..) = two_nodes().await;
    assert_eq!(here.asks().await, GOOD);
    here.store.always(Fault::After(waypost_core::Kind::Timeout));
    let revoked = Client { revoked_at: Some(at(0)), version: 2, ..client() };
    assert!(here.clients.update_client(&revoked).await.is_err());
    assert!(here.members.set_role(workspace(1), USER, None, at(0)).await.is_err());
    assert!(here.grants.end(Ending::Grant(GRANT), at(0)).await.is_err());
    assert!(here.grants.deny(TOKEN, at(900)).await.is_err());
    here.store.release();
    assert_eq!(here.asks().await, [false; 5]);
}

#[tokio::test]
async fn codes_and_refresh_tokens_are_seen_as_they_are() {
    let (here, there, _) = two_nodes().await;
    for (n, kind) in [(10, SecretKind::Code), (20, SecretKind::Refresh)] {
        let (first, next) = (SecretHash([n; 32]), SecretHash([n + 1; 32]));
        let grant = Grant { id: GrantId::from_bytes([n; 16]), ..here.grants.grant(GRANT).await.unwrap().unwrap() };
        let of = |hash, kind| GrantToken { grant: grant.id, ..token(hash, kind) };
        here.grants.open(&grant, &of(first, kind)).await.expect("opened");
        for node in [&here, &there] {
            let (_, seen) = node.grants.find(first).await.expect("a look").expect("it is there");
            assert_eq!(seen.used_at, None);
        }
        let turn = here.grants.turn(first, &of(next, SecretKind::Refresh), at(5)).await.expect("an outcome");
        assert_eq!(turn, Turn::Done);
        for node in [&here, &there] {
            let (_, seen) = node.grants.find(first).await.expect("a look").expect("it is there");
            assert_eq!(seen.used_at, Some(at(5)));
            assert!(node.grants.find(next).await.expect("a look").is_some());
        }
    }
}

#[tokio::test]
async fn who_is_given_a_role_here_has_it_at_once() {
    let (here, ..) = two_nodes().await;
    for place in [2, 3] {
        assert_eq!(here.members.member(workspace(place), USER).await.expect("a look"), None);
    }
    here.members.set_role(workspace(2), USER, Some(Role::Owner), at(0)).await.expect("an outcome");
    let member = here.members.member(workspace(2), USER).await.expect("a look");
    assert_eq!(member.map(|member| member.role), Some(Role::Owner));
    let before = here.store.calls();
    assert_eq!(here.members.member(workspace(3), USER).await.expect("a look"), None);
    assert_eq!(here.store.calls(), before, "where they are no member, that is still believed");
}
