//! The paths that a piece of code names: `use` trees unfolded, and paths written in place.

/// A path such as `std::net::IpAddr`, and the line on which it is named.
#[derive(Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) path: String,
}

impl Named {
    /// The first segment: the crate, or `crate`, `self`, `super`, or a name in scope.
    pub(crate) fn head(&self) -> &str {
        self.path.split("::").next().unwrap_or_default()
    }

    /// Whether the path is `prefix` or lies within it.
    pub(crate) fn is_within(&self, prefix: &str) -> bool {
        self.path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }

    /// Whether the path is `suffix` or ends in it.
    pub(crate) fn ends_in(&self, suffix: &str) -> bool {
        self.path.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with("::"))
    }
}

/// Every path that `code` names; `code` has no comments and no contents of literals.
pub(crate) fn named(code: &str) -> Vec<Named> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let follows_separator = at > 0 && tokens[at - 1].text == "::";
        // `<T as Trait>::name` continues a type, not a path from a root.
        let continues_type = follows_separator && at > 1 && tokens[at - 2].text == ">";
        if tokens[at].text == "use" && tokens.get(at + 1).is_some_and(|next| next.text != "<") {
            at = use_tree(&tokens, at + 1, &[], &mut found);
        } else if tokens[at].is_word() && !continues_type {
            let mut path = vec![tokens[at].text];
            let line = tokens[at].line;
            while let [separator, word, ..] = &tokens[at + 1..]
                && separator.text == "::"
                && word.is_word()
            {
                path.push(word.text);
                at += 2;
            }
            found.push(Named { line, path: path.join("::") });
            at += 1;
        } else {
            at += 1;
        }
    }
    found
}

/// Unfolds one branch of a `use` tree and returns where the reading goes on.
fn use_tree(tokens: &[Token<'_>], start: usize, prefix: &[&str], found: &mut Vec<Named>) -> usize {
    let mut path = prefix.to_vec();
    let mut at = start;
    let line = tokens.get(start).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        match token.text {
            "::" => at += 1,
            "as" => at += 2,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = use_tree(tokens, at, &path, found);
                    if tokens.get(at).is_some_and(|token| token.text == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "self" if !path.is_empty() => at += 1,
            "*" => {
                path.push("*");
                at += 1;
            }
            word if token.is_word() => {
                path.push(word);
                at += 1;
            }
            _ => break,
        }
    }
    found.push(Named { line, path: path.join("::") });
    // A stray character (a macro's `$`) must not stop the reading.
    if at == start { at + 1 } else { at }
}

struct Token<'a> {
    line: usize,
    text: &'a str,
}

impl Token<'_> {
    fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c == '_' || c.is_alphabetic())
    }
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if rest.starts_with("::") {
                2
            } else if first == '_' || first.is_alphanumeric() {
                rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len())
            } else {
                first.len_utf8()
            };
            tokens.push(Token { line: number + 1, text: &rest[..length] });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

mod proofs {
    use super::*;

    fn paths(code: &str) -> Vec<String> {
        named(code).into_iter().map(|named| named.path).collect()
    }

    #[test]
    fn use_trees_are_unfolded() {
        let code = "pub use std::{fs::{self, File as F}, net::*,\n sync::Arc}; use ::axum; x()";
        let expected = ["pub", "std::fs", "std::fs::File", "std::net::*", "std::sync::Arc", "axum", "x"];
        assert_eq!(paths(code), expected);
        assert_eq!(named(code)[4].line, 2);
    }

    #[test]
    fn paths_in_place_are_read_whole() {
        let code = "f(std::net::TcpStream::connect(a)); <T as B>::c::<d::E>() -> impl F + use<'_> {}";
        let found = paths(code);
        assert!(found.contains(&"std::net::TcpStream::connect".to_owned()), "{found:?}");
        assert!(found.contains(&"d::E".to_owned()), "{found:?}");
        assert!(!found.contains(&"c".to_owned()), "{found:?}");
    }

    #[test]
    fn a_path_is_compared_by_whole_segments() {
        let named = Named { line: 1, path: "tokio::time::sleep".to_owned() };
        assert_eq!(named.head(), "tokio");
        assert!(named.is_within("tokio::time") && !named.is_within("tokio::ti"));
        assert!(named.ends_in("time::sleep") && !named.ends_in("me::sleep"));
    }
}
