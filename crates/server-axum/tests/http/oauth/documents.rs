//! Metadata (RFC 8414, RFC 9728) and keys (RFC 7517).

use serde_json::json;

use super::parties::{INTROSPECT, REVOKE, TOKEN};
use crate::harness::{Document, PUBLIC_URL, Server};

#[tokio::test]
async fn the_metadata_tell_what_there_is_and_no_more() {
    let server = Server::start().await;
    let reply = server.anonymous(http::Method::GET, "/.well-known/oauth-authorization-server").send().await;
    assert_eq!(reply.header("cache-control"), "public, max-age=300");
    let told = reply.json();
    assert_eq!(told["issuer"], PUBLIC_URL, "as it stands in tokens, byte for byte");
    for (name, path) in
        [("token_endpoint", TOKEN), ("revocation_endpoint", REVOKE), ("introspection_endpoint", INTROSPECT)]
    {
        assert_eq!(told[name], format!("{PUBLIC_URL}{path}"));
    }
    let asks_people = Document::get().0["paths"].get("/oauth/authorize").is_some();
    assert_eq!(told.get("authorization_endpoint").is_some(), asks_people);
    let grants = told["grant_types_supported"].as_array().unwrap();
    assert_eq!(grants.contains(&json!("authorization_code")), asks_people);
    let keys = told["jwks_uri"].as_str().unwrap().strip_prefix(PUBLIC_URL).unwrap();
    let keys = server.anonymous(http::Method::GET, keys).send().await;
    assert_eq!((keys.status, keys.header("cache-control")), (200, "public, max-age=300"));
    for key in keys.json()["keys"].as_array().unwrap() {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"], "and nothing private");
    }
    let resource = server.anonymous(http::Method::GET, "/.well-known/oauth-protected-resource").send().await.json();
    assert_eq!((&resource["resource"], &resource["authorization_servers"]), (&json!(PUBLIC_URL), &json!([PUBLIC_URL])));
}
