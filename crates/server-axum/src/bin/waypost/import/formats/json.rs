//! Items of a JSON export, one at a time, wherever the export keeps them.
//!
//! The exports are answers of APIs, saved to a file: an array, an object that holds one, several such pages one after
//! the other, or one object a line. A tree of a million links would not fit into memory, so this walks the text itself
//! and hands out each item's bytes; only an item is ever parsed.

use std::io::{self, BufReader, Bytes, Read};
use std::iter::Peekable;

/// The largest item, in bytes; a longer one is skipped and refused.
pub(crate) const MAX_ITEM: usize = 1024 * 1024;

/// How deep lists of items may nest; real exports need three.
const MAX_NESTING: usize = 8;

/// Keys whose array holds the items. An object under `links` holds them by name, under the others it is looked into.
const LISTS: [&[u8]; 6] = [b"links", b"data", b"shortUrls", b"short_urls", b"result", b"results"];

/// One item's text, or nothing when it was longer than [`MAX_ITEM`].
#[derive(Debug)]
pub(crate) struct Text(pub(crate) Option<Vec<u8>>);

/// Why the walk ended before the text did.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The text stops in the middle.
    #[error("the JSON ends in the middle; the file was cut off")]
    CutOff,
    /// Something stands where JSON cannot have it.
    #[error("not JSON from here on: `{0}` stands in a place where it cannot")]
    Unexpected(char),
    /// Lists in lists in lists.
    #[error("the JSON nests its lists too deep to be an export")]
    TooDeep,
    /// The reader failed.
    #[error("the source could not be read any further: {0}")]
    Read(#[from] io::Error),
}

/// Walks a JSON text.
pub(crate) struct Items<R: Read> {
    bytes: Peekable<Bytes<BufReader<R>>>,
    stack: Vec<Frame>,
    ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// An array of items.
    Array,
    /// An object whose values are items.
    Named,
    /// The rest of an object in which a list was found.
    Page,
}

/// What an object turned out to be.
enum Object {
    Item(Text),
    Page,
}

impl<R: Read> Items<R> {
    /// Walks from the start of `reader`.
    pub(crate) fn new(reader: R) -> Self {
        Items { bytes: BufReader::with_capacity(64 * 1024, reader).bytes().peekable(), stack: Vec::new(), ended: false }
    }

    fn step(&mut self) -> Result<Option<Text>, Broken> {
        loop {
            let frame = self.stack.last().copied();
            let Some(byte) = self.skip_blanks(frame.is_some())? else {
                return if frame.is_none() { Ok(None) } else { Err(Broken::CutOff) };
            };
            match (frame, byte) {
                (Some(Frame::Array), b']') | (Some(Frame::Named | Frame::Page), b'}') => {
                    self.stack.pop();
                }
                (None | Some(Frame::Array), b'{') => {
                    if let Object::Item(text) = self.object()? {
                        return Ok(Some(text));
                    }
                }
                (None, b'[') => self.open(Frame::Array)?,
                // Pages that were gathered into one array: lists in a list.
                (Some(Frame::Array), b'[') if self.stack.len() < 3 => self.open(Frame::Array)?,
                (Some(Frame::Array), byte) => {
                    let mut text = Capture::default();
                    self.value(byte, &mut text)?;
                    return Ok(Some(text.done()));
                }
                (Some(Frame::Named), b'"') => {
                    self.key(&mut Capture::default())?;
                    match self.after_colon(&mut Capture::default())? {
                        b'{' => {
                            if let Object::Item(text) = self.object()? {
                                return Ok(Some(text));
                            }
                        }
                        other => self.value(other, &mut Capture::nothing())?,
                    }
                }
                (Some(Frame::Page), b'"') => {
                    let key = self.key(&mut Capture::default())?;
                    let first = self.after_colon(&mut Capture::default())?;
                    match list(&key, first) {
                        Some(inner) => self.open(inner)?,
                        None => self.value(first, &mut Capture::nothing())?,
                    }
                }
                (_, byte) => return Err(Broken::Unexpected(char::from(byte))),
            }
        }
    }

    /// Reads an object, whose brace is already read, up to its end or up to the first list in it.
    fn object(&mut self) -> Result<Object, Broken> {
        let mut text = Capture::default();
        text.push(b'{');
        loop {
            let byte = self.needed()?;
            match byte {
                b'}' => {
                    text.push(byte);
                    return Ok(Object::Item(text.done()));
                }
                b'"' => {
                    text.push(byte);
                    let key = self.key(&mut text)?;
                    let first = self.after_colon(&mut text)?;
                    if let Some(inner) = list(&key, first) {
                        self.open(Frame::Page)?;
                        self.open(inner)?;
                        return Ok(Object::Page);
                    }
                    self.value(first, &mut text)?;
                }
                b',' | b' ' | b'\t' | b'\n' | b'\r' => text.push(byte),
                other => return Err(Broken::Unexpected(char::from(other))),
            }
        }
    }

    /// Reads one value, whose first byte is already read.
    fn value(&mut self, first: u8, text: &mut Capture) -> Result<(), Broken> {
        text.push(first);
        match first {
            b'"' => self.string(text),
            b'{' | b'[' => {
                let mut depth = 1;
                while depth > 0 {
                    let byte = self.needed()?;
                    text.push(byte);
                    match byte {
                        b'"' => self.string(text)?,
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        _ => {}
                    }
                }
                Ok(())
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                while let Some(Ok(b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E')) = self.bytes.peek() {
                    text.push(self.needed()?);
                }
                Ok(())
            }
            other => Err(Broken::Unexpected(char::from(other))),
        }
    }

    /// Reads to the end of a string, whose first quote is already read.
    fn string(&mut self, text: &mut Capture) -> Result<(), Broken> {
        loop {
            let byte = self.needed()?;
            text.push(byte);
            match byte {
                b'"' => return Ok(()),
                b'\\' => text.push(self.needed()?),
                _ => {}
            }
        }
    }

    fn key(&mut self, text: &mut Capture) -> Result<Vec<u8>, Broken> {
        let mut key = Capture::default();
        self.string(&mut key)?;
        let mut key = key.done().0.unwrap_or_default();
        key.iter().for_each(|byte| text.push(*byte));
        key.pop();
        Ok(key)
    }

    /// The first byte of the value after a key, still to be captured by whoever reads the value.
    fn after_colon(&mut self, text: &mut Capture) -> Result<u8, Broken> {
        match self.skip_blanks(false)?.ok_or(Broken::CutOff)? {
            b':' => text.push(b':'),
            other => return Err(Broken::Unexpected(char::from(other))),
        }
        self.skip_blanks(false)?.ok_or(Broken::CutOff)
    }

    fn open(&mut self, frame: Frame) -> Result<(), Broken> {
        self.stack.push(frame);
        if self.stack.len() > MAX_NESTING { Err(Broken::TooDeep) } else { Ok(()) }
    }

    fn skip_blanks(&mut self, and_commas: bool) -> Result<Option<u8>, Broken> {
        for byte in self.bytes.by_ref() {
            let byte = byte?;
            if !(byte.is_ascii_whitespace() || and_commas && byte == b',') {
                return Ok(Some(byte));
            }
        }
        Ok(None)
    }

    fn needed(&mut self) -> Result<u8, Broken> {
        Ok(self.bytes.next().ok_or(Broken::CutOff)??)
    }
}

fn list(key: &[u8], first: u8) -> Option<Frame> {
    match first {
        _ if !LISTS.contains(&key) => None,
        b'[' => Some(Frame::Array),
        b'{' if key == b"links" => Some(Frame::Named),
        b'{' => Some(Frame::Page),
        _ => None,
    }
}

impl<R: Read> Iterator for Items<R> {
    type Item = Result<Text, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let step = self.step().transpose();
        self.ended = !matches!(step, Some(Ok(_)));
        step
    }
}

/// Collects a value's bytes as long as they are few enough to be an item.
#[derive(Default)]
struct Capture {
    bytes: Vec<u8>,
    full: bool,
}

impl Capture {
    /// Collects nothing, for values that nobody asks for.
    fn nothing() -> Self {
        Capture { bytes: Vec::new(), full: true }
    }

    fn push(&mut self, byte: u8) {
        self.full |= self.bytes.len() >= MAX_ITEM;
        if !self.full {
            self.bytes.push(byte);
        }
    }

    fn done(self) -> Text {
        Text((!self.full).then_some(self.bytes))
    }
}
