//! Names that say what a thing is. A grab-bag name says only that nobody decided.

use crate::tree::{Finding, Source};

/// File and folder names that sort by kind, or not at all, instead of by concept.
const GRAB_BAGS: [&str; 20] = [
    "base",
    "common",
    "constants",
    "enums",
    "helper",
    "helpers",
    "impls",
    "manager",
    "managers",
    "misc",
    "model",
    "models",
    "prelude",
    "shared",
    "structs",
    "stuff",
    "traits",
    "types",
    "util",
    "utils",
];

/// Endings that add a word and no meaning.
const EMPTY_ENDINGS: [&str; 9] = ["Common", "Helper", "Helpers", "Impl", "Info", "Manager", "Util", "Utils", "Misc"];

/// Rust files and folders with a grab-bag name.
pub(crate) fn grab_bag_files(source: &Source) -> Vec<Finding> {
    if !source.is_rust() {
        return Vec::new();
    }
    source
        .path
        .split('/')
        .map(|part| part.strip_suffix(".rs").unwrap_or(part))
        .filter(|part| GRAB_BAGS.contains(part) || part.ends_with("_utils") || part.ends_with("_helpers"))
        .map(|part| source.finding(1, format!("`{part}` names no concept")))
        .collect()
}

/// Types whose name ends in a word that says nothing.
pub(crate) fn grab_bag_types(source: &Source) -> Vec<Finding> {
    if !source.is_rust() {
        return Vec::new();
    }
    let code = source.code();
    let mut findings = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let words: Vec<&str> =
            line.split(|c: char| c != '_' && !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let declares = matches!(pair[0], "struct" | "enum" | "trait" | "type" | "union");
            if declares && EMPTY_ENDINGS.iter().any(|ending| pair[1].ends_with(ending)) {
                findings.push(source.finding(index + 1, format!("`{}` ends in an empty word", pair[1])));
            }
        }
    }
    findings
}

mod proofs {
    use super::*;

    #[test]
    fn a_grab_bag_file_is_found() {
        for path in ["src/utils.rs", "crates/core/src/links/types.rs", "tests/common/mod.rs", "src/http_utils.rs"] {
            assert_eq!(grab_bag_files(&Source::new(path, "")).len(), 1, "{path}");
        }
        for path in ["src/links.rs", "docs/common.md", "src/datatypes.rs"] {
            assert!(grab_bag_files(&Source::new(path, "")).is_empty(), "{path}");
        }
    }

    #[test]
    fn an_empty_ending_is_found() {
        let code = "pub struct LinkManager;\nenum Information {}\ntrait StoreImpl {}\n// struct AHelper;\n\
                    type ClientInfo = u8;\nstruct Link(Manager);";
        let lines: Vec<usize> = grab_bag_types(&Source::new("src/a.rs", code)).iter().map(|found| found.line).collect();
        assert_eq!(lines, [1, 3, 5]);
    }
}
