//! Referrers.

use super::super::referrer::host;

#[test]
fn of_a_referrer_the_host_is_kept() {
    for (referrer, expected) in [
        ("https://example.org/", "example.org"),
        ("https://example.org", "example.org"),
        ("http://www.Example.ORG:8080/a?b#c", "example.org"),
        ("HTTPS://news.example.org?q=1", "news.example.org"),
        ("https://user:word@example.org/", "example.org"),
        ("https://example.org./", "example.org"),
        ("https://www.com/", "www.com"),
        ("https://www.co.example/", "co.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://192.0.2.7/x", "192.0.2.7"),
        ("https://[2001:DB8::1]:8443/x", "[2001:db8::1]"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("http://localhost:3000/", "localhost"),
        ("https://example.org/\u{e9}", "example.org"),
    ] {
        assert_eq!(host(referrer.as_bytes()).as_deref(), Some(expected), "{referrer}");
    }
    assert_eq!(host(b"https://example.org/\xFF\xFE").as_deref(), Some("example.org"));
}

#[test]
fn what_is_no_referrer_tells_nothing() {
    let long = format!("https://{}.example/", "a".repeat(300));
    for referrer in [
        "",
        "-",
        "about:blank",
        "example.org",
        "/path",
        "https://",
        "https:///x",
        "https://?x",
        "ftp://example.org/",
        "javascript://example.org/",
        "https://exa mple.org/",
        "https://ex\u{e4}mple.org/",
        "https://<script>/",
        "https://[::g]/",
        "https://[::1",
        "data:text/html,x",
        &long,
    ] {
        assert_eq!(host(referrer.as_bytes()), None, "{referrer}");
    }
    assert_eq!(host(b"https://ex\xFFample.org/"), None);
}
