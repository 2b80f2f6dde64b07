//! Rows of one table in a MySQL dump, one at a time.
//!
//! Understood is what mysqldump, mariadb-dump, phpMyAdmin and their like write: `CREATE TABLE` for the order of the
//! columns, `INSERT INTO … VALUES (…), (…);` with or without a list of columns, strings with backslash or doubled
//! quotes, `0x…` literals, comments. Everything else is walked over. Nothing is executed.

use std::io::{self, BufReader, Bytes, Read};
use std::iter::Peekable;

/// The largest string that is kept, in bytes; a longer one spoils its row only.
const MAX_TEXT: usize = 1024 * 1024;

/// The largest number of values in one row, far above any table of links.
const MAX_VALUES: usize = 256;

/// One row: its line, and each column with its text, `None` for `NULL`.
#[derive(Debug)]
pub(crate) struct Tuple {
    /// The line on which the row starts, from 1.
    pub(crate) line: u64,
    /// The values by column, or why they cannot be told.
    pub(crate) values: Result<Vec<(String, Option<String>)>, &'static str>,
    /// The values as they were read.
    pub(crate) raw: String,
}

/// Why the dump cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The text stops inside a row.
    #[error("the dump ends in the middle of a row; the file was cut off")]
    CutOff,
    /// A row that is none.
    #[error("the dump has something else than a row of values here")]
    NoRow,
    /// The reader failed.
    #[error("the source could not be read any further: {0}")]
    Read(#[from] io::Error),
}

enum Token {
    Word(String),
    Name(String),
    Text(Result<Vec<u8>, &'static str>),
    Sign(u8),
}

/// Reads the rows of the tables that `wanted` picks by name.
pub(crate) struct Tuples<R: Read> {
    bytes: Peekable<Bytes<BufReader<R>>>,
    /// The line that is being read.
    pub(crate) line: u64,
    wanted: fn(&str) -> bool,
    fallback: &'static [&'static str],
    created: Option<Vec<String>>,
    inserting: Option<Vec<String>>,
}

impl<R: Read> Tuples<R> {
    /// Reads from the start of `reader`; `fallback` names the columns where the dump does not.
    pub(crate) fn new(reader: R, wanted: fn(&str) -> bool, fallback: &'static [&'static str]) -> Self {
        let bytes = BufReader::with_capacity(64 * 1024, reader).bytes().peekable();
        Tuples { bytes, line: 1, wanted, fallback, created: None, inserting: None }
    }

    /// The next row, or `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Broken`], after which there is nothing more to read.
    pub(crate) fn next(&mut self) -> Result<Option<Tuple>, Broken> {
        loop {
            let Some(token) = self.token()? else {
                return if self.inserting.is_some() { Err(Broken::CutOff) } else { Ok(None) };
            };
            match (token, self.inserting.is_some()) {
                (Token::Sign(b'('), true) => return self.tuple().map(Some),
                (Token::Sign(b','), true) => {}
                (Token::Sign(b';'), _) => self.inserting = None,
                // `ON DUPLICATE KEY UPDATE …` and the like: the rows are over.
                (Token::Word(_), true) => {
                    self.inserting = None;
                    self.skip_statement()?;
                }
                (_, true) => return Err(Broken::NoRow),
                (Token::Word(word), false) => self.statement(&word)?,
                (_, false) => {}
            }
        }
    }

    fn statement(&mut self, verb: &str) -> Result<(), Broken> {
        let create = verb.eq_ignore_ascii_case("create");
        if !(create || verb.eq_ignore_ascii_case("insert") || verb.eq_ignore_ascii_case("replace")) {
            return self.skip_statement();
        }
        let noise = ["into", "ignore", "table", "if", "not", "exists", "delayed", "low_priority"];
        let mut table = String::new();
        loop {
            match self.token()? {
                // `db`.`table`: the last name counts.
                Some(Token::Name(name)) => table = name,
                Some(Token::Word(word)) if word.eq_ignore_ascii_case("values") || word.eq_ignore_ascii_case("value") => {
                    if (self.wanted)(&table) {
                        let fallback = || self.fallback.iter().map(|name| (*name).to_owned()).collect();
                        self.inserting = Some(self.created.clone().unwrap_or_else(fallback));
                        return Ok(());
                    }
                    return self.skip_statement();
                }
                Some(Token::Word(word)) if noise.iter().any(|name| name.eq_ignore_ascii_case(&word)) => {}
                Some(Token::Word(word)) => table = word,
                Some(Token::Sign(b'(')) if (self.wanted)(&table) => {
                    let columns = self.columns(create)?;
                    if create {
                        self.created = Some(columns);
                        return self.skip_statement();
                    }
                    self.inserting = Some(columns);
                    // `VALUES` stands between the columns and the rows.
                    return match self.token()? {
                        Some(Token::Word(word)) if word.to_ascii_lowercase().starts_with("value") => Ok(()),
                        _ => Err(Broken::NoRow),
                    };
                }
                Some(Token::Sign(b';')) | None => return Ok(()),
                Some(Token::Sign(b'.')) => {}
                Some(_) => return self.skip_statement(),
            }
        }
    }

    /// The first name after each comma, up to the closing bracket; `PRIMARY KEY` and its kind are words, not names.
    fn columns(&mut self, create: bool) -> Result<Vec<String>, Broken> {
        let mut columns = Vec::new();
        let (mut depth, mut fresh) = (1, true);
        while let Some(token) = self.token()? {
            match token {
                Token::Sign(b'(') => depth += 1,
                Token::Sign(b')') if depth == 1 => return Ok(columns),
                Token::Sign(b')') => depth -= 1,
                Token::Sign(b',') if depth == 1 => {
                    fresh = true;
                    continue;
                }
                Token::Name(name) if fresh && columns.len() < MAX_VALUES => columns.push(name.to_lowercase()),
                Token::Word(name) if fresh && !create && columns.len() < MAX_VALUES => columns.push(name.to_lowercase()),
                _ => {}
            }
            fresh = false;
        }
        Err(Broken::CutOff)
    }

    fn tuple(&mut self) -> Result<Tuple, Broken> {
        let line = self.line;
        let mut values: Vec<Option<String>> = Vec::new();
        let mut fault = None;
        loop {
            match self.token()?.ok_or(Broken::CutOff)? {
                Token::Sign(b')') => break,
                Token::Sign(b',' | b'-') => {}
                // `_binary 'text'`: a word that only says how the text is encoded.
                Token::Word(word) if word.starts_with('_') => {}
                Token::Word(word) if word.eq_ignore_ascii_case("null") => values.push(None),
                Token::Word(word) => values.push(Some(word)),
                Token::Text(text) => {
                    let text = text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "a value is not UTF-8; dump with --default-character-set=utf8mb4"));
                    values.push(Some(text.unwrap_or_else(|reason| {
                        fault = Some(reason);
                        String::new()
                    })));
                }
                Token::Name(_) | Token::Sign(_) => return Err(Broken::NoRow),
            }
            if values.len() > MAX_VALUES {
                return Err(Broken::NoRow);
            }
        }
        let shown: Vec<&str> = values.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect();
        let raw = shown.join(" | ");
        let columns = self.inserting.clone().unwrap_or_default();
        if columns.len() != values.len() {
            fault = fault.or(Some("the row has not as many values as the table has columns"));
        }
        let values = fault.map_or_else(|| Ok(columns.into_iter().zip(values).collect()), Err);
        Ok(Tuple { line, values, raw })
    }

    fn skip_statement(&mut self) -> Result<(), Broken> {
        while let Some(token) = self.token()? {
            if matches!(token, Token::Sign(b';')) {
                break;
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.bytes.next().transpose()?;
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    fn peek(&mut self) -> Option<u8> {
        self.bytes.peek().and_then(|byte| byte.as_ref().ok().copied())
    }

    fn token(&mut self) -> Result<Option<Token>, Broken> {
        while let Some(byte) = self.byte()? {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b'#' => self.skip_line()?,
                b'-' if self.peek() == Some(b'-') => self.skip_line()?,
                b'/' if self.peek() == Some(b'*') => self.skip_comment()?,
                b'`' => return Ok(Some(Token::Name(self.name()?))),
                b'\'' | b'"' => return Ok(Some(Token::Text(self.text(byte)?))),
                b'0' if self.peek() == Some(b'x') => {
                    let word = self.word(byte)?;
                    return Ok(Some(Token::Text(unhex(&word[2..]).ok_or("a value is not a whole 0x literal"))));
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$' | b'@' => return Ok(Some(Token::Word(self.word(byte)?))),
                sign => return Ok(Some(Token::Sign(sign))),
            }
        }
        Ok(None)
    }

    fn word(&mut self, first: u8) -> io::Result<String> {
        let mut word = String::from(char::from(first));
        while let Some(byte) = self.peek().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'@')) {
            self.byte()?;
            // One past the limit shows that a literal was too long.
            if word.len() <= 2 * MAX_TEXT + 2 {
                word.push(char::from(byte));
            }
        }
        Ok(word)
    }

    fn name(&mut self) -> Result<String, Broken> {
        let mut name = Vec::new();
        loop {
            match self.byte()?.ok_or(Broken::CutOff)? {
                b'`' => return Ok(String::from_utf8_lossy(&name).into_owned()),
                byte if name.len() < MAX_VALUES => name.push(byte),
                _ => {}
            }
        }
    }

    fn text(&mut self, quote: u8) -> Result<Result<Vec<u8>, &'static str>, Broken> {
        let mut text = Vec::new();
        let mut whole = true;
        loop {
            let mut byte = self.byte()?.ok_or(Broken::CutOff)?;
            if byte == b'\\' {
                byte = match self.byte()?.ok_or(Broken::CutOff)? {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'0' => 0,
                    b'Z' => 0x1a,
                    b'b' => 8,
                    other => other,
                };
            } else if byte == quote {
                if self.peek() != Some(quote) {
                    return Ok(if whole { Ok(text) } else { Err("a value is larger than 1 MiB") });
                }
                self.byte()?;
            }
            if text.len() < MAX_TEXT {
                text.push(byte);
            } else {
                whole = false;
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        while let Some(byte) = self.byte()? {
            if byte == b'\n' {
                break;
            }
        }
        Ok(())
    }

    /// `/*!40101 … */` too: what stands in them are settings, never rows.
    fn skip_comment(&mut self) -> io::Result<()> {
        self.byte()?;
        while let Some(byte) = self.byte()? {
            if byte == b'*' && self.peek() == Some(b'/') {
                self.byte()?;
                break;
            }
        }
        Ok(())
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    if digits.len() % 2 == 1 || digits.len() > 2 * MAX_TEXT {
        return None;
    }
    digits.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
