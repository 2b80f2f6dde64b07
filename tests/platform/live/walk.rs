//! The walk through the platform, part three: a click on one node reaches a dashboard at the other.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};

use super::dashboard::{Cluster, Dashboard, PATIENCE};
use crate::support::browser::Browser;
use crate::support::server::ADMIN_KEY;

/// How many clicks are measured on each way; the median is what counts, since one may meet another process's burst.
const CLICKS: usize = 5;
/// From the answer to a click to its event in the browser.
const TARGET: Duration = Duration::from_secs(1);

/// Listens by what the browser itself has, and keeps when which event came.
const LISTEN: &str = r#"
    const headers = { Authorization: "Bearer KEY" };
    const ticket = async () => (await (await fetch("/v1/events/tickets", { method: "POST", headers })).json()).ticket;
    window.came = { sse: [], socket: [] };
    const source = new EventSource(`/v1/events/stream?types=link.clicked&ticket=${await ticket()}`);
    source.addEventListener("link.clicked", ({ data }) => came.sse.push([Date.now(), JSON.parse(data)]));
    await new Promise((open, broken) => [source.onopen, source.onerror] = [open, broken]);
    const socket = new WebSocket(`ws://${location.host}/v1/events/socket?ticket=${await ticket()}`, "waypost.v1");
    await new Promise((subscribed, broken) => {
        socket.onerror = broken;
        socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", id: "walk", types: ["link.clicked"] }));
        socket.onmessage = ({ data }) => {
            const frame = JSON.parse(data);
            if (frame.type === "subscribed") subscribed();
            if (frame.type === "event") came.socket.push([Date.now(), frame.event]);
        };
    });
    window.listening = [source, socket];
    return true;
"#;

#[test]
fn a_click_on_one_node_reaches_a_browser_at_the_other_within_a_second() {
    walk().expect("the walk");
}

fn walk() -> io::Result<()> {
    let cluster = Cluster::start()?;
    let browser = Browser::start();
    let link = cluster.near.api().create_link("https://example.com/spring", Some("spring"), None)?.expect(201)?.json();
    // What listens is not the page; but its policy lets a script ask this server, as other pages' do not.
    browser.go(&format!("http://{}/", cluster.far.address()));
    assert_eq!(browser.run(&LISTEN.replace("KEY", ADMIN_KEY)), true);
    let mut delays = [Vec::new(), Vec::new()];
    for number in 0..CLICKS {
        let clicked = cluster.click("spring")?;
        for (delays, way) in delays.iter_mut().zip(["sse", "socket"]) {
            let event = browser.wait_for(&format!("return came.{way}[{number}];"), PATIENCE, Value::is_array);
            assert_eq!((&event[1]["event"], &event[1]["subject"]), (&json!("link.clicked"), &link["id"]), "{way}");
            assert_eq!(event[1]["data"]["clicks"]["counted"], 1, "{way}");
            delays.push(event[0].as_f64().unwrap_or(f64::MAX) - clicked);
        }
    }
    for (mut delays, way) in delays.into_iter().zip(["sse", "socket"]) {
        println!("{way}: {delays:.0?} ms from a click's answer on one node to its event in a browser at the other");
        delays.sort_unstable_by(f64::total_cmp);
        assert!(delays[CLICKS / 2] <= TARGET.as_secs_f64() * 1_000.0, "{way}: {delays:.0?} ms");
    }
    browser.stop();
    Ok(())
}

#[test]
fn the_page_makes_links_and_goes_on_without_a_gap_over_server_sent_events() {
    use_page("", "sse").expect("the page");
}

#[test]
fn the_page_makes_links_and_goes_on_without_a_gap_over_a_websocket() {
    use_page("?transport=socket", "socket").expect("the page");
}

#[test]
fn the_page_makes_links_and_goes_on_without_a_gap_over_held_polls() {
    use_page("?transport=poll", "poll").expect("the page");
}

fn use_page(query: &str, way: &str) -> io::Result<()> {
    let mut cluster = Cluster::start()?;
    let browser = Browser::start();
    let page = Dashboard::open(&browser, &cluster, query, "");
    page.is_live_over(way);
    let before = cluster.log()?.len();

    // A link of one's own, and what is wrong with a second one of the same slug.
    page.make("https://example.com/spring", "spring");
    page.watch("spring");
    page.make("https://example.com/summer", "spring");
    let fault = "return document.getElementById('slug-fault').textContent;";
    browser.wait_for(fault, PATIENCE, |text| text.as_str().is_some_and(|text| text.contains("is taken")));
    browser.run("document.getElementById('create').reset();");

    let mut delays = Vec::new();
    for total in 1..=3 {
        let clicked = cluster.click("spring")?;
        delays.push(page.shows_total(total) - clicked);
    }
    println!("{way}: {delays:.0?} ms from a click's answer on one node to the page of the other");

    // While the page's node is away, the other goes on.
    cluster.far.kill9()?;
    let lost = "return document.getElementById('state').dataset.phase;";
    browser.wait_for(lost, PATIENCE, |phase| *phase == "waiting");
    for _ in 0..2 {
        cluster.click("spring")?;
    }
    cluster.near.api().create_link("https://example.com/autumn", Some("autumn"), None)?.expect(201)?;
    cluster.far.restart()?;
    page.is_live_over(way);
    page.is_listed("autumn");
    page.shows_total(5);
    cluster.click("spring")?;
    page.shows_total(6);

    // Every event since it was opened, each once, in the order of the log.
    assert_eq!(page.told(), cluster.log()?[before..], "what the page was told is the log");
    browser.stop();
    Ok(())
}

/// Takes the place of `EventSource` in a network that carries no stream: one that never opens, and one that opens and
/// keeps back what comes.
const DEAF: &str = r#"
    window.EventSource = class {
        constructor() { if (OPENS) setTimeout(() => this.onopen(), 50); }
        addEventListener() {}
        close() {}
    };
"#;

#[test]
fn the_page_finds_another_way_where_streams_do_not_come_through() {
    for opens in ["false", "true"] {
        fall_back(opens).unwrap_or_else(|fault| panic!("opens: {opens}: {fault}"));
    }
}

fn fall_back(opens: &str) -> io::Result<()> {
    let cluster = Cluster::start()?;
    let browser = Browser::start();
    let page = Dashboard::open(&browser, &cluster, "", &DEAF.replace("OPENS", opens));
    page.make("https://example.com/spring", "spring");
    page.watch("spring");
    cluster.click("spring")?;
    page.is_live_over("poll");
    page.shows_total(1);
    cluster.click("spring")?;
    page.shows_total(2);
    browser.stop();
    Ok(())
}
