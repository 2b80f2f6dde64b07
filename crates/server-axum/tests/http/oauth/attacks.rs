//! Access tokens that are not ours, or not any more (RFC 8725, RFC 9068 §4).

use std::error::Error as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use waypost_core::Kind;
use waypost_core::clock::Clock;
use waypost_core::tokens::Fault;

use super::forge::{Forger, part};
use super::parties::partner;
use crate::harness::{PUBLIC_URL, Server};

/// Why the platform refuses a token.
async fn fault(server: &Server, token: &str) -> Fault {
    let error = server.platform.tokens.verify(token).await.expect_err("a token that is not good");
    assert!(matches!(error.kind(), Kind::Unauthenticated | Kind::Expired), "{error:?}");
    assert!(!error.message().contains("audience"), "the reason is for the log");
    *error.source().unwrap().downcast_ref::<Fault>().unwrap()
}

#[tokio::test]
async fn no_forged_token_is_taken_and_the_log_says_why() {
    let server = Server::start().await;
    let good = partner(&server, &["links:read"]).await.token(&server).await;
    let forger = Forger::of(&server, &good).await;
    let now = server.clock.now().as_second();
    let public = server.get("/.well-known/jwks.json").send().await.json()["keys"][0].clone();
    let x = URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap()).unwrap();
    let (header, claims) = forger.texts();
    let (head, body) = (part(&good, 0).to_string(), part(&good, 1).to_string());
    let unsigned = |alg: &str| {
        let header = head.replace("EdDSA", alg);
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&body))
    };
    let signed = good.rsplit_once('.').unwrap().0;
    let attacker = forger.with_key(&[7; 32], json!({}));
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let cases: Vec<(&str, String, Fault)> = vec![
        ("none", unsigned("none"), Fault::Algorithm),
        ("NONE", unsigned("NONE"), Fault::Algorithm),
        ("nOnE", unsigned("nOnE"), Fault::Algorithm),
        ("no algorithm", unsigned(""), Fault::Algorithm),
        ("algorithm in another case", forger.heading(json!({"alg": "eddsa"})), Fault::Algorithm),
        ("HS256 under the public key", forger.hmac(&x), Fault::Algorithm),
        ("HS256 under the published JWK", forger.hmac(public.to_string().as_bytes()), Fault::Algorithm),
        ("HS256 under the text of x", forger.hmac(public["x"].as_str().unwrap().as_bytes()), Fault::Algorithm),
        ("another key under our kid", attacker, Fault::Signature),
        ("foreign kid", forger.with_key(&[7; 32], json!({"kid": "theirs"})), Fault::Key),
        ("kid as a path", forger.heading(json!({"kid": "../../dev/null"})), Fault::Key),
        ("kid as SQL", forger.heading(json!({"kid": "' OR 1=1 --"})), Fault::Key),
        ("kid as a number", forger.heading(json!({"kid": 7})), Fault::Key),
        ("jwk", forger.with_key(&[7; 32], json!({"jwk": jwk})), Fault::Header("jwk")),
        ("jku", forger.heading(json!({"jku": "https://evil.example/jwks"})), Fault::Header("jku")),
        ("x5u", forger.heading(json!({"x5u": "https://evil.example/x"})), Fault::Header("x5u")),
        ("x5c", forger.heading(json!({"x5c": ["MIIB"]})), Fault::Header("x5c")),
        ("crit", forger.heading(json!({"crit": ["b64"], "b64": false})), Fault::Header("crit")),
        ("b64", forger.heading(json!({"b64": false})), Fault::Header("b64")),
        ("zip", forger.heading(json!({"zip": "DEF"})), Fault::Header("zip")),
        ("an ID token", forger.heading(json!({"typ": "JWT"})), Fault::Type),
        ("a vouching token", forger.heading(json!({"typ": "waypost-principal+jwt"})), Fault::Type),
        ("no type", forger.sign(&header.replace("typ", "typo"), &claims), Fault::Type),
        ("another issuer", forger.claiming(json!({"iss": "https://evil.example"})), Fault::Issuer),
        ("an issuer with a slash", forger.claiming(json!({"iss": format!("{PUBLIC_URL}/")})), Fault::Issuer),
        ("no issuer", forger.claiming(json!({"iss": null})), Fault::Claim("iss")),
        ("another audience", forger.claiming(json!({"aud": "https://evil.example"})), Fault::Audience),
        ("two audiences", forger.claiming(json!({"aud": [PUBLIC_URL, "https://evil.example"]})), Fault::Audience),
        ("no audience", forger.claiming(json!({"aud": null})), Fault::Claim("aud")),
        ("an empty audience", forger.claiming(json!({"aud": []})), Fault::Claim("aud")),
        ("no end", forger.claiming(json!({"exp": null})), Fault::Claim("exp")),
        ("an end as text", forger.claiming(json!({"exp": "9999999999"})), Fault::Claim("exp")),
        ("an end beyond all", forger.claiming(json!({"exp": 1e300})), Fault::Claim("exp")),
        ("ended", forger.claiming(json!({"exp": now})), Fault::Expired),
        ("not yet", forger.claiming(json!({"nbf": now + 61})), Fault::NotYet),
        ("issued ahead", forger.claiming(json!({"iat": now + 61})), Fault::NotYet),
        ("another subject", forger.claiming(json!({"sub": "cli_01JD3X8M2V7Q5T9B4C6E8G0HJK"})), Fault::Claim("sub")),
        ("a person without a grant", forger.claiming(json!({"sid": "grt_1"})), Fault::Claim("sub")),
        ("an unknown scope", forger.claiming(json!({"scope": "root"})), Fault::Claim("scope")),
        ("scopes as a list", forger.claiming(json!({"scope": ["links:read"]})), Fault::Claim("scope")),
        (
            "another workspace",
            forger.claiming(json!({"workspace_id": "wsp_01JD3X8M2V7Q5T9B4C6E8G0HJK"})),
            Fault::ClientGone,
        ),
        ("a claim twice", forger.sign(&header, &claims.replacen('{', "{\"exp\":9999999999,", 1)), Fault::Json),
        ("a header name twice", forger.sign(&header.replacen('{', "{\"alg\":\"none\",", 1), &claims), Fault::Json),
        ("claims that are no object", forger.sign(&header, "[]"), Fault::Json),
        ("text after the claims", forger.sign(&header, &format!("{claims}{{}}")), Fault::Json),
        ("a byte order mark", forger.sign(&header, &format!("\u{feff}{claims}")), Fault::Json),
        ("an all-zero signature", format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 64])), Fault::Signature),
        ("no signature", format!("{signed}."), Fault::Signature),
        ("a short signature", good[..good.len() - 6].to_owned(), Fault::Signature),
        ("text after the signature", format!("{good}AAAA"), Fault::Signature),
        ("padding", format!("{good}=="), Fault::Encoding),
        ("white space", format!("{good} "), Fault::Encoding),
        ("a line break", good.replacen('.', ".\n", 1), Fault::Encoding),
        ("the other alphabet", format!("{signed}.+/{}", "A".repeat(84)), Fault::Encoding),
        ("four parts", format!("{good}.AAAA"), Fault::Parts),
        ("five parts", format!("{good}.AAAA.AAAA"), Fault::Parts),
        ("two parts", signed.to_owned(), Fault::Parts),
        ("nothing", String::new(), Fault::Parts),
        ("too large", format!("{good}{}", "A".repeat(8_192)), Fault::TooLarge),
        ("too large inside", forger.claiming(json!({"x": "a".repeat(8_192)})), Fault::TooLarge),
        ("deep", forger.sign(&header, &format!("{{\"a\":{}{}}}", "[".repeat(65), "]".repeat(65))), Fault::Json),
    ];
    for (name, token, expected) in cases {
        assert_eq!(fault(&server, &token).await, expected, "{name}");
        if !token.contains(['\n', ' ']) && token.starts_with("eyJ") {
            let reply = server.get("/v1/links").key(&token).send().await;
            let code = if expected == Fault::Expired { "TOKEN_EXPIRED" } else { "UNAUTHENTICATED" };
            assert_eq!(reply.fault(), (401, code.into()), "{name}");
            assert!(reply.header("www-authenticate").contains("invalid_token"), "{name}");
        }
    }
    assert_eq!(server.get("/v1/links").key(&good).send().await.status, 200, "and the good one is");
    let typed = forger.heading(json!({"typ": "APPLICATION/AT+JWT"}));
    assert_eq!(server.get("/v1/links").key(&typed).send().await.status, 200, "the long form, in any case");
    let listed = forger.claiming(json!({"aud": [PUBLIC_URL]}));
    assert_eq!(server.get("/v1/links").key(&listed).send().await.status, 200, "a list of one");
}

#[tokio::test]
async fn a_token_ends_when_it_says_remembered_or_not() {
    let server = Server::start().await;
    let partner = partner(&server, &["links:read"]).await;
    let (remembered, fresh) = (partner.token(&server).await, partner.token(&server).await);
    assert_eq!(server.get("/v1/links").key(&remembered).send().await.status, 200);
    server.clock.advance(Duration::from_secs(899));
    assert_eq!(server.get("/v1/links").key(&remembered).send().await.status, 200);
    server.clock.advance(Duration::from_secs(1));
    for token in [remembered, fresh] {
        let reply = server.get("/v1/links").key(&token).send().await;
        assert_eq!(reply.fault(), (401, "TOKEN_EXPIRED".into()));
    }
}

#[tokio::test]
async fn a_token_says_whose_it_is_and_does_no_more_than_its_scopes() {
    let server = Server::start().await;
    let token = partner(&server, &["links:read"]).await.token(&server).await;
    assert!(server.platform.tokens.is_own(&token));
    let forger = Forger::of(&server, &token).await;
    for foreign in [forger.claiming(json!({"iss": "https://id.example"})), "a.b.c".into(), String::new()] {
        assert!(!server.platform.tokens.is_own(&foreign));
    }
    let body = json!({"destination": "https://example.com/"});
    let refused = server.post("/v1/links", &body).key(&token).send().await;
    assert_eq!(refused.fault(), (403, "INSUFFICIENT_SCOPE".into()));
    assert!(refused.header("www-authenticate").contains("scope=\"links:write\""));
    let claims = part(&token, 1);
    for name in ["iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "workspace_id"] {
        assert!(!claims[name].is_null(), "{name} (RFC 9068 §2.2)");
    }
    assert_eq!(part(&token, 0)["typ"], "at+jwt");
    let query = server.anonymous(http::Method::GET, &format!("/v1/links?access_token={token}")).send().await;
    assert_eq!(query.status, 401, "a token in the URL is none");
}
