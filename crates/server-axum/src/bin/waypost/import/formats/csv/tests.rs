//! Tests of the CSV format.

use super::super::row::PASSWORD;
use super::super::tests::{fixture, outcomes, outcomes_with, refusals, rows};
use super::super::{Format, OpenError, Options, Scope, open};
use super::*;
use serde_json::Value;

fn mapped(pairs: &[&str]) -> Options {
    let mut options = Options::default();
    pairs.iter().for_each(|pair| options.columns.add(pair).unwrap());
    options
}

fn fault(text: &[u8]) -> OpenError {
    open(text, &Options::default()).err().unwrap()
}

#[test]
fn a_plain_list_keeps_what_it_says() {
    let rows = rows(&fixture("plain.csv"));
    let slugs: Vec<_> = rows.iter().map(|row| row.slug.as_deref().unwrap_or("(random)")).collect();
    assert_eq!(slugs, ["g++", "libstdc++6", "café", "multi", "(random)", "short", "last"]);
    assert_eq!(
        (rows[0].redirect_status, rows[0].tags.as_slice()),
        (Some(301), ["compiler".to_owned(), "c++".to_owned()].as_slice())
    );
    assert_eq!(rows[1].title.as_deref(), Some("The \"standard\" library"));
    assert_eq!(rows[1].expires_at.as_deref(), Some("2030-12-31T00:00:00Z"));
    assert_eq!(rows[2].destination, "https://example.com/caf%C3%A9?a=1%2C2", "a destination is left as it is");
    assert_eq!(
        (rows[2].max_clicks, rows[2].tags.as_slice()),
        (Some(10), ["food".to_owned(), "drink".to_owned()].as_slice())
    );
}

#[test]
fn lines_are_counted_through_breaks_in_cells_and_blank_lines() {
    let lines: Vec<_> = rows(&fixture("plain.csv")).iter().map(|row| row.line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 7, 9, 14]);
}

#[test]
fn each_refused_line_has_its_number_its_reason_and_its_text() {
    let refused = refusals(&fixture("plain.csv"));
    let told: Vec<_> =
        refused.iter().map(|refused| (refused.line, refused.raw.split(',').next().unwrap_or_default())).collect();
    assert_eq!(told, [(10, "wide"), (11, "none"), (12, "late"), (13, "teapot")]);
    assert!(refused[0].reason.contains("9 cells under 8 columns"));
    assert_eq!(refused[1].reason, "no destination");
    assert!(refused[2].reason.contains("31.12.2030"));
    assert!(refused[3].reason.contains("418"));
}

#[test]
fn columns_without_a_meaning_are_told() {
    let bytes = fixture("plain.csv");
    assert_eq!(open(&bytes[..], &Options::default()).unwrap().ignored_columns(), ["notes"]);
}

#[test]
fn separators_line_ends_and_the_byte_order_mark_are_found_out() {
    for text in [
        "slug,destination\na,https://example.com/\n",
        "\u{feff}Slug;Long URL\r\na;https://example.com/\r\n",
        "ALIAS\tTarget\ra\thttps://example.com/",
        "\"slug\",\"url\"\n\"a\",\"https://example.com/\"",
        "sep=;\nslug;url\na;https://example.com/",
        "code,link\na,https://example.com/",
    ] {
        let rows = rows(text.as_bytes());
        assert_eq!(
            (rows.len(), rows[0].slug.as_deref(), rows[0].destination.as_str()),
            (1, Some("a"), "https://example.com/"),
            "{text:?}"
        );
    }
}

#[test]
fn a_cell_that_is_not_utf8_costs_its_row_only() {
    let text = b"slug,destination,title\na,https://example.com/a,caf\xe9\nb,https://example.com/b,\n";
    let found = outcomes(text);
    let refused = found[0].as_ref().unwrap_err();
    assert_eq!((refused.line, refused.scope), (2, Scope::Row));
    assert!(refused.reason.contains("`title` is not UTF-8"));
    assert_eq!(found[1].as_ref().unwrap().slug.as_deref(), Some("b"));
}

#[test]
fn a_quote_that_never_closes_costs_its_line_only() {
    let text = b"slug,destination\na,\"https://example.com/a\nb,https://example.com/b\n";
    let found = outcomes(text);
    assert_eq!(found[0].as_ref().unwrap_err().raw, "a,\"https://example.com/a");
    assert_eq!(found[1].as_ref().map(|row| row.line).unwrap(), 3);
}

#[test]
fn a_stray_quote_is_not_closed_by_the_next_stray_one() {
    let text = b"slug,destination\na,\"https://example.com/a\nb,\"https://example.com/b\nc,https://example.com/c\n";
    let found = outcomes(text);
    let lost: Vec<_> = found.iter().filter_map(|row| row.as_ref().err()).map(|refused| refused.line).collect();
    assert_eq!((lost, found.len()), (vec![2, 3], 3));
}

#[test]
fn a_line_of_any_length_is_read_in_bounded_memory_and_refused() {
    let mut text = b"slug,destination\na,".to_vec();
    text.resize(text.len() + 3 * records::MAX_RECORD, b'x');
    text.extend_from_slice(b"\nb,https://example.com/b\n");
    let found = outcomes(&text);
    assert!(found[0].as_ref().unwrap_err().raw.len() <= 1024);
    assert_eq!(found[1].as_ref().map(|row| row.line).unwrap(), 3);
}

#[test]
fn a_header_that_cannot_serve_is_one_error_that_names_the_cure() {
    assert!(matches!(fault(b""), OpenError::Empty));
    assert!(matches!(fault(b" \n\n"), OpenError::Empty));
    assert!(matches!(fault(b"\xff\xfes\0l\0"), OpenError::Utf16));
    assert!(matches!(fault(b"a,https://example.com/\n"), OpenError::NoHeader));
    assert!(fault(b"name,homepage\n").to_string().contains("--map destination=COLUMN"));
    let twice = fault(b"slug,url,URL\na,b,c\n");
    assert!(matches!(twice, OpenError::SameColumnTwice { first: 2, second: 3, .. }), "{twice}");
}

#[test]
fn columns_can_be_named_by_hand() {
    let found = outcomes_with(
        b"Package,Homepage\ng++,https://example.com/\n",
        &mapped(&["slug=Package", "destination=homepage"]),
    );
    assert_eq!(found[0].as_ref().unwrap().slug.as_deref(), Some("g++"));
    let found =
        outcomes_with(b"a,https://example.com/\nb,https://example.com/b", &mapped(&["slug=#1", "destination=#2"]));
    assert_eq!(
        found.iter().map(|row| row.as_ref().unwrap().line).collect::<Vec<_>>(),
        [1, 2],
        "no header is needed then"
    );
    let found = outcomes_with(b"slug,url,url\na,b,https://example.com/\n", &mapped(&["destination=#3"]));
    assert_eq!(found[0].as_ref().unwrap().destination, "https://example.com/");
}

#[test]
fn a_mapping_that_fits_nothing_is_refused() {
    let missing = open(&b"slug,url\n"[..], &mapped(&["slug=Package"])).err().unwrap();
    assert!(matches!(missing, OpenError::NoSuchColumn { .. }));
    for wrong in ["slug", "colour=x", "slug=#0", "slug=#x"] {
        assert!(ColumnMap::default().add(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_password_is_blanked_in_the_refusal() {
    let refused = &refusals(&fixture("kutt.csv"))[0];
    assert_eq!((refused.line, refused.reason.as_str()), (3, PASSWORD));
    assert!(
        !refused.raw.contains("$2a$") && refused.raw.contains("[redacted]") && refused.raw.contains("\"a, b\""),
        "{}",
        refused.raw
    );
}

#[test]
fn a_limit_comes_net_of_the_clicks_that_were_used() {
    let rows = rows(b"slug,url,max_clicks,clicks\na,https://example.com/,10,7\nb,https://example.com/,10,10\nc,https://example.com/,0,3\n");
    assert_eq!(
        rows.iter().map(|row| (row.max_clicks, row.disabled)).collect::<Vec<_>>(),
        [(Some(3), false), (None, true), (None, false)]
    );
    assert_eq!(rows[0].metadata["imported_clicks"], 7);
}

#[test]
fn status_and_metadata_of_an_own_export_come_back() {
    let rows = rows(b"slug,short_url,destination,status,metadata\na,https://go.example.com/a,https://example.com/,disabled,\"{\"\"k\"\":1}\"\n");
    assert!(rows[0].disabled);
    assert_eq!((rows[0].domain.as_deref(), &rows[0].metadata["k"]), (Some("go.example.com"), &Value::from(1)));
}

#[test]
fn a_link_of_a_service_needs_its_slug() {
    let options = Options { format: Some(Format::Yourls), ..Options::default() };
    let found = outcomes_with(b"keyword,url\n,https://example.com/\n", &options);
    assert_eq!(found[0].as_ref().unwrap_err().reason, "no slug");
}
