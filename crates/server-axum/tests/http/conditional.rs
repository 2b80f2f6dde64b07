//! Conditional requests (contract §6; RFC 9110 §13).

use http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::harness::Server;

#[tokio::test]
async fn who_knows_it_already_is_told_so() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let tag = server.get(&path).send().await.header("etag").to_owned();
    assert!(tag.starts_with('"'), "a strong tag: {tag}");
    for given in
        [tag.clone(), format!("W/{tag}"), "*".to_owned(), format!("\"other\", {tag}"), format!(" {tag} , \"b\"")]
    {
        for method in [Method::GET, Method::HEAD] {
            let reply = server.ask(method, &path).header("if-none-match", &given).send().await;
            assert_eq!((reply.status, reply.header("etag")), (304, tag.as_str()), "{given}");
        }
    }
    assert_snapshot!("not_modified", server.get(&path).header("if-none-match", &tag).send().await.show());
    for given in ["\"other\"", "", &tag[1..tag.len() - 1]] {
        assert_eq!(server.get(&path).header("if-none-match", given).send().await.status, 200, "{given}");
    }
    server.patch(&path, &json!({"title": "New"})).send().await;
    assert_eq!(server.get(&path).header("if-none-match", &tag).send().await.status, 200);
}

#[tokio::test]
async fn a_write_holds_for_the_version_that_was_seen() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let tag = server.get(&path).send().await.header("etag").to_owned();
    let patch = json!({"title": "New"});
    for stale in [format!("W/{tag}"), "\"other\"".into(), String::new(), tag.replace("-1", "-2")] {
        let reply = server.patch(&path, &patch).header("if-match", &stale).send().await;
        assert_eq!(reply.fault(), (412, "VERSION_MISMATCH".into()), "{stale}: weak tags match nothing");
        assert_eq!(server.delete(&path).header("if-match", &stale).send().await.status, 412, "{stale}");
    }
    let patched = server.patch(&path, &patch).header("if-match", &format!("\"x\", {tag}")).send().await;
    assert_eq!(patched.status, 200);
    assert_eq!(
        server.patch(&path, &patch).header("if-match", &tag).send().await.status,
        412,
        "it is another version now"
    );
    assert_eq!(server.delete(&path).header("if-match", patched.header("etag")).send().await.status, 204);
}

#[tokio::test]
async fn the_star_is_any_version_and_no_header_too() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    assert_eq!(server.patch(&path, &json!({"title": "a"})).header("if-match", "*").send().await.status, 200);
    assert_eq!(server.patch(&path, &json!({"title": "b"})).send().await.status, 200);
    assert_eq!(server.delete(&path).header("if-match", "*").send().await.status, 204);
    assert_eq!(server.delete(&path).header("if-match", "*").send().await.status, 404);
}

#[tokio::test]
async fn if_none_match_forbids_a_write_of_the_version_that_it_names() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let tag = server.get(&path).send().await.header("etag").to_owned();
    for given in ["*", &tag, &format!("W/{tag}")] {
        let reply = server.patch(&path, &json!({"title": "a"})).header("if-none-match", given).send().await;
        assert_eq!(reply.fault(), (412, "VERSION_MISMATCH".into()), "{given}");
        assert_eq!(server.delete(&path).header("if-none-match", given).send().await.status, 412, "{given}");
    }
    assert_eq!(server.delete(&path).header("if-none-match", "\"other\"").send().await.status, 204);
}

#[tokio::test]
async fn a_stale_version_is_told_after_401_to_405_and_before_422() {
    let server = Server::start().await;
    let path = server.make_slug("spring").await;
    let faulty = json!({"title": 5});
    let stale = |asking: crate::harness::Asking| asking.header("if-match", "\"stale\"");
    assert_eq!(stale(server.patch(&path, &faulty)).send().await.status, 412);
    assert_eq!(stale(server.patch(&path, &faulty)).without("authorization").send().await.status, 401);
    let reader = server.issue("default", "links:read").await;
    assert_eq!(stale(server.patch(&path, &faulty)).key(&reader).send().await.status, 403);
    let nothing = "/v1/links/lnk_01JD3X8M2V7Q5T9B4C6E8G0HJK";
    assert_eq!(stale(server.patch(nothing, &faulty)).send().await.status, 404);
    assert_eq!(stale(server.ask(Method::PUT, &path)).send().await.status, 405);
}
