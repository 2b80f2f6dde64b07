//! Addresses that want to lead inwards, and those that rightly lead outwards.

use waypost_core::webhooks::Target;

use super::super::{AllowRule, EgressClass, Guard, GuardOptions, GuardedConnector};
use super::doubles::{Recorder, Script};

/// URLs as an endpoint's owner may write them, and what their names resolve to.
const HOSTILE: &[(&str, &str)] = &[
    // Loopback, in every notation.
    ("http://127.0.0.1/", ""),
    ("https://127.0.0.1:8443/", ""),
    ("http://127.8.9.10/", ""),
    ("http://127.0.0.1./", ""),
    ("http://2130706433/", ""),
    ("http://0x7f000001/", ""),
    ("http://017700000001/", ""),
    ("http://0x7f.0.0.1/", ""),
    ("http://0177.0.0.1/", ""),
    ("http://0x7f.1/", ""),
    ("http://127.1/", ""),
    ("http://127.0.1/", ""),
    ("http://0177.0x0.0.01/", ""),
    ("http://%31%32%37.0.0.1/", ""),
    ("http://localhost/", "1.1.1.1"),
    ("http://localhost./", "1.1.1.1"),
    ("http://LOCALHOST:8080/", "1.1.1.1"),
    ("http://a.localhost/", "1.1.1.1"),
    ("http://a.b.localhost./", "1.1.1.1"),
    ("http://loc%61lhost/", "1.1.1.1"),
    ("http://[::1]/", ""),
    ("http://[0:0:0:0:0:0:0:1]/", ""),
    ("http://[0000:0000::0001]:443/", ""),
    // This machine by other names.
    ("http://0.0.0.0/", ""),
    ("http://0/", ""),
    ("http://0x0/", ""),
    ("http://0.1.2.3/", ""),
    ("http://[::]/", ""),
    // An IPv4 address inside an IPv6 one: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP on a local link.
    ("http://[::ffff:127.0.0.1]/", ""),
    ("http://[::ffff:7f00:1]/", ""),
    ("http://[::ffff:10.0.0.1]/", ""),
    ("http://[::ffff:8.8.8.8]/", ""),
    ("http://[::127.0.0.1]/", ""),
    ("http://[::a9fe:a9fe]/", ""),
    ("http://[::ffff:0:127.0.0.1]/", ""),
    ("http://[64:ff9b::127.0.0.1]/", ""),
    ("http://[64:ff9b::a9fe:a9fe]/", ""),
    ("http://[64:ff9b:1::10.0.0.1]/", ""),
    ("http://[2002:7f00:1::]/", ""),
    ("http://[2002:a00:1::1]/", ""),
    ("http://[2001:0:7f00:1::]/", ""),
    ("http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", ""),
    ("http://[fe80::5efe:10.0.0.1]/", ""),
    // Private networks, those of carriers, link-local, unique local, site-local, multicast, broadcast, reserved.
    ("http://10.0.0.1/", ""),
    ("http://167772161/", ""),
    ("http://012.0.0.1/", ""),
    ("http://172.16.0.1/", ""),
    ("http://172.31.255.254/", ""),
    ("http://192.168.1.1/", ""),
    ("http://3232235777/", ""),
    ("http://100.64.0.1/", ""),
    ("http://192.0.0.8/", ""),
    ("http://198.18.0.1/", ""),
    ("http://224.0.0.1/", ""),
    ("http://240.0.0.1/", ""),
    ("http://255.255.255.255/", ""),
    ("http://[fe80::1]/", ""),
    ("http://[fec0::1]/", ""),
    ("http://[fc00::1]/", ""),
    ("http://[fd12:3456:789a::1]/", ""),
    ("http://[ff02::1]/", ""),
    ("http://[100::1]/", ""),
    // Metadata and platforms of clouds.
    ("http://169.254.169.254/latest/meta-data/", ""),
    ("http://0xa9fea9fe/", ""),
    ("http://2852039166/", ""),
    ("http://0251.0376.0251.0376/", ""),
    ("http://169.254.170.2/", ""),
    ("http://100.100.100.200/", ""),
    ("http://168.63.129.16/", ""),
    ("http://[fd00:ec2::254]/", ""),
    ("http://metadata.google.internal/", "169.254.169.254"),
    // For documents and measurements; nobody has them.
    ("http://192.0.2.1/", ""),
    ("http://198.51.100.1/", ""),
    ("http://203.0.113.1/", ""),
    ("http://[2001:db8::1]/", ""),
    ("http://[3fff::1]/", ""),
    // Names that lead inwards, alone or among others, at the first or at the last place.
    ("https://a.example/", "127.0.0.1"),
    ("https://a.example./", "127.0.0.1"),
    ("https://127.0.0.1.nip.example/", "127.0.0.1"),
    ("https://a.example/", "1.1.1.1 10.0.0.1"),
    ("https://a.example/", "10.0.0.1 1.1.1.1"),
    ("https://a.example/", "1.1.1.1 2606:4700::1111 ::1"),
    ("https://a.example/", "1.1.1.1 1.0.0.1 8.8.8.8 8.8.4.4 9.9.9.9 149.112.112.112 64.6.64.6 64.6.65.6 192.168.0.1"),
    ("https://a.example/", "::ffff:169.254.169.254"),
    ("https://a.example/", "64:ff9b::7f00:1"),
    ("https://a.example/", "0.0.0.0"),
    ("https://a.example/", "::"),
    ("https://a.example/", "fe80::1"),
    ("https://db/", "172.20.0.3"),
    ("https://kubernetes.default.svc/", "10.96.0.1"),
    ("https://xn--ls8h.example/", "192.168.0.1"),
    // Ports on which other things than the web listen.
    ("http://1.1.1.1:22/", ""),
    ("https://a.example:25/", "1.1.1.1"),
    ("https://a.example:6379/", "1.1.1.1"),
    ("https://a.example:65535/", "1.1.1.1"),
    ("https://1.1.1.1:5432/", ""),
];

/// What leads out, with the addresses that are then connected to.
const PUBLIC: &[(&str, &str, &[&str])] = &[
    ("https://1.1.1.1/", "", &["1.1.1.1:443"]),
    ("http://16843009/", "", &["1.1.1.1:80"]),
    ("https://[2606:4700:4700::1111]/", "", &["[2606:4700:4700::1111]:443"]),
    ("https://a.example/hook?x=1", "8.8.8.8", &["8.8.8.8:443"]),
    ("http://a.example/", "8.8.8.8 2a00:1450::1", &["8.8.8.8:80", "[2a00:1450::1]:80"]),
    ("https://a.example:8443/", "172.32.0.1", &["172.32.0.1:8443"]),
    ("https://A.Example.:9443/", "100.128.0.1", &["100.128.0.1:9443"]),
    ("https://localhost.example/", "11.0.0.1", &["11.0.0.1:443"]),
    ("https://mylocalhost/", "169.253.0.1", &["169.253.0.1:443"]),
    ("https://a.example/", "2a02::7f00:1", &["[2a02::7f00:1]:443"]),
];

/// The URI that is called, as it was registered.
fn uri(url: &str) -> http::Uri {
    Target::parse(url, true).expect(url).as_str().parse().expect(url)
}

fn through(guard: Guard, answers: &str) -> (GuardedConnector, Recorder) {
    let recorder = Recorder::default();
    let connector = GuardedConnector::new(guard).with_resolver(Script::new(answers)).with_dialer(recorder.clone());
    (connector, recorder)
}

#[tokio::test]
async fn whatever_leads_inwards_is_blocked_before_any_connection_and_in_the_same_words() {
    assert!(HOSTILE.len() >= 60);
    for (url, answers) in HOSTILE {
        let (connector, recorder) = through(Guard::default(), answers);
        let fault = connector.connect(&uri(url)).await.expect_err(url);
        assert_eq!(fault.class(), EgressClass::Blocked, "{url} {answers}");
        assert_eq!(recorder.dialed(), [""; 0], "{url} {answers}");
        let words = fault.to_string();
        let is_by_port = words.contains("is not among those that may be called");
        assert!(is_by_port || words == "blocked address: it is not a public one", "{url}: {words}");
    }
}

#[tokio::test]
async fn a_uri_that_no_parser_of_urls_has_seen_is_read_in_the_same_way() {
    for text in [
        "http://127.1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://LOCALHOST./",
        "http://[::ffff:127.0.0.1]/",
        "http://user@1.1.1.1/",
        "http://256.256.256.256/",
        "http://1.1.1.1:0/",
        "http://1.1.1.1:99999/",
        "ftp://1.1.1.1/",
        "/hook",
        "1.1.1.1:443",
    ] {
        let Ok(uri) = text.parse::<http::Uri>() else { continue };
        let (connector, recorder) = through(Guard::default(), "1.1.1.1");
        assert_eq!(connector.connect(&uri).await.expect_err(text).class(), EgressClass::Blocked, "{text}");
        assert_eq!(recorder.dialed(), [""; 0], "{text}");
    }
}

#[tokio::test]
async fn public_addresses_are_let_through_and_connected_to_as_they_were_checked() {
    for (url, answers, dialed) in PUBLIC {
        let (connector, recorder) = through(Guard::default(), answers);
        let fault = connector.connect(&uri(url)).await.expect_err("nobody is there");
        assert_eq!(fault.class(), EgressClass::Refused, "{url}");
        assert_eq!(recorder.dialed(), *dialed, "{url}");
    }
}

#[tokio::test]
async fn what_is_allowed_is_let_through_and_no_more() {
    let allow = |rules: &str| {
        let allow = rules.split(',').map(|rule| AllowRule::parse(rule).unwrap()).collect();
        Guard::new(GuardOptions { allow, ..GuardOptions::default() })
    };
    for (rules, url, answers, is_through) in [
        ("127.0.0.0/8", "http://127.0.0.1:31337/", "", true),
        ("127.0.0.0/8", "http://localhost:3000/", "", true),
        ("127.0.0.0/8:3000", "http://localhost:3001/", "", false),
        ("localhost:3000", "http://localhost:3000/", "", true),
        ("localhost", "http://127.0.0.1/", "", false),
        ("127.0.0.0/8", "http://[::1]/", "", false),
        ("127.0.0.0/8", "http://[::ffff:127.0.0.1]/", "", false),
        ("10.0.0.0/8", "http://a.example/", "10.0.0.1 10.0.0.2", true),
        ("10.0.0.0/8", "http://a.example/", "10.0.0.1 1.1.1.1", true),
        ("10.0.0.0/8", "http://a.example/", "10.0.0.1 192.168.0.1", false),
        ("10.0.0.0/8", "http://a.example:25/", "10.0.0.1", true),
        ("10.0.0.0/8", "http://a.example:25/", "1.1.1.1", false),
        ("hooks.internal", "http://hooks.internal:9000/", "192.168.0.1", true),
        ("hooks.internal", "http://hooks.internal./", "192.168.0.1", true),
        ("hooks.internal", "http://other.internal/", "192.168.0.1", false),
        ("*.internal:8080", "http://a.b.internal:8080/", "192.168.0.1", true),
        ("*.internal:8080", "http://a.b.internal/", "192.168.0.1", false),
        ("*.internal", "http://internal.example/", "192.168.0.1", false),
        (":9000", "https://a.example:9000/", "1.1.1.1", true),
        (":9000", "https://a.example:9000/", "10.0.0.1", false),
        ("64:ff9b::/96", "https://a.example/", "64:ff9b::101:101", true),
        ("0.0.0.0/0,::/0", "http://127.0.0.1:22/", "", true),
        ("0.0.0.0/0,::/0", "http://[::1]:22/", "", true),
        ("0.0.0.0/0", "http://[::1]/", "", false),
    ] {
        let (connector, recorder) = through(allow(rules), answers);
        let class = connector.connect(&uri(url)).await.expect_err("nobody is there").class();
        let expected = if is_through { EgressClass::Refused } else { EgressClass::Blocked };
        assert_eq!(class, expected, "{rules}: {url} {answers}");
        assert_eq!(recorder.dialed().is_empty(), !is_through, "{rules}: {url} {answers}");
    }
}
