//! Clients, people, grants and endpoints on several nodes: handles that know nothing of each other.

use waypost_core::conformance::fixtures::{at, workspace};
use waypost_core::conformance::{grants, members, webhooks};
use waypost_core::grants::{Ending, Grant, GrantStore as _, Turn};
use waypost_core::members::{MemberStore as _, Role, RoleSet};
use waypost_core::webhooks::{Endpoint, WebhookStore as _};

use super::{Postgres, Schema, database, options};
use crate::postgres::{PostgresGrantStore, PostgresMemberStore, PostgresWebhookStore};

async fn two_nodes() -> ([Postgres; 2], Schema) {
    let (first, schema) = database().await;
    let second = Postgres::open(options(&schema)).await.unwrap();
    ([first, second], schema)
}

/// Runs tasks at once, and gives what they came to.
async fn all<T: Send + 'static>(tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in running {
        done.push(task.await.unwrap());
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_is_turned_on_two_nodes_is_turned_once_and_each_in_turn() {
    let (nodes, _schema) = two_nodes().await;
    let stores = nodes.each_ref().map(PostgresGrantStore::new);
    stores[0].open(&grants::grant(1), &grants::token(0, 1)).await.unwrap();
    for round in 0..20 {
        let tries = (0..8).map(|n| {
            let store = stores[n % 2].clone();
            async move { store.turn(grants::hash(round), &grants::token(round + 1, 1), at(60)).await.unwrap() }
        });
        let told = all(tries).await;
        assert_eq!(told.iter().filter(|turn| **turn == Turn::Done).count(), 1, "{told:?}");
    }
    // The trail is in order on both nodes: of each but the last two it is known that it went on.
    for round in 0..20 {
        let told = stores[1].turn(grants::hash(round), &grants::token(99, 1), at(70)).await.unwrap();
        assert_eq!(told, Turn::Used { at: at(60), went_on: round < 19 }, "{round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn turns_ends_uses_and_sweeps_on_two_nodes_do_not_wait_for_each_other_in_circles() {
    let (nodes, _schema) = two_nodes().await;
    let stores = nodes.each_ref().map(PostgresGrantStore::new);
    for n in 0..120 {
        let (user, client) = (grants::user_id(n % 3), Some(grants::client_id(n % 2)));
        let expires_at = if n % 5 == 0 { at(400) } else { at(10_000) };
        let grant = Grant { user, client, expires_at, ..grants::grant(n) };
        stores[0].open(&grant, &grants::token(n, n)).await.unwrap();
    }
    // Half of the tasks on each node; whoever was in a circle would be told that the store is busy.
    let tasks = (0..24).map(|task: u8| {
        let store = stores[usize::from(task % 2)].clone();
        async move {
            for n in 0..120_u8 {
                let at = at(60 + i64::from(task));
                match task % 6 {
                    0 => drop(store.turn(grants::hash(n), &grants::token(255 - n, n), at).await.unwrap()),
                    1 => store.touch(grants::grant(119 - n).id, at).await.unwrap(),
                    2 => drop(store.end(Ending::User(grants::user_id(n % 3)), at).await.unwrap()),
                    3 => drop(store.end(Ending::Client(grants::client_id(n % 2)), at).await.unwrap()),
                    4 => drop(store.end(Ending::Grant(grants::grant(119 - n).id), at).await.unwrap()),
                    _ => drop(store.sweep(self::at(500), 3).await.unwrap()),
                }
            }
        }
    });
    all(tasks).await;
    for n in 0..120 {
        assert!(stores[0].grants(grants::user_id(n), at(0)).await.unwrap().is_empty(), "all were ended");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn owners_of_many_workspaces_who_go_on_two_nodes_leave_one_in_each() {
    const PLACES: u64 = 6;
    let (nodes, _schema) = two_nodes().await;
    let stores = nodes.each_ref().map(PostgresMemberStore::new);
    for n in 1..=4 {
        stores[0].user(&members::user(n)).await.unwrap();
    }
    for round in 0..5 {
        for place in 0..PLACES {
            for n in 1..=4 {
                let made =
                    stores[0].set_role(workspace(place), members::user(n).id, Some(Role::Owner), at(0)).await.unwrap();
                assert!(matches!(made, RoleSet::Done(_)));
            }
        }
        let tasks = (0..8_u8).map(|task| {
            let store = stores[usize::from(task % 2)].clone();
            // Each goes through the workspaces from another side.
            let places: Vec<_> =
                (0..PLACES).map(|n| (n * (1 + 4 * u64::from(task % 2)) + u64::from(task)) % PLACES).collect();
            async move {
                for place in places {
                    let role = [None, Some(Role::Viewer)][usize::from(task / 4)];
                    store.set_role(workspace(place), members::user(1 + task % 4).id, role, at(10)).await.unwrap();
                }
            }
        });
        all(tasks).await;
        for place in 0..PLACES {
            let left = stores[1].members(workspace(place)).await.unwrap();
            let owners = left.iter().filter(|member| member.role == Role::Owner).count();
            assert_eq!(owners, 1, "round {round}, workspace {place}: {left:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn endpoints_that_are_registered_on_two_nodes_share_one_bound() {
    let (nodes, _schema) = two_nodes().await;
    let stores = nodes.each_ref().map(PostgresWebhookStore::new);
    let tries = (0..40_u8).map(|n| {
        let store = stores[usize::from(n % 2)].clone();
        async move { store.insert_endpoint(&webhooks::endpoint(n), 7).await.unwrap() }
    });
    assert_eq!(all(tries).await.into_iter().filter(|kept| *kept).count(), 7);
    let listed: Vec<Endpoint> = stores[0].endpoints(workspace(1)).await.unwrap();
    assert_eq!(listed.len(), 7);
}
