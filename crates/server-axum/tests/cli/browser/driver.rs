//! A headless Chromium, driven by WebDriver.
#![allow(clippy::disallowed_methods, reason = "what is waited for happens in other processes")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::process::wait_for;

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

/// A browser with a profile of its own; gone when dropped.
pub(crate) struct Driver {
    driver: Child,
    client: reqwest::Client,
    runtime: Runtime,
    profile: TempDir,
    url: String,
    session: Option<String>,
}

impl Driver {
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts; install it (Debian: apt-get install chromium chromium-driver)");
        let mut out = BufReader::new(driver.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let port = out.find_map(|line| line.split("successfully on port ").nth(1).map(str::to_owned));
        let port = port.expect("chromedriver says its port");
        std::thread::spawn(move || out.for_each(drop));
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        let mut this = Self {
            driver,
            client,
            runtime: Runtime::new().expect("a runtime"),
            profile: tempfile::tempdir().expect("a temporary directory"),
            url: format!("http://127.0.0.1:{}", port.trim_end_matches('.')),
            session: None,
        };
        let profile = format!("--user-data-dir={}", this.profile.path().display());
        let flags: Vec<&str> = FLAGS.into_iter().chain([profile.as_str()]).collect();
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": {"args": flags},
        }}});
        let made = this.ask(Method::POST, "/session", Some(&wanted));
        this.session = made["sessionId"].as_str().map(str::to_owned);
        this
    }

    /// Sends a command; the value of the answer.
    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, mut answer) = self.try_ask(method, path, body).expect("chromedriver answers");
        assert!(status == 200, "{path}: {answer}");
        answer["value"].take()
    }

    fn try_ask(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = body.into_iter().fold(request, reqwest::RequestBuilder::json);
        self.runtime.block_on(async {
            let answer = request.send().await.ok()?;
            Some((answer.status().as_u16(), answer.json().await.ok()?))
        })
    }

    fn at(&self, path: &str) -> String {
        format!("/session/{}{path}", self.session.as_deref().expect("a session"))
    }

    /// Goes to a page, and waits until it is there.
    pub(crate) fn go(&self, url: &str) {
        self.ask(Method::POST, &self.at("/url"), Some(&json!({"url": url})));
    }

    pub(crate) fn url(&self) -> String {
        self.ask(Method::GET, &self.at("/url"), None).as_str().expect("an address").to_owned()
    }

    pub(crate) fn wait_for_url(&self, url: &str) {
        wait_for(url, || self.url() == url);
    }

    /// Clicks on the first element that the selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.ask(Method::POST, &self.at("/element"), Some(&wanted));
        let id = found.as_object().and_then(|found| found.values().next()?.as_str()).expect("an element");
        self.ask(Method::POST, &self.at(&format!("/element/{id}/click")), Some(&json!({})));
    }

    /// Runs the body of an async function on the page; what it returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        let script = format!("return (async () => {{ {script} }})();");
        self.ask(Method::POST, &self.at("/execute/sync"), Some(&json!({"script": script, "args": []})))
    }

    pub(crate) fn cookies(&self) -> Vec<Value> {
        self.ask(Method::GET, &self.at("/cookie"), None).as_array().expect("a list").clone()
    }

    /// Ends the browser as a person would.
    pub(crate) fn stop(mut self) {
        let path = self.at("");
        self.session = None;
        self.ask(Method::DELETE, &path, None);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.session.is_some() {
            let _ = self.try_ask(Method::DELETE, &self.at(""), None);
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
