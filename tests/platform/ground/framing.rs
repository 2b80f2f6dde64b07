//! What clients of live feeds read bytes with: wherever the bytes are cut, the same comes out.

use std::time::Duration;

use crate::support::live::Record;
use crate::support::live::chunks::Body;
use crate::support::live::lines::{Item, Lines};
use crate::support::live::wire::Head;
use waypost::ids::EventId;

/// What a stream says, as text.
fn items(parts: &[&[u8]]) -> (Vec<String>, Option<String>) {
    let (mut lines, mut said) = (Lines::default(), Vec::new());
    for part in parts {
        lines.read(part, |item| {
            said.push(match item {
                Item::Event { kind, data } => format!("{kind}={}", String::from_utf8_lossy(data)),
                Item::Comment(text) => format!("comment {}", String::from_utf8_lossy(text)),
                Item::Retry(wait) => format!("retry {}", wait.as_millis()),
            });
        });
    }
    (said, lines.last_id().map(str::to_owned))
}

fn cut_everywhere(stream: &[u8]) -> (Vec<String>, Option<String>) {
    let whole = items(&[stream]);
    for at in 0..=stream.len() {
        assert_eq!(items(&[&stream[..at], b"", &stream[at..]]), whole, "cut at {at}");
    }
    let single: Vec<_> = stream.chunks(1).collect();
    assert_eq!(items(&single), whole, "byte by byte");
    whole
}

#[test]
fn an_event_stream_is_read_alike_wherever_it_is_cut() {
    let stream = b"\xEF\xBB\xBF: ok\nretry: 3000\n\nid: c1\nevent: link.created\ndata: {\"a\":1}\n\n\
        id: c2\r\ndata:one\r\ndata:  two\r\n\r\nid:c3\revent\rdata\r\r:\n\n";
    let (said, id) = cut_everywhere(stream);
    assert_eq!(
        said,
        ["comment ok", "retry 3000", "link.created={\"a\":1}", "message=one\n two", "message=", "comment "]
    );
    assert_eq!(id.as_deref(), Some("c3"));
}

#[test]
fn a_block_that_is_cut_off_counts_for_nothing() {
    let (said, id) = cut_everywhere(b"id: c1\ndata: 1\n\nid: c2\ndata: 2\n");
    assert_eq!((said, id.as_deref()), (vec!["message=1".to_owned()], Some("c1")));
}

#[test]
fn an_id_stays_until_another_comes_and_an_empty_one_is_one() {
    let (said, id) =
        cut_everywhere(b"id: c1\n\ndata: 1\n\nevent: link.gone\n\ndata: 2\nid: \0\nretry: 5s\nother: x\n\n");
    assert_eq!((said, id.as_deref()), (vec!["message=1".to_owned(), "message=2".to_owned()], Some("c1")));
    assert_eq!(cut_everywhere(b"id: c1\n\nid\n\n").1.as_deref(), Some(""));
}

/// The content of a body, and how many bytes of the input were its own.
fn content(head: &str, parts: &[&[u8]]) -> std::io::Result<(String, usize, bool)> {
    let (mut body, mut content, mut used) = (Body::after(&head_of(head)), Vec::new(), 0);
    for part in parts {
        used += body.read(part, |bytes| content.extend_from_slice(bytes))?;
    }
    Ok((String::from_utf8_lossy(&content).into_owned(), used, body.is_over()))
}

fn head_of(line: &str) -> Head {
    Head::parse(format!("HTTP/1.1 200 OK\r\n{line}").as_bytes()).expect("a head")
}

#[test]
fn a_body_is_read_alike_wherever_it_is_cut() {
    let chunked =
        (&b"5\r\nhello\r\n1;x=\"y\"\r\n \r\n00a\r\n0123456789\r\n0\r\nA: b\r\n\r\nHTTP"[..], 50, "hello 0123456789");
    let counted = (&b"hello 0123456789HTTP"[..], 16, "hello 0123456789");
    for (head, (bytes, length, wanted)) in [("Transfer-Encoding: chunked", chunked), ("Content-Length: 16", counted)] {
        for at in 0..=bytes.len() {
            let read = content(head, &[&bytes[..at], &bytes[at..]]).expect("good framing");
            assert_eq!(read, (wanted.to_owned(), length, true), "{head} cut at {at}");
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(content(head, &single).expect("good framing"), (wanted.to_owned(), length, true));
    }
    let endless = content("Server: x", &[b"hel", b"lo"]).expect("no framing at all");
    assert_eq!(endless, ("hello".to_owned(), 5, false));
}

#[test]
fn broken_chunks_are_refused() {
    for broken in [&b"x\r\n"[..], b"\r\n", b"1\r\nab\r\n", b"0123456789abcdef\r\n", b"1\r\na\n"] {
        let read = content("Transfer-Encoding: chunked", &[broken]);
        assert!(read.is_err(), "{:?}: {read:?}", String::from_utf8_lossy(broken));
    }
}

#[test]
fn a_head_says_when_to_come_back() {
    let head = head_of("Retry-After: 7");
    assert_eq!((head.status, head.retry_after()), (200, Some(Duration::from_secs(7))));
    assert!(Head::parse(b"HTTP/2 200").is_none());
}

#[test]
fn a_record_is_the_log_or_says_where_it_is_not() {
    let ids: Vec<_> = (0..6).map(|number| EventId::from_bytes([number; 16])).collect();
    let record =
        |logs: &[&[EventId]]| Record { logs: logs.iter().map(|log| log.to_vec()).collect(), ..Record::default() };
    let log = &ids[..5];
    for good in [&[log][..], &[&log[..2], log], &[&[], log]] {
        assert_eq!(record(good).differs_from(log), None, "{good:?}");
    }
    assert_eq!(record(&[]).differs_from(&[]), None);
    let gap = [ids[0], ids[2], ids[3], ids[4]];
    let double = [ids[0], ids[1], ids[1], ids[2], ids[3], ids[4]];
    let foreign = [ids[0], ids[1], ids[2], ids[3], ids[4], ids[5]];
    for (logs, word) in [
        (&[&gap[..]][..], "1 are missing"),
        (&[&double], "a double of number 1"),
        (&[&foreign], "in no log"),
        (&[&log[..3]], "2 of 5 are missing at the end"),
        (&[], "5 of 5 are missing"),
        (&[&gap, log], "after 0 resets, number 1"),
        (&[log, &log[..1]], "4 of 5 are missing at the end"),
    ] {
        let said = record(logs).differs_from(log).expect("a difference");
        assert!(said.contains(word), "{said}");
    }
}
