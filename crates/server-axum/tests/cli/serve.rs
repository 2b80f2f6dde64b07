//! Starting, living and ending.

use crate::process::Place;

fn create(slug: &str) -> String {
    format!("{{\"destination\": \"https://example.com/{slug}\", \"slug\": \"{slug}\"}}")
}

#[test]
fn the_first_key_is_printed_once_and_works() {
    let place = Place::new();
    let server = place.serve();
    let key = server.key().expect("a key");
    let (status, answer) = server.request("POST", "/v1/links", &key, &create("one"));
    assert_eq!(status, 201, "{answer}");
    let (status, answer) = server.get("/one", "");
    assert_eq!(status, 302, "{answer}");
    assert_eq!(server.terminate(), 0);
    let again = place.serve();
    assert_eq!(again.key(), None, "{}", again.greeting);
    assert_eq!(again.get("/v1/links", &key).0, 200);
}

#[test]
fn a_given_key_is_taken_over_and_not_printed() {
    let place = Place::new();
    place.file("key", "an-operators-own-key\n");
    place.file("waypost.toml", "admin_key_file = \"key\"\n");
    let server = place.serve();
    assert!(!server.greeting.contains("operators") && server.key().is_none(), "{}", server.greeting);
    assert_eq!(server.get("/v1/links", "an-operators-own-key").0, 200);
    assert_eq!(server.get("/v1/links", "another-operators-key").0, 401);
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let place = Place::new();
    let server = place.serve();
    let ended = place.run(&["serve", "--listen", "127.0.0.1:0"]).with_status(2);
    assert!(ended.err.contains("another waypost (process ") && ended.err.contains("serves from"), "{ended:?}");
    assert_eq!(server.get("/livez", "").0, 200);
}

#[test]
fn links_outlive_a_kill() {
    let place = Place::new();
    let server = place.serve();
    let key = server.key().expect("a key");
    for slug in ["a", "b", "c"] {
        assert_eq!(server.request("POST", "/v1/links", &key, &create(slug)).0, 201);
    }
    server.kill9();
    let again = place.serve();
    for slug in ["a", "b", "c"] {
        assert_eq!(again.get(&format!("/{slug}"), "").0, 302);
    }
    assert_eq!(again.terminate(), 0);
}

#[test]
fn a_store_in_memory_leaves_nothing_behind() {
    let place = Place::new();
    place.file("waypost.toml", "database_url = \"memory:\"\n");
    let server = place.serve();
    let key = server.key().expect("a key");
    assert_eq!(server.request("POST", "/v1/links", &key, &create("a")).0, 201);
    assert_eq!(server.terminate(), 0);
    assert!(!place.path().join("waypost-data").exists());
}

#[test]
fn the_limit_of_open_files_is_raised_to_what_the_connections_need() {
    let place = Place::new();
    let server = place.serve_limited("-Sn 256", &["--most-connections", "2000"]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.process())).expect("limits");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    assert_eq!(files.split_whitespace().nth(3), Some("3024"), "{files}");
    assert_eq!(server.terminate(), 0);
}

#[test]
fn a_limit_of_open_files_that_cannot_be_raised_is_told_with_the_cure() {
    let place = Place::new();
    let ended = place.run_limited("-n 512", &["doctor", "--most-connections", "2000"]);
    let line = ended.out.lines().find(|line| line.contains("open files")).expect("a line");
    for part in ["warn", "512", "3024", "LimitNOFILE"] {
        assert!(line.contains(part), "{line}");
    }
    let ended = place.run_limited("-Sn 512", &["doctor", "--most-connections", "2000"]);
    let line = ended.out.lines().find(|line| line.contains("open files")).expect("a line");
    assert!(line.contains("ok") && line.contains("3024"), "{line}");
}
