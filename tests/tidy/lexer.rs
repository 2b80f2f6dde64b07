//! Tells Rust code from its comments and string literals, so that a rule about code is not fooled by prose.
//!
//! Not a parser: the compiler has already accepted the files. It only has to know where literals and comments begin
//! and end. Every view has as many lines and columns as the text, so a place found in one holds in all.

/// One text in the views that the rules read.
pub(crate) struct Views {
    /// Without comments; literals stand as written.
    pub(crate) uncommented: String,
    /// Without comments, and with the contents of literals blanked.
    pub(crate) code: String,
}

/// Splits `text` into its views.
pub(crate) fn views(text: &str) -> Views {
    let chars: Vec<char> = text.chars().collect();
    let mut views = Views { uncommented: String::new(), code: String::new() };
    let mut at = 0;
    while at < chars.len() {
        let (kind, end) = next_piece(&chars, at);
        for &c in &chars[at..end] {
            let blank = if c == '\n' { '\n' } else { ' ' };
            views.uncommented.push(if kind == Kind::Comment { blank } else { c });
            views.code.push(if kind == Kind::Code { c } else { blank });
        }
        at = end;
    }
    views
}

/// The same text with the items under `#[cfg(test)]` blanked.
///
/// `code` decides where an item ends, since no brace in it stands in a literal; `text` is any view of the same file.
pub(crate) fn without_test_items(code: &str, text: &str) -> String {
    const MARKS: [&str; 2] = ["#[cfg(test)]", "#[cfg(all(test,"];
    let code: Vec<char> = code.chars().collect();
    let mut kept: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < code.len() {
        if !MARKS.iter().any(|mark| starts_with(&code[at..], mark)) {
            at += 1;
            continue;
        }
        let end = end_of_item(&code, at);
        for c in &mut kept[at..end] {
            if *c != '\n' {
                *c = ' ';
            }
        }
        at = end;
    }
    kept.into_iter().collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Literal,
    Comment,
}

fn next_piece(chars: &[char], at: usize) -> (Kind, usize) {
    let rest = &chars[at..];
    if starts_with(rest, "//") {
        let length = rest.iter().position(|&c| c == '\n').unwrap_or(rest.len());
        return (Kind::Comment, at + length);
    }
    if starts_with(rest, "/*") {
        return (Kind::Comment, at + block_comment(rest));
    }
    let starts_word = at == 0 || !is_word(chars[at - 1]);
    if starts_word && let Some(length) = raw_string(rest) {
        return (Kind::Literal, at + length);
    }
    match rest[0] {
        '"' => (Kind::Literal, at + quoted(rest, '"')),
        '\'' if rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'') => (Kind::Literal, at + quoted(rest, '\'')),
        _ => (Kind::Code, at + 1),
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if starts_with(&rest[at..], "/*") {
            depth += 1;
            at += 2;
        } else if starts_with(&rest[at..], "*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn raw_string(rest: &[char]) -> Option<usize> {
    let prefix = if matches!(rest[0], 'b' | 'c') { 1 } else { 0 };
    if rest.get(prefix) != Some(&'r') {
        return None;
    }
    let hashes = rest[prefix + 1..].iter().take_while(|&&c| c == '#').count();
    let open = prefix + 1 + hashes;
    if rest.get(open) != Some(&'"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let body = open + 1;
    let length = (body..rest.len()).find(|&at| starts_with(&rest[at..], &close));
    Some(length.map_or(rest.len(), |at| at + 1 + hashes))
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Where the item under the attribute at `at` ends: after its block, or after its semicolon.
fn end_of_item(code: &[char], at: usize) -> usize {
    let (mut brackets, mut braces) = (0_u32, 0_u32);
    for (offset, c) in code[at..].iter().enumerate() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        let at_top = brackets == 0 && braces == 0;
        if at_top && matches!(c, '}' | ';') {
            return at + offset + 1;
        }
    }
    code.len()
}

fn starts_with(chars: &[char], text: &str) -> bool {
    let mut chars = chars.iter();
    text.chars().all(|expected| chars.next() == Some(&expected))
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

mod proofs {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_in_place() {
        let text = "let a = \"sqlx::x\"; // sqlx::y\nlet b = r#\"\"q\"\"#; /* a /* b */ c */ d('\\'', 'x', &'a ())";
        let views = views(text);
        let words: Vec<&str> = views.code.split_whitespace().collect();
        let expected = ["let", "a", "=", ";", "let", "b", "=", ";", "d(", ",", ",", "&'a", "())"];
        assert_eq!(words, expected);
        assert_eq!(views.code.len(), text.len());
        assert_eq!(views.code.find('\n'), text.find('\n'));
        assert!(views.uncommented.contains("sqlx::x"));
        assert!(!views.uncommented.contains("sqlx::y"));
    }

    #[test]
    fn test_items_are_blanked_and_what_follows_stays() {
        for text in [
            "a(); #[cfg(test)] mod tests { fn x() { b([1; 2]); } } c();",
            "a(); #[cfg(test)] mod tests; c();",
            "a(); #[cfg(all(test, feature = \"x\"))] #[allow(b)] use b; c();",
            "a(); #[cfg(test)] fn b(x: [u8; 2]) -> u8 { b(x) } c();",
        ] {
            let code = without_test_items(&views(text).code, text);
            assert!(code.contains("a();") && code.contains("c();"), "{code}");
            assert!(!code.contains('b'), "{code}");
            assert_eq!(code.len(), text.len());
        }
    }
}
