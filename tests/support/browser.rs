//! A headless Chromium, driven by WebDriver.
//!
//! It needs `chromium` and `chromedriver` on the path; where they are missing a test fails, and says so. What goes wrong
//! between here and the browser is a panic: no test can go on without it.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::Api;

/// No sandbox, since tests may run as root; and nothing that would talk to the world outside.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
/// How long one command may take; a cold start of a browser on a busy machine is the slowest.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A browser with a profile of its own; gone when dropped.
pub struct Browser {
    driver: Child,
    api: Api,
    profile: TempDir,
    session: Option<String>,
}

impl Browser {
    /// Starts a browser on an empty page.
    pub fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts; install it (Debian: apt-get install chromium chromium-driver)");
        let mut out = BufReader::new(driver.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let port = out.find_map(|line| line.split("successfully on port ").nth(1).map(str::to_owned));
        let port = port.and_then(|port| port.trim_end_matches('.').parse().ok()).expect("chromedriver says its port");
        thread::spawn(move || out.for_each(drop));
        let mut this = Self {
            driver,
            api: Api::new(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), None).with_patience(PATIENCE),
            profile: tempfile::tempdir().expect("a temporary directory"),
            session: None,
        };
        let profile = format!("--user-data-dir={}", this.profile.path().display());
        let flags: Vec<&str> = FLAGS.into_iter().chain([profile.as_str()]).collect();
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": {"args": flags},
        }}});
        let made = this.ask("POST", "/session", Some(&wanted));
        this.session = made["sessionId"].as_str().map(str::to_owned);
        this
    }

    /// Sends a command; the value of the answer.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, mut answer) = self.try_ask(method, path, body).expect("chromedriver answers");
        assert!(status == 200, "{path}: {answer}");
        answer["value"].take()
    }

    fn try_ask(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<(u16, Value)> {
        let answer = self.api.send(method, path, &[], body)?;
        Ok((answer.status, answer.json()))
    }

    fn at(&self, path: &str) -> String {
        format!("/session/{}{path}", self.session.as_deref().expect("a session"))
    }

    /// Goes to a page, and waits until it is there.
    pub fn go(&self, url: &str) {
        self.ask("POST", &self.at("/url"), Some(&json!({"url": url})));
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.ask("GET", &self.at("/url"), None).as_str().expect("an address").to_owned()
    }

    /// Waits until it is there.
    pub fn wait_for_url(&self, url: &str) {
        self.wait(url, PATIENCE, || self.url() == url);
    }

    /// Waits until this script of the page gives something that holds, and gives that.
    pub fn wait_for(&self, script: &str, limit: Duration, holds: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        self.wait(script, limit, || {
            last = self.run(script);
            holds(&last)
        });
        last
    }

    fn wait(&self, what: &str, limit: Duration, mut is_there: impl FnMut() -> bool) {
        let deadline = Instant::now() + limit;
        while !is_there() {
            assert!(Instant::now() < deadline, "waited {limit:?} for {what}; the page shows:\n{}", self.text());
            thread::sleep(PAUSE);
        }
    }

    /// What a person reads on the page.
    pub fn text(&self) -> String {
        self.run("return document.body.innerText;").as_str().unwrap_or_default().to_owned()
    }

    fn find(&self, selector: &str) -> String {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.ask("POST", &self.at("/element"), Some(&wanted));
        let id = found.as_object().and_then(|found| found.values().next()?.as_str()).expect("an element");
        self.at(&format!("/element/{id}"))
    }

    /// Clicks on the first element that the selector finds.
    pub fn click(&self, selector: &str) {
        self.ask("POST", &format!("{}/click", self.find(selector)), Some(&json!({})));
    }

    /// Types into the first element that the selector finds, key by key.
    pub fn fill(&self, selector: &str, text: &str) {
        self.ask("POST", &format!("{}/value", self.find(selector)), Some(&json!({"text": text})));
    }

    /// Runs the body of an async function on the page; what it returns.
    pub fn run(&self, script: &str) -> Value {
        let script = format!("return (async () => {{ {script} }})();");
        self.ask("POST", &self.at("/execute/sync"), Some(&json!({"script": script, "args": []})))
    }

    /// The cookies of the page's server.
    pub fn cookies(&self) -> Vec<Value> {
        self.ask("GET", &self.at("/cookie"), None).as_array().expect("a list").clone()
    }

    /// Ends the browser as a person would.
    pub fn stop(mut self) {
        let path = self.at("");
        self.session = None;
        self.ask("DELETE", &path, None);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if self.session.is_some() {
            let _ = self.try_ask("DELETE", &self.at(""), None);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        // What is left of a browser that did not end: it alone has our profile.
        let profile = self.profile.path().display().to_string();
        let Ok(processes) = std::fs::read_dir("/proc") else { return };
        for process in processes.flatten() {
            let Some(id) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains(&profile) {
                let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
            }
        }
    }
}
