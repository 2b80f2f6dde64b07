//! Targets, methods and hosts that are to reach something else than they say.

use serde_json::json;

use super::wire::{Wire, statuses};

fn ask(line: &str, head: &str) -> String {
    format!("{line} HTTP/1.1\r\n{head}connection: close\r\n\r\n")
}

const HOST: &str = "host: go.example\r\n";

#[tokio::test]
async fn a_host_that_is_missing_doubled_or_malformed_is_400() {
    let wire = Wire::start().await;
    wire.server.make(json!({"destination": "https://example.com/", "slug": "spring"})).await;
    let mut refused = 0;
    // A route, a follow of a link that is known by now, and nothing at all.
    assert_eq!(statuses(&wire.say(ask("GET /spring", HOST)).await), [302]);
    for path in ["/livez", "/spring", "/v1/nothing"] {
        for head in [
            "",
            "host: go.example\r\nhost: go.example\r\n",
            "host: go.example\r\nhost: evil.example\r\n",
            "host: \r\n",
            "host: go.example, evil.example\r\n",
            "host: go.example evil.example\r\n",
            "host: go.example/evil\r\n",
            "host: me@go.example\r\n",
            "host: go.example:port\r\n",
            "host: [::1\r\n",
        ] {
            let answer = wire.say(ask(&format!("GET {path}"), head)).await;
            assert_eq!(statuses(&answer), [400], "{path} {head:?}: {answer}");
            assert!(answer.contains("\"code\":\"MALFORMED_REQUEST\""), "the one shape: {answer}");
            refused += 1;
        }
    }
    let lines = wire.lines(refused).await;
    let told = lines.iter().filter(|line| line["reason"].as_str().is_some_and(|reason| reason.contains("Host")));
    assert_eq!(told.count(), refused, "each line has its reason");
    // HTTP/1.0 may name none.
    let old = wire.say("GET /livez HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200"), "{old}");
}

#[tokio::test]
async fn an_absolute_target_wins_over_host_and_names_no_user() {
    let wire = Wire::start().await;
    for (target, head, status) in [
        ("http://go.example/livez", HOST, 200),
        ("http://go.example/livez", "host: evil.example\r\n", 200),
        ("http://go.example/livez", "", 400),
        ("http://me@go.example/livez", HOST, 400),
        ("http://evil.example/v1/links", HOST, 401),
        ("http://go.example/v1/../livez", HOST, 404),
    ] {
        let answer = wire.say(ask(&format!("GET {target}"), head)).await;
        assert_eq!(statuses(&answer), [status], "{target} {head:?}: {answer}");
    }
}

#[tokio::test]
async fn methods_that_no_route_has_are_405_or_no_http() {
    let wire = Wire::start().await;
    for (line, expected) in [
        ("TRACE /livez", 405),
        ("TRACE /some-slug", 405),
        ("CONNECT go.example:443", 404),
        ("CONNECT /livez", 400),
        ("PROPFIND /v1/links", 405),
        ("OPTIONS *", 204),
        ("GET *", 400),
    ] {
        let answer = wire.say(ask(line, &format!("{HOST}cookie: secret=1\r\n"))).await;
        let found = statuses(&answer);
        let refused = found.len() == 1 && (found[0] == expected || (400..=405).contains(&found[0]));
        assert!(refused, "{line}: {found:?} {answer}");
        assert!(!answer.contains("secret=1"), "nothing is echoed");
        assert!(found[0] != 405 || answer.contains("\r\nallow: "), "{answer}");
    }
    wire.is_well().await;
}

#[tokio::test]
async fn a_path_reaches_a_route_in_one_spelling_alone() {
    let wire = Wire::start().await;
    wire.server.make(json!({"destination": "https://example.com/", "slug": "spring"})).await;
    for path in [
        "/v1/%6Cinks",
        "/v1%2Flinks",
        "/%76%31/links",
        "/v1//links",
        "//v1/links",
        "/v1/./links",
        "/v1/../metrics",
        "/v1/links/../../livez",
        "/x/../livez",
        "/x/%2e%2e/livez",
        "/x/..%2flivez",
        "/..%5clivez",
        "/livez/",
        "/livez%00",
        "/livez%20",
        "/livez;a=b",
        "/LIVEZ",
        "/V1/links",
        "/%6Civez",
        "/./livez",
        "/livez/.",
        "/v1/links%3Fa",
        "/v1/links%23a",
        "/.%00/livez",
        "/v1/links/%2e%2e/event-types",
        "/%2e/livez",
        "/%2flivez",
        "/spring/../v1/links",
        "/%ff",
        "/%zz",
    ] {
        for method in ["GET", "POST"] {
            let answer = wire.say(ask(&format!("{method} {path}"), HOST)).await;
            let found = statuses(&answer);
            assert!(matches!(found[..], [404 | 405 | 400]), "{method} {path}: {found:?}");
        }
    }
    // Dots in the place of an id are an id that is none.
    let key = format!("{HOST}authorization: Bearer {}\r\n", wire.key);
    for path in ["/v1/links/..", "/v1/links/.", "/v1/links/%2e%2e", "/v1/links/..%2f..%2flivez"] {
        let answer = wire.say(ask(&format!("GET {path}"), &key)).await;
        assert!(matches!(statuses(&answer)[..], [404 | 422]) && !answer.contains("\"data\""), "{path}: {answer}");
    }
    // What routes see is the path alone: a query and a fragment hide nothing.
    assert_eq!(statuses(&wire.say(ask("GET /livez?/../v1/links", HOST)).await), [200]);
    assert_eq!(statuses(&wire.say(ask("GET /spring?x=/../livez", HOST)).await), [302]);
}

#[tokio::test]
async fn waiting_for_100_continue_costs_no_more_than_any_body() {
    let wire = Wire::start().await;
    let head =
        "POST /v1/links HTTP/1.1\r\nhost: go.example\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    // Refused by its head: no body is asked for.
    for more in ["content-length: 5\r\n", "content-length: 999999999999\r\n", "transfer-encoding: chunked\r\n"] {
        let answer = wire.say(format!("{head}{more}\r\n")).await;
        assert_eq!(statuses(&answer), [401], "{more:?}: {answer}");
    }
    let too_large = format!("{head}authorization: Bearer {}\r\ncontent-length: 2000000\r\n\r\n", wire.key);
    let answer = wire.say(too_large).await;
    assert_eq!(statuses(&answer), [413], "said at once, without a 100: {answer}");
    let body = r#"{"destination": "https://example.com/"}"#;
    let length = body.len();
    let whole = format!(
        "{head}authorization: Bearer {}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}",
        wire.key
    );
    let answer = wire.say(whole).await;
    assert!(matches!(statuses(&answer)[..], [100, 201] | [201]), "{answer}");
    let unknown = head.replace("100-continue", "a-miracle");
    let answer = wire.say(format!("{unknown}connection: close\r\ncontent-length: 0\r\n\r\n")).await;
    assert!(matches!(statuses(&answer)[..], [401] | [417]), "{answer}");
}

#[tokio::test]
async fn lines_that_are_no_http_are_refused() {
    let wire = Wire::start().await;
    for line in
        ["GET / HTTP/9.9", "GET  / HTTP/1.1", "GET /\u{1} HTTP/1.1", "G@T / HTTP/1.1 x", "GET /", "/ HTTP/1.1", "\0"]
    {
        let answer = wire.say(format!("{line}\r\n{HOST}\r\n")).await;
        assert!(answer.is_empty() || statuses(&answer) == [400], "{line:?}: {answer}");
    }
    wire.is_well().await;
}
