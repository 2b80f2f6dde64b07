//! The walk through the platform, part two: a link is made, and the partner's endpoint is told, signed.

use std::io;

use serde_json::{Value, json};
use waypost::webhooks::{WebhookSecret, sign, signed_content};

use super::{PATIENCE, register, settings, text};
use crate::support::receiver::{Call, Receiver};
use crate::support::wait::until;

#[test]
fn a_link_is_made_and_the_partner_is_told_signed() {
    walk().expect("the walk");
}

fn walk() -> io::Result<()> {
    let receiver = Receiver::start(|_, _| 204)?;
    let server = settings().start()?;
    let api = server.api();
    let hook = json!({"url": receiver.url(), "events": ["link.created"], "description": "the partner"});
    let endpoint = register(&api, &hook)?;
    let (id, secret) = (text(&endpoint, "id")?, text(&endpoint, "secret")?);
    let link = api.create_link("https://example.com/spring", None, None)?.expect(201)?.json();
    let call = until(PATIENCE, "the partner to be told", || Ok(receiver.calls().into_iter().next()))?;

    let told: Value = serde_json::from_slice(&call.body).map_err(io::Error::other)?;
    assert_eq!((&told["event"], &told["version"]), (&json!("link.created"), &json!(1)));
    assert_eq!(told["data"]["link"]["id"], link["id"]);
    assert_eq!((call.id(), call.header("content-type")), (told["id"].as_str().unwrap_or("?"), "application/json"));
    assert_eq!(is_signed(&call, &secret)?, (true, false), "as it came, and with another body");
    for name in ["user-agent", "traceparent", "webhook-timestamp"] {
        assert!(!call.header(name).is_empty(), "{name}");
    }

    // What the owner of the endpoint can look up.
    let path = format!("/v1/webhooks/{id}/deliveries");
    let delivered = until(PATIENCE, "the delivery to be on record", || {
        let page = api.get(&format!("{path}?status=delivered"))?.expect(200)?.json();
        Ok(page["data"].as_array().and_then(|rows| rows.first()).cloned())
    })?;
    let delivery = api.get(&format!("{path}/{}", text(&delivered, "id")?))?.expect(200)?.json();
    let attempts = delivery["attempts"].as_array().cloned().unwrap_or_default();
    assert_eq!((attempts.len(), &attempts[0]["status"]), (1, &json!(204)), "{delivery}");

    // A turned secret signs beside the old one, and the old one no more when its time is over.
    let rotate = format!("/v1/webhooks/{id}/secret/rotate");
    let turned = text(&api.post(&rotate, &json!({"overlap": 3_600}), None)?.expect(200)?.json(), "secret")?;
    api.create_link("https://example.com/summer", None, None)?.expect(201)?;
    let call = until(PATIENCE, "the second call", || Ok(receiver.calls().into_iter().nth(1)))?;
    assert_eq!((is_signed(&call, &secret)?.0, is_signed(&call, &turned)?.0), (true, true));
    let last = text(&api.post(&rotate, &json!({"overlap": 0}), None)?.expect(200)?.json(), "secret")?;
    api.create_link("https://example.com/autumn", None, None)?.expect(201)?;
    let call = until(PATIENCE, "the third call", || Ok(receiver.calls().into_iter().nth(2)))?;
    let signed = [&secret, &turned, &last].map(|secret| is_signed(&call, secret).map(|signed| signed.0));
    assert_eq!(signed.into_iter().collect::<io::Result<Vec<_>>>()?, [false, false, true]);
    Ok(())
}

/// Whether the secret has signed the call, and whether it would have with one byte of the body changed. By the library's
/// own function; `scripts/interop` asks those of others.
fn is_signed(call: &Call, secret: &str) -> io::Result<(bool, bool)> {
    let secret = WebhookSecret::parse(secret).map_err(io::Error::other)?;
    let at = call.header("webhook-timestamp").parse().map_err(io::Error::other)?;
    let at = jiff::Timestamp::from_second(at).map_err(io::Error::other)?;
    let mut changed = call.body.clone();
    changed[0] ^= 1;
    let has = |body: &[u8]| {
        let expected = sign(&secret, &signed_content(call.id(), at, body));
        call.header("webhook-signature").split(' ').any(|signature| signature == expected)
    };
    Ok((has(&call.body), has(&changed)))
}
