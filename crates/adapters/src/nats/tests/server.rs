//! A server of NATS that a test may kill.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server on a port of its own, with a store of its own. It ends with the test.
pub(super) struct Server {
    child: Child,
    port: u16,
    arguments: Vec<String>,
    store: TempDir,
}

impl Server {
    /// Starts a server with these arguments beside its address and its store.
    pub(super) fn start(arguments: &[&str]) -> Self {
        let store = tempfile::tempdir().expect("a temporary folder");
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let (child, port) = run(-1, &arguments, &store);
        Self { child, port, arguments, store }
    }

    /// Where it is.
    pub(super) fn address(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it without a warning (`SIGKILL`).
    pub(super) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// Starts it again on its port, with what is in its store.
    pub(super) fn restart(&mut self) {
        (self.child, self.port) = run(self.port.into(), &self.arguments, &self.store);
    }

    /// Starts it again on its port, with other arguments.
    pub(super) fn restart_with(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self.restart();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a server until it says that it is ready; gives its port.
fn run(port: i32, arguments: &[String], store: &TempDir) -> (Child, u16) {
    let run = |program: &str| {
        let port = port.to_string();
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1", "--port", &port]).args(arguments).arg("--store_dir").arg(store.path());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
    };
    // Debian has it where not everybody's PATH leads.
    let mut child = run("nats-server").or_else(|_| run("/usr/sbin/nats-server")).expect("install nats-server");
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let mut port = None;
    for line in &mut lines {
        let line = line.expect("a line of its log");
        if let Some((_, listening)) = line.rsplit_once("client connections on 127.0.0.1:") {
            port = listening.trim().parse().ok();
        }
        if line.ends_with("Server is ready") {
            break;
        }
    }
    // It must not be stopped by a log that nobody reads.
    std::thread::spawn(move || lines.for_each(drop));
    (child, port.expect("it listens"))
}
