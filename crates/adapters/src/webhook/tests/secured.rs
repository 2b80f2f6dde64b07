//! Calls over TLS.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::CertifiedKey;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio_rustls::TlsAcceptor;
use waypost_core::webhooks::{FailureClass, Target, WebhookReply, WebhookTransport as _};

use super::receiver::{Receiver, call, next, short, told, transport, trusting};

/// TLS for this name, with a certificate of its own making, and the authorities who believe it.
fn tls(name: &str, protocols: &[&str]) -> (TlsAcceptor, RootCertStore) {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), roots)
}

/// Tells, in the body of its answers, by which HTTP it was asked, and what; answers so many calls together.
async fn echoing(acceptor: TlsAcceptor, together: usize) -> Receiver {
    let barrier = Arc::new(Barrier::new(together));
    Receiver::new(move |stream: TcpStream| {
        let (acceptor, barrier) = (acceptor.clone(), barrier.clone());
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let echo = service_fn(|request: http::Request<hyper::body::Incoming>| async {
                barrier.wait().await;
                let version = request.version();
                let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let told = format!("{version:?} {}", String::from_utf8_lossy(&body));
                Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from(told))))
            });
            let stream = TokioIo::new(stream);
            // Who agreed on HTTP/2 and spoke it would get no answer.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, echo).await;
        }
    })
    .await
}

fn failure(reply: WebhookReply) -> (FailureClass, String) {
    let failure = reply.result.failure.expect("it fails");
    (failure.class, failure.detail)
}

#[tokio::test]
async fn http1_is_spoken_whatever_is_offered_and_its_connection_used_again() {
    for protocols in [&["h2", "http/1.1"][..], &["http/1.1"], &[]] {
        let (acceptor, roots) = tls("localhost", protocols);
        let receiver = echoing(acceptor, 1).await;
        let url = format!("https://localhost:{}/hook", receiver.address.port());
        let transport = trusting(Default::default(), roots);
        for _ in 0..5 {
            let reply = transport.call(call(&url)).await;
            assert!(reply.result.is_success(), "{reply:?}");
            assert_eq!(reply.result.excerpt, "HTTP/1.1 {\"a\":1}");
        }
        assert_eq!(receiver.connections(), 1);
    }
}

#[tokio::test]
async fn calls_at_one_time_share_no_connection() {
    let (acceptor, roots) = tls("localhost", &["h2", "http/1.1"]);
    let receiver = echoing(acceptor, 2).await;
    let url = format!("https://localhost:{}/hook", receiver.address.port());
    let transport = trusting(Default::default(), roots);
    let (one, other) = tokio::join!(transport.call(call(&url)), transport.call(call(&url)));
    assert!(one.result.is_success() && other.result.is_success(), "{one:?} {other:?}");
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn nobody_is_called_without_tls_unless_that_is_allowed() {
    let receiver = Receiver::new(|_: TcpStream| async {}).await;
    let (class, detail) = failure(told(Default::default(), RootCertStore::empty()).call(receiver.call()).await);
    assert_eq!((class, detail.as_str()), (FailureClass::Blocked, "the scheme must be https"));
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn what_can_never_be_called_is_known_without_a_call() {
    let (strict, open) = (told(Default::default(), RootCertStore::empty()), transport(Default::default()));
    for (url, strictly, openly) in [
        ("https://partner.example/hook", None, None),
        ("https://127.0.0.1:9000/", None, None),
        ("http://partner.example/", Some("the scheme must be https"), None),
        ("https://10.0.0.1/", Some("not a public one"), Some("not a public one")),
        ("https://[::1]/", Some("not a public one"), Some("not a public one")),
    ] {
        for (transport, expected) in [(&strict, strictly), (&open, openly)] {
            let refused = transport.refuses(&Target::parse(url, true).unwrap());
            let is_so = match (&refused, expected) {
                (Some(words), Some(expected)) => words.contains(expected),
                (refused, expected) => refused.is_none() && expected.is_none(),
            };
            assert!(is_so, "{url}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_a_failure_of_tls() {
    let (acceptor, roots) = tls("other.example", &[]);
    let receiver = echoing(acceptor, 1).await;
    let url = format!("https://localhost:{}/", receiver.address.port());
    let (class, detail) = failure(transport(Default::default()).call(call(&url)).await);
    assert_eq!(class, FailureClass::Tls);
    assert!(detail.contains("UnknownIssuer"), "{detail}");
    let (class, detail) = failure(trusting(Default::default(), roots).call(call(&url)).await);
    assert_eq!(class, FailureClass::Tls);
    assert!(detail.contains("not valid for name"), "{detail}");
}

#[tokio::test]
async fn tls_to_a_port_without_it_cut_or_never_answered_is_over_in_time() {
    let plain = Receiver::new(|mut stream: TcpStream| async move {
        let _ = stream.read(&mut [0; 1_024]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
    });
    let cut = Receiver::new(|mut stream: TcpStream| async move {
        let _ = stream.read(&mut [0; 1_024]).await;
    });
    let silent = Receiver::new(|mut stream: TcpStream| async move {
        next(&mut stream).await;
        std::future::pending::<()>().await;
    });
    for (receiver, expected) in
        [(plain.await, FailureClass::Tls), (cut.await, FailureClass::Tls), (silent.await, FailureClass::Timeout)]
    {
        let url = format!("https://localhost:{}/", receiver.address.port());
        let options = if expected == FailureClass::Timeout { short() } else { Default::default() };
        let (class, detail) = failure(transport(options).call(call(&url)).await);
        assert_eq!(class, expected, "{detail}");
    }
}
