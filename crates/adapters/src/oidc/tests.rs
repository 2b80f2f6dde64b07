//! The client against servers that misbehave.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use url::Url;
use waypost_core::Kind;
use waypost_core::issuers::IssuerHttp;

use super::{OidcHttp, OidcOptions};

/// Answers one request with these bytes, and gives what was asked.
fn serve(answer: Vec<u8>) -> (Url, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/doc", listener.local_addr().unwrap()).parse().unwrap();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut asked, mut buffer) = (Vec::new(), [0; 4_096]);
        let whole = |asked: &[u8]| {
            let text = String::from_utf8_lossy(asked).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            body.len() >= length.unwrap_or(0)
        };
        while !whole(&asked) {
            let read = stream.read(&mut buffer).unwrap();
            asked.extend_from_slice(&buffer[..read]);
        }
        // A client that has read enough hangs up.
        let _ = stream.write_all(&answer);
        String::from_utf8(asked).unwrap()
    });
    (url, served)
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn a_document_is_read_with_its_age() {
    let http = OidcHttp::new(&OidcOptions::default()).unwrap();
    for (header, seconds) in [
        ("Cache-Control: public, max-age=600", Some(600)),
        ("Cache-Control: no-store", Some(0)),
        ("Cache-Control: MAX-AGE=5, no-cache", Some(0)),
        ("Cache-Control: max-age=soon", None),
        ("X-Other: a", None),
    ] {
        let (url, served) = serve(answer(&format!("200 OK\r\n{header}"), "{}"));
        let document = http.get(&url).await.unwrap();
        assert_eq!((&document.bytes[..], document.max_age.map(|age| age.as_secs())), (&b"{}"[..], seconds), "{header}");
        served.join().unwrap();
    }
}

#[tokio::test]
async fn what_is_too_large_elsewhere_or_no_success_is_no_document() {
    let http = OidcHttp::new(&OidcOptions::default()).unwrap();
    let large = "a".repeat(256 * 1_024 + 1);
    let chunked =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    for (answer, says) in [
        (answer("200 OK", &large), "256 KiB"),
        (chunked.into_bytes(), "256 KiB"),
        (answer("302 Found\r\nLocation: http://127.0.0.1:9/", ""), "302"),
        (answer("404 Not Found", "{}"), "404"),
        (b"not HTTP\r\n\r\n".to_vec(), "no answer"),
    ] {
        let (url, served) = serve(answer);
        let error = http.get(&url).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(std::error::Error::source(&error).unwrap().to_string().contains(says), "{says}: {error:?}");
        served.join().unwrap();
    }
    let error = http.get(&Url::parse("http://id.example/").unwrap()).await.unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("may not be asked"));
}

#[tokio::test]
async fn a_form_is_posted_and_every_status_is_an_answer() {
    let http = OidcHttp::new(&OidcOptions::default()).unwrap();
    let (url, served) = serve(answer("400 Bad Request", r#"{"error":"invalid_grant"}"#));
    let document = http.post_form(&url, &[("code", "a b&c"), ("x", "é")], Some("Basic eDp5")).await.unwrap();
    assert_eq!((document.status, &document.bytes[..]), (400, &br#"{"error":"invalid_grant"}"#[..]));
    let asked = served.join().unwrap().to_lowercase();
    assert!(asked.contains("authorization: basic edp5") && asked.ends_with("code=a+b%26c&x=%c3%a9"), "{asked}");
}
