//! Members, on the store.

use crate::process::Place;

#[test]
fn a_member_is_added_as_its_provider_knows_them() {
    let place = Place::new();
    let add_one =
        |who: &str, arguments: &[&str]| place.run(&[&["members", "add", "--subject", who], arguments].concat());
    let add = |arguments: &[&str]| add_one("bob", arguments);
    let added = add_one("alice", &["--issuer", "https://id.example", "--role", "owner"]).with_status(0).out;
    assert!(
        added.starts_with("usr_") && added.contains("  owner  never signed in  https://id.example alice  -"),
        "{added}"
    );
    let by_setting = add(&["--oidc-issuer", "https://id.example"]).with_status(0).out;
    assert!(by_setting.contains("https://id.example bob"), "{by_setting}");
    assert!(add(&[]).with_status(2).err.contains("oidc_issuer"));
    assert!(add(&["--issuer", "https://id.example", "--role", "boss"]).with_status(2).err.contains("owner, admin"));
    let gone = place.run(&["members", "remove", "alice"]).with_status(2);
    assert!(gone.err.contains("usr_"), "{}", gone.err);

    // What one command wrote, the next one reads.
    let id = added.split_whitespace().next().expect("an id");
    let listed = place.run(&["members", "list"]).with_status(0).out;
    assert!(listed.contains(id) && listed.contains("alice"), "{listed}");
}
