//! The words of a MySQL dump.

use std::io::{self, BufReader, Bytes, Read};
use std::iter::Peekable;

use super::Broken;

/// The largest string that is kept, in bytes; a longer one spoils its row only.
const MAX_TEXT: usize = 1024 * 1024;

/// The longest name that is kept, in bytes; MySQL allows 64 characters.
const MAX_NAME: usize = 256;

/// A piece of SQL.
pub(super) enum Token {
    /// A keyword, a bare name or a number.
    Word(String),
    /// A name in backticks.
    Name(String),
    /// A string or a `0x` literal, or why it cannot be had.
    Text(Result<Vec<u8>, &'static str>),
    /// Any other character.
    Sign(u8),
}

/// Splits a dump into tokens.
pub(super) struct Tokens<R: Read> {
    bytes: Peekable<Bytes<BufReader<R>>>,
    /// The line that is being read, from 1.
    pub(super) line: u64,
}

impl<R: Read> Tokens<R> {
    /// Starts at the first byte of `reader`.
    pub(super) fn new(reader: R) -> Self {
        let bytes = BufReader::with_capacity(64 * 1024, reader).bytes().peekable();
        Tokens { bytes, line: 1 }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.bytes.next().transpose()?;
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    fn peek(&mut self) -> Option<u8> {
        self.bytes.peek().and_then(|byte| byte.as_ref().ok().copied())
    }

    /// The next token, or `None` at the end; blanks and comments are none.
    ///
    /// # Errors
    ///
    /// [`Broken`] when the text stops inside a token, or the reader fails.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Broken> {
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
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$' | b'@' => {
                    return Ok(Some(Token::Word(self.word(byte)?)));
                }
                sign => return Ok(Some(Token::Sign(sign))),
            }
        }
        Ok(None)
    }

    fn word(&mut self, first: u8) -> io::Result<String> {
        let mut word = String::from(char::from(first));
        while let Some(byte) =
            self.peek().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'@'))
        {
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
                byte if name.len() < MAX_NAME => name.push(byte),
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
