//! Requests, rendered once: while the clock runs they are only copied or written.

use std::io;
use std::net::SocketAddr;

/// Width of a mark's changing part: five digits of the connection, a dash, ten of the sequence number. Fixed, so that a
/// mark is patched into its place without moving what follows.
const MARK_WIDTH: usize = 16;

/// Every request of a load, ready to be written.
pub(super) struct Requests {
    pub(super) paths: Vec<String>,
    rendered: Vec<Vec<u8>>,
    pub(super) mark: Option<Mark>,
    /// Bytes from the end of a mark to the end of its request.
    after_mark: usize,
}

/// The header value that is different in every request.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    prefix: String,
}

impl Mark {
    /// The whole value in one request.
    pub(super) fn value(&self, connection: u64, sequence: u64) -> String {
        let mut digits = [0; MARK_WIDTH];
        write_mark(&mut digits, connection, sequence);
        format!("{}{}", self.prefix, String::from_utf8_lossy(&digits))
    }
}

impl Requests {
    pub(super) fn render(
        target: SocketAddr,
        paths: &[String],
        headers: &str,
        mark: Option<&(String, String)>,
        body: Option<&str>,
    ) -> io::Result<Self> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
        if paths.is_empty() {
            return Err(invalid("a load needs at least one path"));
        }
        if paths.iter().any(|path| !path.starts_with('/') || path.bytes().any(|byte| byte <= b' ')) {
            return Err(invalid("a path starts with a slash and has no white space"));
        }
        let mut tail = format!("Host: {target}\r\n{headers}");
        if let Some(body) = body {
            tail.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
        }
        // The mark comes last, so that it stands equally far from the end whatever the path.
        if let Some((name, prefix)) = mark {
            tail.push_str(&format!("{name}: {prefix}{}\r\n", "0".repeat(MARK_WIDTH)));
        }
        tail.push_str("\r\n");
        // The blank line must be the only one, else the rest would be taken for a second request.
        if tail.find("\r\n\r\n") != Some(tail.len() - 4) {
            return Err(invalid("a header holds a line break"));
        }
        let (method, body) = body.map_or(("GET", ""), |body| ("POST", body));
        let render = |path| format!("{method} {path} HTTP/1.1\r\n{tail}{body}").into_bytes();
        let rendered = paths.iter().map(render).collect();
        let mark = mark.map(|(_, prefix)| Mark { prefix: prefix.clone() });
        Ok(Self { paths: paths.to_vec(), rendered, mark, after_mark: "\r\n\r\n".len() + body.len() })
    }

    /// Gives the bytes to write; `scratch` is used when the request bears a mark.
    pub(super) fn bytes<'a>(
        &'a self,
        path: usize,
        connection: u64,
        sequence: u64,
        scratch: &'a mut Vec<u8>,
    ) -> &'a [u8] {
        if self.mark.is_none() {
            return &self.rendered[path];
        }
        scratch.clear();
        scratch.extend_from_slice(&self.rendered[path]);
        let start = scratch.len() - MARK_WIDTH - self.after_mark;
        write_mark(&mut scratch[start..start + MARK_WIDTH], connection, sequence);
        scratch
    }
}

fn write_mark(to: &mut [u8], connection: u64, sequence: u64) {
    let (left, right) = to.split_at_mut(5);
    write_digits(left, connection);
    right[0] = b'-';
    write_digits(&mut right[1..], sequence);
}

fn write_digits(to: &mut [u8], mut number: u64) {
    for digit in to.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
