//! Who may know what: core knows no technology, adapters do not know each other, the server owns no rule.

use crate::exceptions::MODULES_SHARED_BY_ADAPTERS;
use crate::manifest::DRIVERS;
use crate::tree::{Finding, Source};

const CORE: &str = "crates/core/src";
const ADAPTERS: &str = "crates/adapters/src";
const SERVER: &str = "crates/server-axum/src";

/// Addresses are values; everything else in `std::net` opens sockets or asks a resolver.
const ADDRESSES: [&str; 3] = ["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr"];

/// Paths by which core would reach files or the network without any driver.
const REACHES: [&str; 5] = ["std::fs", "std::net", "std::os", "tokio::fs", "tokio::net"];

/// Adapters that the server's library must not know: it takes ports, and only the binary chooses among these.
const STORES: [&str; 5] = ["memory", "nats", "postgres", "redis", "sqlite"];

/// Drivers, web frameworks, files and sockets named in core.
pub(crate) fn reaches_out_of_core(source: &Source) -> Vec<Finding> {
    if !source.is_rust_in(CORE) {
        return Vec::new();
    }
    let reaches = |named: &&crate::paths::Named| {
        DRIVERS.contains(&named.head())
            || REACHES.iter().any(|reach| named.is_within(reach))
                && !ADDRESSES.iter().any(|address| named.is_within(address))
    };
    // Unit tests as well: what core's tests need, core's readers need.
    crate::paths::named(&source.code())
        .iter()
        .filter(|named| named.path.contains("::") || is_imported_whole(source, named))
        .filter(reaches)
        .map(|named| source.finding(named.line, format!("core names `{}`", named.path)))
        .collect()
}

/// `use sqlx;` is one segment long, as any local variable is; only the import counts.
fn is_imported_whole(source: &Source, named: &crate::paths::Named) -> bool {
    let line = source.text.lines().nth(named.line - 1).unwrap_or_default();
    line.contains("use ") || line.contains("extern crate ")
}

/// Names of one adapter in the folder of another.
pub(crate) fn adapters_known_to_adapters(source: &Source, adapters: &[String]) -> Vec<Finding> {
    let Some(own) = module_of(&source.path, ADAPTERS) else {
        return Vec::new();
    };
    let other = |name: &str| name != own && adapters.iter().any(|adapter| adapter == name);
    crate::paths::named(&source.code())
        .iter()
        .filter(|named| {
            let mut parts = named.path.split("::").skip_while(|part| *part == "super");
            let rooted = ["crate::", "super::", "waypost_adapters::"].iter().any(|root| named.path.starts_with(root));
            let first = parts.next().unwrap_or_default();
            let name = if matches!(first, "crate" | "waypost_adapters") { parts.next() } else { Some(first) };
            rooted && name.is_some_and(other)
        })
        .map(|named| source.finding(named.line, format!("the adapter `{own}` names `{}`", named.path)))
        .collect()
}

/// The technologies that the adapters' `lib.rs` declares.
pub(crate) fn adapters(lib: &Source) -> Vec<String> {
    modules(lib).into_iter().map(|(_, name, _)| name).filter(|name| !is_shared(name)).collect()
}

/// Modules of the adapters' `lib.rs` without a feature of their name, and features switched on anywhere else.
pub(crate) fn stray_feature_switches(source: &Source) -> Vec<Finding> {
    if !source.is_rust_in(ADAPTERS) {
        return Vec::new();
    }
    let modules = if source.path == format!("{ADAPTERS}/lib.rs") { modules(source) } else { Vec::new() };
    let missing = modules.iter().filter(|(_, name, switches)| !is_shared(name) && !is_own_switch(name, switches)).map(
        |(line, name, _)| {
            source.finding(*line, format!("`mod {name}` does not stand under `#[cfg(feature = \"{name}\")]` alone"))
        },
    );
    let on_a_module = |line: usize| modules.iter().any(|(_, _, switches)| switches.iter().any(|(at, _)| *at == line));
    let stray = switches(source)
        .into_iter()
        .filter(|(line, _)| !on_a_module(*line))
        .map(|(line, text)| source.finding(line, format!("a second switch: `{}`", text.trim())));
    missing.chain(stray).collect()
}

/// Driver types, SQL and chosen stores in the server.
pub(crate) fn storage_known_to_the_server(source: &Source) -> Vec<Finding> {
    if !source.is_rust_in(SERVER) {
        return Vec::new();
    }
    let is_binary = source.is_rust_in(&format!("{SERVER}/bin"));
    let is_store =
        |path: &crate::paths::Named| STORES.iter().any(|store| path.is_within(&format!("waypost_adapters::{store}")));
    let is_driver =
        |head: &str| matches!(head, "sqlx" | "rusqlite" | "tokio_postgres" | "redis" | "fred" | "async_nats");
    let paths = source.shipped_paths();
    let named = paths
        .iter()
        .filter(|path| path.path.contains("::"))
        .filter(|path| is_driver(path.head()) || !is_binary && is_store(path))
        .map(|path| source.finding(path.line, format!("the server names `{}`", path.path)));
    let text = source.shipped_text();
    let sql = text
        .lines()
        .enumerate()
        .filter(|(_, line)| holds_sql(line))
        .map(|(index, line)| source.finding(index + 1, format!("SQL: `{}`", line.trim())));
    named.chain(sql).collect()
}

/// Code outside the server's error file that knows both the kinds of errors and the statuses.
pub(crate) fn statuses_mapped_elsewhere(source: &Source) -> Vec<Finding> {
    if !source.is_rust_in(SERVER) || source.is_rust_in(&format!("{SERVER}/error")) {
        return Vec::new();
    }
    let paths = source.shipped_paths();
    let knows = |word: &str| paths.iter().any(|named| named.path.split("::").any(|part| part == word));
    if !knows("StatusCode") {
        return Vec::new();
    }
    paths
        .iter()
        .filter(|named| named.path.split("::").any(|part| matches!(part, "Kind" | "ErrorKind")))
        .filter(|named| !named.path.contains("io::"))
        .map(|named| source.finding(named.line, format!("names `{}` beside `StatusCode`", named.path)))
        .collect()
}

/// Serde's traits, and rows of a driver, on what core holds outside its wire types.
pub(crate) fn serde_on_domain_values(source: &Source) -> Vec<Finding> {
    if !source.is_rust_in(CORE) || source.is_rust_in(&format!("{CORE}/wire")) {
        return Vec::new();
    }
    let code = source.shipped_code();
    let mut findings = Vec::new();
    let mut in_derive = false;
    for (index, line) in code.lines().enumerate() {
        in_derive |= line.contains("derive(");
        let implements = line.trim_start().starts_with("impl") && line.contains(" for ");
        for name in ["Serialize", "Deserialize", "FromRow"] {
            let has = line.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
            if has && (in_derive || implements) {
                findings.push(source.finding(index + 1, format!("`{name}` on a value of the domain")));
            }
        }
        in_derive &= !line.contains(")]");
    }
    findings
}

fn is_shared(name: &str) -> bool {
    MODULES_SHARED_BY_ADAPTERS.iter().any(|(shared, _)| *shared == name)
}

fn is_own_switch(name: &str, switches: &[(usize, String)]) -> bool {
    let own = [name.to_owned(), name.replace('_', "-")].map(|name| format!("#[cfg(feature = \"{name}\")]"));
    matches!(switches, [(_, text)] if own.contains(&text.trim().to_owned()))
}

/// Line and text of each condition on a feature.
fn switches(source: &Source) -> Vec<(usize, String)> {
    let text = crate::lexer::views(&source.text).uncommented;
    text.lines()
        .enumerate()
        .filter(|(_, line)| line.contains("feature = \"") && !line.contains("doc(cfg("))
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect()
}

type Module = (usize, String, Vec<(usize, String)>);

/// Line, name and feature conditions of each `mod` line.
fn modules(lib: &Source) -> Vec<Module> {
    let switches = switches(lib);
    let text = lib.shipped_code();
    let mut pending = Vec::new();
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(switch) = switches.iter().find(|(at, _)| *at == index + 1) {
            pending.push(switch.clone());
        }
        let words: Vec<&str> = line.split(|c: char| c != '_' && !c.is_alphanumeric()).collect();
        match words.iter().position(|word| *word == "mod") {
            Some(at) if !line.trim_start().starts_with('#') => {
                let name = words.get(at + 1).copied().unwrap_or_default();
                found.push((index + 1, name.to_owned(), std::mem::take(&mut pending)));
            }
            _ if line.trim().is_empty() || line.trim_start().starts_with('#') => {}
            _ => pending.clear(),
        }
    }
    found
}

/// `sqlite` for `crates/adapters/src/sqlite/links.rs`.
fn module_of<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
    let name = rest.split('/').next()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (path.ends_with(".rs") && name != "lib").then_some(name)
}

/// Whether a literal on the line opens like a statement. Upper case alone for the words that English knows as well.
fn holds_sql(line: &str) -> bool {
    let anywhere = ["insert into ", "delete from ", "create table ", "pragma "];
    let upper = ["SELECT ", "UPDATE ", "BEGIN IMMEDIATE", "ON CONFLICT", "RETURNING "];
    let literals = line.split('"').skip(1).step_by(2);
    literals.into_iter().any(|literal| {
        let lower = literal.to_lowercase();
        anywhere.iter().any(|words| lower.contains(words)) || upper.iter().any(|words| literal.contains(words))
    })
}

mod proofs {
    use super::*;

    fn lines(findings: Vec<Finding>) -> Vec<usize> {
        findings.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_reach_out_of_core_is_found() {
        let code = "use sqlx::Row;\nuse std::{fmt, fs};\nuse std::net::{IpAddr, TcpStream};\n\
                    use tokio::net::UdpSocket;\n// use axum::Router;\nlet redis = 1;\nuse reqwest;\n\
                    tokio::fs::read(p);\nuse std::net::Ipv4Addr;\n#[cfg(test)] use tower::Service;";
        let core = Source::new("crates/core/src/links.rs", code);
        assert_eq!(lines(reaches_out_of_core(&core)), [1, 2, 3, 4, 7, 8, 10]);
        assert!(reaches_out_of_core(&Source::new("crates/adapters/src/sqlite/a.rs", code)).is_empty());
    }

    #[test]
    fn an_adapter_that_knows_another_is_found() {
        let adapters = ["memory".to_owned(), "sqlite".to_owned()];
        let code = "use crate::memory::MemoryLinkStore;\nuse super::memory;\nuse crate::sqlite::links;\n\
                    use waypost_core::memory;\nlet memory = 1;\nuse crate::{memory::Log};";
        let sqlite = Source::new("crates/adapters/src/sqlite/links.rs", code);
        assert_eq!(lines(adapters_known_to_adapters(&sqlite, &adapters)), [1, 2, 6]);
        let lib = Source::new("crates/adapters/src/lib.rs", code);
        assert!(adapters_known_to_adapters(&lib, &adapters).is_empty());
    }

    #[test]
    fn a_second_feature_switch_is_found() {
        let lib = "//! Docs: feature = \"x\".\n#[cfg(feature = \"memory\")]\npub mod memory;\n\
                   #[cfg(feature = \"long-poll\")]\n#[cfg_attr(docsrs, doc(cfg(feature = \"long-poll\")))]\n\
                   pub mod long_poll;\npub mod sqlite;\n#[cfg(feature = \"memory\")]\npub use memory::A;\n\
                   #[cfg(feature = \"redis\")]\nmod nats;";
        let lib = Source::new("crates/adapters/src/lib.rs", lib);
        assert_eq!(lines(stray_feature_switches(&lib)), [7, 11, 8]);
        assert_eq!(adapters(&lib), ["memory", "long_poll", "sqlite", "nats"]);
        let inner = "fn a() {\n#[cfg(feature = \"memory\")]\nb();\nif cfg!(feature = \"memory\") {}\n}";
        let inner = Source::new("crates/adapters/src/memory/mod.rs", inner);
        assert_eq!(lines(stray_feature_switches(&inner)), [2, 4]);
    }

    #[test]
    fn storage_in_the_server_is_found() {
        let code = "use sqlx::Row;\nlet a = \"SELECT 1\";\nuse waypost_adapters::sqlite::Store;\n// SELECT 1\n\
                    let b = \"Insert into t\";\nlet c = \"select a link\";\nuse waypost_adapters::sse::Stream;\n\
                    #[cfg(test)] mod tests { use waypost_adapters::memory::Log; }";
        let route = Source::new("crates/server-axum/src/routes/links.rs", code);
        assert_eq!(lines(storage_known_to_the_server(&route)), [1, 3, 2, 5]);
        let binary = Source::new("crates/server-axum/src/bin/waypost/main.rs", code);
        assert_eq!(lines(storage_known_to_the_server(&binary)), [1, 2, 5]);
    }

    #[test]
    fn a_status_chosen_outside_the_error_file_is_found() {
        let code = "use http::StatusCode;\nmatch error.kind() {\nKind::NotFound => StatusCode::NOT_FOUND }";
        let route = Source::new("crates/server-axum/src/routes/links.rs", code);
        assert_eq!(lines(statuses_mapped_elsewhere(&route)), [3]);
        assert!(statuses_mapped_elsewhere(&Source::new("crates/server-axum/src/error.rs", code)).is_empty());
        let created = Source::new("crates/server-axum/src/routes/links.rs", "StatusCode::CREATED");
        assert!(statuses_mapped_elsewhere(&created).is_empty());
    }

    #[test]
    fn serde_on_a_domain_value_is_found() {
        let code = "#[derive(Debug, Serialize)]\nstruct A;\n#[derive(\n    Clone,\n    serde::Deserialize,\n)]\n\
                    struct B;\nimpl<'de> Deserialize<'de> for C {}\nfn d<T: Serialize>(t: T) {}\n\
                    #[derive(Debug)]\nstruct E;";
        let value = Source::new("crates/core/src/links/slug.rs", code);
        assert_eq!(lines(serde_on_domain_values(&value)), [1, 5, 8]);
        assert!(serde_on_domain_values(&Source::new("crates/core/src/wire/v1.rs", code)).is_empty());
    }
}
