//! Clauses 1 and 2: users.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Store, proposed, set, user, user_id};
use crate::Kind;
use crate::conformance::fixtures::{at, workspace};
use crate::conformance::race;
use crate::members::{Role, User};

fn full_user(n: u8) -> User {
    User {
        subject: "Größe|'n\" 日本\\%_".to_owned(),
        name: Some("Ægir 'n\" 日本".to_owned()),
        email: Some("ægir@id.example".to_owned()),
        signed_in_at: Some(at(90)),
        ..user(n)
    }
}

/// Clause 1, before all: every field comes back, whether it is set or not; as a member too.
pub async fn a_user_is_kept_as_proposed(store: Store) {
    for user in [user(1), full_user(2)] {
        assert_eq!(proposed(&store, &user).await, user);
        let blank = User { name: None, email: None, signed_in_at: None, ..user.clone() };
        assert_eq!(proposed(&store, &blank).await, user, "what was kept");
        set(&store, 1, user.id.to_bytes()[0], Some(Role::Viewer), at(0)).await;
        let member = store.member(workspace(1), user.id).await.expect("a look");
        assert_eq!(member.map(|member| member.user), Some(user));
    }
}

/// Clause 1: id and moment of making are those of the first.
pub async fn one_identity_is_one_user(store: Store) {
    let first = proposed(&store, &user(1)).await;
    assert_eq!(first, user(1));
    for n in 2..=3 {
        let again = User { subject: user(1).subject, ..user(n) };
        assert_eq!(proposed(&store, &again).await, first);
        set(&store, 1, n, Some(Role::Viewer), at(0)).await;
        assert_eq!(store.member(workspace(1), user_id(n)).await.expect("a look"), None, "nobody has this id");
    }
}

/// Clause 1: in a race, as when somebody signs in on two nodes at once.
pub async fn of_many_who_propose_an_identity_all_are_given_one(store: Store) {
    let tries = (1..=30).map(|n| {
        let (store, user) = (Arc::clone(&store), User { subject: "raced".to_owned(), ..user(n) });
        async move { proposed(&store, &user).await.id }
    });
    let given: BTreeSet<_> = race(tries).await.into_iter().collect();
    assert_eq!(given.len(), 1, "{given:?}");
    assert!(given.contains(&proposed(&store, &User { subject: "raced".to_owned(), ..user(99) }).await.id));
}

/// Clause 1: byte for byte.
pub async fn identities_differ_by_issuer_by_subject_and_by_case(store: Store) {
    let named =
        |n, issuer: &str, subject: &str| User { issuer: issuer.to_owned(), subject: subject.to_owned(), ..user(n) };
    for one in [
        named(1, "https://id.example", "a"),
        named(2, "https://id.example", "A"),
        named(3, "https://id.example/", "a"),
        named(4, "https://id.example", "a "),
        named(5, "https://id.example", "\u{e4}"),
        named(6, "https://id.example", "a\u{308}"),
        named(7, "https://id.example", ""),
    ] {
        assert_eq!(proposed(&store, &one).await, one);
    }
}

/// Clause 2.
pub async fn what_a_proposal_lacks_stays(store: Store) {
    let named = |name: Option<&str>, email: Option<&str>| User {
        name: name.map(str::to_owned),
        email: email.map(str::to_owned),
        signed_in_at: Some(at(5)),
        ..user(1)
    };
    for (given, then) in [
        (named(Some("one"), None), named(Some("one"), None)),
        (named(None, Some("a@b.example")), named(Some("one"), Some("a@b.example"))),
        (named(None, None), named(Some("one"), Some("a@b.example"))),
        (named(Some("two"), None), named(Some("two"), Some("a@b.example"))),
        (named(None, Some("c@d.example")), named(Some("two"), Some("c@d.example"))),
    ] {
        assert_eq!(proposed(&store, &given).await, then);
    }
}

/// Clause 2: of a proposal without a sign-in nothing is taken over, whatever it says.
pub async fn only_who_signs_in_changes_what_is_known(store: Store) {
    let known = proposed(&store, &full_user(1)).await;
    let said = User { name: Some("another".to_owned()), email: Some("x@y.example".to_owned()), ..user(1) };
    let said = User { subject: known.subject.clone(), ..said };
    assert_eq!(proposed(&store, &said).await, known, "who named them did not sign in");
    let signed_in = User { signed_in_at: Some(at(91)), ..said };
    let then = User { name: signed_in.name.clone(), email: signed_in.email.clone(), ..known };
    assert_eq!(proposed(&store, &signed_in).await, User { signed_in_at: Some(at(91)), ..then });
}

/// Clause 2: nodes report in any order.
pub async fn a_sign_in_never_goes_back(store: Store) {
    let signed_in = |moment| User { signed_in_at: moment, ..user(1) };
    for (given, then) in
        [(None, None), (Some(50), Some(50)), (Some(90), Some(90)), (Some(60), Some(90)), (None, Some(90))]
    {
        let then = signed_in(then.map(at));
        assert_eq!(proposed(&store, &signed_in(given.map(at))).await, then);
    }
}

/// Of the errors: an id is nobody else's.
pub async fn the_id_of_another_user_is_refused(store: Store) {
    proposed(&store, &user(1)).await;
    let other = User { id: user_id(1), ..user(2) };
    assert_eq!(store.user(&other).await.expect_err("the id is there").kind(), Kind::Conflict);
    assert_eq!(proposed(&store, &user(1)).await, user(1));
    assert_eq!(proposed(&store, &user(2)).await, user(2), "nothing was kept of it");
}
