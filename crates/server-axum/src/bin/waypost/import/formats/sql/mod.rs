//! Rows of one table in a MySQL dump, one at a time.
//!
//! Understood is what mysqldump, mariadb-dump, phpMyAdmin and their like write: `CREATE TABLE` for the order of the
//! columns, `INSERT INTO … VALUES (…), (…);` with or without a list of columns, strings with backslash or doubled
//! quotes, `0x…` literals, comments. Everything else is walked over. Nothing is executed.

mod tokens;

use std::io::{self, Read};

use tokens::{Token, Tokens};

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

/// Reads the rows of the tables that `wanted` picks by name.
pub(crate) struct Tuples<R: Read> {
    tokens: Tokens<R>,
    wanted: fn(&str) -> bool,
    fallback: &'static [&'static str],
    created: Option<Vec<String>>,
    inserting: Option<Vec<String>>,
}

impl<R: Read> Tuples<R> {
    /// Reads from the start of `reader`; `fallback` names the columns where the dump does not.
    pub(crate) fn new(reader: R, wanted: fn(&str) -> bool, fallback: &'static [&'static str]) -> Self {
        Tuples { tokens: Tokens::new(reader), wanted, fallback, created: None, inserting: None }
    }

    /// The line that is being read, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.tokens.line
    }

    /// The next row, or `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Broken`], after which there is nothing more to read.
    pub(crate) fn next(&mut self) -> Result<Option<Tuple>, Broken> {
        loop {
            let Some(token) = self.tokens.next()? else {
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
            match self.tokens.next()? {
                // `db`.`table`: the last name counts.
                Some(Token::Name(name)) => table = name,
                Some(Token::Word(word))
                    if word.eq_ignore_ascii_case("values") || word.eq_ignore_ascii_case("value") =>
                {
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
                    return match self.tokens.next()? {
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
        while let Some(token) = self.tokens.next()? {
            match token {
                Token::Sign(b'(') => depth += 1,
                Token::Sign(b')') if depth == 1 => return Ok(columns),
                Token::Sign(b')') => depth -= 1,
                Token::Sign(b',') if depth == 1 => {
                    fresh = true;
                    continue;
                }
                Token::Name(name) if fresh && columns.len() < MAX_VALUES => columns.push(name.to_lowercase()),
                Token::Word(name) if fresh && !create && columns.len() < MAX_VALUES => {
                    columns.push(name.to_lowercase())
                }
                _ => {}
            }
            fresh = false;
        }
        Err(Broken::CutOff)
    }

    fn tuple(&mut self) -> Result<Tuple, Broken> {
        let line = self.tokens.line;
        let mut values: Vec<Option<String>> = Vec::new();
        let mut fault = None;
        loop {
            match self.tokens.next()?.ok_or(Broken::CutOff)? {
                Token::Sign(b')') => break,
                Token::Sign(b',' | b'-') => {}
                // `_binary 'text'`: a word that only says how the text is encoded.
                Token::Word(word) if word.starts_with('_') => {}
                Token::Word(word) if word.eq_ignore_ascii_case("null") => values.push(None),
                Token::Word(word) => values.push(Some(word)),
                Token::Text(text) => {
                    let text = text.and_then(|bytes| {
                        String::from_utf8(bytes)
                            .map_err(|_| "a value is not UTF-8; dump with --default-character-set=utf8mb4")
                    });
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
        while let Some(token) = self.tokens.next()? {
            if matches!(token, Token::Sign(b';')) {
                break;
            }
        }
        Ok(())
    }
}
