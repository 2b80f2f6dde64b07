//! Imports.

use std::io::Write as _;
use std::process::Stdio;

use crate::process::{Place, signal, wait_for};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/debian-1000.csv");

fn links(place: &Place) -> Vec<String> {
    let out = place.run(&["export", "links"]).with_status(0).out;
    out.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn importing_twice_makes_no_doubles() {
    let place = Place::new();
    let first = place.run(&["import", SAMPLE]).with_status(0);
    assert!(first.out.starts_with("1,000 made, 0 already there, 0 refused"), "{first:?}");
    let second = place.run(&["import", SAMPLE]).with_status(0);
    assert!(second.out.starts_with("0 made, 1,000 already there, 0 refused"), "{second:?}");
    assert_eq!(links(&place).len(), 1_000);
}

#[test]
fn rows_without_slugs_make_no_doubles_either() {
    let place = Place::new();
    place.file("list.csv", "destination,title\nhttps://example.com/a,A\nhttps://example.com/b,B\n");
    place.run(&["import", "list.csv"]).with_status(0);
    place.file(
        "list.csv",
        "destination,title\nhttps://example.com/c,C\nhttps://example.com/b,B\nhttps://example.com/a,A\n",
    );
    let again = place.run(&["import", "list.csv"]).with_status(0);
    assert!(again.out.starts_with("1 made, 2 already there, 0 refused"), "{again:?}");
}

#[test]
fn refused_rows_are_told_and_can_be_mended_and_imported() {
    let place = Place::new();
    place.file(
        "links.csv",
        "slug,destination\ngood,https://example.com/\nbad,javascript:alert(1)\ndocs,https://example.com/d\n\
         good,https://example.com/other\ntwice,https://example.com/t\ntwice,https://example.com/t\n",
    );
    let ended = place.run(&["import", "links.csv"]).with_status(1);
    assert!(ended.out.starts_with("2 made, 1 already there, 3 refused"), "{ended:?}");
    for told in [
        "line 3: destination scheme",
        "line 4: slug is a path",
        "line 5: the slug is taken by a link to https://example.com/\n",
    ] {
        assert!(ended.out.contains(told), "{told}: {ended:?}");
    }
    let rejects = place.read("links.csv.rejected.csv");
    assert_eq!(rejects.lines().count(), 4, "{rejects}");
    let mended = rejects.replace("javascript:alert(1)", "https://example.com/b").replace(",docs,", ",handbook,");
    place.file("mended.csv", &mended.replace(",good,", ",better,"));
    let again = place.run(&["import", "mended.csv"]).with_status(0);
    assert!(again.out.starts_with("3 made, 0 already there, 0 refused"), "{again:?}");
    assert!(!place.path().join("mended.csv.rejected.csv").exists());
}

#[test]
fn a_dry_run_writes_nothing() {
    let place = Place::new();
    place.file("links.csv", "slug,destination\na,https://example.com/\nb,nowhere\n");
    let ended = place.run(&["import", "links.csv", "--dry-run"]).with_status(1);
    assert!(ended.out.starts_with("1 would be made, 0 already there, 1 refused"), "{ended:?}");
    assert!(links(&place).is_empty() && !place.path().join("links.csv.rejected.csv").exists());
}

#[test]
fn a_source_that_breaks_off_is_status_3() {
    let place = Place::new();
    place.file(
        "cut.json",
        "[{\"long_url\": \"https://example.com/\", \"link\": \"https://bit.ly/a\", \"id\": \"bit.ly/a\"}, {\"long",
    );
    let ended = place.run(&["import", "cut.json"]).with_status(3);
    assert!(ended.out.starts_with("1 made, 0 already there, 1 refused"), "{ended:?}");
    assert!(ended.err.contains("broke off"), "{ended:?}");
}

#[test]
fn an_import_can_be_stopped_and_run_again() {
    let place = Place::new();
    let mut command = place.command(&["import", "-", "--batch", "10"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let mut input = child.stdin.take().expect("a pipe");
    let rows: Vec<_> = (0..200).map(|n| format!("s{n},https://example.com/{n}\n")).collect();
    input.write_all(b"slug,destination\n").expect("it reads");
    // More than the head that is looked at before the first row is read.
    input.write_all(rows[..100].concat().as_bytes()).expect("it reads");
    input.write_all("\n".repeat(20_000).as_bytes()).expect("it reads");
    input.flush().expect("it reads");
    wait_for("the first rows", || place.path().join("waypost-data/waypost.db").exists() && links(&place).len() >= 50);
    signal(child.id(), "INT");
    let ended = child.wait_with_output().expect("it ends");
    let out = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(130), "{out}");
    assert!(out.contains("stopped after line") && out.contains("run it again"), "{out}");
    let before = links(&place).len();
    assert!((50..200).contains(&before), "{before}");
    place.file("all.csv", &format!("slug,destination\n{}", rows.concat()));
    let rest = place.run(&["import", "all.csv"]).with_status(0);
    assert!(rest.out.contains(&format!("{} made, {before} already there", 200 - before)), "{rest:?}");
}

#[test]
fn a_running_server_takes_an_import_and_a_second_one_makes_no_doubles() {
    let place = Place::new();
    let server = place.serve();
    place.file("key", &server.key().expect("a key"));
    let (url, arguments) = (server.url(), ["--key-file", "key", "--batch", "300"]);
    let import = |file: &str| place.run(&[&["import", file, "--url", &url], &arguments[..]].concat());
    let first = import(SAMPLE).with_status(0);
    assert!(first.out.starts_with("1,000 made, 0 already there, 0 refused"), "{first:?}");
    assert_eq!(server.get("/0ad", "").0, 302);
    let again = import(SAMPLE).with_status(0);
    assert!(again.out.starts_with("0 made, 1,000 already there"), "{again:?}");
    place.file("more.csv", "slug,destination\n0ad,https://play0ad.com/\n0ad-data,https://example.com/\nbad,ftp://x/\n");
    let more = import("more.csv").with_status(1);
    assert!(more.out.starts_with("0 made, 1 already there, 2 refused"), "{more:?}");
    let denied = place.run(&["import", SAMPLE, "--url", &url]).with_status(2);
    assert!(denied.err.contains("WAYPOST_KEY: is needed"), "{denied:?}");
}
