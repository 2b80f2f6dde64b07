//! TLS by the binary itself: settings, a new certificate, and the health check.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::process::{Place, signal, wait_for};

const FILES: [&str; 4] = ["--tls-certificate", "cert.pem", "--tls-key", "key.pem"];

fn issue(place: &Place) {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    place.file("cert.pem", &issued.cert.pem());
    place.file("key.pem", &issued.signing_key.serialize_pem());
}

#[test]
fn the_binary_speaks_tls_takes_a_new_certificate_and_is_asked_by_doctor() {
    let place = Place::new();
    issue(&place);
    let server = place.serve_with(&FILES);
    let address = server.address().to_string();
    assert!(server.greeting.contains(&format!("curl -i https://{address}/")), "{}", server.greeting);
    let is_ready = || {
        let asked = place.run(&[&["doctor", "--ready", "--listen", &address], &FILES[..]].concat());
        asked.status == 0 && asked.out.starts_with("ok   ready: ")
    };
    wait_for("ready over TLS", is_ready);

    let mut plain = TcpStream::connect(server.address()).expect("a connection");
    plain.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").expect("bytes go out");
    let mut answer = String::new();
    plain.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("https://"), "{answer}");

    issue(&place);
    assert!(!is_ready(), "doctor trusts the new certificate alone, and the server shows the old one still");
    signal(server.process(), "HUP");
    wait_for("the new certificate", is_ready);
    assert_eq!(server.terminate(), 0);
}

#[test]
fn half_of_a_certificate_and_wrong_files_end_the_start() {
    let place = Place::new();
    issue(&place);
    for (arguments, told) in [
        (&["--tls-key", "key.pem"][..], "--tls-key: needs tls_certificate beside it"),
        (&["--tls-certificate", "gone.pem", "--tls-key", "key.pem"], "--tls-certificate: there is no file `gone.pem`"),
        (&["--tls-certificate", "key.pem", "--tls-key", "key.pem"], "--tls-certificate: key.pem: no certificate"),
        (&["--tls-certificate", "cert.pem", "--tls-key", "cert.pem"], "--tls-key: cert.pem: no private key"),
    ] {
        let ended = place.run(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat()).with_status(2);
        assert!(ended.err.starts_with(&format!("waypost: {told}")) && ended.err.lines().count() == 1, "{ended:?}");
        assert!(!ended.err.contains("BEGIN PRIVATE KEY-----\n"), "{ended:?}");
    }
}
