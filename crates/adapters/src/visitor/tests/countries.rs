//! Countries by address.

use std::fs;

use tempfile::TempDir;
use waypost_core::{Kind, Result};

use super::geoip_file::{Value, country, file};
use super::*;

fn read(bytes: &[u8]) -> (TempDir, Result<VisitorDescriber>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("countries.mmdb");
    fs::write(&path, bytes).expect("a file");
    let describer = VisitorDescriber::new(Some(&path));
    (dir, describer)
}

fn message(result: Result<VisitorDescriber>) -> String {
    let error = result.expect_err("an unusable file");
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().contains("GeoLite2-Country.mmdb, or none"), "the cure: {error}");
    error.message().to_owned()
}

#[test]
fn addresses_have_the_country_that_files_of_either_shape_give() {
    let city = || {
        let city = Value::Map(vec![("names", Value::Map(vec![("en", Value::Text("Sometown"))]))]);
        vec![("city", city), ("subdivisions", Value::List(vec![Value::Map(vec![("iso_code", Value::Text("BY"))])]))]
    };
    for (kind, more) in [("GeoLite2-Country", Vec::new as fn() -> _), ("GeoLite2-City", city as fn() -> _)] {
        let anonymous = Value::Map(vec![("traits", Value::Map(vec![("is_anycast", Value::Text("yes"))]))]);
        let networks = [
            ("192.0.2.0", 24, country("DE", more())),
            ("198.51.100.0", 25, country("JP", more())),
            ("203.0.113.0", 24, anonymous),
            ("2001:db8::", 32, country("BR", more())),
        ];
        let (_dir, describer) = read(&file(kind, &networks));
        let describer = describer.expect("a good file");
        for (address, expected) in [
            ("192.0.2.1", Some("DE")),
            ("192.0.2.255", Some("DE")),
            ("::ffff:192.0.2.1", Some("DE")),
            ("198.51.100.127", Some("JP")),
            ("198.51.100.128", None),
            ("203.0.113.1", None),
            ("2001:db8:1::1", Some("BR")),
            ("2001:db9::1", None),
            ("127.0.0.1", None),
        ] {
            let found = describer.describe(&hit(address, "", "")).country;
            assert_eq!(found.as_ref().map(|country| country.as_str()), expected, "{address} in {kind}");
        }
    }
}

#[test]
fn without_a_file_no_country_is_known() {
    assert_eq!(describer().describe(&hit("192.0.2.1", "", "")).country, None);
}

#[test]
fn a_file_that_is_no_database_is_refused_with_the_cure() {
    for bytes in [&b""[..], b"not a database", &[0; 4_096]] {
        assert!(message(read(bytes).1).contains("countries.mmdb is no MaxMind DB"));
    }
}

#[test]
fn a_file_that_is_not_there_is_refused_with_the_cure() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let missing = VisitorDescriber::new(Some(&dir.path().join("missing.mmdb")));
    assert!(message(missing).contains("missing.mmdb cannot be read"));
}

#[test]
fn a_database_of_something_else_is_refused_with_the_cure() {
    let asn = Value::Map(vec![("autonomous_system_number", Value::Number32(64_496))]);
    let (_dir, describer) = read(&file("GeoLite2-ASN", &[("192.0.2.0", 24, asn)]));
    assert!(message(describer).contains("holds no countries"));
}

#[test]
fn a_truncated_database_is_refused_or_harmless() {
    let whole = file("GeoLite2-Country", &[("192.0.2.0", 24, country("DE", Vec::new()))]);
    for length in (0..whole.len()).step_by(7) {
        let (_dir, describer) = read(&whole[..length]);
        if let Ok(describer) = describer {
            describer.describe(&hit("192.0.2.1", "", ""));
        }
    }
}
