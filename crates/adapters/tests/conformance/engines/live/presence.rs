//! Who watches, as sessions hear of it.

use super::*;

fn watching(id: &str) -> Subscribe {
    Subscribe { subject: Some("lnk_1".to_owned()), presence: true, ..subscribe(id, From::Now) }
}

#[tokio::test]
async fn who_watches_is_told_at_first_and_then_who_comes_and_goes() {
    let mut node = Node::new(LiveOptions::default()).await;
    let mut keeper = node.presences.keeper();
    let mut first = node.open(Transport::WebSocket);
    first.subscribe(watching("a")).expect("what the test relies on");
    assert_eq!(told(&mut first).await, ["a stands, recovered false"]);
    node.pass(1);
    keeper.step(node.clock.now()).await.expect("what the test relies on");
    assert_eq!(told(&mut first).await, ["a 1 present"]);
    let mut second = node.open(Transport::WebSocket);
    second.subscribe(watching("b")).expect("what the test relies on");
    node.pass(1);
    keeper.step(node.clock.now()).await.expect("what the test relies on");
    assert_eq!(told(&mut first).await, ["a joined"]);
    let mut heard = told(&mut second).await;
    assert_eq!(heard.remove(0), "b stands, recovered false");
    assert_eq!(heard, ["b 2 present"]);
    // Events come beside it.
    node.tell([event(1, "lnk_1")]).await;
    assert_eq!((told(&mut first).await, told(&mut second).await), (vec!["a 1".to_owned()], vec!["b 1".to_owned()]));
    assert!(second.unsubscribe("b"));
    node.pass(1);
    keeper.step(node.clock.now()).await.expect("what the test relies on");
    assert_eq!(told(&mut first).await, ["a left"]);
}

#[tokio::test]
async fn presence_is_of_one_thing() {
    let node = Node::new(LiveOptions::default()).await;
    let mut session = node.open(Transport::WebSocket);
    let wanted = Subscribe { presence: true, ..subscribe("all", From::Now) };
    assert_eq!(session.subscribe(wanted).expect_err("no subject").kind(), waypost_core::Kind::Invalid);
}
