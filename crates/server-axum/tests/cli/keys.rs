//! Keys, on the store of a running server.

use crate::process::{Place, wait_for};

#[test]
fn a_key_works_from_its_making_to_its_revocation() {
    let place = Place::new();
    let server = place.serve();
    let made = place.run(&["keys", "create", "--name", "reader", "--scopes", "links:read", "--expires", "90d"]);
    let made = made.with_status(0);
    let key = made.out.trim();
    assert!(key.starts_with("wp_live_") && !key.contains(char::is_whitespace), "{made:?}");
    assert_eq!(server.get("/v1/links", key).0, 200);
    assert_eq!(server.request("POST", "/v1/links", key, "{\"destination\": \"https://example.com/\"}").0, 403);
    let listed = place.run(&["keys", "list"]).with_status(0).out;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let line = listed.lines().find(|line| line.ends_with("reader")).expect("the key is listed");
    assert!(!listed.contains(key) && line.contains("links:read"), "{listed}");
    let id = line.split_whitespace().next().expect("an id");
    place.run(&["keys", "revoke", id]).with_status(0);
    wait_for("the revocation", || server.get("/v1/links", key).0 == 401);
    let revoked = place.run(&["keys", "list"]).with_status(0).out;
    assert!(revoked.lines().any(|line| line.starts_with(id) && line.contains("revoked")), "{revoked}");
    place.run(&["keys", "revoke", "key_01JD3X8M2V7Q5T9B4C6E8G0HJK"]).with_status(2);
}
