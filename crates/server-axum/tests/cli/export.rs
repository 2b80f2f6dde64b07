//! Exports, and the way back.

use crate::process::Place;

#[test]
fn an_export_can_be_imported_again_without_loss() {
    let place = Place::new();
    place.file(
        "links.csv",
        "slug,destination,title,tags,created_at,expires_at,max_clicks,redirect_status,referrer_policy,cache_seconds,disabled,metadata\n\
         plain,https://example.com/,,,,,,,,,,\n\
         full,https://example.com/?a=1,\"A, \"\"B\"\"\",\"[\"\"x, y\"\",\"\"z\"\"]\",2020-02-03T04:05:06.789Z,2040-01-01T00:00:00Z,9,308,no-referrer,60,,\"{\"\"k\"\":[1]}\"\n\
         old,https://b\u{fc}cher.example/,,,2001-01-01T00:00:00Z,2002-01-01T00:00:00Z,,,,,,\n\
         off/\u{e4}+,https://example.com/off,,,,,,,,,true,\n",
    );
    place.run(&["import", "links.csv"]).with_status(0);
    let first = place.run(&["export", "links", "--output", "out.csv"]).with_status(0);
    assert!(first.err.contains("4 rows written") && first.out.is_empty(), "{first:?}");
    let other = Place::new();
    other.file("in.csv", &place.read("out.csv"));
    other.run(&["import", "in.csv"]).with_status(0);
    let second = other.run(&["export", "links"]).with_status(0).out;
    // Ids and the order of links of one moment are the only things that an import does not keep.
    let rows = |text: &str| {
        let mut rows: Vec<_> = text.lines().map(|line| line.rsplit_once(',').expect("an id").0.to_owned()).collect();
        rows.sort();
        rows
    };
    assert_eq!(rows(&second), rows(&place.read("out.csv")));
}

#[test]
fn lines_of_json_show_links_as_the_api_does() {
    let place = Place::new();
    place.file("links.csv", "slug,destination\na,https://example.com/a\nb,https://example.com/b\n");
    place.run(&["import", "links.csv"]).with_status(0);
    let out = place.run(&["export", "links", "--format", "jsonl"]).with_status(0).out;
    let links: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(links.len(), 2);
    assert!(links.iter().any(|link| link["slug"] == "a" && link["short_url"] == "http://127.0.0.1:8080/a"));
}

#[test]
fn clicks_are_exported_once_they_are_counted() {
    let place = Place::new();
    let server = place.serve();
    let key = server.key().expect("a key");
    let body = "{\"destination\": \"https://example.com/\", \"slug\": \"a\"}";
    assert_eq!(server.request("POST", "/v1/links", &key, body).0, 201);
    for _ in 0..3 {
        assert_eq!(server.get("/a", "").0, 302);
    }
    assert_eq!(server.terminate(), 0);
    let out = place.run(&["export", "clicks"]).with_status(0).out;
    assert_eq!(out.lines().count(), 4, "{out}");
    assert!(out.starts_with("id,link_id,at,class,"), "{out}");
}
