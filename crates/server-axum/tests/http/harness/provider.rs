//! An OpenID provider in process: discovery, keys, sign-ins that it approves at once, codes with PKCE, ID tokens. It
//! misbehaves as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use waypost_core::clock::Clock;
use waypost_core::issuers::{Document, IssuerHttp};
use waypost_core::{Error, Kind, Result};

pub(crate) const CLIENT: &str = "waypost client";
pub(crate) const SECRET: &str = "p:ss&word";

/// What the provider does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Away,
    NamesAnotherIssuer,
    JwksIsNoJson,
    JwksIsEmpty,
    WrongNonce,
    NoNonce,
    WrongAudience,
    ForeignParty,
    TwoAudiencesAndNoParty,
    WrongIssuer,
    Expired,
    NotYetValid,
    IssuedAhead,
    IssuedYesterday,
    NoExpiry,
    ExpiryIsText,
    NoSubject,
    AlgNone,
    Hs256WithThePublicKey,
    UnknownKid,
    OtherKeySigned,
    KeyInTheHeader,
    AccessTokenInPlace,
    WrongAtHash,
    NoIdToken,
    AnswersWithoutItsName,
    AnswersInAnotherName,
    Denies,
    RefusesCodes,
    IsBroken,
}

/// The provider. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Provider(Arc<Mutex<State>>);

struct State {
    issuer: String,
    clock: Arc<dyn Clock>,
    faults: Vec<Fault>,
    keys: Vec<SigningKey>,
    codes: HashMap<String, Code>,
    subject: String,
    asked: HashMap<String, usize>,
    max_age: Option<Duration>,
    drawn: usize,
}

#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: EncodingKey,
}

struct Code {
    challenge: String,
    redirect_uri: String,
    nonce: String,
    subject: String,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Provider(..)")
    }
}

/// A signing key of ours: `ed`, `ed-next`, `ec` or `rsa`.
pub(crate) fn signing_key(name: &str) -> SigningKey {
    let pem =
        |name| std::fs::read(format!("{}/tests/fixtures/provider/{name}.pem", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (algorithm, key) = match name {
        "rsa" => (Algorithm::RS256, EncodingKey::from_rsa_pem(&pem(name))),
        "ec" => (Algorithm::ES256, EncodingKey::from_ec_pem(&pem(name))),
        _ => (Algorithm::EdDSA, EncodingKey::from_ed_pem(&pem(name))),
    };
    SigningKey { kid: format!("key-{name}"), algorithm, key: key.unwrap() }
}

impl SigningKey {
    /// Its public half, as in a set of keys.
    pub(crate) fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.clone());
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token with this header and these claims.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A token of these texts, whatever they are.
    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// The header of its tokens.
    pub(crate) fn header(&self, typ: &str) -> Value {
        let mut header = Header::new(self.algorithm);
        (header.typ, header.kid) = (Some(typ.to_owned()), Some(self.kid.clone()));
        serde_json::to_value(header).unwrap()
    }
}

impl Provider {
    pub(crate) fn new(issuer: &str, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Mutex::new(State {
            issuer: issuer.to_owned(),
            clock,
            faults: Vec::new(),
            keys: vec![signing_key("ed")],
            codes: HashMap::new(),
            subject: "alice".to_owned(),
            asked: HashMap::new(),
            max_age: None,
            drawn: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// From now on it does these things wrong, and no others.
    pub(crate) fn does(&self, faults: &[Fault]) {
        self.state().faults = faults.to_vec();
    }

    /// From now on this person signs in.
    pub(crate) fn knows(&self, subject: &str) {
        self.state().subject = subject.to_owned();
    }

    /// From now on it signs with the first of these keys, and publishes all.
    pub(crate) fn signs_with(&self, names: &[&str]) {
        self.state().keys = names.iter().map(|name| signing_key(name)).collect();
    }

    pub(crate) fn says_max_age(&self, seconds: u64) {
        self.state().max_age = Some(Duration::from_secs(seconds));
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.state().asked.get(path).copied().unwrap_or_default()
    }

    /// An access token (RFC 9068) with these claims beside, or instead of, the usual ones.
    pub(crate) fn access_token(&self, claims: Value) -> String {
        let state = self.state();
        let key = &state.keys[0];
        key.sign(&key.header("at+jwt"), &state.claims(claims))
    }

    /// The claims of such a token.
    pub(crate) fn claims(&self, claims: Value) -> Value {
        self.state().claims(claims)
    }

    /// The answer to a sign-in: where the browser is sent back to.
    pub(crate) fn authorize(&self, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        let get = |name: &str| url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned());
        let mut state = self.state();
        for (name, expected) in [("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256")] {
            assert_eq!(get(name).as_deref(), Some(expected), "{name}");
        }
        let has = |fault| state.faults.contains(&fault);
        let mut back = Url::parse(&get("redirect_uri").unwrap()).unwrap();
        back.query_pairs_mut().append_pair("state", &get("state").unwrap());
        if has(Fault::AnswersInAnotherName) {
            back.query_pairs_mut().append_pair("iss", "https://evil.example");
        } else if !has(Fault::AnswersWithoutItsName) {
            back.query_pairs_mut().append_pair("iss", &state.issuer);
        }
        if has(Fault::Denies) {
            back.query_pairs_mut().append_pair("error", "access_denied");
            return back.into();
        }
        state.drawn += 1;
        let code = format!("code-{}", state.drawn);
        back.query_pairs_mut().append_pair("code", &code);
        let given = Code {
            challenge: get("code_challenge").unwrap(),
            redirect_uri: get("redirect_uri").unwrap(),
            nonce: get("nonce").unwrap(),
            subject: state.subject.clone(),
        };
        state.codes.insert(code, given);
        back.into()
    }

    /// What it answers to a `GET`.
    pub(crate) fn answer(&self, path: &str) -> (u16, String) {
        let mut state = self.state();
        *state.asked.entry(path.to_owned()).or_default() += 1;
        let has = |fault| state.faults.contains(&fault);
        if has(Fault::Away) {
            return (503, String::new());
        }
        match path {
            "/.well-known/openid-configuration" => {
                let (issuer, own) = (&state.issuer, "https://evil.example".to_owned());
                let document = json!({
                    "issuer": if has(Fault::NamesAnotherIssuer) { &own } else { issuer },
                    "jwks_uri": format!("{issuer}/jwks"),
                    "authorization_endpoint": format!("{issuer}/authorize"),
                    "token_endpoint": format!("{issuer}/token"),
                    "authorization_response_iss_parameter_supported": true,
                    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                });
                (200, document.to_string())
            }
            "/jwks" if has(Fault::JwksIsNoJson) => (200, "<html>".to_owned()),
            "/jwks" if has(Fault::JwksIsEmpty) => (200, r#"{"keys":[]}"#.to_owned()),
            "/jwks" => {
                let keys: Vec<_> = state.keys.iter().map(SigningKey::public).collect();
                (200, json!({"keys": keys}).to_string())
            }
            _ => (404, String::new()),
        }
    }

    /// What its token endpoint answers.
    pub(crate) fn token(&self, fields: &[(&str, &str)], authorization: Option<&str>) -> (u16, String) {
        let mut state = self.state();
        let refused = |error: &str| (400, json!({"error": error}).to_string());
        let get = |name: &str| fields.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| *value);
        if state.faults.contains(&Fault::IsBroken) {
            return (500, "a stack trace".to_owned());
        }
        // RFC 6749 §2.3.1: both as in a form.
        let basic = format!("Basic {}", STANDARD.encode("waypost+client:p%3Ass%26word"));
        if authorization != Some(&*basic) {
            return (401, json!({"error": "invalid_client"}).to_string());
        }
        let Some(code) = state.codes.remove(get("code")) else { return refused("invalid_grant") };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier")));
        let fits = code.challenge == challenge && code.redirect_uri == get("redirect_uri");
        if !fits || get("grant_type") != "authorization_code" || state.faults.contains(&Fault::RefusesCodes) {
            return refused("invalid_grant");
        }
        let access_token = "opaque-access-token";
        let mut body = json!({"access_token": access_token, "token_type": "Bearer", "expires_in": 300});
        if !state.faults.contains(&Fault::NoIdToken) {
            body["id_token"] = json!(state.id_token(&code, access_token));
        }
        (200, body.to_string())
    }
}

impl State {
    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    fn claims(&self, others: Value) -> Value {
        let now = self.now();
        let mut claims = json!({
            "iss": self.issuer, "sub": self.subject, "aud": "https://go.example", "client_id": "machine",
            "iat": now, "exp": now + 300, "jti": "1", "scope": "links:read openid",
        });
        merge(&mut claims, others);
        claims
    }

    fn id_token(&self, code: &Code, access_token: &str) -> String {
        let now = self.now();
        let half = URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token)[..16]);
        let mut claims = json!({
            "iss": self.issuer, "sub": code.subject, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": code.nonce,
            "name": "Alice <b>", "email": "alice@example.com", "email_verified": true,
        });
        let mut key = self.keys[0].clone();
        if key.algorithm != Algorithm::EdDSA {
            claims["at_hash"] = json!(half);
        }
        let mut header = key.header("JWT");
        for fault in &self.faults {
            let change = match fault {
                Fault::WrongNonce => json!({"nonce": "another"}),
                Fault::NoNonce => json!({"nonce": null}),
                Fault::WrongAudience => json!({"aud": "another"}),
                Fault::ForeignParty => json!({"azp": "another"}),
                Fault::TwoAudiencesAndNoParty => json!({"aud": [CLIENT, "another"]}),
                Fault::WrongIssuer => json!({"iss": "https://evil.example"}),
                Fault::Expired => json!({"exp": now - 61}),
                Fault::NotYetValid => json!({"nbf": now + 61}),
                Fault::IssuedAhead => json!({"iat": now + 61}),
                Fault::IssuedYesterday => json!({"iat": now - 86_400}),
                Fault::NoExpiry => json!({"exp": null}),
                Fault::ExpiryIsText => json!({"exp": (now + 300).to_string()}),
                Fault::NoSubject => json!({"sub": null}),
                Fault::WrongAtHash => json!({"at_hash": "another"}),
                _ => json!({}),
            };
            merge(&mut claims, change);
            match fault {
                Fault::UnknownKid => header["kid"] = json!("nobody's"),
                Fault::KeyInTheHeader => header["jwk"] = key.public(),
                Fault::AccessTokenInPlace => header["typ"] = json!("at+jwt"),
                Fault::OtherKeySigned => key = signing_key("ed-next"),
                _ => {}
            }
        }
        if self.faults.contains(&Fault::AlgNone) {
            header["alg"] = json!("none");
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            return format!("{}.{}.AA", part(&header), part(&claims));
        }
        if self.faults.contains(&Fault::Hs256WithThePublicKey) {
            let public = key.public()["x"].as_str().unwrap().to_owned();
            let secret = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(public).unwrap());
            header["alg"] = json!("HS256");
            let forged = SigningKey { kid: key.kid, algorithm: Algorithm::HS256, key: secret };
            return forged.sign(&header, &claims);
        }
        key.sign(&header, &claims)
    }
}

/// Puts fields in; `null` takes one out.
fn merge(into: &mut Value, others: Value) {
    let into = into.as_object_mut().unwrap();
    for (name, value) in others.as_object().unwrap().clone() {
        match value {
            Value::Null => into.remove(&name),
            value => into.insert(name, value),
        };
    }
}

#[async_trait]
impl IssuerHttp for Provider {
    async fn get(&self, url: &Url) -> Result<Document> {
        let (status, body) = self.answer(url.path());
        if status != 200 {
            return Err(Error::new(Kind::Unavailable, "The issuer cannot be reached at the moment"));
        }
        Ok(Document { status, bytes: Bytes::from(body), max_age: self.state().max_age })
    }

    async fn post_form(&self, url: &Url, fields: &[(&str, &str)], authorization: Option<&str>) -> Result<Document> {
        assert_eq!(url.path(), "/token");
        let (status, body) = self.token(fields, authorization);
        Ok(Document { status, bytes: Bytes::from(body), max_age: None })
    }
}
