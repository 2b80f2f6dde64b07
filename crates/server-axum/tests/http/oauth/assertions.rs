//! Clients that prove who they are with a key of their own (RFC 7523 §3).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use waypost_core::clock::Clock;

use super::forge::{ed_key, sign};
use super::parties::{INTROSPECT, Party, TOKEN, refusal, register};
use crate::harness::{PUBLIC_URL, Reply, Server};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// A P-256 key for tests alone, in PKCS #8.
const EC_KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7xf6wnTedFOqh3oJaHmIR95AgNxR6U-lIBo4WfqGPCah\
                      RANCAAQeWs0TfROvRE6-T75gkHlZaAD7D2VJT221uG7BhUwuJRR17p14N6MjBKOd-AwXB3XVDocW97BAmeIToQPR9fPu";

/// A client with an Ed25519 key.
struct Signer {
    party: Party,
    key: EncodingKey,
    now: i64,
}

impl Signer {
    async fn register(server: &Server, seed: u8) -> Self {
        let key = ed_key(&[seed; 32]);
        let public =
            (DEFAULT_PROVIDER.key_utils.ed_pub_components_from_private_key)(key.as_bytes(), &EllipticCurve::Ed25519);
        let x = URL_SAFE_NO_PAD.encode(public.unwrap());
        let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one"}]});
        let party = register(server, json!({"name": "signer", "scopes": ["links:read"], "jwks": jwks})).await;
        assert!(party.secret.is_empty(), "it has no secret");
        Self { party, key, now: server.clock.now().as_second() }
    }

    /// An assertion, with other claims than those that are right.
    fn assertion(&self, other: Value) -> String {
        let mut claims = json!({
            "iss": self.party.id, "sub": self.party.id, "aud": format!("{PUBLIC_URL}{TOKEN}"),
            "jti": "1", "iat": self.now, "exp": self.now + 60,
        });
        for (name, value) in other.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        sign(&json!({"alg": "EdDSA", "kid": "one"}).to_string(), &claims.to_string(), &self.key, Algorithm::EdDSA)
    }
}

async fn show(server: &Server, assertion: &str) -> Reply {
    let grant = ("grant_type", "client_credentials");
    let form = [grant, ("client_assertion_type", TYPE), ("client_assertion", assertion)];
    server.form(TOKEN, &form).send().await
}

#[tokio::test]
async fn an_assertion_is_good_once_on_whichever_endpoint() {
    let server = Server::start().await;
    let signer = Signer::register(&server, 1).await;
    let assertion = signer.assertion(json!({}));
    let first = show(&server, &assertion).await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(refusal(&show(&server, &assertion).await), (401, "invalid_client".into()), "a replay");
    let token = first.json()["access_token"].as_str().unwrap().to_owned();
    let form = [("token", token.as_str()), ("client_assertion_type", TYPE), ("client_assertion", &assertion)];
    assert_eq!(server.form(INTROSPECT, &form).send().await.status, 401, "elsewhere too");
    server.clock.advance(Duration::from_secs(119));
    assert_eq!(show(&server, &assertion).await.status, 401, "to its very end");
    let next = Signer { now: server.clock.now().as_second(), ..signer };
    for (jti, aud) in [("2", json!(PUBLIC_URL)), ("3", json!([format!("{PUBLIC_URL}{TOKEN}")]))] {
        let good = show(&server, &next.assertion(json!({"jti": jti, "aud": aud}))).await;
        assert_eq!(good.status, 200, "{}", good.text());
    }
    let hour = next.assertion(json!({"jti": "4", "exp": next.now + 3_660}));
    assert_eq!(show(&server, &hour).await.status, 200, "as libraries make them");
    server.clock.advance(Duration::from_secs(3_719));
    assert_eq!(show(&server, &hour).await.status, 401, "and remembered to the end");
    let other = Signer::register(&server, 2).await;
    assert_eq!(show(&server, &other.assertion(json!({}))).await.status, 200, "each client has its own names");
}

#[tokio::test]
async fn of_many_who_show_one_assertion_at_once_one_gets_a_token() {
    let server = Server::start().await;
    let signer = Signer::register(&server, 1).await;
    let assertion = signer.assertion(json!({}));
    let shown = (0..16).map(|_| show(&server, &assertion));
    let replies = futures_util::future::join_all(shown).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
}

#[tokio::test]
async fn an_assertion_is_of_the_client_about_itself_for_us_and_for_an_hour_at_most() {
    let server = Server::start().await;
    let signer = Signer::register(&server, 1).await;
    let other = Signer::register(&server, 2).await;
    let (id, now) = (&signer.party.id, signer.now);
    let claims = json!({
        "iss": id, "sub": id, "aud": PUBLIC_URL, "jti": "x", "exp": now + 60,
    })
    .to_string();
    let head = |header: Value| sign(&header.to_string(), &claims, &signer.key, Algorithm::EdDSA);
    let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    let hmac =
        sign(&json!({"alg": "HS256"}).to_string(), &claims, &EncodingKey::from_secret(&public), Algorithm::HS256);
    let cases = [
        ("another's key", other.assertion(json!({"iss": id, "sub": id}))),
        ("about another", signer.assertion(json!({"sub": other.party.id}))),
        ("another's name", signer.assertion(json!({"iss": other.party.id, "sub": other.party.id}))),
        ("no subject", signer.assertion(json!({"sub": null}))),
        ("for another", signer.assertion(json!({"aud": "https://evil.example/token"}))),
        ("for another as well", signer.assertion(json!({"aud": [PUBLIC_URL, "https://evil.example"]}))),
        ("for the host alone", signer.assertion(json!({"aud": "go.example"}))),
        ("without an end", signer.assertion(json!({"exp": null}))),
        ("for longer than an hour", signer.assertion(json!({"exp": now + 3_661}))),
        ("over", signer.assertion(json!({"exp": now - 60}))),
        ("not yet", signer.assertion(json!({"nbf": now + 120}))),
        ("made ahead", signer.assertion(json!({"iat": now + 120}))),
        ("without a name", signer.assertion(json!({"jti": null}))),
        ("with an empty name", signer.assertion(json!({"jti": ""}))),
        ("none", format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(&claims))),
        ("HS256", hmac),
        ("ES256 under an Ed25519 key", head(json!({"alg": "ES256"}))),
        ("an access token's type", head(json!({"alg": "EdDSA", "typ": "at+jwt"}))),
        ("an unknown kid", head(json!({"alg": "EdDSA", "kid": "two"}))),
        ("a key of its own", head(json!({"alg": "EdDSA", "jku": "https://evil.example"}))),
        ("not a token", "x".to_owned()),
    ];
    for (name, assertion) in cases {
        assert_eq!(refusal(&show(&server, &assertion).await), (401, "invalid_client".into()), "{name}");
    }
    assert_eq!(show(&server, &head(json!({"alg": "EdDSA", "typ": "JWT"}))).await.status, 200, "and the good one is");
    let wrong = [("grant_type", "client_credentials"), ("client_assertion_type", "saml"), ("client_assertion", "x")];
    assert_eq!(refusal(&server.form(TOKEN, &wrong).send().await), (400, "invalid_request".into()));
}

#[tokio::test]
async fn p_256_signs_as_well_and_an_all_zero_signature_does_not() {
    let server = Server::start().await;
    let key = EncodingKey::from_ec_der(&URL_SAFE_NO_PAD.decode(EC_KEY).unwrap());
    let public = (DEFAULT_PROVIDER.key_utils.ec_pub_components_from_private_key)(key.as_bytes(), Algorithm::ES256);
    let (_, x, y) = public.unwrap();
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwks = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": number(&x), "y": number(&y), "alg": "ES256"}]});
    let party = register(&server, json!({"name": "signer", "scopes": ["links:read"], "jwks": jwks})).await;
    let now = server.clock.now().as_second();
    let claims = json!({"iss": party.id, "sub": party.id, "aud": PUBLIC_URL, "jti": "1", "exp": now + 60});
    let good = sign(r#"{"alg":"ES256"}"#, &claims.to_string(), &key, Algorithm::ES256);
    let zero = format!("{}.{}", good.rsplit_once('.').unwrap().0, number(&[0; 64]));
    assert_eq!(show(&server, &zero).await.status, 401);
    let reply = show(&server, &good).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// What was claimed and not answered is given back when a server starts; an assertion is not among it.
#[cfg(feature = "bin")]
#[tokio::test]
async fn an_assertion_that_was_shown_before_a_restart_is_refused_after_it() {
    use std::sync::Arc;

    use waypost_adapters::sqlite::{Sqlite, SqliteIdempotencyStore};
    use waypost_core::Ports;
    use waypost_core::clients::{ClientProof, Clients, RefusalCode};

    let server = Server::start().await;
    let signer = Signer::register(&server, 1).await;
    let proof = ClientProof::Assertion { id: None, assertion: signer.assertion(json!({"exp": signer.now + 3_600})) };
    let place = tempfile::tempdir().unwrap();
    for start in 0..3 {
        let db = Sqlite::open(&place.path().join("waypost.db")).await.unwrap();
        let store = SqliteIdempotencyStore::new(&db);
        store.release_abandoned().await.unwrap();
        let ports = Ports { idempotency: Arc::new(store), ..server.platform.ports().clone() };
        let shown = Clients::new(PUBLIC_URL, &ports).authenticate(&proof).await;
        match shown {
            Ok(client) => assert_eq!((start, client.id.to_string()), (0, signer.party.id.clone())),
            Err(refusal) => assert!(start > 0 && refusal.code() == Some(RefusalCode::InvalidClient), "{refusal:?}"),
        }
        db.close().await.unwrap();
        // Still within the time that it is good for.
        server.clock.advance(Duration::from_secs(30 * 60));
    }
}
