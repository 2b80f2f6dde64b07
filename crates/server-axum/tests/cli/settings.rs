//! Wrong settings end the program with status 2 and one line.

use crate::process::Place;

#[test]
fn a_wrong_setting_is_status_2_and_one_line_that_names_it() {
    let place = Place::new();
    place.file("bad.toml", "lisen = \"127.0.0.1:0\"\n");
    place.file("broken.toml", "listen = \n");
    for (arguments, names) in [
        (&["serve", "--listen", "nowhere"][..], "--listen: `nowhere`"),
        (&["serve", "--public-url", "ftp://x"], "--public-url: "),
        (&["serve", "--database-url", "mysql://me:hunter2@host/db"], "--database-url: is not the URL of a store"),
        (&["serve", "--database-url", "postgres://me:hunter2@"], "--database-url: is not the address of a PostgreSQL"),
        (&["serve", "--redis-url", "hunter2"], "--redis-url: is not the address of Redis"),
        (&["serve", "--nats-url", "hunter2@bus"], "--nats-url: is not the address of NATS"),
        (&["serve", "--bus", "redis"], "--bus: redis has no address"),
        (&["serve", "--limiter", "redis"], "--limiter: redis has no address"),
        (&["serve", "--database-url-file", "missing"], "--database-url-file: missing cannot be read"),
        (&["serve", "--config", "bad.toml"], "bad.toml: lisen: is not a setting; did you mean listen?"),
        (&["serve", "--config", "broken.toml"], "broken.toml: line 1"),
        (&["serve", "--config", "missing.toml"], "--config: missing.toml cannot be read"),
        (&["serve", "--data-dir", "bad.toml/data"], "--data-dir: "),
        (&["serve", "--admin-key-file", "missing"], "--admin-key-file: missing cannot be read"),
        (&["serve", "--geoip-file", "bad.toml"], "--geoip-file: "),
        (&["serve", "--webhook-allow", "*"], "--webhook-allow: `*` would allow everything; if that is meant, write"),
        (
            &["serve", "--webhook-allow", "10.1.2.3/8"],
            "--webhook-allow: `10.1.2.3/8` has bits behind its prefix; write 10.0.0.0/8",
        ),
        (
            &["serve", "--webhook-proxy", "hunter2"],
            "--webhook-proxy: is not the address of an HTTP proxy; write it as http://",
        ),
        (&["serve", "--webhook-most-calls", "0"], "--webhook-most-calls: `0` is not a number of calls; write one from"),
        (&["serve", "--keep-deliveries", "7d"], "--keep-deliveries: `7d` is out of bounds; write whole days from 8d"),
        (
            &["serve", "--seal-key", "hunter2"],
            "--seal-key: is not a key of 32 bytes in base64 or hexadecimal; make one with",
        ),
        (&["serve", "--seal-key-file", "missing"], "--seal-key-file: missing cannot be read"),
        (&["keys", "list", "--database-url", "memory:"], "--database-url: a store in memory"),
        (&["import", "missing.csv"], "missing.csv cannot be opened"),
        (&["import", "bad.toml", "--format", "xml"], "--format: `xml`"),
        (&["keys", "create", "--scopes", "links:admin"], "--scopes: "),
    ] {
        let ended = place.run(arguments).with_status(2);
        let line = ended.err.strip_prefix("waypost: ").unwrap_or_else(|| panic!("{ended:?}"));
        assert!(line.starts_with(names) && line.trim_end().lines().count() == 1, "{arguments:?}: {ended:?}");
        assert!(!ended.err.contains("hunter2") && ended.out.is_empty(), "{ended:?}");
    }
}

#[test]
fn an_unknown_variable_is_refused() {
    let place = Place::new();
    let output = place.command(&["serve"]).env("WAYPOST_LISTEN_ON", "x").output().expect("the binary runs");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.starts_with("waypost: WAYPOST_LISTEN_ON: is not a setting; did you mean WAYPOST_LISTEN?"), "{text}");
}

#[test]
fn a_port_that_is_taken_is_a_wrong_setting() {
    let place = Place::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let ended = place.run(&["serve", "--listen", &address]).with_status(2);
    assert!(ended.err.starts_with("waypost: --listen: ") && ended.err.contains("choose another port"), "{ended:?}");
}

#[test]
fn doctor_finds_nothing_wrong_with_nothing_and_tells_a_wrong_setting() {
    let place = Place::new();
    let well = place.run(&["doctor", "--listen", "127.0.0.1:0"]).with_status(0);
    assert!(well.out.contains("ok   settings: ") && well.out.contains("warn data_dir: "), "{well:?}");
    let ill = place.run(&["doctor", "--listen", "x"]).with_status(1);
    assert!(ill.out.starts_with("fail settings: --listen: "), "{ill:?}");
    assert!(!place.path().join("waypost-data").exists(), "it changes nothing");
}

#[test]
fn migrate_lists_tries_and_applies() {
    let place = Place::new();
    assert!(place.run(&["migrate", "--list"]).with_status(0).out.contains("missing"));
    assert!(place.run(&["migrate"]).with_status(0).out.contains("applied"));
    assert!(!place.run(&["migrate", "--list"]).with_status(0).out.contains("missing"));
    assert!(place.run(&["migrate", "--dry-run"]).with_status(0).out.contains("up to date"));
}

#[test]
fn openapi_prints_a_document() {
    let ended = Place::new().run(&["openapi"]).with_status(0);
    let document: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
}
