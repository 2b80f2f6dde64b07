//! The files of the project, as the rules see them.

use crate::{lexer, paths};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what was made, not what was written.
const SKIPPED_FOLDERS: [&str; 3] = ["target", "waypost-data", "node_modules"];

/// Hidden folders that are part of the project all the same; every other one belongs to a tool.
const HIDDEN_FOLDERS: [&str; 3] = [".cargo", ".ci", ".config"];

/// One text file.
pub(crate) struct Source {
    /// From the root of the project, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Something that breaks a rule, and where.
#[derive(Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub(crate) fn is_manifest(&self) -> bool {
        self.file_name() == "Cargo.toml"
    }

    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether the file is Rust code below `folder`, or the one file that stands in for the folder.
    pub(crate) fn is_rust_in(&self, folder: &str) -> bool {
        self.is_rust() && self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    }

    /// Whether the whole file serves tests, benches or examples: by its folder, or as a `tests` module.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "tests" | "benches" | "examples" | "fuzz"))
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("_tests.rs")
    }

    /// The code, with comments and the contents of literals blanked.
    pub(crate) fn code(&self) -> String {
        lexer::views(&self.text).code
    }

    /// The code that is shipped: without the items under `#[cfg(test)]`, and empty for a test file.
    pub(crate) fn shipped_code(&self) -> String {
        self.shipped(|views| &views.code)
    }

    /// What [`Self::shipped_code`] gives, with the literals as written.
    pub(crate) fn shipped_text(&self) -> String {
        self.shipped(|views| &views.uncommented)
    }

    /// The paths that the shipped code names.
    pub(crate) fn shipped_paths(&self) -> Vec<paths::Named> {
        paths::named(&self.shipped_code())
    }

    pub(crate) fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, what: what.into() }
    }

    fn shipped(&self, view: impl Fn(&lexer::Views) -> &String) -> String {
        if self.is_test() {
            return String::new();
        }
        let views = lexer::views(&self.text);
        lexer::without_test_items(&views.code, view(&views))
    }
}

/// The folder of the facade package, which is the root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads every text file of the project, in the order of the paths.
pub(crate) fn read() -> Vec<Source> {
    let mut files = Vec::new();
    collect(root(), &mut files);
    files.sort();
    files.iter().filter_map(|file| read_text(file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder of the project can be listed");
    for entry in entries {
        let entry = entry.expect("an entry of a folder can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().expect("an entry has a file type");
        let hidden = name.starts_with('.') && !HIDDEN_FOLDERS.contains(&name.as_str());
        if kind.is_file() {
            files.push(entry.path());
        } else if kind.is_dir() && !hidden && !SKIPPED_FOLDERS.contains(&name.as_str()) {
            collect(&entry.path(), files);
        }
    }
}

/// The file as text; `None` for bytes that are no UTF-8, and for a file that went away meanwhile.
fn read_text(file: &Path) -> Option<Source> {
    let text = String::from_utf8(fs::read(file).ok()?).ok()?;
    let path = file.strip_prefix(root()).ok()?.to_string_lossy().replace('\\', "/");
    Some(Source { path, text })
}

mod proofs {
    use super::*;

    #[test]
    fn the_walk_sees_this_file_and_the_manifest() {
        let paths: Vec<String> = read().into_iter().map(|source| source.path).collect();
        for expected in ["Cargo.toml", "tests/tidy.rs", "tests/tidy/tree.rs"] {
            assert!(paths.iter().any(|path| path == expected), "the walk misses {expected}");
        }
        assert!(!paths.iter().any(|path| path.starts_with("target/")));
    }

    #[test]
    fn test_code_is_told_from_shipped_code() {
        let source = Source::new("src/a.rs", "shipped(); #[cfg(test)] mod tests { tested(); }");
        assert!(source.shipped_code().contains("shipped") && !source.shipped_code().contains("tested"));
        assert!(Source::new("src/tests.rs", "tested()").shipped_code().is_empty());
        assert!(Source::new("crates/core/tests/a.rs", "tested()").shipped_code().is_empty());
    }

    #[test]
    fn a_folder_is_told_from_a_namesake() {
        let inside = |path: &str| Source::new(path, "").is_rust_in("crates/core/src/wire");
        assert!(inside("crates/core/src/wire/v1.rs") && inside("crates/core/src/wire.rs"));
        assert!(!inside("crates/core/src/wires.rs") && !inside("crates/core/src/wire/a.md"));
    }
}
