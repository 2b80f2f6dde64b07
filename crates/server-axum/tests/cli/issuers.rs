//! Tokens of an issuer that the file names, over sockets.

use serde_json::json;

use crate::browser::site::Site;
use crate::process::{Place, wait_for};

#[test]
fn a_token_of_an_issuer_of_the_file_is_taken_and_its_rotation_is_followed() {
    let (place, site) = (Place::new(), Site::open());
    let issuer = site.provider_url();
    place.file(
        "waypost.toml",
        &format!(
            "database_url = \"memory:\"\n[[issuers]]\nissuer = \"{issuer}\"\naudiences = [\"https://go.example\"]\n\
         scopes = \"links:read\"\nworkspace = \"default\"\n"
        ),
    );
    let server = place.serve();
    wait_for("the keys, fetched ahead", || site.provider.asked("/jwks") > 0);
    let token = site.provider.access_token(json!({"scope": "links:read links:write"}));
    assert_eq!(server.get("/v1/links", &token).0, 200);
    assert_eq!(server.request("POST", "/v1/links", &token, "{\"destination\": \"https://example.com/\"}").0, 403);
    assert_eq!(server.get("/v1/links", &site.provider.access_token(json!({"aud": "other"}))).0, 401);
    site.provider.signs_with(&["rsa"]);
    assert_eq!(server.get("/v1/links", &site.provider.access_token(json!({}))).0, 200, "the new key is asked for");
    assert_eq!(server.terminate(), 0);
}

#[test]
fn an_issuer_that_cannot_be_is_a_wrong_setting() {
    let place = Place::new();
    place.file(
        "waypost.toml",
        "[[issuers]]\nissuer = \"http://id.example\"\naudiences = [\"a\"]\nscopes = \"*\"\nworkspace = \"w\"\n",
    );
    let ended = place.run(&["serve"]).with_status(2);
    assert!(ended.err.contains("waypost.toml: issuers[0]: issuer: must be an https address"), "{}", ended.err);
}
