//! On real sockets, with certificates of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::serve::{LongLived, Options, Served, serve};

/// A certificate for `localhost` and its key, as PEM.
fn issue() -> (String, String) {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (issued.cert.pem(), issued.signing_key.serialize_pem())
}

struct Server {
    address: SocketAddr,
    tls: Tls,
    stop: CancellationToken,
    served: JoinHandle<Served>,
    entered: Arc<Notify>,
    release: Arc<Notify>,
}

async fn start((certificate, key): &(String, String), limits: HandshakeLimits) -> Server {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (tcp.local_addr().unwrap(), CancellationToken::new());
    let tls = Tls::new(certificate.as_bytes(), key.as_bytes()).unwrap();
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, leave) = (entered.clone(), release.clone());
    let held = || async move {
        enter.notify_one();
        leave.notified().await;
        "held"
    };
    let live = || async {
        let parts = futures_util::stream::iter([Ok::<_, std::convert::Infallible>("a part")]);
        let mut response = Response::new(Body::from_stream(parts));
        response.extensions_mut().insert(LongLived);
        response
    };
    let app = Router::new().route("/", get(|| async { "here" })).route("/held", get(held)).route("/live", get(live));
    let listener = TlsListener::new(tcp, tls.clone(), limits);
    let make = move |_| TowerToHyperService::new(app.clone());
    let served = tokio::spawn(serve(listener, make, Options::default(), stop.clone()));
    Server { address, tls, stop, served, entered, release }
}

/// Nothing in these tests may take longer, whatever goes wrong.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}

/// Shakes hands as a client that trusts `certificate` alone and offers `protocols`.
async fn connect(address: SocketAddr, certificate: &str, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    within(TlsConnector::from(Arc::new(config)).connect(name, tcp)).await
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

async fn say(stream: &mut TlsStream<TcpStream>, bytes: &[u8]) -> String {
    stream.write_all(bytes).await.unwrap();
    let mut text = String::new();
    within(stream.read_to_string(&mut text)).await.unwrap();
    text
}

#[tokio::test]
async fn alpn_chooses_between_http2_and_http1() {
    let issued = issue();
    let server = start(&issued, HandshakeLimits::default()).await;
    for offered in [&["http/1.1"][..], &[]] {
        let mut stream = connect(server.address, &issued.0, offered).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), offered.first().map(|name| name.as_bytes()));
        let answer = say(&mut stream, GET).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
    }
    let stream = connect(server.address, &issued.0, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    let io = TokioIo::new(stream);
    let (mut h2, driver) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(driver);
    let request = Request::get("https://localhost/").body(Body::empty()).unwrap();
    assert_eq!(within(h2.send_request(request)).await.unwrap().status(), StatusCode::OK);
    assert!(connect(server.address, &issued.0, &["gopher"]).await.is_err(), "nothing in common");
}

#[tokio::test]
async fn a_new_certificate_holds_for_newcomers_and_cuts_nobody() {
    let (old, new) = (issue(), issue());
    let server = start(&old, HandshakeLimits::default()).await;
    let mut kept = connect(server.address, &old.0, &[]).await.unwrap();
    assert!(server.tls.replace(new.0.as_bytes(), old.1.as_bytes()).is_err(), "they do not belong together");
    connect(server.address, &old.0, &[]).await.expect("what cannot be used changes nothing");
    server.tls.replace(new.0.as_bytes(), new.1.as_bytes()).unwrap();
    assert!(connect(server.address, &old.0, &[]).await.is_err(), "the old one is not shown any more");
    let mut fresh = connect(server.address, &new.0, &[]).await.unwrap();
    for stream in [&mut kept, &mut fresh] {
        assert!(say(stream, GET).await.ends_with("here"));
    }
}

#[tokio::test]
async fn a_stream_that_leaves_hyper_stays_within_tls() {
    let issued = issue();
    let server = start(&issued, HandshakeLimits::default()).await;
    let mut stream = connect(server.address, &issued.0, &[]).await.unwrap();
    let answer = say(&mut stream, b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(body, "6\r\na part\r\n0\r\n\r\n", "and a proper end of TLS");
}

#[tokio::test]
async fn who_stalls_in_the_handshake_holds_nobody_up_and_is_cut() {
    let issued = issue();
    let limits = HandshakeLimits { timeout: Duration::from_millis(150), most: 64 };
    let server = start(&issued, limits).await;
    let mut stalled = Vec::new();
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stalled.push(stream);
    }
    let mut honest = connect(server.address, &issued.0, &[]).await.unwrap();
    assert!(say(&mut honest, GET).await.ends_with("here"), "while the others stall");
    for stream in &mut stalled {
        let mut rest = Vec::new();
        // A reset is an end like any other.
        let _ = within(stream.read_to_end(&mut rest)).await;
        assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
    }
}

#[tokio::test]
async fn at_the_bound_the_oldest_handshake_gives_way() {
    let issued = issue();
    let limits = HandshakeLimits { timeout: Duration::from_secs(600), most: 2 };
    let server = start(&issued, limits).await;
    let mut stalled = Vec::new();
    for _ in 0..3 {
        stalled.push(TcpStream::connect(server.address).await.unwrap());
    }
    let mut honest = connect(server.address, &issued.0, &[]).await.unwrap();
    assert!(say(&mut honest, GET).await.ends_with("here"));
    for oldest in &mut stalled[..2] {
        assert_eq!(within(oldest.read(&mut [0])).await.unwrap_or(0), 0, "cut long before its time");
    }
}

#[tokio::test]
async fn plain_http_is_told_so_and_noise_is_closed() {
    let issued = issue();
    let server = start(&issued, HandshakeLimits::default()).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(GET).await.unwrap();
    let mut answer = String::new();
    within(plain.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n") && body.contains("https://"), "{answer}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
    let mut noise = TcpStream::connect(server.address).await.unwrap();
    noise.write_all(&[0x80; 64]).await.unwrap();
    let mut rest = Vec::new();
    let _ = within(noise.read_to_end(&mut rest)).await;
    assert!(!rest.starts_with(b"HTTP"));
}

#[tokio::test]
async fn the_drain_finishes_what_is_in_flight() {
    let issued = issue();
    let server = start(&issued, HandshakeLimits::default()).await;
    let mut stream = connect(server.address, &issued.0, &[]).await.unwrap();
    stream.write_all(b"GET /held HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    within(server.entered.notified()).await;
    // Half a handshake does not hold the end up.
    let _stalled = TcpStream::connect(server.address).await.unwrap();
    server.stop.cancel();
    let address = server.address;
    within(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await
        }
    })
    .await;
    server.release.notify_one();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.ends_with("held") && answer.contains("connection: close"), "{answer}");
    assert_eq!(within(server.served).await.unwrap(), Served { cut: 0 });
}

#[test]
fn what_cannot_be_used_is_told_with_its_cure() {
    let (one, other) = (issue(), issue());
    let told = |certificate: &str, key: &str| {
        let fault = Tls::new(certificate.as_bytes(), key.as_bytes()).unwrap_err();
        (fault.to_string(), fault.is_of_key())
    };
    assert!(Tls::new(one.0.as_bytes(), one.1.as_bytes()).is_ok());
    for (certificate, key, says, is_of_key) in [
        ("", &*one.1, "no certificate is in it", false),
        (&one.1, &one.1, "no certificate is in it", false),
        ("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", &one.1, "cannot be read", false),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &one.1, "cannot be read", false),
        (&one.0, "", "no private key is in it", true),
        (&one.0, &one.0, "no private key is in it", true),
        (&one.0, &other.1, "does not belong to the certificate", true),
    ] {
        let (text, of_key) = told(certificate, key);
        assert!(text.contains(says) && of_key == is_of_key && !text.contains('\n'), "{text}");
        assert!(!text.contains("PRIVATE KEY-----\nM"), "a key never stands in a message");
    }
}
