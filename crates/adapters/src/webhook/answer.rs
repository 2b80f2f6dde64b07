//! What comes back, as far as it has come.

use std::time::Duration;

use http::StatusCode;
use waypost_core::webhooks::{AttemptResult, Failure, FailureClass, MOST_EXCERPT, WebhookReply};

/// An answer, filled while it is read; so that what came before a fault is still known.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: Option<StatusCode>,
    pub(super) retry_after: Option<Duration>,
    /// The beginning of the body: 16 KiB at most, and whatever is behind is not read.
    body: Vec<u8>,
}

impl Answer {
    /// Takes a piece of the body. Says whether there is room for more.
    pub(super) fn take(&mut self, piece: &[u8]) -> bool {
        let room = MOST_EXCERPT - self.body.len();
        self.body.extend_from_slice(&piece[..piece.len().min(room)]);
        piece.len() <= room
    }

    /// The evidence. `fault` is what kept it from its end; a status that is no success says more than that.
    pub(super) fn reply(self, fault: Option<Failure>) -> WebhookReply {
        let failure = match self.status {
            Some(status) if !status.is_success() => Some(Failure { class: FailureClass::Status, detail: told(status) }),
            _ => fault.map(bounded),
        };
        let status = self.status.map(|status| status.as_u16());
        let result = AttemptResult { status, failure, excerpt: excerpt(self.body) };
        WebhookReply { result, retry_after: self.retry_after }
    }
}

/// The longest detail of a failure, in bytes: two or three sentences. Some are written by the receiver, as the names in its
/// certificate, and those may be 64 KiB.
const LONGEST_DETAIL: usize = 512;

fn bounded(failure: Failure) -> Failure {
    let mut detail: String = failure.detail.chars().filter(|letter| !letter.is_control()).collect();
    detail.truncate(detail.floor_char_boundary(LONGEST_DETAIL));
    Failure { detail, ..failure }
}

fn told(status: StatusCode) -> String {
    let redirects = if status.is_redirection() { "; redirects are not followed" } else { "" };
    match status.canonical_reason() {
        Some(reason) => format!("the receiver answered {} {reason}{redirects}", status.as_u16()),
        None => format!("the receiver answered {}{redirects}", status.as_u16()),
    }
}

/// The text of these bytes: what is no UTF-8 is replaced, control characters but tab and line end are left out.
fn excerpt(bytes: Vec<u8>) -> String {
    let is_shown = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t');
    let text = match String::from_utf8(bytes) {
        Ok(text) if text.chars().all(is_shown) => return text,
        Ok(text) => text,
        Err(fault) => {
            let cut = fault.utf8_error();
            // A character that the bound cut in two is no fault of the receiver's.
            let is_cut = cut.error_len().is_none() && fault.as_bytes().len() == MOST_EXCERPT;
            let kept = if is_cut { cut.valid_up_to() } else { fault.as_bytes().len() };
            String::from_utf8_lossy(&fault.as_bytes()[..kept]).into_owned()
        }
    };
    let mut shown: String = text.chars().filter(|letter| is_shown(*letter)).collect();
    // Signs of replacement are three bytes long, and may stand for one.
    shown.truncate(shown.floor_char_boundary(MOST_EXCERPT));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, pieces: &[&[u8]]) -> WebhookReply {
        let mut answer = Answer { status: StatusCode::from_u16(status).ok(), ..Answer::default() };
        for piece in pieces {
            answer.take(piece);
        }
        answer.reply(None)
    }

    #[test]
    fn an_excerpt_is_text_without_control_characters_and_never_longer_than_16_kib() {
        assert_eq!(reply(200, &[b"a\tb\r\n", "\u{e4}\u{1b}[31m\0".as_bytes()]).result.excerpt, "a\tb\n\u{e4}[31m");
        assert_eq!(reply(200, &[b"a\xffb\xe2\x82"]).result.excerpt, "a\u{fffd}b\u{fffd}");
        let garbage = reply(200, &[&[0xff; MOST_EXCERPT + 5]]).result.excerpt;
        assert!(garbage.len() <= MOST_EXCERPT && garbage.chars().all(|letter| letter == '\u{fffd}'));
        let cut = "\u{20ac}".repeat(MOST_EXCERPT);
        let cut = reply(200, &[cut.as_bytes()]).result.excerpt;
        assert!(cut.len() > MOST_EXCERPT - 3 && cut.chars().all(|letter| letter == '\u{20ac}'));
        let mut answer = Answer::default();
        assert!(answer.take(&[b'a'; MOST_EXCERPT]) && !answer.take(b"b") && answer.body.len() == MOST_EXCERPT);
    }

    #[test]
    fn a_detail_is_at_most_512_bytes_without_control_characters() {
        let told = |detail: String| {
            let failure = Failure { class: FailureClass::Tls, detail };
            Answer::default().reply(Some(failure)).result.failure.unwrap().detail
        };
        assert_eq!(told("TLS failed:\r\n\u{1b}[31m \u{85}a\0".to_owned()), "TLS failed:[31m a");
        let cut = told("\u{20ac}".repeat(1_000));
        assert!((510..=512).contains(&cut.len()) && cut.chars().all(|letter| letter == '\u{20ac}'), "{cut}");
        let status = reply(503, &[]).result.failure.unwrap().detail;
        assert_eq!(status, "the receiver answered 503 Service Unavailable");
    }

    #[test]
    fn only_2xx_is_a_success_and_a_redirect_says_that_it_is_not_followed() {
        for status in [200, 201, 204, 299] {
            assert!(reply(status, &[]).result.is_success(), "{status}");
        }
        for status in [101, 199, 300, 302, 304, 404, 410, 500, 599, 999] {
            let result = reply(status, &[b"why"]).result;
            let failure = result.failure.as_ref().unwrap();
            assert_eq!((failure.class, result.status), (FailureClass::Status, Some(status)));
            assert_eq!(failure.detail.contains("redirects are not followed"), (300..400).contains(&status), "{status}");
            assert_eq!(result.excerpt, "why");
        }
    }
}
