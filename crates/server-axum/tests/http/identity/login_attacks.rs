//! Attacks on signing in (RFC 9700 §4; OpenID Connect Core §3.1.3.7).

use http::Method;

use super::House;
use crate::harness::{Browser, Fault};

#[tokio::test]
async fn no_id_token_that_is_not_good_signs_anybody_in() {
    for fault in [
        Fault::WrongNonce,
        Fault::NoNonce,
        Fault::WrongAudience,
        Fault::ForeignParty,
        Fault::TwoAudiencesAndNoParty,
        Fault::WrongIssuer,
        Fault::Expired,
        Fault::NotYetValid,
        Fault::IssuedAhead,
        Fault::IssuedYesterday,
        Fault::NoExpiry,
        Fault::ExpiryIsText,
        Fault::NoSubject,
        Fault::AlgNone,
        Fault::Hs256WithThePublicKey,
        Fault::UnknownKid,
        Fault::OtherKeySigned,
        Fault::KeyInTheHeader,
        Fault::AccessTokenInPlace,
        Fault::AnswersWithoutItsName,
        Fault::AnswersInAnotherName,
        Fault::RefusesCodes,
    ] {
        let (house, browser) = (House::open().await, Browser::default());
        house.provider.does(&[fault]);
        let page = browser.sign_in(&house.server, &house.provider).await;
        assert_eq!((page.status, browser.cookie(Browser::SESSION)), (400, None), "{fault:?}: {}", page.text());
        assert!(page.header("content-type").starts_with("text/html"));
        assert_eq!(browser.get(&house.server, "/auth/session").await.status, 401);
    }
}

#[tokio::test]
async fn an_answer_is_taken_once_and_from_the_browser_that_began() {
    let (house, browser) = (House::open().await, Browser::default());
    let back = browser.begin(&house.server, &house.provider, "/docs").await;
    let attempt = browser.cookie(Browser::ATTEMPT).unwrap();

    // Login CSRF: the attacker's answer in the victim's browser, which has begun nothing.
    let victim = Browser::default();
    assert_eq!(victim.get(&house.server, &back).await.status, 400);
    // Or which has begun a sign-in of its own.
    victim.begin(&house.server, &house.provider, "/docs").await;
    assert_eq!(victim.get(&house.server, &back).await.status, 400);
    assert_eq!(victim.cookie(Browser::SESSION), None);

    assert_eq!(browser.get(&house.server, &back).await.status, 303);
    let session = browser.cookie(Browser::SESSION).unwrap();
    // Replayed: without the cookie, and with one that was kept.
    assert_eq!(browser.get(&house.server, &back).await.status, 400);
    let thief = Browser::default();
    thief.plant(Browser::ATTEMPT, Some(&attempt));
    let replayed = thief.get(&house.server, &back).await;
    assert_eq!((replayed.status, thief.cookie(Browser::SESSION)), (400, None));
    // Not left to the provider, which might take a code twice.
    assert!(replayed.text().contains("or it is over"), "{}", replayed.text());
    assert_eq!(browser.cookie(Browser::SESSION), Some(session), "who is signed in stays so");
    assert_eq!(browser.get(&house.server, "/auth/session").await.status, 200);
}

#[tokio::test]
async fn a_code_of_another_browser_is_of_no_use() {
    let (house, victim, thief) = (House::open().await, Browser::default(), Browser::default());
    let stolen = victim.begin(&house.server, &house.provider, "/docs").await;
    let own = thief.begin(&house.server, &house.provider, "/docs").await;
    let code = |path: &str| {
        let url = url::Url::parse(&format!("https://go.example{path}")).unwrap();
        url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    };
    let injected = own.replace(&code(&own), &code(&stolen));
    assert_ne!(injected, own);
    let page = thief.get(&house.server, &injected).await;
    assert_eq!((page.status, thief.cookie(Browser::SESSION)), (400, None), "the verifier is another one");
}

#[tokio::test]
async fn states_and_attempts_that_are_missing_doubled_or_forged_end_in_nothing() {
    let house = House::open().await;
    for change in [
        (|back: &str| back.replace("state=", "state=x")) as fn(&str) -> String,
        |back| back.replace("state=", "other="),
        |back| format!("{back}&state=x"),
        |back| format!("{back}&code=x"),
        |back| back.replace("code=", "other="),
        |back| back.split('?').next().unwrap().to_owned(),
    ] {
        let browser = Browser::default();
        let back = browser.begin(&house.server, &house.provider, "/docs").await;
        let page = browser.get(&house.server, &change(&back)).await;
        assert_eq!((page.status, browser.cookie(Browser::SESSION)), (400, None), "{}", change(&back));
    }
    for attempt in ["", "x", "x.y", &"A".repeat(5_000)] {
        let browser = Browser::default();
        let back = browser.begin(&house.server, &house.provider, "/docs").await;
        browser.plant(Browser::ATTEMPT, Some(attempt));
        assert_eq!(browser.get(&house.server, &back).await.status, 400, "{attempt:.20}");
    }
}

#[tokio::test]
async fn a_session_that_was_planted_is_not_the_one_that_is_signed_in() {
    let (house, attacker, victim) = (House::open().await, Browser::default(), Browser::default());
    attacker.sign_in(&house.server, &house.provider).await;
    let planted = attacker.cookie(Browser::SESSION).unwrap();
    victim.plant(Browser::SESSION, Some(&planted));
    house.provider.knows("victim");
    victim.sign_in(&house.server, &house.provider).await;
    let own = victim.cookie(Browser::SESSION).unwrap();
    assert_ne!(own, planted, "the id changes with each sign-in");
    let session = victim.get(&house.server, "/auth/session").await.json();
    assert_eq!(session["member"]["subject"], "victim");
    let left = attacker.get(&house.server, "/auth/session").await;
    assert_eq!(left.status, 401, "what was there before has ended");
    // A text that no server of ours made is no session either.
    victim.plant(Browser::SESSION, Some("wp_session_chosen-by-somebody"));
    assert_eq!(victim.get(&house.server, "/auth/session").await.fault(), (401, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn a_header_and_a_cookie_are_one_too_many() {
    let (house, browser) = (House::open().await, Browser::default());
    browser.sign_in(&house.server, &house.provider).await;
    let key = house.server.issue("default", "*").await;
    for header in [format!("Bearer {key}"), "Basic eDp5".to_owned(), "Bearer".to_owned()] {
        let both = browser.asking(&house.server, Method::GET, "/v1/links").header("authorization", &header);
        let both = both.send().await;
        assert_eq!(
            (both.fault(), both.faulty()),
            ((400, "MALFORMED_REQUEST".into()), vec!["header.Authorization".into()])
        );
    }
    let cookie = browser.cookie(Browser::SESSION).unwrap();
    let twice = format!("{0}={cookie}; {0}={cookie}", Browser::SESSION);
    let twice = house.server.anonymous(Method::GET, "/v1/links").header("cookie", &twice).send().await;
    assert_eq!(twice.fault(), (400, "MALFORMED_REQUEST".into()));
    let bearer = house.server.get("/auth/session").key(&key).send().await;
    assert_eq!(bearer.fault(), (401, "UNAUTHENTICATED".into()), "a key is no session");
    let other = house.server.get("/v1/links").key(&cookie).send().await;
    assert_eq!(other.fault(), (401, "UNAUTHENTICATED".into()), "and a session's text is no key");
}
