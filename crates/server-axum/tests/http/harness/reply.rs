//! Answers.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The value of a header; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("{fault}: {}", self.text()))
    }

    /// The code of the error; empty if it is none.
    pub(crate) fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Status and code of the error.
    pub(crate) fn fault(&self) -> (u16, String) {
        (self.status, self.code())
    }

    /// The names of the faulty fields, sorted.
    pub(crate) fn faulty(&self) -> Vec<String> {
        let body = self.json();
        let details = body["error"]["details"].as_array().unwrap().clone();
        let mut fields: Vec<_> = details.iter().map(|detail| detail["field"].as_str().unwrap().to_owned()).collect();
        fields.sort();
        fields
    }

    /// The path of the next page, from the header `Link`.
    pub(crate) fn next(&self) -> Option<String> {
        let link = self.header("link").strip_prefix('<')?;
        link.strip_suffix(">; rel=\"next\"").map(str::to_owned)
    }

    /// Status, headers and body as text that is the same in every run: ids and cursors are numbered in the order in
    /// which they appear.
    pub(crate) fn show(&self) -> String {
        let mut out = format!("{}\n", self.status);
        let mut headers: Vec<_> = self.headers.iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in headers {
            let _ = writeln!(out, "{name}: {}", value.to_str().unwrap());
        }
        out.push('\n');
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(json) => out.push_str(&serde_json::to_string_pretty(&json).unwrap()),
            Err(_) => out.push_str(&self.text()),
        }
        redact(&out)
    }
}

/// Puts numbers in the places of ids, traces and cursors.
fn redact(text: &str) -> String {
    let mut seen: Vec<String> = Vec::new();
    let mut number = |word: &str| {
        let at = seen.iter().position(|known| known == word).unwrap_or_else(|| {
            seen.push(word.to_owned());
            seen.len() - 1
        });
        at + 1
    };
    let mut out = String::new();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        let id = word.get(4..30).is_some_and(|bits| {
            word.as_bytes()[3] == b'_' && bits.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        });
        if id {
            let _ = write!(out, "{}<{}>{}", &word[..4], number(&word[..30]), &word[30..]);
        } else if word.len() >= 40 {
            let _ = write!(out, "<{}>", number(word));
        } else {
            out.push_str(word);
        }
        let next = tail.chars().next().map_or(0, char::len_utf8);
        out.push_str(&tail[..next]);
        rest = &tail[next..];
    }
    out
}
