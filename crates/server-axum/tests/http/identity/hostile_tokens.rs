//! Tokens that are not good (RFC 8725; RFC 9068 §4).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use waypost_core::credentials::Actor;
use waypost_core::issuers::{Flaw, TokenType, WorkspaceRule};

use super::House;
use crate::harness::provider::{SigningKey, signing_key};

/// The flaw that a token is refused for.
async fn flaw(house: &House, token: &str) -> Flaw {
    let error = house.server.platform.issuers.verify(token).await.expect_err("the token is not good");
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Flaw>());
    *source.unwrap_or_else(|| panic!("no flaw in {error:?}"))
}

#[tokio::test]
async fn a_good_token_acts_in_its_workspace_within_what_its_issuer_may() {
    let house = House::open().await;
    for key in ["ed", "ec", "rsa"] {
        house.server.clock.advance(Duration::from_secs(30));
        house.provider.signs_with(&[key]);
        let token = house.provider.access_token(json!({"scope": "links:read openid members:write"}));
        let read = house.server.get("/v1/links").key(&token).send().await;
        assert_eq!(read.status, 200, "{key}: {}", read.text());
        let body = json!({"destination": "https://example.com/"});
        let write = house.server.post("/v1/links", &body).key(&token).send().await;
        assert_eq!(write.fault(), (403, "INSUFFICIENT_SCOPE".into()), "the token says so");
        let members = house.server.get("/v1/members").key(&token).send().await;
        assert_eq!(members.fault(), (403, "INSUFFICIENT_SCOPE".into()), "its issuer may not say so");
    }
    let vouched = house.server.platform.issuers.verify(&house.provider.access_token(json!({}))).await.unwrap();
    assert!(matches!(vouched.principal().actor, Actor::Subject(_)));
    for claims in [
        json!({"aud": ["other", "https://go.example"]}),
        json!({"scope": null}),
        json!({"exp": 1_795_176_300.5}),
        json!({"jti": "its end was 59 s ago", "exp": 1_795_176_031}),
    ] {
        let token = house.provider.access_token(claims.clone());
        assert!(house.server.platform.issuers.verify(&token).await.is_ok(), "{claims}");
    }
}

#[tokio::test]
async fn no_claim_that_is_wrong_or_missing_is_let_pass() {
    let house = House::open().await;
    let now = house.provider.claims(json!({}))["iat"].as_i64().unwrap();
    for (claims, expected) in [
        (json!({"exp": now - 60}), Flaw::Expired),
        (json!({"exp": null}), Flaw::Claim("exp")),
        (json!({"exp": (now + 300).to_string()}), Flaw::Claim("exp")),
        (json!({"exp": true}), Flaw::Claim("exp")),
        (json!({"exp": 1e300}), Flaw::Claim("exp")),
        (json!({"exp": -1}), Flaw::Expired),
        (json!({"nbf": now + 61}), Flaw::NotYet),
        (json!({"nbf": "now"}), Flaw::Claim("nbf")),
        (json!({"iat": now + 61}), Flaw::IssuedAhead),
        (json!({"aud": "https://go.example/"}), Flaw::Audience),
        (json!({"aud": "https://GO.example"}), Flaw::Audience),
        (json!({"aud": []}), Flaw::Audience),
        (json!({"aud": null}), Flaw::Claim("aud")),
        (json!({"aud": {"a": "https://go.example"}}), Flaw::Claim("aud")),
        (json!({"aud": ["https://go.example", 1]}), Flaw::Claim("aud")),
        (json!({"iss": "https://id.example/"}), Flaw::Issuer),
        (json!({"iss": "https://evil.example"}), Flaw::Issuer),
        (json!({"iss": null}), Flaw::Claim("iss")),
        (json!({"iss": ["https://id.example"]}), Flaw::Claim("iss")),
        (json!({"sub": null}), Flaw::Claim("sub")),
        (json!({"sub": ""}), Flaw::Claim("sub")),
        (json!({"sub": 5}), Flaw::Claim("sub")),
        (json!({"scope": 5}), Flaw::Claim("scope")),
        (json!({"nonce": "n"}), Flaw::IdToken),
        (json!({"at_hash": "h"}), Flaw::IdToken),
    ] {
        let token = house.provider.access_token(claims.clone());
        assert_eq!(flaw(&house, &token).await, expected, "{claims}");
        let reply = house.server.get("/v1/links").key(&token).send().await;
        let code = if expected == Flaw::Expired { "TOKEN_EXPIRED" } else { "UNAUTHENTICATED" };
        assert_eq!(reply.fault(), (401, code.into()), "{claims}");
        assert!(reply.header("www-authenticate").contains("error=\"invalid_token\""));
        let says = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(says.starts_with("The token"), "what is wrong with it is for the log: {says}");
    }
}

#[tokio::test]
async fn no_header_chooses_how_it_is_checked() {
    let house = House::open().await;
    let (own, foreign, claims) = (signing_key("ed"), signing_key("ed-next"), house.provider.claims(json!({})));
    let header = |change: Value| {
        let mut header = own.header("at+jwt");
        for (name, value) in change.as_object().unwrap() {
            header[name] = value.clone();
        }
        header
    };
    let evil = "https://evil.example/jwks";
    for (change, expected) in [
        (json!({"alg": "none"}), Flaw::Algorithm),
        (json!({"alg": "NONE"}), Flaw::Algorithm),
        (json!({"alg": "eddsa"}), Flaw::Algorithm),
        (json!({"alg": ""}), Flaw::Algorithm),
        (json!({"alg": 5}), Flaw::Algorithm),
        (json!({"alg": "HS256"}), Flaw::Algorithm),
        (json!({"alg": "RS512"}), Flaw::Algorithm),
        (json!({"alg": "ES256"}), Flaw::Key),
        (json!({"alg": "RS256"}), Flaw::Key),
        (json!({"kid": "nobody's"}), Flaw::Key),
        (json!({"kid": "../../dev/null"}), Flaw::Key),
        (json!({"kid": 5}), Flaw::Header),
        (json!({"typ": "JWT"}), Flaw::Type),
        (json!({"typ": "at+jwt2"}), Flaw::Type),
        (json!({"typ": "id_token"}), Flaw::Type),
        (json!({"typ": "waypost-principal+jwt"}), Flaw::Type),
        (json!({"jwk": foreign.public()}), Flaw::HeaderAsks("jwk")),
        (json!({"jku": evil}), Flaw::HeaderAsks("jku")),
        (json!({"x5u": evil}), Flaw::HeaderAsks("x5u")),
        (json!({"x5c": ["MII"]}), Flaw::HeaderAsks("x5c")),
        (json!({"crit": ["exp"]}), Flaw::HeaderAsks("crit")),
        (json!({"b64": false}), Flaw::HeaderAsks("b64")),
    ] {
        let token = own.sign(&header(change.clone()), &claims);
        assert_eq!(flaw(&house, &token).await, expected, "{change}");
    }
    for typ in ["AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
        let token = own.sign(&header(json!({"typ": typ})), &claims);
        assert!(house.server.platform.issuers.verify(&token).await.is_ok(), "{typ}");
    }
    assert_eq!(house.provider.asked(evil), 0);
    // Signed with a secret that everybody knows: the public key.
    let public = URL_SAFE_NO_PAD.decode(own.public()["x"].as_str().unwrap()).unwrap();
    let secret =
        SigningKey { kid: own.kid.clone(), algorithm: Algorithm::HS256, key: EncodingKey::from_secret(&public) };
    let forged = secret.sign(&header(json!({"alg": "HS256"})), &claims);
    assert_eq!(flaw(&house, &forged).await, Flaw::Algorithm);
    let forged = secret.sign(&header(json!({})), &claims);
    assert_eq!(flaw(&house, &forged).await, Flaw::Signature);
    assert_eq!(flaw(&house, &foreign.sign(&header(json!({})), &claims)).await, Flaw::Signature);
}

#[tokio::test]
async fn no_text_is_read_in_two_ways() {
    let house = House::open().await;
    let (key, good) = (signing_key("ed"), house.provider.access_token(json!({})));
    let (header, claims) = (key.header("at+jwt").to_string(), house.provider.claims(json!({})).to_string());
    let twice = |text: &str, field: &str| format!("{{{field},{}", &text[1..]);
    let parts: Vec<_> = good.split('.').collect();
    let padded = format!("{}.{}", URL_SAFE.encode(format!("{header} ")), URL_SAFE.encode(&claims));
    let forms = [
        (key.sign_text(&twice(&header, r#""alg":"none""#), &claims), Flaw::Header),
        (key.sign_text(&twice(&header, r#""kid":"other""#), &claims), Flaw::Header),
        (key.sign_text(&header, &twice(&claims, r#""sub":"root""#)), Flaw::Claims),
        (key.sign_text(&header, &twice(&claims, r#""exp":1""#)), Flaw::Claims),
        (key.sign_text(&header, &format!("{claims}{{}}")), Flaw::Claims),
        (key.sign_text(&header, "[]"), Flaw::Claims),
        (key.sign_text(&header, "null"), Flaw::Claims),
        (key.sign_text("{}", &claims), Flaw::Algorithm),
        (format!("{good}."), Flaw::NotCompact),
        (format!("{good}.{}", parts[2]), Flaw::NotCompact),
        (format!("{}.{}", parts[0], parts[1]), Flaw::NotCompact),
        (format!("{}.{}.", parts[0], parts[1]), Flaw::NotCompact),
        (format!("{}..{}", parts[0], parts[2]), Flaw::NotCompact),
        (format!("{padded}.{}", parts[2]), Flaw::NotCompact),
        (format!("{good}="), Flaw::NotCompact),
        (good.replacen('.', "+.", 1), Flaw::NotCompact),
        (format!("{good}\n"), Flaw::NotCompact),
        (format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode([0; 64])), Flaw::Signature),
        (format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode([0; 63])), Flaw::Signature),
        (format!("{}{}", good, "A".repeat(8_193)), Flaw::TooLong),
        (key.sign_text(&header, &format!("{claims}{}", " ".repeat(7_000))), Flaw::TooLong),
        (r#"{"payload":"e30","signatures":[]}"#.to_owned(), Flaw::NotCompact),
        (String::new(), Flaw::NotCompact),
        ("..".to_owned(), Flaw::NotCompact),
    ];
    for (token, expected) in forms {
        assert_eq!(flaw(&house, &token).await, expected, "{token:.80}");
    }
    assert!(house.server.platform.issuers.verify(&good).await.is_ok());
    for at in [good.len() - 2, parts[0].len() + 5] {
        let mut forged = good.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        assert!(house.server.platform.issuers.verify(std::str::from_utf8(&forged).unwrap()).await.is_err(), "{at}");
    }
}

#[tokio::test]
async fn an_all_zero_ecdsa_signature_is_none() {
    let house = House::open().await;
    house.provider.signs_with(&["ec"]);
    let good = house.provider.access_token(json!({}));
    let (signed, _) = good.rsplit_once('.').unwrap();
    let zero = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 64]));
    assert_eq!(flaw(&house, &zero).await, Flaw::Signature);
    assert!(house.server.platform.issuers.verify(&good).await.is_ok());
}

#[tokio::test]
async fn an_old_issuer_may_send_other_types_and_still_no_id_token() {
    let house = House::with(|identity| identity.issuers[0].token_type = TokenType::Any).await;
    let (key, claims) = (signing_key("ed"), house.provider.claims(json!({})));
    assert!(house.server.platform.issuers.verify(&key.sign(&key.header("JWT"), &claims)).await.is_ok());
    let id_token = house.provider.claims(json!({"nonce": "n"}));
    assert_eq!(flaw(&house, &key.sign(&key.header("JWT"), &id_token)).await, Flaw::IdToken);
}

#[tokio::test]
async fn a_claim_names_only_workspaces_that_its_issuer_may_speak_for() {
    let house = House::with(|identity| {
        let allowed = vec!["one".to_owned(), "two".to_owned()];
        identity.issuers[0].workspace = WorkspaceRule::Claim { claim: "org".to_owned(), allowed };
    })
    .await;
    let token = |org: Value| house.provider.access_token(json!({"org": org}));
    let issuers = &house.server.platform.issuers;
    let one = issuers.verify(&token(json!("one"))).await.unwrap().workspace;
    assert_ne!(issuers.verify(&token(json!("two"))).await.unwrap().workspace, one);
    for org in [json!("default"), json!("One"), json!(["one"]), json!(null)] {
        assert_eq!(flaw(&house, &token(org.clone())).await, Flaw::Workspace, "{org}");
    }
}

#[tokio::test]
async fn subjects_of_two_issuers_never_meet() {
    let house = House::open().await;
    let vouched = |subject: &str| {
        let token = house.provider.access_token(json!({"sub": subject}));
        let issuers = &house.server.platform.issuers;
        async move { issuers.verify(&token).await.unwrap().id }
    };
    assert_eq!(vouched("bob").await, vouched("bob").await);
    assert_ne!(vouched("bob").await, vouched("Bob").await);
}
