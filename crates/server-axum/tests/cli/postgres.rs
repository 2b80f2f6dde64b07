//! Commands on a store in PostgreSQL.

use crate::process::Place;
use crate::servers::{Servers, borrowed};

#[test]
fn migrations_are_listed_tried_and_applied() {
    let (place, servers) = (Place::new(), Servers::new());
    let settings = [servers.postgres()];
    let migrate = |flags: &[&str]| place.run(&[&["migrate"], flags, &borrowed(&settings)[..]].concat());
    let list = || migrate(&["--list"]).with_status(0).out;
    assert!(list().lines().all(|line| line.ends_with(" missing")) && list().lines().count() > 0);
    let tried = migrate(&["--dry-run"]).with_status(0).out;
    assert!(tried.lines().all(|line| line.ends_with(" works, undone again")), "{tried}");
    assert!(list().lines().all(|line| line.ends_with(" missing")), "a trial leaves nothing");
    let applied = migrate(&[]).with_status(0).out;
    assert_eq!(applied.lines().filter(|line| line.ends_with(" applied")).count(), list().lines().count());
    assert!(list().lines().all(|line| line.ends_with(" applied")));
    assert!(migrate(&[]).with_status(0).out.ends_with(" is up to date\n"));
    assert!(!place.path().join("waypost-data").exists(), "it needs no directory");
}

#[test]
fn keys_imports_and_exports_work_without_a_server() {
    let (place, servers) = (Place::new(), Servers::new());
    let settings = [servers.postgres()];
    let run = |command: &[&str]| place.run(&[command, &borrowed(&settings)[..]].concat()).with_status(0).out;
    let key = run(&["keys", "create", "--name", "reader"]);
    let listed = run(&["keys", "list"]);
    assert!(listed.contains("reader") && !listed.contains(key.trim()), "{listed}");
    place.file("links.csv", "slug,destination\na,https://example.com/a\nb,https://example.com/b\n");
    assert!(run(&["import", "links.csv"]).starts_with("2 made, 0 already there, 0 refused"));
    assert!(run(&["import", "links.csv"]).starts_with("0 made, 2 already there, 0 refused"));
    assert_eq!(run(&["export", "links"]).lines().count(), 3);
}

#[test]
fn doctor_looks_at_every_server_and_names_cures() {
    let (place, servers) = (Place::new(), Servers::new());
    let settings = [servers.postgres(), servers.redis(), servers.nats()];
    let doctor = |flags: &[&str]| place.run(&[&["doctor", "--listen", "127.0.0.1:0"], flags].concat());
    let found = doctor(&borrowed(&settings)).with_status(0).out;
    assert!(found.contains("warn postgres: ") && found.contains("`waypost migrate` runs them"), "{found}");
    for name in ["postgres version", "postgres connections", "redis", "nats"] {
        assert!(found.contains(&format!("ok   {name}: ")), "{name}: {found}");
    }
    let carrying = doctor(&[&borrowed(&settings[..2])[..], &["--bus", "redis"]].concat()).with_status(0).out;
    assert!(carrying.contains("warn redis durability: "), "the Redis of the tests keeps nothing: {carrying}");
    let away =
        doctor(&["--database-url", "postgres://me:hunter2@127.0.0.1:1/links", "--redis-url", "redis://127.0.0.1:1"]);
    let away = away.with_status(1).out;
    assert!(
        away.contains("fail postgres: 127.0.0.1:1/links: ") && away.contains("fail redis: 127.0.0.1:1: "),
        "{away}"
    );
    assert!(!away.contains("hunter2"), "{away}");
}

#[test]
fn a_server_that_is_away_is_waited_for_and_then_told_with_the_cure() {
    let place = Place::new();
    for (flag, url, said, patience) in [
        ("--database-url", "postgres://me:hunter2@127.0.0.1:1/links", "PostgreSQL at 127.0.0.1:1/links", "3s"),
        ("--redis-url", "redis://:hunter2@127.0.0.1:1", "Redis at 127.0.0.1:1", "0s"),
        ("--nats-url", "nats://me:hunter2@127.0.0.1:1", "NATS at 127.0.0.1:1", "0s"),
    ] {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--start-patience", patience, flag, url];
        let ended = place.run(&serve).with_status(2);
        assert_eq!(ended.err.contains(&format!("{said} is away; waiting")), patience == "3s", "{ended:?}");
        let last = ended.err.lines().last().unwrap_or_default();
        assert!(last.starts_with(&format!("waypost: {flag}: {said} cannot be used")), "{ended:?}");
        assert!(last.contains("start it") && !ended.err.contains("hunter2") && ended.out.is_empty(), "{ended:?}");
    }
}

#[test]
fn a_database_that_is_not_there_is_told_at_once() {
    let (place, servers) = (Place::new(), Servers::new());
    let mut settings = servers.postgres();
    let at = settings[1].rfind('/').expect("a path");
    settings[1].replace_range(at.., "/no_database_of_this_name");
    let ended = place.run(&[&["serve", "--listen", "127.0.0.1:0"], &borrowed(&[settings])[..]].concat()).with_status(2);
    assert!(!ended.err.contains("is away; waiting"), "{ended:?}");
    let told = "The database does not exist; create it";
    assert!(ended.err.starts_with("waypost: --database-url: PostgreSQL at ") && ended.err.contains(told), "{ended:?}");
}
