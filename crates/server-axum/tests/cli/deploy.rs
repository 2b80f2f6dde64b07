//! What the files for operators say, held against the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::process::Place;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The words of a text that begin so, as far as `belongs` says.
fn words<'a>(text: &'a str, prefix: &str, belongs: fn(char) -> bool) -> BTreeSet<&'a str> {
    text.split(|letter| !belongs(letter)).filter(|word| word.starts_with(prefix)).collect()
}

fn is_variable(letter: char) -> bool {
    letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_'
}

fn is_metric(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter == '_'
}

#[test]
fn every_variable_of_the_deploy_folder_is_a_setting() {
    let place = Place::new();
    let help = ["serve", "import"].map(|command| place.run(&[command, "--help"]).with_status(0).out).concat();
    let mut known: BTreeSet<String> = words(&help, "WAYPOST_", is_variable).into_iter().map(str::to_owned).collect();
    let flags = help.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-');
    let secrets = flags.filter(|word| word.starts_with("--") && word.ends_with("-file"));
    known.extend(secrets.map(|flag| format!("WAYPOST_{}", flag[2..].replace('-', "_").to_uppercase())));
    let mut seen = 0;
    for file in files(&root().join("deploy")) {
        let text = std::fs::read_to_string(&file).expect("text");
        for variable in words(&text, "WAYPOST_", is_variable).into_iter().filter(|word| *word != "WAYPOST_") {
            assert!(known.contains(variable), "{}: {variable} is no setting", file.display());
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen} variables were found");
}

#[test]
fn every_metric_of_the_operators_guide_is_described() {
    let read = |path| std::fs::read_to_string(root().join(path)).expect("the document is there");
    let (guide, described) = (read("docs/operations.md"), read("docs/observability.md"));
    let described = words(&described, "waypost_", is_metric);
    // Commands and statements stand in fences, and name tables.
    let prose: String = guide.split("```").step_by(2).collect();
    let named = words(&prose, "waypost_", is_metric);
    let unknown: Vec<_> = named.difference(&described).collect();
    assert!(unknown.is_empty() && named.len() > 5, "{unknown:?} of {named:?}");
}
