//! OAuth clients, on the store of a server.

use crate::process::Place;

const KEYS: &str =
    "{\"keys\": [{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"x\": \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

#[test]
fn a_client_is_made_with_what_a_script_can_take() {
    let place = Place::new();
    let made = place.run(&["clients", "create", "--name", "partner", "--scopes", "links:read", "--plan", "partner"]);
    let made = made.with_status(0);
    let lines: Vec<_> = made.out.lines().collect();
    assert_eq!(lines.len(), 2, "{made:?}");
    assert!(lines[0].starts_with("cli_") && lines[1].starts_with("wp_secret_"), "{made:?}");
    assert!(!made.err.contains(lines[1]), "the secret stands in one place: {made:?}");
    place.file("keys.json", KEYS);
    let signer = place.run(&["clients", "create", "--jwks", "keys.json"]).with_status(0);
    assert_eq!(signer.out.lines().count(), 1, "it has no secret: {signer:?}");
    place.run(&["clients", "list"]).with_status(0);
}

#[test]
fn what_does_not_go_together_is_told_by_its_flag() {
    let place = Place::new();
    place.file("keys.json", KEYS);
    for (arguments, flag) in [
        (&["--scopes", "root"][..], "--scopes"),
        (&["--scopes", ""], "--scopes"),
        (&["--auth", "password"], "--auth"),
        (&["--auth", "key"], "--jwks"),
        (&["--auth", "none"], "--redirect-uri"),
        (&["--auth", "secret", "--jwks", "keys.json"], "--jwks"),
        (&["--jwks", "absent.json"], "--jwks"),
        (&["--redirect-uri", "http://app.example/"], "--redirect-uri"),
        (&["--plan", "NO"], "--plan"),
        (&["--name", ""], "--name"),
    ] {
        let ended = place.run(&[&["clients", "create"], arguments].concat()).with_status(2);
        assert!(ended.err.contains(flag) && ended.out.is_empty(), "{arguments:?}: {ended:?}");
    }
    for command in ["rotate", "revoke"] {
        place.run(&["clients", command, "cli_01JD3X8M2V7Q5T9B4C6E8G0HJK"]).with_status(2);
    }
    place.run(&["clients", "rotate", "cli_01JD3X8M2V7Q5T9B4C6E8G0HJK", "--overlap", "8d"]).with_status(2);
}

#[test]
fn a_client_is_kept_from_one_command_to_the_next() {
    let place = Place::new();
    let made = place.run(&["clients", "create", "--name", "partner", "--scopes", "links:read"]).with_status(0);
    let mut lines = made.out.lines();
    let (id, secret) = (lines.next().expect("an id"), lines.next().expect("a secret"));
    let listed = place.run(&["clients", "list"]).with_status(0).out;
    assert!(listed.contains(id) && listed.contains("partner") && !listed.contains(secret), "{listed}");
    let rotated = place.run(&["clients", "rotate", id, "--overlap", "2h"]).with_status(0);
    assert!(rotated.out.contains("wp_secret_") && !rotated.out.contains(secret), "{rotated:?}");
    place.run(&["clients", "revoke", id]).with_status(0);
    let after = place.run(&["clients", "list"]).with_status(0).out;
    assert!(!after.contains(id) || after.contains("revoked"), "{after}");
}
