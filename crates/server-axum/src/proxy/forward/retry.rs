//! Which requests may be sent again.

use http::{HeaderMap, Method, StatusCode};

use crate::gateway::idempotency;

/// Whether sending a request twice does no more than sending it once: its method is idempotent (RFC 9110 §9.2.2), or it
/// carries exactly one well-formed key by which the target knows it again.
///
/// Ask with the headers that the target gets: a key that stays here says nothing to it.
///
/// `POST` and `PATCH` without a key are sent once, even if no connection came about.
pub fn is_repeatable(method: &Method, headers: &HeaderMap) -> bool {
    method.is_idempotent() || matches!(idempotency::key_of(headers), Ok(Some(_)))
}

/// Whether an answer says that another target, or the same one a moment later, may do better.
pub fn is_worth_it(status: StatusCode) -> bool {
    matches!(status.as_u16(), 502..=504)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_does_more_the_second_time_needs_a_key() {
        let (none, mut keyed) = (HeaderMap::new(), HeaderMap::new());
        keyed.insert("idempotency-key", http::HeaderValue::from_static("\"k\""));
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            assert!(is_repeatable(&method, &none), "{method}");
        }
        for method in [Method::POST, Method::PATCH] {
            assert!(!is_repeatable(&method, &none) && is_repeatable(&method, &keyed), "{method}");
        }
    }

    #[test]
    fn a_key_that_is_none_or_one_of_two_is_no_key() {
        for keys in [&["\"a\"", "\"b\""][..], &[""], &["\"\""], &["a b c, d"]] {
            let mut headers = HeaderMap::new();
            for key in keys {
                headers.append("idempotency-key", http::HeaderValue::from_static(key));
            }
            assert!(!is_repeatable(&Method::POST, &headers), "{keys:?}");
        }
    }

    #[test]
    fn only_gateway_statuses_are_tried_again() {
        let worth: Vec<u16> =
            (100..600).filter(|status| is_worth_it(StatusCode::from_u16(*status).expect("a status"))).collect();
        assert_eq!(worth, [502, 503, 504]);
    }
}
