//! A Redis server of a test's own.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::daemon::{Daemon, Recipe, run};

/// How long an orderly end may take.
const STOP: Duration = Duration::from_secs(10);

/// A running server; killed when dropped.
pub struct Redis {
    daemon: Daemon,
}

impl Redis {
    /// Starts an empty server that keeps what it acknowledged: every write is on disk before its answer.
    ///
    /// # Errors
    ///
    /// When Redis is not installed, or the server does not get ready within 30 s.
    pub fn start() -> io::Result<Self> {
        // `everysec`, the default, may put a write off beyond its answer while the disk is busy.
        Self::with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts an empty server that keeps nothing beyond its own life.
    ///
    /// # Errors
    ///
    /// As [`Redis::start`].
    pub fn start_forgetful() -> io::Result<Self> {
        Self::with(&["--appendonly", "no"])
    }

    fn with(arguments: &'static [&str]) -> io::Result<Self> {
        let recipe = Recipe {
            name: "redis",
            ready: "Ready to accept connections",
            end: Signal::KILL,
            farewell: "",
            command: Box::new(move |port, directory| {
                let mut command = Command::new("redis-server");
                command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""]);
                command.arg("--dir").arg(directory).args(arguments);
                Ok(command)
            }),
        };
        Ok(Self { daemon: Daemon::start(recipe, |_| Ok(()))? })
    }

    /// Where it listens; the same after every restart.
    pub fn address(&self) -> SocketAddr {
        self.daemon.address()
    }

    /// Its URL.
    pub fn url(&self) -> String {
        self.url_through(self.address())
    }

    /// The same by way of another address, such as that of a [`Proxy`](super::proxy::Proxy).
    pub fn url_through(&self, address: SocketAddr) -> String {
        format!("redis://{address}")
    }

    /// Runs one command through `redis-cli`; gives its answer, one line a value.
    ///
    /// # Errors
    ///
    /// What redis-cli or the server said.
    pub fn command(&self, words: &[&str]) -> io::Result<String> {
        // -e: an error of the server is a failure of redis-cli.
        run(Command::new("redis-cli").args(["-p", &self.address().port().to_string(), "--raw", "-e"]).args(words))
    }

    /// Has it forget everything.
    pub fn flush_all(&self) -> io::Result<()> {
        self.command(&["FLUSHALL"]).map(drop)
    }

    /// The server's process, for its state and its log.
    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// Ends it with `SIGKILL`. What is on disk stays.
    pub fn kill9(&mut self) -> io::Result<()> {
        self.daemon.kill9()
    }

    /// Ends it in good order.
    pub fn stop(&mut self) -> io::Result<()> {
        self.daemon.end(Signal::TERM, STOP)
    }

    /// Starts it again on the same port and the same data, killing it first if it still runs.
    ///
    /// # Errors
    ///
    /// As [`Redis::start`].
    pub fn restart(&mut self) -> io::Result<()> {
        self.daemon.restart()
    }
}
