//! As much of HTTP/1.1 as the answers under load need: a status line, `Content-Length`, `Connection: close`.
//!
//! Anything else fails with its reason rather than being half understood: a generator that misreads where an answer ends
//! would count answers that never came.

/// The head of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Bytes of the whole answer, head and body.
    pub(super) length: usize,
    /// Whether the server closes the connection after it.
    pub(super) closes: bool,
}

/// Reads the head of the answer to a `GET` or `POST`; `None` until all of it is there.
pub(super) fn head(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let mut status = 0;
    let mut content_length = None;
    let mut closes = false;
    let mut start = 0;
    while let Some(offset) = bytes[start..].iter().position(|byte| *byte == b'\n') {
        let end = start + offset;
        let line = bytes[start..end].strip_suffix(b"\r").unwrap_or(&bytes[start..end]);
        if start == 0 {
            status = status_of(line)?;
        } else if line.is_empty() {
            let body = match content_length {
                Some(length) => length,
                None if matches!(status, 204 | 304) => 0,
                None => return Err("the answer has no Content-Length"),
            };
            return Ok(Some(Head { status, length: end + 1 + body, closes }));
        } else if matches!(line[0] | 0x20, b'c' | b't') {
            // Only these initials can matter; most lines are passed over after one comparison.
            if let Some(value) = value_of(line, b"content-length") {
                let digits = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok());
                content_length = Some(digits.ok_or("Content-Length is not a number")?);
            } else if value_of(line, b"transfer-encoding").is_some() {
                return Err("the answer has a Transfer-Encoding, which the load generator does not read");
            } else if let Some(value) = value_of(line, b"connection") {
                closes = value.trim_ascii().eq_ignore_ascii_case(b"close");
            }
        }
        start = end + 1;
    }
    Ok(None)
}

fn status_of(line: &[u8]) -> Result<u16, &'static str> {
    let digits = match line {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1', b' ', a, b, c, ..] => [a, b, c],
        _ => return Err("the answer is not HTTP/1.1"),
    };
    if !digits.iter().all(|digit| digit.is_ascii_digit()) {
        return Err("the status is not a number");
    }
    let status = digits.iter().fold(0, |status, digit| status * 10 + u16::from(**digit - b'0'));
    if status < 200 { Err("an interim answer (1xx) came, which the load generator does not read") } else { Ok(status) }
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, rest) = line.split_at_checked(name.len())?;
    if found.eq_ignore_ascii_case(name) { rest.strip_prefix(b":") } else { None }
}
