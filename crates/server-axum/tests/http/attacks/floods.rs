//! Very many headers, very large ones, and very many requests.

use super::wire::{Wire, statuses};

fn with(fields: String) -> String {
    format!("GET /livez HTTP/1.1\r\nhost: go.example\r\nconnection: close\r\n{fields}\r\n")
}

#[tokio::test]
async fn heads_that_are_too_large_are_431_and_uris_414() {
    let wire = Wire::start().await;
    let many = |count: usize| (0..count).map(|at| format!("x-{at}: v\r\n")).collect::<String>();
    for (fields, status, is_shaped) in [
        (many(98), 200, false),
        (many(99), 431, true),
        (many(127), 431, false),
        (many(20_000), 431, false),
        (format!("x: {}\r\n", "v".repeat(33_000)), 431, true),
        (format!("x: {}\r\n", "v".repeat(1 << 20)), 431, false),
        (format!("{}: v\r\n", "x".repeat(33_000)), 431, true),
        (format!("{}: v\r\n", "x".repeat(70_000)), 431, false),
        // The same name again and again is as many fields.
        ("x: v\r\n".repeat(101), 431, true),
    ] {
        let answer = wire.say(with(fields)).await;
        let found = statuses(&answer);
        assert!(
            found == [status] || (!is_shaped && status != 200 && matches!(found[..], [] | [400])),
            "{found:?} {status}"
        );
        assert_eq!(answer.contains("HEADERS_TOO_LARGE"), is_shaped, "{answer}");
    }
    let uri = |length: usize| {
        format!("GET /{} HTTP/1.1\r\nhost: go.example\r\nconnection: close\r\n\r\n", "a".repeat(length))
    };
    assert!(wire.say(uri(9_000)).await.contains("URI_TOO_LONG"));
    assert!(matches!(statuses(&wire.say(uri(70_000)).await)[..], [414 | 431]));
    wire.has_logged("too many header fields").await;
    wire.has_logged("a URI that is too long").await;
    wire.is_well().await;
}

#[tokio::test]
async fn a_thousand_pipelined_requests_are_a_thousand_answers_in_order() {
    let wire = Wire::start().await;
    let mut all: String =
        (0..999).map(|n| format!("GET /livez HTTP/1.1\r\nhost: go.example\r\nx-request-id: n{n}.\r\n\r\n")).collect();
    all.push_str(&with("x-request-id: n999.\r\n".to_owned()));
    let mut stream = wire.connect().await;
    let (mut reader, mut writer) = stream.split();
    let write = tokio::io::AsyncWriteExt::write_all(&mut writer, all.as_bytes());
    let mut text = String::new();
    let read = tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut text);
    let (written, read) = super::wire::within(async { tokio::join!(write, read) }).await;
    assert!(written.is_ok() && read.is_ok());
    assert_eq!(statuses(&text).len(), 1_000);
    let places: Vec<_> = (0..1_000).map(|n| text.find(&format!("x-request-id: n{n}.\r\n")).unwrap()).collect();
    assert!(places.is_sorted());
}
