//! Sessions and WebSockets: a page of another site may open a socket anywhere, and the cookies go along (RFC 6455 §10.2).

use http::Method;
use http_body_util::BodyExt;

use super::House;
use crate::harness::Browser;

#[tokio::test]
async fn a_cookie_opens_a_socket_for_our_own_pages_alone() {
    let (house, browser) = (House::open().await, Browser::default());
    browser.sign_in(&house.server, &house.provider).await;
    let asking = |fields: &[(&str, &str)]| {
        let handshake = browser
            .asking(&house.server, Method::GET, "/v1/events/socket")
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        fields.iter().fold(handshake, |asking, (name, value)| asking.header(name, value)).open()
    };
    assert_eq!(asking(&[("origin", "https://go.example")]).await.status(), 101);
    assert_eq!(asking(&[("sec-fetch-site", "same-origin"), ("origin", "https://go.example")]).await.status(), 101);
    for fields in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://other.go.example")],
    ] {
        let refused = asking(fields).await;
        assert_eq!(refused.status(), 403, "{fields:?}");
        let told = refused.into_body().collect().await.unwrap().to_bytes();
        let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
        let message = told["error"]["message"].as_str().unwrap();
        assert!(message.contains("socket") && !message.contains("change"), "{message}");
        assert_eq!(told["error"]["details"][0]["field"], "header.Origin");
    }
}
