//! Answers: which are kept, and how they are given again.

use http::HeaderName;
use waypost_core::wire::v1::ErrorCode;

use super::*;
use crate::error::ApiError;

#[tokio::test]
async fn a_replay_is_the_answer_byte_for_byte() {
    const ANSWER: &[(&str, &str)] = &[
        ("content-type", "application/x-made; v=1"),
        ("content-encoding", "x-own"),
        ("etag", "\"7-1\""),
        ("location", "/orders/7"),
        ("x-order", "7"),
        ("link", "</a>; rel=\"a\""),
        ("link", "</b>; rel=\"b\""),
    ];
    let layer = layer().also_keep(HeaderName::from_static("x-order"));
    let (router, runs) = served(layer, |run| async move {
        let body = Body::from_stream(stream::iter([Ok::<_, axum::Error>("{\0"), Ok("\r\n \u{e4}}")]));
        let mut response = (StatusCode::ACCEPTED, body).into_response();
        for (name, value) in ANSWER {
            response.headers_mut().append(*name, value.parse().expect("a value"));
        }
        response.headers_mut().append("x-moment", run.into());
        response
    });
    let (status, first, body) = answer(&router, keyed("once", "order")).await;
    assert_eq!((status.as_u16(), &first["x-moment"]), (202, &0.into()));
    // The draft's string is the same key as the bare one.
    let (again, headers, replayed) = answer(&router, keyed("\"once\"", "order")).await;
    assert_eq!((again, &replayed), (status, &body));
    assert_eq!(body, "{\0\r\n \u{e4}}");
    for (name, _) in ANSWER {
        let all = |headers: &HeaderMap| headers.get_all(*name).iter().cloned().collect::<Vec<_>>();
        assert_eq!(all(&headers), all(&first), "{name}");
    }
    assert_eq!((headers.get("x-moment"), &headers["idempotent-replayed"]), (None, &"true".parse().expect("a value")));
    assert!(!first.contains_key("idempotent-replayed"));
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_beyond_the_bound_is_given_whole_and_not_kept() {
    let whole = |run| ["0123", "4567", "89", if run % 2 == 0 { "!" } else { "?" }];
    let (router, runs) =
        served(layer().answer_bound(9), move |run| async move { streamed(whole(run)).into_response() });
    for (run, expected) in ["0123456789!", "0123456789?"].into_iter().enumerate() {
        let (status, headers, body) = answer(&router, keyed("k", "")).await;
        assert_eq!((status.as_u16(), &body[..]), (200, expected.as_bytes()));
        assert!(!headers.contains_key("idempotent-replayed"));
        assert_eq!(runs.load(Ordering::SeqCst), run + 1);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_fault_and_not_kept() {
    let (router, _) = served(layer(), |run| async move {
        let rest = if run == 0 { Err(std::io::Error::other("disk")) } else { Ok("whole") };
        Body::from_stream(stream::iter([Ok("the "), rest])).into_response()
    });
    assert_eq!(status(&router, keyed("k", "")).await, 500);
    let (status, _, body) = answer(&router, keyed("k", "")).await;
    assert_eq!((status.as_u16(), &body[..]), (200, &b"the whole"[..]));
}

#[tokio::test]
async fn what_the_request_decided_is_kept_and_what_it_lacked_is_not() {
    let free = [400, 401, 403, 408, 415, 422, 425, 429];
    for code in 200..600 {
        let answered = StatusCode::from_u16(code).expect("a status");
        let (router, runs) = served(layer(), move |_| async move { answered.into_response() });
        for _ in 0..2 {
            assert_eq!(status(&router, keyed("k", "")).await, code);
        }
        let expected = if code < 500 && !free.contains(&code) { 1 } else { 2 };
        assert_eq!(runs.load(Ordering::SeqCst), expected, "{code}");
    }
}

#[tokio::test]
async fn what_is_not_the_last_word_is_not_kept() {
    let busy = || (StatusCode::CONFLICT, [("retry-after", "1")]).into_response();
    let unrendered = || ApiError::of(ErrorCode::NotFound).into_response();
    for answered in [busy, unrendered] {
        let (router, runs) = served(layer(), move |_| async move { answered() });
        for _ in 0..2 {
            assert!(status(&router, keyed("k", "")).await >= 400);
        }
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }
    // Come back later to *look*: the work is begun, and not begun again.
    let accepted = async |_| (StatusCode::ACCEPTED, [("retry-after", "1")]).into_response();
    let (router, runs) = served(layer(), accepted);
    for _ in 0..2 {
        assert_eq!(status(&router, keyed("k", "")).await, 202);
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
