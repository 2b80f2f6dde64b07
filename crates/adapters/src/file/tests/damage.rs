//! Whatever happens to a file, a hit is read as it was written or not at all, and its neighbours are read.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use proptest::prelude::*;

use super::super::record::{LONGEST, Record, decode};
use super::*;

/// A directory with one segment of a few hits, and what is in it.
async fn sample() -> (TempDir, Vec<u8>, Vec<(ClickId, Hit)>) {
    let dir = folder();
    let spool = open(&dir, small());
    append(&spool, 0..6);
    let hits = spool.read(100).await.expect("a read").hits;
    drop(spool);
    let bytes = fs::read(&segments(dir.path())[0]).expect("a segment");
    (dir, bytes, hits)
}

/// Reads a directory that holds just this segment.
async fn read(bytes: &[u8]) -> Vec<(ClickId, Hit)> {
    let dir = folder();
    fs::write(dir.path().join("0000000000000000.clicks"), bytes).expect("a segment");
    let spool = open(&dir, small());
    let hits = drain(&spool, 4).await;
    assert_eq!(spool.depth(), 0, "what cannot be read does not wait");
    hits
}

/// How many of `hits` are missing from `read`, none of which may be changed.
fn missing(read: &[(ClickId, Hit)], hits: &[(ClickId, Hit)]) -> usize {
    let hits: BTreeMap<_, _> = hits.iter().map(|(id, hit)| (*id, hit)).collect();
    assert_eq!(ids(read).len(), read.len(), "no id twice");
    assert!(read.iter().all(|(id, hit)| hits.get(id) == Some(&hit)), "as it was written, or not at all");
    hits.len() - read.len()
}

#[tokio::test]
async fn a_flipped_byte_costs_at_most_the_hit_that_it_is_in() {
    let (_dir, bytes, hits) = sample().await;
    for place in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut flipped = bytes.clone();
            flipped[place] ^= flip;
            let missing = missing(&read(&flipped).await, &hits);
            let allowed = usize::from(place >= 128);
            assert!(missing <= allowed, "byte {place} flipped by {flip:#x} costs {missing} hits");
        }
    }
}

#[tokio::test]
async fn a_truncated_segment_gives_the_hits_before_the_cut() {
    let (_dir, bytes, hits) = sample().await;
    let whole: Vec<u64> = {
        let mut ends: Vec<u64> = hits.iter().map(|(id, _)| offset(*id)).skip(1).collect();
        ends.push(bytes.len() as u64);
        ends
    };
    for length in 0..=bytes.len() {
        let read = read(&bytes[..length]).await;
        let unpadded = |end: &&u64| **end <= length as u64;
        let expected = whole.iter().filter(unpadded).count();
        let got = hits.len() - missing(&read, &hits);
        assert!(got == expected || (got == expected + 1 && cuts_padding(&bytes, length)), "cut at {length}: {got}");
    }
}

#[tokio::test]
async fn a_zeroed_tail_gives_the_hits_before_it() {
    let (_dir, bytes, hits) = sample().await;
    for from in (128..bytes.len()).step_by(13) {
        let mut zeroed = bytes.clone();
        zeroed[from..].fill(0);
        zeroed.resize(8 << 10, 0);
        let expected = hits.iter().filter(|(id, _)| offset(*id) as usize + 1 < from).count();
        let got = read(&zeroed).await;
        assert_eq!(numbers(&got), numbers(&hits[..got.len()]));
        assert!(got.len() + 1 >= expected, "zeros from {from} on: {} of {expected}", got.len());
    }
}

#[tokio::test]
async fn a_zeroed_page_in_the_middle_costs_only_what_was_in_it() {
    let dir = folder();
    let options = FileSpoolOptions { segment_bytes: 64 << 10, ..small() };
    let spool = open(&dir, options);
    append(&spool, 0..300);
    let hits = spool.read(1_000).await.expect("a read").hits;
    drop(spool);
    let path = segments(dir.path()).remove(0);
    let mut bytes = fs::read(&path).expect("a segment");
    bytes[8 << 10..12 << 10].fill(0);
    fs::write(&path, bytes).expect("a write");
    let read = drain(&open(&dir, small()), 1_000).await;
    let outside = |id: ClickId| offset(id) + 300 <= 8 << 10 || offset(id) >= 12 << 10;
    let expected = hits.iter().filter(|(id, _)| outside(*id)).count();
    missing(&read, &hits);
    assert!(read.len() >= expected, "{} of {expected}", read.len());
}

#[tokio::test]
async fn a_segment_without_any_readable_header_is_set_aside() {
    let (_dir, mut bytes, _) = sample().await;
    bytes[..80].fill(0xEE);
    let dir = folder();
    fs::write(dir.path().join("0000000000000000.clicks"), &bytes).expect("a segment");
    let spool = open(&dir, small());
    assert!(drain(&spool, 10).await.is_empty());
    drop(spool);
    assert_eq!(fs::read(dir.path().join("0000000000000000.damaged")).expect("set aside"), bytes);
}

#[tokio::test]
async fn bytes_moved_from_elsewhere_are_no_hits() {
    let (_dir, bytes, hits) = sample().await;
    let second = offset(hits[1].0) as usize;
    let mut moved = bytes.clone();
    // The first record's place takes the last record's bytes, and the other way round.
    let last = bytes[offset(hits[5].0) as usize..].to_vec();
    let room = second - 128;
    moved[128..second].fill(0);
    moved[128..128 + room.min(last.len())].copy_from_slice(&last[..room.min(last.len())]);
    assert_eq!(numbers(&read(&moved).await), [1, 2, 3, 4, 5]);
}

fn offset(id: ClickId) -> u64 {
    u128::from_be_bytes(id.to_bytes()) as u64 & 0xFF_FFFF_FFFF
}

/// Whether a cut at `length` takes only the zeros behind a record.
fn cuts_padding(bytes: &[u8], length: usize) -> bool {
    let rest = &bytes[length..length.next_multiple_of(8).min(bytes.len())];
    !rest.is_empty() && rest.iter().all(|byte| *byte == 0)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_reads_back_as_it_was_written(
        (link, workspace) in any::<([u8; 16], [u8; 16])>(),
        second in -377_705_023_201..=253_402_207_200_i64,
        nanosecond in 0..1_000_000_000,
        address in any::<IpAddr>(),
        user_agent in prop::collection::vec(any::<u8>(), 0..700),
        referrer in prop::collection::vec(any::<u8>(), 0..700),
        (nonce, place) in (any::<u64>(), 0..1_u64 << 37),
    ) {
        let hit = Hit {
            link: LinkId::from_bytes(link),
            workspace: WorkspaceId::from_bytes(workspace),
            at: Timestamp::new(second, nanosecond).expect("in range"),
            address,
            user_agent: user_agent.into(),
            referrer: referrer.into(),
        };
        let mut record = Record::encode(&borrowed(&hit), Vec::new());
        let bytes = bytes::Bytes::copy_from_slice(record.seal(nonce, place * 8));
        prop_assert!(bytes.len() <= LONGEST && bytes.len() as u64 == record.len() && bytes.len().is_multiple_of(8));

        let (read, length) = decode(&bytes, nonce, place * 8).expect("a whole record");
        prop_assert_eq!(length, record.len());
        let cut = |text: &bytes::Bytes| text.slice(..text.len().min(Hit::LONGEST_TEXT));
        let expected = Hit { user_agent: cut(&hit.user_agent), referrer: cut(&hit.referrer), ..hit };
        prop_assert_eq!(read, expected);
        prop_assert!(decode(&bytes, nonce, place * 8 + 8).is_none(), "at another place");
    }

    #[test]
    fn arbitrary_bytes_are_no_record_and_no_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..1_300),
        length in any::<u16>(),
    ) {
        let mut bytes = bytes;
        if bytes.len() >= 4 {
            bytes[..2].copy_from_slice(&[0x9C, 0xB7]);
            bytes[2..4].copy_from_slice(&length.to_le_bytes());
        }
        prop_assert!(decode(&bytes.into(), 1, 128).is_none());
    }
}
