//! Rules about the text of a file: its length, its gaps, and where its words point.

use crate::tree::{Finding, Source};

/// Beyond this many lines a file most often holds a second idea.
pub(crate) const LONGEST_FILE: usize = 400;

/// Rust files that are too long.
pub(crate) fn long_files(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    if !source.is_rust() || lines <= LONGEST_FILE {
        return Vec::new();
    }
    vec![source.finding(LONGEST_FILE + 1, format!("{lines} lines"))]
}

/// Stubs, and tests that do not run.
pub(crate) fn stubs_and_ignored_tests(source: &Source) -> Vec<Finding> {
    if !source.is_rust() {
        return Vec::new();
    }
    let code = source.code();
    let marks = ["#[ignore", "todo!", "unimplemented!", ", ignore)]"];
    code.lines()
        .enumerate()
        .flat_map(|(index, line)| {
            let found = marks.iter().filter(|mark| line.contains(*mark));
            found.map(move |mark| (index + 1, mark.trim_start_matches(", ")))
        })
        .map(|(line, mark)| source.finding(line, format!("`{mark}`")))
        .collect()
}

/// Paths that exist on one machine only.
pub(crate) fn machine_paths(source: &Source) -> Vec<Finding> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let mut findings = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        for folder in ["work", "root", "home", "Users"] {
            let folder = format!("/{folder}/");
            let found = line.match_indices(&folder).any(|(at, _)| {
                let starts = !line[..at].ends_with(is_name);
                let rest = &line[at + folder.len()..];
                let is_whole = matches!(folder.as_str(), "/home/" | "/Users/");
                starts && (!is_whole || rest.starts_with(|c: char| c.is_ascii_lowercase()))
            });
            if found {
                findings.push(source.finding(index + 1, format!("a path below `{folder}`")));
            }
        }
    }
    findings
}

/// Links of a Markdown file to files that are not there. `exists` takes a path from the project's root.
pub(crate) fn broken_links(source: &Source, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    if !source.path.ends_with(".md") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut in_block = false;
    for (index, line) in source.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        if in_block {
            continue;
        }
        for target in link_targets(line) {
            let whole = resolve(&source.path, target);
            if !whole.is_some_and(|path| exists(&path)) {
                findings.push(source.finding(index + 1, format!("the link to `{target}` leads nowhere")));
            }
        }
    }
    findings
}

/// The targets within the project of the links on one line, without their fragments.
fn link_targets(line: &str) -> Vec<&str> {
    // Code between back-ticks only looks like a link.
    let inline = line.match_indices("](").filter_map(|(at, _)| {
        let in_code =
            line[..at].matches('`').count() % 2 == 1 && line[at..].contains('`') && !line[..at].ends_with('`');
        let target = line[at + 2..].split([')', ' ']).next()?;
        (!in_code).then_some(target)
    });
    let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    inline
        .chain(reference)
        .map(|target| target.trim().trim_start_matches('<').trim_end_matches('>'))
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(|target| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty())
        .collect()
}

/// The path from the root; `None` if it leaves the project.
fn resolve(file: &str, target: &str) -> Option<String> {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if target.starts_with('/') {
        return None;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

mod proofs {
    use super::*;

    fn lines(findings: Vec<Finding>) -> Vec<usize> {
        findings.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_long_file_is_found() {
        let long = "\n".repeat(LONGEST_FILE + 1);
        assert_eq!(lines(long_files(&Source::new("src/a.rs", &long))), [LONGEST_FILE + 1]);
        assert!(long_files(&Source::new("src/a.rs", &long[1..])).is_empty());
        assert!(long_files(&Source::new("a.md", &long)).is_empty());
    }

    #[test]
    fn a_stub_and_an_ignored_test_are_found() {
        let code = "#[ignore]\n#[ignore = \"slow\"]\ntodo!();\nunimplemented!(\"x\");\n// todo!()\n\"todo!()\";\n\
                    #[cfg_attr(unix, ignore)]";
        assert_eq!(lines(stubs_and_ignored_tests(&Source::new("tests/a.rs", code))), [1, 2, 3, 4, 7]);
    }

    #[test]
    fn a_machine_path_is_found() {
        let [work, root, home] = ["work", "root", "home"].map(|folder| format!("/{folder}/"));
        let text = format!(
            "cd {work}x\n\"{root}.cargo\"\nsee {home}ada/x\nhttps://a.example{work}x\nGET {home}{{id}}\n${{a}}x{root}y"
        );
        assert_eq!(lines(machine_paths(&Source::new("README.md", &text))), [1, 2, 3]);
    }

    #[test]
    fn a_broken_link_is_found() {
        let text = "[a](gone.md)\n[b](../README.md#top) [c](https://a.example/x)\n```\n[d](gone.md)\n```\n\
                    [e](#here)\n[f]: gone.md\n[g](../../out.md)\n`[h](gone.md)` and [i](gone.md \"title\")\n[`j`](gone.md)";
        let found = broken_links(&Source::new("docs/a.md", text), |path| path == "README.md");
        assert_eq!(lines(found), [1, 7, 8, 9, 10]);
        assert!(broken_links(&Source::new("docs/a.rs", text), |_| false).is_empty());
    }
}
