//! What the manifests say of who depends on whom.

use crate::tree::{Finding, Source};

/// Drivers, web frameworks and HTTP stacks: the crates by which the outside world would come into core.
pub(crate) const DRIVERS: [&str; 18] = [
    "async_nats",
    "axum",
    "axum_extra",
    "fred",
    "hyper",
    "hyper_rustls",
    "hyper_util",
    "redis",
    "reqwest",
    "rusqlite",
    "rustix",
    "sqlx",
    "tokio_postgres",
    "tokio_rustls",
    "tokio_tungstenite",
    "tonic",
    "tower",
    "tower_http",
];

/// Which packages of the workspace a package may ship with; tests may use any but the facade.
const INWARDS: [(&str, &[&str]); 4] = [
    ("crates/core/Cargo.toml", &[]),
    ("crates/adapters/Cargo.toml", &["waypost-core"]),
    ("crates/client/Cargo.toml", &["waypost-core"]),
    ("crates/server-axum/Cargo.toml", &["waypost-core", "waypost-adapters", "waypost-client"]),
];

/// Drivers among core's dependencies, those of its tests included.
pub(crate) fn drivers_of_core(source: &Source) -> Vec<Finding> {
    if source.path != "crates/core/Cargo.toml" {
        return Vec::new();
    }
    dependencies(source)
        .filter(|dependency| DRIVERS.contains(&dependency.name.replace('-', "_").as_str()))
        .map(|found| source.finding(found.line, format!("core depends on `{}`", found.name)))
        .collect()
}

/// Dependencies that point outwards, from a package to one that stands around it.
pub(crate) fn outward_dependencies(source: &Source) -> Vec<Finding> {
    let Some((_, allowed)) = INWARDS.iter().find(|(path, _)| *path == source.path) else {
        return Vec::new();
    };
    dependencies(source)
        .filter(|found| !found.for_tests && found.name.starts_with("waypost-"))
        .filter(|found| !allowed.contains(&found.name))
        .map(|found| source.finding(found.line, format!("depends on `{}`", found.name)))
        .collect()
}

/// Packages and code below `crates/` that name the facade.
pub(crate) fn uses_of_the_facade(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("crates/") {
        return Vec::new();
    }
    if source.is_manifest() {
        return dependencies(source)
            .filter(|found| found.name == "waypost")
            .map(|found| source.finding(found.line, "depends on the facade `waypost`"))
            .collect();
    }
    if !source.is_rust() {
        return Vec::new();
    }
    crate::paths::named(&source.code())
        .iter()
        .filter(|named| named.head() == "waypost" && named.path.contains("::"))
        .map(|named| source.finding(named.line, format!("names `{}`", named.path)))
        .collect()
}

struct Dependency<'a> {
    line: usize,
    name: &'a str,
    for_tests: bool,
}

/// The dependencies of a manifest, under their keys and, where renamed, under their packages' names too.
fn dependencies(source: &Source) -> impl Iterator<Item = Dependency<'_>> {
    let mut table = "";
    source.text.lines().enumerate().flat_map(move |(index, line)| {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']');
        }
        let (kind, in_header) = kind_of(table);
        let for_tests = kind == "dev-dependencies";
        let key = if line.starts_with('[') { in_header } else { in_header.is_none().then(|| key_of(line)).flatten() };
        let renamed = line.split("package = \"").nth(1).and_then(|rest| rest.split('"').next());
        [key, renamed]
            .into_iter()
            .flatten()
            .filter(move |_| kind.ends_with("dependencies"))
            .map(move |name| Dependency { line: index + 1, name, for_tests })
    })
}

/// Tells `target.'cfg(unix)'.dev-dependencies.tempfile` as (`dev-dependencies`, `tempfile`).
fn kind_of(table: &str) -> (&str, Option<&str>) {
    for kind in ["dev-dependencies", "build-dependencies", "dependencies"] {
        if table == kind || table.ends_with(&format!(".{kind}")) {
            return (kind, None);
        }
        if let Some(at) = table.find(&format!("{kind}.")) {
            return (kind, Some(&table[at + kind.len() + 1..]));
        }
    }
    ("", None)
}

fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.split('.').next()?.trim().trim_matches('"');
    (!key.is_empty() && !key.starts_with('#')).then_some(key)
}

mod proofs {
    use super::*;

    fn lines(findings: Vec<Finding>) -> Vec<usize> {
        findings.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_driver_in_core_is_found_however_it_is_written() {
        let text = "[package]\nname = \"sqlx\"\n[dependencies]\nbytes = \"1\"\nsqlx.workspace = true\n\
                    db = { package = \"redis\" }\n[dev-dependencies.async-nats]\nversion = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\ntower = { version = \"1\" }\n[features]\nx = [\"axum\"]";
        let core = Source::new("crates/core/Cargo.toml", text);
        assert_eq!(lines(drivers_of_core(&core)), [5, 6, 7, 10]);
        assert!(drivers_of_core(&Source::new("crates/adapters/Cargo.toml", text)).is_empty());
    }

    #[test]
    fn an_outward_dependency_is_found() {
        let text = "[dependencies]\nwaypost-core.workspace = true\nwaypost-server-axum.workspace = true\n\
                    [dev-dependencies]\nwaypost-client.workspace = true";
        assert_eq!(lines(outward_dependencies(&Source::new("crates/adapters/Cargo.toml", text))), [3]);
        assert_eq!(lines(outward_dependencies(&Source::new("crates/core/Cargo.toml", text))), [2, 3]);
        assert!(outward_dependencies(&Source::new("Cargo.toml", text)).is_empty());
    }

    #[test]
    fn a_use_of_the_facade_is_found() {
        let manifest = "[dev-dependencies]\nwaypost-core.workspace = true\nwaypost = { path = \"../..\" }";
        assert_eq!(lines(uses_of_the_facade(&Source::new("crates/client/Cargo.toml", manifest))), [3]);
        let code = "use waypost_core::Link;\nuse waypost::Link;\nlet waypost = 1;";
        assert_eq!(lines(uses_of_the_facade(&Source::new("crates/client/tests/a.rs", code))), [2]);
        assert!(uses_of_the_facade(&Source::new("examples/a.rs", code)).is_empty());
    }
}
