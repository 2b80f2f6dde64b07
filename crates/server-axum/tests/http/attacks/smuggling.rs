//! Requests that two parsers could read in two ways, with another one hidden in them (RFC 9112 §6.3, §11.2).

use std::time::Duration;

use waypost_server_axum::{HttpOptions, ServeOptions};

use super::wire::{Wire, statuses};

/// What is hidden: an answer to it would be the proof of confusion.
const HIDDEN: &str = "GET /v1/event-types HTTP/1.1\r\nhost: go.example\r\n\r\n";

/// A `POST` with this head and body, and the hidden request behind it.
fn post(head: &str, body: &str) -> String {
    format!("POST /v1/links HTTP/1.1\r\nhost: go.example\r\ncontent-type: application/json\r\n{head}\r\n{body}{HIDDEN}")
}

#[tokio::test]
async fn a_length_in_doubt_is_400_and_ends_the_connection() {
    let wire = Wire::start().await;
    for head in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: 6\r\ncontent-length: 5\r\n",
        "content-length: 5, 6\r\n",
        "content-length: 5,\r\n",
        "content-length: +5\r\n",
        "content-length: -5\r\n",
        "content-length: 0x5\r\n",
        "content-length: 5 5\r\n",
        "content-length: 5.0\r\n",
        "content-length: \r\n",
        "content-length: 18446744073709551616\r\n",
        "content-length: ٥\r\n",
    ] {
        let answer = wire.say(post(head, "12345")).await;
        assert_eq!(statuses(&answer), [400], "{head:?}: {answer}");
    }
    wire.has_logged("a connection ended in an error").await;
    wire.is_well().await;
}

#[tokio::test]
async fn the_same_length_twice_is_one_length_or_none() {
    let wire = Wire::start().await;
    for head in ["content-length: 5\r\ncontent-length: 5\r\n", "content-length: 5, 5\r\n"] {
        let hidden = HIDDEN.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
        let answer = wire.say(post(head, "12345").replace(HIDDEN, &hidden)).await;
        // Refused, or read as five bytes: then the next request begins where they end, and is one of its own.
        assert!(matches!(statuses(&answer)[..], [400] | [401, 401]), "{head:?}: {answer}");
    }
}

#[tokio::test]
async fn a_transfer_encoding_in_disguise_is_400_and_ends_the_connection() {
    let wire = Wire::start().await;
    for head in [
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: x\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding\t: chunked\r\n",
        " transfer-encoding: chunked\r\n",
        "x: y\r\n transfer-encoding: chunked\r\n",
        "x: y\r\n\ttransfer-encoding: chunked\r\n",
        "transfer-encoding: \u{b}chunked\r\n",
        "transfer-encoding: chunked\0\r\n",
        "transfer_encoding\u{0}: chunked\r\n",
        "x: y\rtransfer-encoding: chunked\r\n",
        "transfer-encoding: \"chunked\"\r\n",
        "transfer encoding: chunked\r\n",
        ": chunked\r\n",
    ] {
        for with_length in ["", "content-length: 4\r\n"] {
            let answer = wire.say(post(&format!("{head}{with_length}"), "0\r\n\r\n")).await;
            assert_eq!(statuses(&answer), [400], "{head:?}: {answer}");
        }
    }
    wire.is_well().await;
}

#[tokio::test]
async fn chunked_wins_over_a_length_and_nothing_behind_it_is_read() {
    let wire = Wire::start().await;
    for head in [
        // CL.TE and TE.CL: who goes by the length sees the hidden request begin inside or behind the body.
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        "Transfer-Encoding: CHUNKED\r\nContent-Length: 100\r\n",
        "content-length: 0\r\ntransfer-encoding: chunked\r\n",
    ] {
        let answer = wire.say(post(head, "5\r\nhello\r\n0\r\n\r\n")).await;
        assert!(matches!(statuses(&answer)[..], [400] | [401]), "one answer, then the end: {head:?}: {answer}");
        assert!(answer.contains("connection: close"), "{head:?}: {answer}");
    }
    // A name with `_` is no header of the message's framing, and is taken off.
    let answer =
        wire.say(post("content-length: 5\r\ntransfer_encoding: chunked\r\nconnection: close\r\n", "12345")).await;
    assert_eq!(statuses(&answer), [401], "{answer}");
}

#[tokio::test]
async fn a_chunk_that_lies_ends_the_connection() {
    // One that promises more than ever comes is waited for until the deadline.
    let http = HttpOptions { deadline: Duration::from_millis(150), ..HttpOptions::default() };
    let wire = Wire::with(http, ServeOptions::default()).await;
    let key = format!("authorization: Bearer {}\r\ntransfer-encoding: chunked\r\n", wire.key);
    for body in [
        "4\r\nhello\r\n0\r\n\r\n",
        "6\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "11111111111111111\r\nhello\r\n0\r\n\r\n",
        "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    ] {
        let answer = wire.say(post(&key, body)).await;
        assert!(statuses(&answer).len() <= 1 && !answer.contains("link.created"), "{body:?}: {answer}");
        assert!(!answer.contains("HTTP/1.1 2"), "{body:?}: {answer}");
    }
    wire.is_well().await;
}

#[tokio::test]
async fn extensions_of_chunks_are_skipped_and_bounded() {
    let wire = Wire::start().await;
    let key = format!("authorization: Bearer {}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n", wire.key);
    let body = r#"{"destination": "https://example.com/"}"#;
    let chunk = format!("{:x};a=b;c\r\n{body}\r\n0\r\n\r\n", body.len());
    let answer = wire.say(post(&key, &chunk)).await;
    assert_eq!(statuses(&answer), [201], "{answer}");
    let long = format!("{:x};{}\r\n{body}\r\n0\r\n\r\n", body.len(), "a".repeat(1 << 20));
    let answer = wire.say(post(&key, &long)).await;
    assert!(!answer.contains("HTTP/1.1 2"), "a mebibyte of nothing is not read: {answer}");
}

#[tokio::test]
async fn trailers_bring_no_headers() {
    let wire = Wire::start().await;
    let body = format!("0\r\nauthorization: Bearer {}\r\ncontent-length: 3\r\n\r\n", wire.key);
    let answer = wire.say(post("transfer-encoding: chunked\r\nconnection: close\r\n", &body)).await;
    assert_eq!(statuses(&answer), [401], "{answer}");
}

#[tokio::test]
async fn a_bare_line_feed_is_a_line_end_and_hides_nothing() {
    // RFC 9112 §2.2 allows it. Then what stands behind it is a header like any other, in plain sight.
    let wire = Wire::start().await;
    let answer = wire.say(post("x: y\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n", "0\r\n\r\n")).await;
    assert!(matches!(statuses(&answer)[..], [400] | [401]), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn what_follows_an_error_on_a_connection_is_its_own_request() {
    let wire = Wire::start().await;
    let get = |path: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: go.example\r\nx-request-id: of{}\r\n{more}\r\n", path.replace('/', "-"))
    };
    // Refused before its body was read: what comes next is either the next request, or the end.
    let refused =
        format!("POST /v1/links HTTP/1.1\r\nhost: go.example\r\ncontent-length: {}\r\n\r\n{HIDDEN}", HIDDEN.len());
    let answer = wire.say(format!("{refused}{}", get("/livez", "connection: close\r\n"))).await;
    assert!(matches!(statuses(&answer)[..], [401] | [401, 200]), "never the hidden one: {answer}");
    assert_eq!(answer.matches("\"code\":\"UNAUTHENTICATED\"").count(), 1, "{answer}");
    // Pipelined: answers in order, each under its own id.
    let answer = wire
        .say(
            [
                get("/nothing/", ""),
                get("/v1/nothing", ""),
                get("/v1/links", ""),
                get("/livez", "connection: close\r\n"),
            ]
            .concat(),
        )
        .await;
    assert_eq!(statuses(&answer), [404, 404, 401, 200], "{answer}");
    let places: Vec<_> = ["of-nothing-", "of-v1-nothing", "of-v1-links", "of-livez"]
        .map(|id| answer.find(&format!("x-request-id: {id}\r\n")).unwrap_or_else(|| panic!("{id} in {answer}")))
        .into();
    assert!(places.is_sorted(), "{answer}");
}
