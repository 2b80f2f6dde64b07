//! Links, events, clicks and claims for the cases. Deterministic: a number makes the thing, and a subject is fresh.
//!
//! Every moment is a whole microsecond, which is as fine as a store has to keep time.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;

use crate::clicks::{Class, Click, ClickId, Country, Visitor};
use crate::events::{Event, EventType, Payload};
use crate::idempotency::{Answer, ClaimRequest, Fingerprint, IdempotencyKey, LeaseToken, ScopedKey};
use crate::ids::{EventId, LinkId, WorkspaceId};
use crate::links::Atomicity;
use crate::links::{
    Change, Destination, Domain, Link, LinkWrite, Metadata, RedirectStatus, ReferrerPolicy, Slug, Tag, Tags, Title,
    Version,
};

/// So many seconds after 2026-11-02, a Monday, at midnight (UTC).
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_793_577_600 + seconds).expect("the cases stay within a few years")
}

/// The moment one millisecond before `moment`: the finest step that a case relies on.
pub fn just_before(moment: Timestamp) -> Timestamp {
    moment - Duration::from_millis(1)
}

/// So many seconds.
pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The n-th workspace.
pub fn workspace(n: u64) -> WorkspaceId {
    WorkspaceId::from_bytes((0x0123_4567_89AB_7000_8000_u128 << 48 | u128::from(n)).to_be_bytes())
}

/// The n-th link id; they sort by number.
pub fn link_id(n: u64) -> LinkId {
    LinkId::from_bytes((0x0123_4567_89AB_7000_8000_u128 << 48 | u128::from(n)).to_be_bytes())
}

/// The n-th event id; they sort by number.
pub fn event_id(n: u64) -> EventId {
    EventId::from_bytes((0x0123_4567_89AB_7000_8000_u128 << 48 | u128::from(n)).to_be_bytes())
}

/// Reads a slug.
pub fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("the cases use valid slugs")
}

/// Reads a tag.
pub fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("the cases use valid tags")
}

/// The n-th link of the first workspace: nothing set that may be left out, made n seconds after the beginning.
pub fn link(n: u64) -> Link {
    let made = at(i64::try_from(n).expect("the cases use small numbers"));
    Link {
        id: link_id(n),
        workspace: workspace(1),
        domain: Domain::main(),
        slug: slug(&format!("link-{n}")),
        destination: Destination::trusted(format!("https://example.com/{n}")),
        title: None,
        tags: Tags::default(),
        redirect_status: RedirectStatus::FOUND,
        referrer_policy: None,
        cache_seconds: None,
        expires_at: None,
        disabled_at: None,
        max_clicks: None,
        admitted: 0,
        clicks: 0,
        metadata: Metadata::default(),
        created_at: made,
        updated_at: made,
        version: Version::FIRST,
    }
}

/// The n-th link with everything set, in letters that a careless store spoils.
pub fn full_link(n: u64) -> Link {
    let metadata = json!({ "campaign": "Frühling 'n\" 日本", "nested": { "deep": [1, 2.5, null, true] } });
    let metadata = metadata.as_object().cloned().unwrap_or_default();
    Link {
        domain: Domain::trusted("go.example.org"),
        slug: slug(&format!("straße/日本-{n}")),
        destination: Destination::trusted(format!("https://example.com/?q=%25_\\{n}#frag")),
        title: Some(Title::parse("50 % off_\\ 'quoted' \"twice\" ÄÖ 日本").expect("a valid title")),
        tags: Tags::new(["zulu", "alpha", "with, comma", "\"quoted\""].map(tag)).expect("few tags"),
        redirect_status: RedirectStatus::new(308).expect("308 redirects"),
        referrer_policy: ReferrerPolicy::new("no-referrer"),
        cache_seconds: Some(86_400),
        expires_at: Some(at(90_000) + Duration::from_micros(123_456)),
        disabled_at: Some(at(80_000)),
        max_clicks: std::num::NonZeroU64::new(10_000_000_000),
        metadata: Metadata::new(metadata).expect("small metadata"),
        created_at: at(60) + Duration::from_micros(1),
        updated_at: at(70) + Duration::from_micros(999_999),
        ..link(n)
    }
}

/// `link` edited once: another title, the next version, a second later.
pub fn edited(link: &Link) -> Link {
    Link {
        title: Some(Title::parse(&format!("edit {}", link.version.next().0)).expect("a valid title")),
        updated_at: link.updated_at + seconds(1),
        version: link.version.next(),
        ..link.clone()
    }
}

/// The insert of a link.
pub fn insert(link: &Link) -> Change {
    Change::Insert(Box::new(link.clone()))
}

/// The update to `link`, if the row still has the `expected` version.
pub fn update(link: &Link, expected: Version) -> Change {
    Change::Update { link: Box::new(link.clone()), expected }
}

/// The delete of `link` in the version that it has here.
pub fn delete(link: &Link) -> Change {
    Change::Delete { workspace: link.workspace, id: link.id, expected: link.version }
}

/// The note that the expiry of `link` was told.
pub fn expire(link: &Link) -> Change {
    Change::Expire { workspace: link.workspace, id: link.id, expected: link.version }
}

/// A write without an idempotency key.
pub fn plain(atomicity: Atomicity, changes: Vec<(Change, Option<Event>)>) -> LinkWrite<'static> {
    LinkWrite { changes, atomicity, keyed: None }
}

/// The n-th event, made n seconds after the beginning, about `subject`.
pub fn event(n: u64, subject: &str) -> Event {
    Event {
        id: event_id(n),
        kind: EventType::parse("link.created").expect("a valid type"),
        version: 1,
        created_at: at(i64::try_from(n).expect("the cases use small numbers")),
        workspace: workspace(1),
        subject: Some(subject.to_owned()),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        data: Payload::of(&json!({ "n": n, "text": "日本 \" \\ '" })).expect("plain JSON"),
    }
}

/// The idempotency key of this text in the first workspace.
pub fn key(text: &str) -> ScopedKey {
    let key = IdempotencyKey::parse(text.as_bytes()).expect("the cases use valid keys");
    ScopedKey { workspace: workspace(1), key }
}

/// A claim of `key` at `now` for a minute, under the n-th token, always for the same request.
pub fn claim(key: &ScopedKey, token: u64, now: Timestamp) -> ClaimRequest {
    ClaimRequest {
        key: key.clone(),
        fingerprint: Fingerprint::of("POST", "/v1/links", "", b"{}"),
        token: LeaseToken(u128::from(token).to_be_bytes()),
        now,
        lease: seconds(60),
    }
}

/// An answer with headers out of order, a repeated one, and a body that is no text.
pub fn answer(status: u16) -> Answer {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Answer {
        status,
        headers: vec![header("location", "/v1/links/ä"), header("etag", "\"1\""), header("etag", "\"0\"")],
        body: Bytes::from_static(b"{\"a\":\x00\xff 1 }\r\n"),
    }
}

/// The n-th click of `link`, made at `made`.
pub fn click(n: u64, link: &Link, class: Class, made: Timestamp) -> Click {
    let countries = ["DE", "JP", "DE", "FR", "DE"];
    let country = usize::try_from(n % 6).ok().and_then(|n| countries.get(n)).and_then(|code| Country::new(code));
    let browsers = ["Firefox", "Safari", "Firefox"];
    let browser = usize::try_from(n % 4).ok().and_then(|n| browsers.get(n)).map(|name| (*name).into());
    Click {
        id: ClickId::new(at(0), 7, n),
        link: link.id,
        workspace: link.workspace,
        at: made,
        class,
        visitor: Visitor {
            is_bot: class == Class::Bot,
            country,
            referrer: Some("news.example".into()),
            browser,
            os: None,
            device: Some("mobile".into()),
        },
    }
}
