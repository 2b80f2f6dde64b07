//! Webhook endpoints, on the store of a server.

use crate::process::Place;

#[test]
fn endpoints_are_listed_without_secrets_and_sealed_anew() {
    let place = Place::new();
    let server = place.serve();
    let key = server.key().expect("the first key");
    let body = r#"{"url": "https://partner.example/hooks?token=abc", "events": ["link.*"], "description": "orders"}"#;
    let (status, made) = server.request("POST", "/v1/webhooks", &key, body);
    assert_eq!(status, 201, "{made}");
    let (_, made) = made.split_once("\r\n\r\n").expect("a body");
    let made: serde_json::Value = serde_json::from_str(made).expect("JSON");
    assert_eq!(server.terminate(), 0);
    let listed = place.run(&["webhooks", "list"]).with_status(0).out;
    let (id, secret) = (made["id"].as_str().expect("an id"), made["secret"].as_str().expect("a secret"));
    assert!(listed.contains(id) && listed.contains("https://partner.example/hooks  link.*"), "{listed}");
    assert!(!listed.contains(secret) && !listed.contains("token"), "{listed}");
    let resealed = place.run(&["webhooks", "reseal"]).with_status(0).out;
    assert_eq!(resealed, "sealed anew: 0\n", "the key is the same");
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for sealed in ["sealed anew: 1\n", "sealed anew: 0\n"] {
        let resealed = place.run(&["webhooks", "reseal", "--seal-key", key]).with_status(0).out;
        assert_eq!(resealed, sealed, "a key of the operator's");
    }
    let other = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let left = place.run(&["webhooks", "reseal", "--seal-key", other]).with_status(1).out;
    assert!(left.starts_with("sealed anew: 0\nleft under a key that is not there: 1;"), "{left}");
    let resealed = place.run(&["webhooks", "reseal", "--seal-key", other, "--seal-key-before", key]).with_status(0).out;
    assert_eq!(resealed, "sealed anew: 1\n", "with the key that sealed it");
    for action in ["list", "reseal"] {
        for _ in 0..2 {
            let told = place.run(&["webhooks", action, "--workspace", "elsewhere"]).with_status(2).err;
            assert!(told.contains("there is no workspace `elsewhere`"), "{told}");
        }
    }
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let place = Place::new();
    for action in ["list", "reseal"] {
        let told = place.run(&["webhooks", action]).with_status(2).err;
        assert!(told.contains("there is no store at"), "{told}");
    }
}
