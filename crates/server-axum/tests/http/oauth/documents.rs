//! Metadata (RFC 8414, RFC 9728) and keys (RFC 7517).

use serde_json::json;

use super::parties::{BACK, CHALLENGE, INTROSPECT, REVOKE, TOKEN, program, with_login};
use crate::harness::{PUBLIC_URL, Server};

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

/// Where nobody signs in there is nobody to ask, and the metadata say so.
#[tokio::test]
async fn people_are_announced_where_they_can_be_asked() {
    for server in [Server::start().await, with_login().await] {
        let told = server.anonymous(http::Method::GET, "/.well-known/oauth-authorization-server").send().await.json();
        let client = program(&server, &["links:read"]).await;
        let asked = format!(
            "/oauth/authorize?response_type=code&client_id={}&redirect_uri={BACK}&code_challenge={CHALLENGE}\
             &code_challenge_method=S256",
            client.id
        );
        let reply = server.follow(&asked).send().await;
        let asks_people = reply.status == 303;
        assert!(asks_people || reply.status == 404, "{}", reply.text());
        assert_eq!(asks_people, server.platform.login.is_some());
        let endpoint = asks_people.then(|| json!(format!("{PUBLIC_URL}/oauth/authorize")));
        assert_eq!(told.get("authorization_endpoint"), endpoint.as_ref());
        for name in ["code_challenge_methods_supported", "authorization_response_iss_parameter_supported"] {
            assert_eq!(told.get(name).is_some(), asks_people, "{name}");
        }
        for (name, value) in [
            ("response_types_supported", "code"),
            ("grant_types_supported", "authorization_code"),
            ("grant_types_supported", "refresh_token"),
        ] {
            assert_eq!(told[name].as_array().unwrap().contains(&json!(value)), asks_people, "{value}");
        }
        assert!(told["grant_types_supported"].as_array().unwrap().contains(&json!("client_credentials")));
    }
}
