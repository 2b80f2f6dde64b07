//! Tests across the formats, on the exports in `tests/fixtures/import`.

use super::row::PASSWORD;
use super::*;

/// A fixture's bytes.
pub(super) fn fixture(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import");
    std::fs::read(folder.join(name)).unwrap()
}

/// Everything that a source yields under `options`.
pub(super) fn outcomes_with(bytes: &[u8], options: &Options) -> Vec<Outcome> {
    open(bytes, options).unwrap().collect()
}

/// Everything that a source yields when it speaks for itself.
pub(super) fn outcomes(bytes: &[u8]) -> Vec<Outcome> {
    outcomes_with(bytes, &Options::default())
}

/// The links of a source.
pub(super) fn rows(bytes: &[u8]) -> Vec<Row> {
    outcomes(bytes).into_iter().filter_map(Result::ok).collect()
}

/// The refusals of a source.
pub(super) fn refusals(bytes: &[u8]) -> Vec<Refused> {
    outcomes(bytes).into_iter().filter_map(Result::err).collect()
}

fn addresses(rows: &[Row]) -> Vec<(Option<&str>, Option<&str>)> {
    rows.iter().map(|row| (row.domain.as_deref(), row.slug.as_deref())).collect()
}

/// A reader that gives one byte at a time, as a slow pipe may.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = into.len().min(1);
        self.0.read(&mut into[..count])
    }
}

const FIXTURES: [(&str, Format); 11] = [
    ("plain.csv", Format::Csv),
    ("bitly.json", Format::Bitly),
    ("bitly.csv", Format::Bitly),
    ("yourls.sql", Format::Yourls),
    ("yourls.json", Format::Yourls),
    ("yourls.csv", Format::Yourls),
    ("kutt.json", Format::Kutt),
    ("kutt.csv", Format::Kutt),
    ("shlink.json", Format::Shlink),
    ("dub.json", Format::Dub),
    ("dub.csv", Format::Dub),
];

#[test]
fn every_export_tells_its_format_by_its_first_bytes() {
    for (name, format) in FIXTURES.into_iter().chain([("shlink.csv", Format::Shlink)]) {
        assert_eq!(Format::detect(&fixture(name)), Some(format), "{name}");
        assert_eq!(format.name().parse::<Format>().ok(), Some(format));
    }
    assert_eq!(Format::detect(b"  \n"), None);
    assert_eq!(Format::detect(br#"{"hello":1}"#), None);
    assert!("excel".parse::<Format>().is_err());
}

#[test]
fn how_the_bytes_arrive_changes_nothing() {
    for (name, _) in FIXTURES {
        let bytes = fixture(name);
        let dripped: Vec<_> = open(Drip(&bytes), &Options::default()).unwrap().collect();
        assert_eq!(dripped, outcomes(&bytes), "{name}");
    }
}

#[test]
fn an_export_cut_short_anywhere_never_panics_and_json_and_sql_tell_it() {
    for (name, format) in FIXTURES {
        let bytes = fixture(name);
        let options = Options { format: Some(format), ..Options::default() };
        for end in 0..bytes.trim_ascii_end().len() {
            let Ok(import) = open(&bytes[..end], &options) else {
                continue;
            };
            let last = import.last();
            if name.ends_with(".json") {
                assert!(matches!(last, Some(Err(Refused { scope: Scope::Rest, .. }))), "{name} cut at {end}: {last:?}");
            }
        }
    }
    let bytes = fixture("yourls.sql");
    let cut = bytes.windows(4).position(|part| part == b"It\\'").unwrap();
    assert!(matches!(outcomes(&bytes[..cut]).last(), Some(Err(Refused { scope: Scope::Rest, .. }))));
}

#[test]
fn a_bitlink_becomes_a_link_for_each_of_its_names() {
    let rows = rows(&fixture("bitly.json"));
    assert_eq!(
        addresses(&rows),
        [(None, Some("3AbCdEf")), (Some("go.example.com"), Some("launch")), (Some("go.example.com"), Some("old"))]
    );
    assert!(rows[..2].iter().all(|row| row.line == 1 && row.tags == ["launch", "2024"] && row.left_out.is_empty()));
    assert_eq!(rows[1].metadata["imported_from"], "https://go.example.com/launch");
    assert_eq!(rows[0].created_at.as_deref(), Some("2024-01-10T10:00:00Z"));
    assert!(!rows[2].disabled, "an archived bitlink redirects");
    assert_eq!(rows[2].left_out.len(), 2, "{:?}", rows[2].left_out);
    assert_eq!(refusals(&fixture("bitly.json"))[0].line, 3);
}

#[test]
fn lists_of_bitly_give_the_short_url_in_one_column() {
    let rows = rows(&fixture("bitly.csv"));
    assert_eq!(addresses(&rows), [(Some("go.example.com"), Some("spring")), (None, Some("4xyz"))]);
    assert_eq!(rows[0].metadata["imported_clicks"], 41);
}

#[test]
fn a_dump_yields_the_rows_of_the_table_of_links_and_of_no_other() {
    let bytes = fixture("yourls.sql");
    let rows = rows(&bytes);
    assert_eq!(addresses(&rows), [(None, Some("docs")), (None, Some("hex")), (None, Some("g"))]);
    assert_eq!(rows[0].title.as_deref(), Some("It's 'all' here; (really), yes"));
    assert_eq!(
        (rows[0].destination.as_str(), rows[1].destination.as_str()),
        ("https://example.com/docs?a=1;b=2", "https://example.com/hex")
    );
    assert_eq!((rows[0].line, rows[2].line, &rows[0].metadata["imported_clicks"]), (22, 26, &12.into()));
    assert_eq!(rows[0].left_out, ["address of whoever made the link"]);
    let refused = refusals(&bytes);
    assert_eq!(refused.iter().map(|refused| refused.line).collect::<Vec<_>>(), [23, 24]);
    assert_eq!(refused[1].reason, "no keyword");
}

#[test]
fn stats_of_yourls_hold_their_links_by_name() {
    let rows = rows(&fixture("yourls.json"));
    assert_eq!(addresses(&rows), [(Some("s.example.com"), Some("docs")), (Some("example.com"), Some("folder"))]);
    assert_eq!(rows[0].metadata["imported_clicks"], 12, "counts may be texts");
    assert_eq!(rows[1].left_out, Vec::<&str>::new());
    assert_eq!(addresses(&self::rows(&fixture("yourls.csv"))), [(None, Some("docs"))]);
}

#[test]
fn a_banned_link_of_kutt_is_disabled_and_a_protected_one_refused() {
    let rows = rows(&fixture("kutt.json"));
    assert_eq!(addresses(&rows), [(Some("kutt.example.com"), Some("plan")), (None, Some("spam"))]);
    assert_eq!(
        (rows[0].title.as_deref(), rows[0].expires_at.as_deref()),
        (Some("The plan"), Some("2031-01-01T00:00:00Z"))
    );
    assert!(rows[1].disabled);
    let refused = &refusals(&fixture("kutt.json"))[0];
    assert_eq!((refused.line, refused.reason.as_str()), (2, PASSWORD));
}

#[test]
fn the_table_of_kutt_says_when_a_domain_is_only_a_number() {
    let rows = rows(&fixture("kutt.csv"));
    assert_eq!(rows.iter().map(|row| (row.disabled, row.left_out.len())).collect::<Vec<_>>(), [(false, 0), (true, 1)]);
}

#[test]
fn what_shlink_can_do_more_is_named() {
    let rows = rows(&fixture("shlink.json"));
    assert_eq!(addresses(&rows), [(None, Some("spec")), (Some("go.example.com"), Some("done"))]);
    assert_eq!((rows[0].max_clicks, rows[0].expires_at.as_deref()), (Some(6), Some("2031-06-30T23:59:59Z")));
    assert_eq!(rows[0].left_out, Vec::<&str>::new());
    assert!(rows[1].disabled, "its visits are used up");
    assert_eq!(rows[1].left_out.len(), 5, "{:?}", rows[1].left_out);
}

#[test]
fn the_web_client_of_shlink_escapes_its_codes() {
    let rows = rows(&fixture("shlink.csv"));
    assert_eq!(addresses(&rows), [(Some("s.example.com"), Some("café"))]);
    assert_eq!(rows[0].tags, ["food", "drink"]);
}

#[test]
fn what_dub_can_do_more_is_named_and_what_is_new_as_well() {
    let rows = rows(&fixture("dub.json"));
    assert_eq!(addresses(&rows), [(Some("go.example.com"), Some("release/2"))]);
    let lost = [
        "destination after the expiry",
        "destinations by device",
        "destinations by country",
        "fields that this importer does not know",
    ];
    assert_eq!(rows[0].left_out, lost);
    assert_eq!(
        (rows[0].tags.as_slice(), &rows[0].metadata["comments"]),
        (["news".to_owned()].as_slice(), &"for the newsletter".into())
    );
    let refused = refusals(&fixture("dub.json"));
    assert_eq!((refused[0].reason.as_str(), refused[1].line), (PASSWORD, 3));
    assert!(!refused[0].raw.contains("hunter2"));
}

#[test]
fn the_dashboard_of_dub_writes_names_for_people() {
    let bytes = fixture("dub.csv");
    assert_eq!(addresses(&rows(&bytes)), [(Some("go.example.com"), Some("release/2")), (None, Some("shared"))]);
    assert_eq!(open(&bytes[..], &Options::default()).unwrap().ignored_columns(), ["Updated at"]);
}

#[test]
fn pages_lines_and_bare_items_are_one_stream() {
    let item = |slug: &str| format!(r#"{{"address":"{slug}","target":"https://example.com/"}}"#);
    let (a, b) = (item("a"), item("b"));
    for text in [
        format!("[{a},{b}]"),
        format!("{a}\n{b}\n"),
        format!(r#"{{"data":[{a}],"total":2}}{{"total":2,"data":[{b}]}}"#),
        format!(r#"[{{"data":[{a}]}},{{"data":[{b}]}}]"#),
        format!("[[{a}],[{b}]]"),
    ] {
        assert_eq!(addresses(&rows(text.as_bytes())), [(None, Some("a")), (None, Some("b"))], "{text}");
    }
}

#[test]
fn one_bad_item_costs_itself_only() {
    let good = r#"{"address":"a","target":"https://example.com/"}"#;
    let huge = "x".repeat(json::MAX_ITEM);
    for bad in
        ["7", r#""text""#, r#"{"address":[}}"#, r#"{"address":"b","target":{]}"#, &format!(r#"{{"address":"{huge}"}}"#)]
    {
        let found = outcomes(format!("[{good},{bad},{good}]").as_bytes());
        assert_eq!((found.len(), found[1].as_ref().unwrap_err().scope), (3, Scope::Row), "{:.40}", bad);
    }
}

#[test]
fn what_is_no_export_is_told_apart() {
    assert!(matches!(open(&b"{\"a\":1}"[..], &Options::default()), Err(OpenError::UnknownJson)));
    let options = Options { format: Some(Format::Kutt), ..Options::default() };
    assert!(matches!(open(&b"INSERT INTO x"[..], &options), Err(OpenError::Shape(Format::Kutt, _))));
    let found = outcomes_with(format!("{}1", "[{\"links\":".repeat(40)).as_bytes(), &options);
    assert!(matches!(found.last(), Some(Err(Refused { scope: Scope::Rest, .. }))));
}

#[test]
fn an_unreadable_number_never_lifts_a_limit() {
    let text = br#"[{"shortCode":"a","longUrl":"https://example.com/","meta":{"maxVisits":"many"}}]"#;
    assert!(refusals(text)[0].reason.contains("maxVisits"));
}

#[test]
fn a_reader_that_fails_ends_the_import_and_is_told() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let mut head = b"slug,destination\n".to_vec();
    (0..2000).for_each(|_| head.extend_from_slice(b"a,https://example.com/\n"));
    let found: Vec<_> = open((&head[..]).chain(Fails), &Options::default()).unwrap().collect();
    let last = found.last().unwrap().as_ref().unwrap_err();
    assert!(last.scope == Scope::Rest && last.reason.contains("gone"));
}
