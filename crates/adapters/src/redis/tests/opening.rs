//! What opening a handle comes to.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::timeout;
use waypost_core::Kind;

use super::server::{Persistence, Server};
use crate::redis::{Redis, RedisOptions};

async fn refused(options: RedisOptions) -> waypost_core::Error {
    let opened = timeout(Duration::from_secs(5), Redis::open(options)).await;
    opened.expect("within five seconds").expect_err("there is nothing to open")
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_within_seconds() {
    let mut server = Server::start(Persistence::None).await;
    let options = server.options();
    server.kill();
    let error = refused(options).await;
    assert_eq!((error.kind(), error.message()), (Kind::Unavailable, "Redis is away"));
    let error = refused(RedisOptions::new("redis://no-such-host.invalid:6379")).await;
    assert_eq!((error.kind(), error.message()), (Kind::Unavailable, "Redis is away"));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_late_within_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = silent.local_addr().expect("its address");
    let error = refused(RedisOptions::new(format!("redis://{address}"))).await;
    assert!(error.is_retryable(), "{error:?}");
}

/// Without a provider of cryptography the driver would panic.
#[tokio::test]
async fn a_server_without_tls_is_told_from_one_with() {
    let server = Server::start(Persistence::None).await;
    let error = refused(RedisOptions::new(server.options().url.replace("redis://", "rediss://"))).await;
    assert!(error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_told_as_such() {
    let server = Server::start(Persistence::None).await;
    let url = server.options().url;
    server.command(&["CONFIG", "SET", "requirepass", "right"]);
    for url in [url.clone(), url.replace("redis://", "redis://:wrong@")] {
        let error = refused(RedisOptions::new(url)).await;
        assert_eq!((error.kind(), error.message()), (Kind::Unavailable, "Redis refuses the user or password"));
    }
    Redis::open(RedisOptions::new(url.replace("redis://", "redis://:right@"))).await.expect("the right password");
}

#[tokio::test]
async fn what_is_no_address_and_no_prefix_is_refused() {
    for url in ["", "localhost", "http://localhost", "redis://localhost:port"] {
        assert_eq!(refused(RedisOptions::new(url)).await.kind(), Kind::Invalid, "{url:?}");
    }
    let options = RedisOptions { prefix: "a{b".into(), ..RedisOptions::new("redis://localhost") };
    assert_eq!(refused(options).await.kind(), Kind::Invalid);
}
