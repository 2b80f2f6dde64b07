//! A server of a test's own, which it may stop, kill and start again.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::redis::{Redis, RedisOptions};

/// What survives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// Nothing.
    None,
    /// What the append-only file holds, written each second.
    EverySecond,
    /// Everything that was answered.
    Always,
}

/// A private server; it ends with this value.
pub(super) struct Server {
    folder: TempDir,
    port: u16,
    persistence: Persistence,
    process: Option<Child>,
}

impl Server {
    /// Starts a server on a free port.
    pub(super) async fn start(persistence: Persistence) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self { folder, port, persistence, process: None };
        server.start_again().await;
        server
    }

    /// Starts it on the same port, with what the folder holds.
    pub(super) async fn start_again(&mut self) {
        let (append, sync) = match self.persistence {
            Persistence::None => ("no", "no"),
            Persistence::EverySecond => ("yes", "everysec"),
            Persistence::Always => ("yes", "always"),
        };
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", append, "--appendfsync", sync])
            .args(["--port", &self.port.to_string(), "--dir"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(process.expect("redis-server is installed: run scripts/test, which sees to it"));
        eventually(async || TcpStream::connect(("127.0.0.1", self.port)).await.is_ok()).await;
    }

    /// Kills it: it writes nothing any more.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it has ended");
        }
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// Opens a handle.
    pub(super) async fn open(&self) -> Redis {
        Redis::open(self.options()).await.expect("the server is there")
    }

    /// How to reach it.
    pub(super) fn options(&self) -> RedisOptions {
        // A short heartbeat, so that a test need not wait for it.
        let heartbeat = Duration::from_millis(200);
        RedisOptions { heartbeat, ..RedisOptions::new(format!("redis://127.0.0.1:{}", self.port)) }
    }

    /// The append-only file that is being written.
    pub(super) fn append_only_file(&self) -> PathBuf {
        let folder = std::fs::read_dir(self.folder.path().join("appendonlydir")).expect("it has an append-only file");
        let mut files = folder.map(|file| file.expect("a file").path());
        files.find(|file| file.to_string_lossy().ends_with(".incr.aof")).expect("an increment")
    }

    /// Runs one command, past the adapter.
    pub(super) fn command(&self, words: &[&str]) {
        let client = redis::Client::open(self.options().url).expect("an address");
        let mut connection = client.get_connection().expect("the server is there");
        redis::cmd(words[0]).arg(&words[1..]).exec(&mut connection).expect("the command is carried out");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Looks again and again, for ten seconds: the time in which everything has to recover.
pub(super) async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            // A look fails at once while the server is away; this leaves the processor to it.
            let _ = timeout(Duration::from_millis(20), std::future::pending::<()>()).await;
        }
    };
    timeout(Duration::from_secs(10), looking).await.expect("it came true within ten seconds");
}
