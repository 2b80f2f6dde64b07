//! What is believed, and that nothing else is.

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use proptest::prelude::*;
use waypost_core::webhooks::{WebhookSecret, sign, signed_content};

use super::*;

const NOW: i64 = 1_790_000_000;
const ID: &str = "evt_01JD3X8M2V7Q5T9B4C6E8G0HJK";
const BODY: &[u8] = br#"{"id":"evt_01JD3X8M2V7Q5T9B4C6E8G0HJK","event":"link.created","version":1,"created_at":"2026-11-21T12:00:00Z","workspace_id":"wsp_1","subject":null,"cursor":"c","traceparent":null,"data":{"link":{}}}"#;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn secret(byte: u8) -> WebhookSecret {
    WebhookSecret::from_bytes(vec![byte; 32]).unwrap()
}

fn verifier(bytes: &[u8]) -> WebhookVerifier {
    WebhookVerifier::new(bytes.iter().map(|byte| secret(*byte).expose())).unwrap()
}

fn headers(id: &str, moment: &str, signatures: &str) -> HeaderMap {
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    let pairs = [("webhook-id", id), ("webhook-timestamp", moment), ("webhook-signature", signatures)];
    pairs.into_iter().map(|(name, text)| (name.parse().unwrap(), value(text))).collect()
}

fn signed(byte: u8) -> HeaderMap {
    let signature = sign(&secret(byte), &signed_content(ID, at(NOW), BODY));
    headers(ID, &NOW.to_string(), &signature)
}

fn key_pair(seed: u8) -> (Ed25519KeyPair, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let public = format!("whpk_{}", STANDARD.encode(pair.public_key().as_ref()));
    (pair, public)
}

fn signed_by_key(pair: &Ed25519KeyPair) -> String {
    format!("v1a,{}", STANDARD.encode(pair.sign(&signed_content(ID, at(NOW), BODY))))
}

#[test]
fn a_delivery_is_believed_and_read() {
    let headers = signed(1);
    let verifier = verifier(&[1]);
    let received = verifier.verify_at(&headers, BODY, at(NOW)).unwrap();
    assert_eq!((received.id(), received.signed_at(), received.body()), (ID, at(NOW), BODY));
    assert_eq!(received.event().unwrap().event, "link.created");
    let error = received.cloud_event().unwrap_err();
    assert!(error.to_string().contains("`cloudevents`"), "{error}");
}

#[test]
fn one_of_several_secrets_and_signatures_is_enough() {
    let other = sign(&secret(7), b"something else");
    let mut headers = signed(2);
    let good = headers["webhook-signature"].to_str().unwrap().to_owned();
    for (known, text) in [
        (&[1, 2][..], good.clone()),
        (&[2, 1], good.clone()),
        (&[2], format!("{other} {good}")),
        (&[2], format!("v9,AAAA v1a,AAAA v1,%% {good} {other}")),
        (&[2], format!(" {good} ").trim().to_owned()),
    ] {
        headers.insert("webhook-signature", text.parse().unwrap());
        assert!(verifier(known).verify_at(&headers, BODY, at(NOW)).is_ok(), "{text}");
    }
    assert_eq!(verifier(&[1, 3]).verify_at(&headers, BODY, at(NOW)), Err(Refusal::NoMatch));
}

#[test]
fn no_more_signatures_are_looked_at_than_the_bound() {
    let mut headers = signed(1);
    let good = headers["webhook-signature"].to_str().unwrap().to_owned();
    let behind = |count: usize| format!("{}{good}", "v1,AAAA ".repeat(count));
    headers.insert("webhook-signature", behind(MOST_SIGNATURES - 1).parse().unwrap());
    assert!(verifier(&[1]).verify_at(&headers, BODY, at(NOW)).is_ok());
    headers.insert("webhook-signature", behind(MOST_SIGNATURES).parse().unwrap());
    assert_eq!(verifier(&[1]).verify_at(&headers, BODY, at(NOW)), Err(Refusal::NoMatch));
}

#[test]
fn a_public_key_believes_its_own_signature_alone() {
    let (pair, public) = key_pair(1);
    let headers = headers(ID, &NOW.to_string(), &format!("{} {}", sign(&secret(1), b"x"), signed_by_key(&pair)));
    let by = |keys: &[&str]| WebhookVerifier::new(keys).unwrap().verify_at(&headers, BODY, at(NOW)).map(|_| ());
    assert_eq!(by(&[&public]), Ok(()));
    assert_eq!(by(&[&key_pair(2).1, &public]), Ok(()));
    assert_eq!(by(&[&key_pair(2).1]), Err(Refusal::NoMatch));
    assert_eq!(by(&[&secret(1).expose()]), Err(Refusal::NoMatch));
}

#[test]
fn a_signature_counts_in_its_own_version_only() {
    let (pair, public) = key_pair(1);
    let verifier = WebhookVerifier::new([secret(1).expose(), public]).unwrap();
    let good = sign(&secret(1), &signed_content(ID, at(NOW), BODY));
    for text in [good.replace("v1,", "v1a,"), signed_by_key(&pair).replace("v1a,", "v1,")] {
        let headers = headers(ID, &NOW.to_string(), &text);
        assert_eq!(verifier.verify_at(&headers, BODY, at(NOW)), Err(Refusal::NoMatch), "{text}");
    }
}

/// RFC 8032 §7.1, test 3: the public key and the signature of two bytes.
#[test]
fn the_signature_is_that_of_the_standard() {
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let public = hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    let signature = STANDARD.encode(hex(concat!(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac",
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )));
    let keys = keys::Keys::read([format!("whpk_{}", STANDARD.encode(public))]).unwrap();
    assert!(keys.signed(&[0xaf, 0x82], &[("v1a", &signature)]));
    assert!(!keys.signed(&[0xaf, 0x83], &[("v1a", &signature)]));
    assert!(!keys.signed(&[0xaf, 0x82], &[("v1", &signature)]), "a signature counts in its own version only");
}

#[test]
fn clocks_may_differ_by_the_tolerance_either_way() {
    let headers = signed(1);
    let verify = |verifier: WebhookVerifier, now| verifier.verify_at(&headers, BODY, at(now)).map(|_| ());
    for off in [-300, 0, 300] {
        assert_eq!(verify(verifier(&[1]), NOW + off), Ok(()), "{off}");
    }
    let (by, tolerance) = (Duration::from_secs(301), TOLERANCE);
    assert_eq!(verify(verifier(&[1]), NOW + 301), Err(Refusal::TooOld { by, tolerance }));
    assert_eq!(verify(verifier(&[1]), NOW - 301), Err(Refusal::TooNew { by, tolerance }));
    let tight = verifier(&[1]).with_tolerance(Duration::from_secs(10));
    let error = verify(tight, NOW + 11).unwrap_err();
    assert!(error.to_string().contains("signed 11s ago, and 10s are tolerated"), "{error}");
    // Whose clock is the system's stands years away from this delivery.
    assert!(matches!(verifier(&[1]).verify(&self::headers(ID, "1", "v1,AAAA"), BODY), Err(Refusal::TooOld { .. })));
}

#[test]
fn each_header_is_there_once() {
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut headers = signed(1);
        let value = headers.remove(name).unwrap();
        let fault = verifier(&[1]).verify_at(&headers, BODY, at(NOW)).unwrap_err();
        assert_eq!(fault, Refusal::Missing(name));
        assert!(fault.to_string().contains(name), "{fault}");
        headers.append(name, value.clone());
        headers.append(name, value);
        assert_eq!(verifier(&[1]).verify_at(&headers, BODY, at(NOW)), Err(Refusal::Repeated(name)));
    }
}

#[test]
fn ids_and_moments_have_one_form() {
    let refused = |id: &str, moment: &str| {
        let headers = headers(id, moment, "v1,AAAA");
        verifier(&[1]).verify_at(&headers, BODY, at(NOW)).unwrap_err()
    };
    for id in ["", "evt.1", "evt 1", &"e".repeat(257)] {
        assert_eq!(refused(id, "1790000000"), Refusal::Id, "{id:?}");
    }
    for moment in ["", "soon", "+1790000000", "01790000000", "1790000000.0", "-0", "9223372036854775807"] {
        assert_eq!(refused(ID, moment), Refusal::Timestamp, "{moment:?}");
    }
    let mut headers = signed(1);
    headers.insert("webhook-id", HeaderValue::from_bytes(b"evt_\xff").unwrap());
    assert_eq!(verifier(&[1]).verify_at(&headers, BODY, at(NOW)), Err(Refusal::Id));
}

/// With a dot in the id, two deliveries would have one content.
#[test]
fn no_part_of_the_body_moves_into_the_id() {
    let content = signed_content("evt_1", at(NOW), b"1790000000.{}");
    let signature = sign(&secret(1), &content);
    assert_eq!(content, signed_content("evt_1.1790000000", at(NOW), b"{}"));
    let headers = headers("evt_1.1790000000", &NOW.to_string(), &signature);
    assert_eq!(verifier(&[1]).verify_at(&headers, b"{}", at(NOW)), Err(Refusal::Id));
}

#[test]
fn a_signature_that_no_key_can_check_is_told_apart() {
    let (pair, public) = key_pair(1);
    let by_key = headers(ID, &NOW.to_string(), &signed_by_key(&pair));
    assert_eq!(verifier(&[1]).verify_at(&by_key, BODY, at(NOW)), Err(Refusal::UnknownVersion));
    let keyed = WebhookVerifier::new([public]).unwrap();
    assert_eq!(keyed.verify_at(&signed(1), BODY, at(NOW)), Err(Refusal::UnknownVersion));
    for text in ["", "AAAA", "v2,AAAA", "V1,AAAA", "v1"] {
        let headers = headers(ID, &NOW.to_string(), text);
        assert_eq!(verifier(&[1]).verify_at(&headers, BODY, at(NOW)), Err(Refusal::UnknownVersion), "{text:?}");
    }
}

#[test]
fn a_key_that_is_none_is_named_and_not_shown() {
    let fault = |texts: &[&str]| WebhookVerifier::new(texts).unwrap_err();
    let good = secret(1).expose();
    let of = |number, fault| InvalidKey::Fault { number, fault };
    assert_eq!(fault(&["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]), of(1, KeyFault::Prefix));
    assert_eq!(fault(&[&good, "whsk_AAAA"]), of(2, KeyFault::Private));
    assert_eq!(fault(&["whsec_%%"]), of(1, KeyFault::Encoding));
    assert_eq!(fault(&["whpk_%%"]), of(1, KeyFault::Encoding));
    assert_eq!(fault(&["whsec_AAAA"]), of(1, KeyFault::Length));
    assert_eq!(fault(&["whpk_AAAA"]), of(1, KeyFault::Length));
    assert_eq!(fault(&[]), InvalidKey::None);
    assert_eq!(fault(&[&*good; MOST_KEYS + 1]), InvalidKey::TooMany);
    assert!(WebhookVerifier::new(vec![good.clone(); MOST_KEYS]).is_ok());
    let told = fault(&["sk_live_1234"]).to_string();
    assert_eq!(
        told,
        "key 1 must begin with `whsec_` (the endpoint's secret) or `whpk_` (a public key of the platform)"
    );
    assert!(!format!("{:?}", verifier(&[1])).contains(&good));
}

/// One byte of `text`, changed.
fn changed(mut text: Vec<u8>, place: prop::sample::Index, by: u8) -> Vec<u8> {
    let place = place.index(text.len());
    text[place] ^= by;
    text
}

proptest! {
    #[test]
    fn no_changed_byte_is_believed(
        body in prop::collection::vec(any::<u8>(), 1..200),
        id in "[A-Za-z0-9_]{1,40}",
        is_by_key: bool,
        part in 0..4_usize,
        place: prop::sample::Index,
        by in 1..=255_u8,
    ) {
        let (pair, public) = key_pair(3);
        let key = if is_by_key { public } else { secret(3).expose() };
        let verifier = WebhookVerifier::new([key]).unwrap();
        let content = signed_content(&id, at(NOW), &body);
        let signature = match is_by_key {
            true => format!("v1a,{}", STANDARD.encode(pair.sign(&content))),
            false => sign(&secret(3), &content),
        };
        let mut parts = [id.into_bytes(), NOW.to_string().into_bytes(), signature.into_bytes(), body];
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let read = |parts: &[Vec<u8>; 4]| -> Option<HeaderMap> {
            let values = names.iter().zip(parts);
            values.map(|(name, value)| Some((name.parse().ok()?, HeaderValue::from_bytes(value).ok()?))).collect()
        };
        let headers = read(&parts).unwrap();
        prop_assert!(verifier.verify_at(&headers, &parts[3], at(NOW)).is_ok());
        parts[part] = changed(parts[part].clone(), place, by);
        // What HTTP cannot carry cannot come.
        if let Some(headers) = read(&parts) {
            prop_assert!(verifier.verify_at(&headers, &parts[3], at(NOW)).is_err());
        }
    }

    #[test]
    fn nothing_that_comes_is_a_panic(
        id in prop::collection::vec(any::<u8>(), 0..20),
        moment in "[-+0-9 ]{0,22}",
        signatures in "[v1a, =A-Z]{0,80}",
        body in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let verifier = WebhookVerifier::new([secret(1).expose(), key_pair(1).1]).unwrap();
        let values = [&id[..], moment.as_bytes(), signatures.as_bytes()].map(|bytes| HeaderValue::from_bytes(bytes).ok());
        let [Some(id), Some(moment), Some(signatures)] = values else { return Ok(()) };
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id);
        headers.insert("webhook-timestamp", moment);
        headers.insert("webhook-signature", signatures);
        prop_assert!(verifier.verify_at(&headers, &body, at(NOW)).is_err());
    }
}
