//! The rules of the house, read off the source tree: who may depend on whom, what stands in one place only, how
//! things are named.
//!
//! One test a rule. A failure names file and line, the rule and the cure. Each check is a pure function from a file to
//! its findings, and stands beside a proof that it finds what it is there to find. The rules are explained in
//! `ARCHITECTURE.md`; exceptions, each with its reason, are in `tests/tidy/exceptions.rs`.

#[path = "tidy/boundaries.rs"]
mod boundaries;
#[path = "tidy/exceptions.rs"]
mod exceptions;
#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/manifest.rs"]
mod manifest;
#[path = "tidy/names.rs"]
mod names;
#[path = "tidy/paths.rs"]
mod paths;
#[path = "tidy/places.rs"]
mod places;
#[path = "tidy/text.rs"]
mod text;
#[path = "tidy/tree.rs"]
mod tree;

use std::fmt::Write as _;
use tree::{Finding, Source};

/// A rule, and what to do when it is broken.
struct Rule {
    says: &'static str,
    cure: &'static str,
}

#[test]
fn core_imports_no_driver_web_framework_or_io() {
    let rule = Rule {
        says: "core knows no driver, no web framework, no files and no sockets",
        cure: "declare a port in core and implement it in crates/adapters",
    };
    rule.holds(boundaries::reaches_out_of_core);
}

#[test]
fn core_depends_on_no_driver() {
    let rule = Rule {
        says: "core's manifest names no driver, not even for its tests",
        cure: "move what needs the driver to crates/adapters",
    };
    rule.holds(manifest::drivers_of_core);
}

#[test]
fn dependencies_point_inwards() {
    let rule = Rule {
        says: "core ships with no other package of the workspace, adapters and client with core alone",
        cure: "move what both need inwards, or hand it in through a port",
    };
    rule.holds(manifest::outward_dependencies);
}

#[test]
fn nothing_but_the_root_depends_on_the_facade() {
    let rule = Rule {
        says: "only the root's tests, benches and examples use the facade `waypost`",
        cure: "name the package that the facade re-exports from",
    };
    rule.holds(manifest::uses_of_the_facade);
}

#[test]
fn adapters_do_not_import_each_other() {
    let rule = Rule {
        says: "an adapter knows core and its own driver, and no other adapter",
        cure: "move what is true of both to core, or let each have its own",
    };
    let files = tree::read();
    let lib = files.iter().find(|source| source.path == "crates/adapters/src/lib.rs");
    let adapters = lib.map(boundaries::adapters).unwrap_or_default();
    rule.holds_in(&files, &[], |source| boundaries::adapters_known_to_adapters(source, &adapters));
}

#[test]
fn each_technology_has_one_feature_switch() {
    let rule = Rule {
        says: "one `cfg(feature)` a technology, on its `mod` line in crates/adapters/src/lib.rs",
        cure: "put the code below the technology's own module; re-export from there",
    };
    rule.holds(boundaries::stray_feature_switches);
}

#[test]
fn the_server_holds_no_sql_and_no_driver() {
    let rule = Rule {
        says: "the server speaks to ports: no SQL, no driver type, and a store is chosen by the binary alone",
        cure: "move the access behind a port, and call the service that uses it",
    };
    rule.holds(boundaries::storage_known_to_the_server);
}

#[test]
fn only_the_error_file_maps_kinds_to_statuses() {
    let rule = Rule {
        says: "crates/server-axum/src/error.rs alone maps an error kind to a status",
        cure: "return the error as it is, and let the error file choose the status",
    };
    rule.holds(boundaries::statuses_mapped_elsewhere);
}

#[test]
fn domain_values_derive_no_serde() {
    let rule = Rule {
        says: "what travels is a wire type in crates/core/src/wire; values of the domain know no format",
        cure: "give the value a wire type and convert",
    };
    rule.holds_in(&tree::read(), exceptions::SERDE_OUTSIDE_WIRE, boundaries::serde_on_domain_values);
}

#[test]
fn files_are_named_by_concept() {
    let rule = Rule {
        says: "a file is named by what it is about, never by the kind of thing that it holds",
        cure: "name it by its capability, or move each part to the file of its concept",
    };
    rule.holds(names::grab_bag_files);
}

#[test]
fn types_are_named_by_what_they_are() {
    let rule = Rule {
        says: "no type ends in Manager, Helper, Util, Common, Impl, Info",
        cure: "take the word of the vocabulary in ARCHITECTURE.md, or name what it does",
    };
    rule.holds(names::grab_bag_types);
}

#[test]
fn time_entropy_and_environment_have_one_file_each() {
    let rule = Rule {
        says: "the time, sleeping, randomness and the environment are read in one file each",
        cure: "take a `Clock`, an `Entropy` or a setting as an argument",
    };
    rule.holds(places::used_out_of_place);
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let rule = Rule {
        says: "a Rust file has at most 400 lines",
        cure: "find the second idea in it and give that its own file",
    };
    rule.holds_in(&tree::read(), exceptions::LONG_FILES, text::long_files);
}

#[test]
fn no_stub_and_no_ignored_test() {
    let rule = Rule {
        says: "what is there works, and every test runs",
        cure: "finish it or take it out; give a slow test a smaller size",
    };
    rule.holds(text::stubs_and_ignored_tests);
}

#[test]
fn no_path_of_one_machine() {
    let rule = Rule {
        says: "nothing in the project points into the folders of one machine",
        cure: "make the path relative to the project, or a setting",
    };
    rule.holds(text::machine_paths);
}

#[test]
fn links_in_documents_resolve() {
    let rule = Rule {
        says: "a document links to files that are there",
        cure: "correct the path; it counts from the document's own folder",
    };
    let exists = |path: &str| tree::root().join(path).exists();
    rule.holds_in(&tree::read(), &[], |source| text::broken_links(source, exists));
}

impl Rule {
    /// Panics, with all findings, unless the rule holds in every file.
    fn holds(&self, check: impl Fn(&Source) -> Vec<Finding>) {
        self.holds_in(&tree::read(), &[], check);
    }

    /// As [`Self::holds`], for files already read, and but for `exceptions`, which must each be needed.
    fn holds_in(&self, files: &[Source], exceptions: &[(&str, &str)], check: impl Fn(&Source) -> Vec<Finding>) {
        let broken = self.broken(files, exceptions, check);
        assert!(broken.is_empty(), "\n{broken}rule: {}\ncure: {}\n", self.says, self.cure);
    }

    /// One line for each finding, and for each exception that nothing needs.
    fn broken(&self, files: &[Source], exceptions: &[(&str, &str)], check: impl Fn(&Source) -> Vec<Finding>) -> String {
        let findings: Vec<Finding> = files.iter().flat_map(check).collect();
        let mut broken = String::new();
        for Finding { path, line, what } in &findings {
            if !exceptions.iter().any(|(excepted, _)| excepted == path) {
                writeln!(broken, "{path}:{line}: {what}").expect("a string can be written to");
            }
        }
        for (excepted, reason) in exceptions {
            if !findings.iter().any(|finding| finding.path == *excepted) {
                let what = format!("tests/tidy/exceptions.rs: {excepted} ({reason}) needs no exception");
                writeln!(broken, "{what}").expect("a string can be written to");
            }
        }
        broken
    }
}

mod proofs {
    use super::*;

    const RULE: Rule = Rule { says: "no a", cure: "write b" };

    fn lines_of_a(source: &Source) -> Vec<Finding> {
        source.text.contains('a').then(|| source.finding(1, "an a")).into_iter().collect()
    }

    #[test]
    #[should_panic(expected = "x.rs:1: an a\nrule: no a\ncure: write b")]
    fn a_failure_names_file_line_rule_and_cure() {
        RULE.holds_in(&[Source::new("x.rs", "a")], &[], lines_of_a);
    }

    #[test]
    fn an_exception_counts_for_its_file_alone_and_only_while_needed() {
        let files = [Source::new("x.rs", "a"), Source::new("y.rs", "b"), Source::new("z.rs", "a")];
        let broken = RULE.broken(&files, &[("x.rs", "old"), ("y.rs", "older")], lines_of_a);
        assert_eq!(broken, "z.rs:1: an a\ntests/tidy/exceptions.rs: y.rs (older) needs no exception\n");
    }
}
