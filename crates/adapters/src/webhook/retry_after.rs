//! When a receiver wants to be called again.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// The longest wait that is heard: the longest step of the schedule (contract §11). Else a receiver could have its
/// deliveries kept for ever.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3), counted from `now`; a date that has passed is no wait. What is
/// neither is not heard.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are as good as for ever.
        return Some(text.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let wait = date(text)?.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO).min(LONGEST))
}

/// The three forms of a date (RFC 9110 §5.6.7): the one in use, and two that are obsolete and must be read.
fn date(text: &str) -> Option<Timestamp> {
    let (text, formats): (_, &[&str]) = match text.strip_suffix(" GMT") {
        Some(text) => (text, &["%a, %d %b %Y %H:%M:%S", "%A, %d-%b-%y %H:%M:%S"]),
        None => (text, &["%a %b %e %H:%M:%S %Y"]),
    };
    let read = |format: &&str| strtime::parse(format, text).ok()?.to_datetime().ok();
    // The last days that can be written are none that can be told: as good as for ever.
    Some(TimeZone::UTC.to_timestamp(formats.iter().find_map(read)?).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<u64> {
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        let headers = [(RETRY_AFTER, value.parse().unwrap())].into_iter().collect();
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_read_and_bounded() {
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("86400", Some(86_400)),
            ("99999999", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(37)),
            ("Sun Nov  6 08:49:37 1994", Some(37)),
            ("Sun, 06 Nov 1994 08:48:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 25:00:00 GMT", None),
        ] {
            assert_eq!(read(value), seconds, "{value:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }
}
