//! Times as other programs write them, into RFC 3339 in UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The time in RFC 3339 with `Z`, or `None` when the text is not a time.
///
/// Understood are RFC 3339 and its cousins (a blank for the `T`, `+0000`, `+00`), Unix seconds and milliseconds, and what
/// JavaScript prints for a `Date`. A time without an offset is read as UTC, as databases store it; a date without a time
/// is its first instant. `12/31/2030` is refused, since half of the world reads it otherwise.
pub(crate) fn normalise(text: &str) -> Option<String> {
    let text = text.trim();
    if is_unset(text) {
        return None;
    }
    let time = epoch(text)
        .or_else(|| text.parse::<Timestamp>().ok())
        .or_else(|| {
            text.parse::<DateTime>().ok().and_then(|local| local.to_zoned(TimeZone::UTC).ok()).map(|at| at.timestamp())
        })
        .or_else(|| javascript(text))?;
    Some(time.to_string())
}

/// Whether the text is what a database writes where no time is set.
pub(crate) fn is_unset(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("0000-00-00")
        || ["", "-", "null", "\\N", "never", "none"].iter().any(|no| no.eq_ignore_ascii_case(text))
}

/// Unix seconds (9 or 10 digits) or milliseconds (12 or 13); shorter runs of digits are dates such as 20301231.
fn epoch(text: &str) -> Option<Timestamp> {
    let number: i64 = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())??;
    match text.len() {
        9 | 10 => Timestamp::from_second(number).ok(),
        12 | 13 => Timestamp::from_millisecond(number).ok(),
        _ => None,
    }
}

/// `Wed Jan 10 2024 10:00:00 GMT+0000 (…)`, the zone's name cut off.
fn javascript(text: &str) -> Option<Timestamp> {
    let text = text.split(" (").next()?;
    Timestamp::strptime("%a %b %d %Y %H:%M:%S GMT%z", text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_instant_becomes_the_same_text() {
        for text in [
            "2024-01-10T10:00:00Z",
            "2024-01-10T11:00:00+01:00",
            "2024-01-10T10:00:00+0000",
            "2024-01-10 10:00:00+00",
            "2024-01-10 10:00:00",
            " 2024-01-10T10:00:00.000Z ",
            "1704880800",
            "1704880800000",
            "Wed Jan 10 2024 10:00:00 GMT+0000 (Coordinated Universal Time)",
        ] {
            assert_eq!(normalise(text).as_deref(), Some("2024-01-10T10:00:00Z"), "{text}");
        }
    }

    #[test]
    fn a_date_alone_is_its_first_instant() {
        assert_eq!(normalise("2030-12-31").as_deref(), Some("2030-12-31T00:00:00Z"));
    }

    #[test]
    fn what_is_not_a_time_is_not_guessed_at() {
        for text in ["12/31/2030", "soon", "", "0000-00-00 00:00:00", "42", "99999999999999999999", "2024-13-01"] {
            assert_eq!(normalise(text), None, "{text}");
        }
    }
}
