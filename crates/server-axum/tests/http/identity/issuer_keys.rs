//! How an issuer's keys are had, kept, and done without.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::json;
use url::Url;
use waypost_core::Kind;
use waypost_core::engine::{Engine, Next};
use waypost_core::issuers::{Document, IssuerHttp};

use super::House;
use crate::harness::Fault;
use crate::harness::provider::signing_key;

const MINUTE: Duration = Duration::from_secs(60);

fn refresher(house: &House) -> Box<dyn Engine> {
    let mut engines = house.server.platform.engines();
    let at = engines.iter().position(|engine| engine.name() == "issuer-keys").expect("there is an issuer");
    engines.swap_remove(at)
}

/// One that takes tokens, and has no login, whose provider would ask for the keys as well.
async fn house() -> House {
    House::with(|identity| identity.login = None).await
}

impl House {
    async fn accepts(&self, token: &str) -> Result<(), Kind> {
        self.server.platform.issuers.verify(token).await.map(drop).map_err(|error| error.kind())
    }
}

#[tokio::test]
async fn keys_are_fetched_ahead_and_again_before_they_are_old() {
    let house = house().await;
    house.provider.says_max_age(1_200);
    let mut engine = refresher(&house);
    let now = house.now();
    assert_eq!(engine.step(now).await.unwrap(), Next::At(now + 15 * MINUTE));
    let token = house.provider.access_token(json!({}));
    assert_eq!(house.accepts(&token).await, Ok(()));
    assert_eq!(house.provider.asked("/jwks"), 1, "no request waits for an issuer");
    engine.step(now + MINUTE).await.unwrap();
    assert_eq!(house.provider.asked("/jwks"), 1, "not due");
    house.server.clock.advance(15 * MINUTE);
    for (says, kept) in [(0, 5 * MINUTE), (1, 5 * MINUTE), (10_000_000, 18 * 60 * MINUTE)] {
        house.provider.says_max_age(says);
        let now = house.now();
        assert_eq!(engine.step(now).await.unwrap(), Next::At(now + kept), "{says}");
        house.server.clock.advance(kept);
    }
}

#[tokio::test]
async fn a_flood_of_made_up_keys_causes_one_fetch() {
    let house = house().await;
    let (key, claims) = (signing_key("ed"), house.provider.claims(json!({})));
    assert_eq!(house.accepts(&house.provider.access_token(json!({}))).await, Ok(()));
    let flood = async |from: usize| {
        let tokens = (from..from + 50).map(|at| {
            let mut header = key.header("at+jwt");
            header["kid"] = json!(format!("made-up-{at}"));
            key.sign(&header, &claims)
        });
        let tokens: Vec<_> = tokens.collect();
        let answers = join_all(tokens.iter().map(|token| house.accepts(token))).await;
        assert!(answers.iter().all(|answer| *answer == Err(Kind::Unauthenticated)));
    };
    let before = house.provider.asked("/jwks");
    flood(0).await;
    assert_eq!(house.provider.asked("/jwks"), before, "the first fetch was less than 30 s ago");
    house.server.clock.advance(Duration::from_secs(30));
    flood(100).await;
    flood(200).await;
    assert_eq!(house.provider.asked("/jwks"), before + 1);
    house.server.clock.advance(Duration::from_secs(29));
    flood(300).await;
    assert_eq!(house.provider.asked("/jwks"), before + 1);
}

#[tokio::test]
async fn a_new_key_is_found_when_a_token_names_it_and_a_withdrawn_one_goes() {
    let house = house().await;
    refresher(&house).step(house.now()).await.unwrap();
    let old = house.provider.access_token(json!({"jti": "old"}));
    house.provider.signs_with(&["ed-next", "ed"]);
    assert_eq!(house.accepts(&house.provider.access_token(json!({}))).await, Ok(()));
    assert_eq!(house.accepts(&old).await, Ok(()), "both are published");
    house.provider.signs_with(&["ed-next"]);
    house.server.clock.advance(45 * MINUTE);
    refresher(&house).step(house.now()).await.unwrap();
    let own = signing_key("ed");
    let forged = own.sign(&own.header("at+jwt"), &house.provider.claims(json!({})));
    assert_eq!(house.accepts(&forged).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn known_keys_are_believed_for_a_day_while_the_issuer_is_away() {
    let house = house().await;
    let mut engine = refresher(&house);
    engine.step(house.now()).await.unwrap();
    house.provider.does(&[Fault::Away]);
    for _ in 0..23 {
        house.server.clock.advance(60 * MINUTE);
        let Next::At(next) = engine.step(house.now()).await.unwrap() else { panic!("it waits") };
        assert!(next <= house.now() + 5 * MINUTE, "it is asked for again and again");
        assert_eq!(house.accepts(&house.provider.access_token(json!({}))).await, Ok(()));
    }
    house.server.clock.advance(61 * MINUTE);
    assert_eq!(house.accepts(&house.provider.access_token(json!({}))).await, Err(Kind::Unavailable));
    let reply = house.server.get("/v1/links").key(&house.provider.access_token(json!({}))).send().await;
    assert_eq!(reply.fault(), (503, "UNAVAILABLE".into()), "a good token is not called a bad one");
    house.provider.does(&[]);
    house.server.clock.advance(30 * MINUTE);
    assert_eq!(house.accepts(&house.provider.access_token(json!({}))).await, Ok(()));
}

#[tokio::test]
async fn an_issuer_whose_documents_are_not_good_has_no_keys() {
    for fault in [Fault::Away, Fault::NamesAnotherIssuer, Fault::JwksIsNoJson, Fault::JwksIsEmpty] {
        let house = house().await;
        house.provider.does(&[fault]);
        let token = house.provider.access_token(json!({}));
        assert_eq!(house.accepts(&token).await, Err(Kind::Unavailable), "{fault:?}");
    }
}

#[tokio::test]
async fn a_verified_token_is_believed_until_its_end_and_no_longer() {
    let house = house().await;
    let token = house.provider.access_token(json!({}));
    assert_eq!(house.accepts(&token).await, Ok(()));
    house.server.clock.advance(Duration::from_secs(299));
    assert_eq!(house.accepts(&token).await, Ok(()));
    house.server.clock.advance(Duration::from_secs(61));
    assert_eq!(house.accepts(&token).await, Err(Kind::Expired));
}

/// Of all who want to sign in while the provider is away one waits for it, and the others hear of it.
#[tokio::test]
async fn a_flood_of_sign_ins_asks_a_provider_that_is_away_once_in_five_seconds() {
    let house = House::open().await;
    let metadata = "/.well-known/openid-configuration";
    house.provider.does(&[Fault::Away]);
    let flood = async || {
        let asking = (0..20).map(|_| house.server.follow("/auth/login").send());
        for page in join_all(asking).await {
            assert_eq!((page.status, page.header("retry-after")), (503, "5"));
        }
        house.provider.asked(metadata)
    };
    assert_eq!((flood().await, flood().await), (1, 1));
    house.server.clock.advance(Duration::from_secs(5));
    assert_eq!(flood().await, 2);
    house.provider.does(&[]);
    house.server.clock.advance(Duration::from_secs(5));
    for _ in 0..2 {
        assert_eq!(house.server.follow("/auth/login").send().await.status, 303);
    }
    assert_eq!(house.provider.asked(metadata), 3);
}

/// Never answers for one issuer.
#[derive(Debug)]
struct Silent(Arc<dyn IssuerHttp>);

#[async_trait]
impl IssuerHttp for Silent {
    async fn get(&self, url: &Url) -> waypost_core::Result<Document> {
        if url.host_str() == Some("away.example") {
            std::future::pending::<()>().await;
        }
        self.0.get(url).await
    }

    async fn post_form(&self, url: &Url, fields: &[(&str, &str)], by: Option<&str>) -> waypost_core::Result<Document> {
        self.0.post_form(url, fields, by).await
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_away_does_not_delay_the_keys_of_another() {
    let house = House::with(|identity| {
        identity.login = None;
        let mut other = identity.issuers[0].clone();
        other.issuer = "https://away.example".to_owned();
        identity.issuers.insert(0, other);
        identity.http = identity.http.take().map(|http| Arc::new(Silent(http)) as Arc<dyn IssuerHttp>);
    })
    .await;
    let now = house.now();
    let mut done = 0;
    for mut engine in house.server.platform.engines().into_iter().filter(|engine| engine.name() == "issuer-keys") {
        let round = tokio::time::timeout(Duration::from_secs(1), engine.step(now)).await;
        done += usize::from(round.is_ok());
    }
    assert_eq!(
        (done, house.provider.asked("/jwks")),
        (1, 1),
        "its round is over, and its next one comes when it is due"
    );
}
