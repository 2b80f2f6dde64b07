//! Held polls.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use waypost_adapters::long_poll::{Held, hold};
use waypost_core::events::{EventType, expired_cursor};
use waypost_core::fields::{Field, Fields};
use waypost_core::page::Limit;
use waypost_core::push::{Closing, Frame, From, Overflow, Subscribe, Transport};
use waypost_core::wire::v1::ErrorCode;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Newcomer;
use crate::reply::Answer;

/// The longest that a poll is held; more counts as that. Below the minute after which common proxies give up.
const LONGEST: Duration = Duration::from_secs(55);
/// The time of a request that may be held.
pub(in crate::routes) const DEADLINE: Duration = Duration::from_secs(65);

/// When a poll may come back whose log was away: it has waited already, and others have as well.
const AWAY: Duration = Duration::from_secs(1);

/// What a poll asks for.
pub(in crate::routes) struct Poll {
    pub(in crate::routes) cursor: Option<String>,
    pub(in crate::routes) types: Vec<EventType>,
    pub(in crate::routes) subject: Option<String>,
    pub(in crate::routes) limit: Limit,
    pub(in crate::routes) wait: Duration,
}

/// How long a poll may be held; `None` for one that is not to be.
pub(in crate::routes) fn wait(fields: &mut Fields) -> Field<Duration> {
    fields.text("wait", |text| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = is_number.then(|| text.parse().unwrap_or(u64::MAX));
        seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST)).ok_or("must be a whole number of seconds")
    })
}

/// Holds a poll: a page of events and where to go on.
pub(in crate::routes) async fn held(app: &App, newcomer: Newcomer, poll: Poll) -> Result<(Answer, String), ApiError> {
    let hub = &app.platform.live;
    let from = match &poll.cursor {
        Some(cursor) => From::After(hub.position(newcomer.who.workspace, cursor)?),
        None => From::Start,
    };
    let until = app.platform.clock.now() + poll.wait;
    let session = newcomer.enter(app, Transport::LongPoll).map_err(sent_away)?;
    let mut session = session.ending_at(until);
    session.subscribe(Subscribe {
        id: "poll".into(),
        types: poll.types,
        subject: poll.subject,
        from,
        overflow: Overflow::default(),
        most_unacknowledged: None,
        presence: false,
    })?;
    match hold(session, poll.limit.get()).await {
        Held::Page { frames, cursor, has_more } => {
            // Where nothing happened, the cursor is the one that was sent.
            let next = poll.cursor.filter(|_| frames.is_empty()).unwrap_or_else(|| cursor.into());
            let frames: Vec<&Frame> = frames.iter().map(|frame| &**frame).collect();
            Ok((page(&frames, &next, has_more), next))
        }
        Held::Reset => Err(expired_cursor().into()),
        Held::Closed(closing) => Err(sent_away(closing)),
        Held::Away => {
            let message = "The log of events cannot be read at the moment; ask again with the same cursor";
            Err(ApiError::new(ErrorCode::Unavailable, message).with_retry_after(AWAY).with_reason("the log is away"))
        }
    }
}

/// There is no place for a poll, or none any more.
fn sent_away(closing: Closing) -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "There are too many live sessions, or the server is stopping")
        .with_retry_after(closing.reconnect_after)
        .with_reason(closing.reason.as_str())
}

/// The page, of events that were written down before.
fn page(frames: &[&Frame], next: &str, more: bool) -> Answer {
    let bytes: usize = frames.iter().map(|frame| frame.json().len() + 1).sum();
    let mut body = Vec::with_capacity(bytes + next.len() + 64);
    body.extend_from_slice(b"{\"data\":[");
    for (number, frame) in frames.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        body.extend_from_slice(frame.json());
    }
    // A cursor is base64url, which needs no escapes.
    body.extend_from_slice(format!("],\"next_cursor\":\"{next}\",\"has_more\":{more}}}").as_bytes());
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "private, no-store")];
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).into();
    Answer { status: StatusCode::OK.as_u16(), headers, body: Bytes::from(body) }
}
