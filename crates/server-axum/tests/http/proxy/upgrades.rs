//! Connections that become another protocol's.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use http::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use waypost_core::clock::ManualClock;
use waypost_server_axum::proxy::config::RouteKind;
use waypost_server_axum::proxy::forward::{Edge, Rule, Tunnels};

use super::ground::*;

/// A target that sends back each byte plus one, once the connection is its own.
async fn echo() -> Running {
    let answer = |mut request: Request| async move {
        if request.headers().get("upgrade").is_none_or(|protocol| protocol != "websocket") {
            return Response::builder().status(StatusCode::UPGRADE_REQUIRED).body(Body::from("ask for it")).unwrap();
        }
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut io = TokioIo::new(upgrade.await.expect("the connection"));
            while let Ok(byte) = io.read_u8().await {
                if io.write_u8(byte + 1).await.is_err() {
                    break;
                }
            }
        });
        let builder = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        builder.header("connection", "upgrade").header("upgrade", "websocket").body(Body::empty()).unwrap()
    };
    serve(Router::new().fallback(any(answer))).await
}

fn upgrades() -> Rule {
    Rule { kind: RouteKind::Upgrade, ..Rule::default() }
}

async fn open(gateway: &Running) -> TcpStream {
    let mut caller = TcpStream::connect(gateway.address).await.expect("a connection");
    let request = b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
    caller.write_all(request).await.expect("it is taken");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(caller.read_u8().await.expect("a head"));
    }
    let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 ") && head.contains("\r\nupgrade: websocket\r\n"), "{head}");
    caller
}

/// Waits for the end of a connection.
async fn ends(mut caller: TcpStream) {
    let read = tokio::time::timeout(PATIENCE, caller.read_u8()).await;
    assert!(read.expect("an end in time").is_err());
}

#[tokio::test]
async fn bytes_pass_both_ways_until_one_end_closes() {
    let target = echo().await;
    let edge = Edge::default();
    let tunnels = edge.tunnels.clone();
    let all = tunnels.left();
    let upstream = upstream(&[target.url()], Value::Null);
    let gateway = gateway(upstream.clone(), upgrades(), edge).await;
    let mut caller = open(&gateway).await;
    for byte in [1, 40, 200] {
        caller.write_u8(byte).await.expect("it is taken");
        assert_eq!(caller.read_u8().await.expect("an echo"), byte + 1);
    }
    let in_flight = || upstream.targets().next().expect("a target").in_flight();
    assert_eq!((tunnels.left(), in_flight()), (all - 1, 1));
    drop(caller);
    until("the place is given back", || tunnels.left() == all && in_flight() == 0).await;
}

#[tokio::test]
async fn a_route_of_another_kind_and_a_plain_request_are_not_upgraded() {
    let target = echo().await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(send(before(&target).await.address, request).await.status, 426, "the wish died at the hop");
    let gateway = gateway(upstream(&[target.url()], Value::Null), upgrades(), Edge::default()).await;
    let plain = get(gateway.address, "/").await;
    assert_eq!((plain.status, plain.body.as_str()), (426, "ask for it"));
}

#[tokio::test]
async fn no_protocol_but_websocket_passes_and_h2c_least_of_all() {
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    for protocol in ["h2c", "h2c, websocket", "websocket\r\nUpgrade: h2c", "tls/1.0"] {
        let target = Raw::start(OK).await;
        let gateway = gateway(upstream(&[target.running.url()], Value::Null), upgrades(), Edge::default()).await;
        let request = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\n\
             HTTP2-Settings: AAMAAABk\r\n\r\n"
        );
        assert_eq!(send(gateway.address, &request).await.status, 200, "{protocol}");
        let seen = target.seen().concat().to_ascii_lowercase();
        assert!(!seen.contains("upgrade") && !seen.contains("http2-settings"), "{protocol}: {seen}");
    }
    let target = Raw::start("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n").await;
    let gateway = gateway(upstream(&[target.running.url()], Value::Null), upgrades(), Edge::default()).await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(send(gateway.address, request).await.status, 502, "nor one that the target chooses");
}

#[tokio::test]
async fn a_tunnel_in_which_nothing_moves_is_closed_and_so_are_all_at_the_end() {
    let target = echo().await;
    let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().expect("a moment"));
    let edge = Edge { clock: Arc::new(clock.clone()), ..Edge::default() };
    let tunnels = edge.tunnels.clone();
    let gateway = gateway(upstream(&[target.url()], Value::Null), upgrades(), edge).await;
    let mut caller = open(&gateway).await;
    for byte in [1, 2, 3] {
        clock.advance(Duration::from_secs(200));
        caller.write_u8(byte).await.expect("it is taken");
        assert_eq!(caller.read_u8().await.expect("it is still there"), byte + 1);
    }
    clock.advance(Duration::from_secs(300));
    ends(caller).await;
    let other = open(&gateway).await;
    tunnels.close();
    ends(other).await;
}

#[tokio::test]
async fn there_are_no_more_tunnels_than_places() {
    let target = echo().await;
    let edge = Edge { tunnels: Tunnels::new(1), ..Edge::default() };
    let gateway = gateway(upstream(&[target.url()], Value::Null), upgrades(), edge).await;
    let _first = open(&gateway).await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(send(gateway.address, request).await.status, 503);
}
