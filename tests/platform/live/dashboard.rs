//! Two nodes on PostgreSQL and Redis, and a browser that shows the page of the second.

use std::io;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::http::Api;
use crate::support::port;
use crate::support::postgres::Postgres;
use crate::support::redis::Redis;
use crate::support::server::{ADMIN_KEY, Server, Settings};

/// How long anything may take that has no target of its own, in a debug build on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Has the page keep, from now on, the id of every event that it is told, whatever the way, and when it showed which total.
const RECORD: &str = r#"
    window.told = [];
    const note = (event) => { if (event?.created_at) window.told.push(event.id); };
    const listen = EventSource.prototype.addEventListener;
    EventSource.prototype.addEventListener = function (type, take) {
        listen.call(this, type, (message) => { note(JSON.parse(message.data)); take(message); });
    };
    const plain = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
    Object.defineProperty(WebSocket.prototype, "onmessage", {
        ...plain,
        set(take) { plain.set.call(this, (message) => { note(JSON.parse(message.data).event); take(message); }); },
    });
    const ask = window.fetch;
    window.fetch = async (path, options) => {
        const answer = await ask(path, options);
        if (answer.ok && String(path).startsWith("/v1/events?")) (await answer.clone().json()).data.forEach(note);
        return answer;
    };
    const total = document.getElementById("total");
    window.shown = {};
    const look = () => (window.shown[total.textContent] ??= Date.now());
    new MutationObserver(look).observe(total, { childList: true, characterData: true, subtree: true });
"#;

/// Both nodes and their servers; all of it is private, and goes when this is dropped.
pub(super) struct Cluster {
    // First, so that they go first.
    pub(super) near: Server,
    /// The one whose page is shown. It keeps its port through restarts, as a browser needs it to.
    pub(super) far: Server,
    _postgres: Postgres,
    _redis: Redis,
}

impl Cluster {
    pub(super) fn start() -> io::Result<Self> {
        let (postgres, redis, port) = (Postgres::start()?, Redis::start()?, port::free()?);
        let settings = Settings::default()
            .env("WAYPOST_PUBLIC_URL", format!("http://127.0.0.1:{port}"))
            .env("WAYPOST_DATABASE_URL", postgres.url())
            .env("WAYPOST_REDIS_URL", redis.url())
            .env("WAYPOST_BUS", "redis");
        let listening = settings.clone().env("WAYPOST_LISTEN", format!("127.0.0.1:{port}"));
        let near = settings.start()?;
        Ok(Self { near, far: listening.start()?, _postgres: postgres, _redis: redis })
    }

    /// Follows a link on the near node; the moment of the answer, in milliseconds since 1970.
    pub(super) fn click(&self, slug: &str) -> io::Result<f64> {
        Api::new(self.near.address(), None).get(&format!("/{slug}"))?.expect(302)?;
        Ok(now_ms())
    }

    /// The ids of all events there are, oldest first.
    pub(super) fn log(&self) -> io::Result<Vec<String>> {
        let (api, mut ids, mut path) = (self.near.api(), Vec::new(), "/v1/events?limit=100".to_owned());
        loop {
            let page = api.get(&path)?.expect(200)?.json();
            let events = page["data"].as_array().into_iter().flatten();
            ids.extend(events.filter_map(|event| event["id"].as_str().map(str::to_owned)));
            if page["has_more"] != true {
                return Ok(ids);
            }
            path = format!("/v1/events?limit=100&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
        }
    }
}

impl Drop for Cluster {
    /// Where a test fails, what the nodes said is half of the evidence.
    fn drop(&mut self) {
        if thread::panicking() {
            for (name, node) in [("near", &self.near), ("far", &self.far)] {
                println!("the {name} node said:\n{}", node.process().output());
            }
        }
    }
}

/// The time by the clock that the browser reads as well.
pub(super) fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1_000.0
}

/// The page of the far node, in a browser, with the key signed in.
pub(super) struct Dashboard<'a> {
    pub(super) browser: &'a Browser,
}

impl<'a> Dashboard<'a> {
    /// Opens the page, and signs in. `query` is that of the page; `prelude` runs before.
    pub(super) fn open(browser: &'a Browser, cluster: &Cluster, query: &str, prelude: &str) -> Self {
        browser.go(&format!("http://{}/{query}", cluster.far.address()));
        browser.wait_for("return document.getElementById('login').hidden;", PATIENCE, |hidden| *hidden == false);
        browser.run(RECORD);
        browser.run(prelude);
        browser.fill("#key", ADMIN_KEY);
        browser.click("#login-form button");
        browser.wait_for("return document.getElementById('work').hidden;", PATIENCE, |hidden| *hidden == false);
        Self { browser }
    }

    /// Waits until the page says that it is live by this way.
    pub(super) fn is_live_over(&self, way: &str) {
        let state = "const { phase, way } = document.getElementById('state').dataset; return [phase, way];";
        self.browser.wait_for(state, PATIENCE, |state| *state == json!(["live", way]));
    }

    pub(super) fn make(&self, destination: &str, slug: &str) {
        self.browser.fill("#destination", destination);
        self.browser.fill("#slug", slug);
        self.browser.click("#make");
    }

    /// Waits until the link is listed, and watches it.
    pub(super) fn watch(&self, slug: &str) {
        self.is_listed(slug);
        self.browser.click(&format!("[aria-label='Watch {slug}'][aria-pressed=false]"));
    }

    pub(super) fn is_listed(&self, slug: &str) {
        let find = format!("return document.querySelector(\"[aria-label='Watch {slug}']\") !== null;");
        self.browser.wait_for(&find, PATIENCE, |found| *found == true);
    }

    /// Waits until the count of the watched link is that; the moment at which the page came to show it.
    pub(super) fn shows_total(&self, total: u64) -> f64 {
        let at = self.browser.wait_for(&format!("return window.shown['{total}'];"), PATIENCE, Value::is_number);
        at.as_f64().unwrap_or(f64::MAX)
    }

    /// The ids of the events that the page was told, in order.
    pub(super) fn told(&self) -> Vec<String> {
        let told = self.browser.run("return window.told;");
        told.as_array().into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
    }
}
