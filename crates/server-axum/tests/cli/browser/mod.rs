//! Signing in by a real browser: Chromium, driven by WebDriver, against the binary and a provider on a socket.
//!
//! It needs `chromium` and `chromedriver` on the path; where they are missing the test fails, and says so.

pub(crate) mod site;

// What the tests around the whole platform drive a browser with.
#[path = "../../../../../tests/support/browser.rs"]
#[allow(
    clippy::disallowed_methods,
    dead_code,
    unreachable_pub,
    reason = "shared with tests that use all of it; what is waited for happens in other processes"
)]
mod driver;
#[path = "../../../../../tests/support/http.rs"]
#[allow(clippy::disallowed_methods, dead_code, unreachable_pub, reason = "the same")]
mod http;

use std::time::Duration;

use serde_json::json;

use crate::process::Place;
use crate::provider::{CLIENT, SECRET};
use driver::Browser;
use site::Site;

const CREATE: &str = r#"
    const answer = await fetch("/v1/links", {
        method: "POST",
        headers: {"Content-Type": "application/json"},
        body: JSON.stringify({destination: "https://example.com/"}),
    });
    return [answer.status, (await answer.json()).slug?.length > 0];
"#;
const WHO: &str = r#"
    const answer = await fetch("/auth/session");
    const body = await answer.json();
    return [answer.status, body.member?.role ?? null, document.cookie];
"#;
const LEAVE: &str = r#"return (await fetch("/auth/logout", {method: "POST"})).status;"#;

#[test]
fn a_browser_signs_in_works_resists_a_foreign_page_and_leaves() {
    let (place, site) = (Place::new(), Site::open());
    place.file("secret", SECRET);
    let issuer = site.provider_url();
    let settings = ["--oidc-issuer", &issuer, "--oidc-client-id", CLIENT, "--oidc-client-secret-file", "secret"];
    let server = place.serve_with(&[&settings[..], &["--oidc-role", "editor", "--database-url", "memory:"]].concat());
    let key = server.key().expect("a key was shown");
    let links = || server.get("/v1/links", &key).1.matches("\"lnk_").count();
    let browser = Browser::start();

    // Signing in: to the provider, whose form the person sends, and back.
    browser.go(&format!("{}/auth/login?return_to=/docs", server.url()));
    assert!(browser.url().starts_with(&format!("{issuer}/authorize?")), "{}", browser.url());
    browser.click("button");
    browser.wait_for_url(&format!("{}/docs", server.url()));

    // A session that scripts can use and not see.
    assert_eq!(browser.run(WHO), json!([200, "editor", ""]));
    let cookies = browser.cookies();
    let session = cookies.iter().find(|cookie| cookie["name"] == "__Host-waypost-session").expect("a session");
    let attributes = ["httpOnly", "secure", "sameSite", "path"].map(|name| session[name].clone());
    assert_eq!(attributes, [json!(true), json!(true), json!("Lax"), json!("/")]);
    assert_eq!(cookies.len(), 1, "the attempt is forgotten: {cookies:?}");
    assert_eq!((browser.run(CREATE), links()), (json!([201, true]), 1));

    // The page knows the session, shows the link, and listens by the cookie alone.
    browser.go(&format!("{}/", server.url()));
    let shown = "const { phase, way } = document.getElementById('state').dataset;
                 return [phase, way, document.querySelectorAll('#links li').length];";
    browser.wait_for(shown, Duration::from_secs(60), |shown| *shown == json!(["live", "sse", 1]));

    // Forms of other origins: one of the same site, which the cookie goes along with, and one of another, which it does not.
    for (page, code) in [(site.neighbour_url(), "FORBIDDEN"), (site.foreign_url(), "UNAUTHENTICATED")] {
        for target in ["/v1/links", "/auth/logout"] {
            browser.go(&format!("{page}/evil?target={}{target}", server.url()));
            browser.click("button");
            browser.wait_for_url(&format!("{}{target}", server.url()));
            let text = browser.run("return document.body.innerText;");
            assert!(text.as_str().is_some_and(|text| text.contains(code)), "{page} {target}: {text}");
        }
    }
    assert_eq!(links(), 1);

    browser.go(&format!("{}/docs", server.url()));
    assert_eq!(browser.run(WHO)[0], 200, "still signed in");
    assert_eq!(browser.run(LEAVE), 204);
    assert_eq!(browser.run(WHO)[0], 401);
    assert!(browser.cookies().is_empty());
    browser.stop();
}
