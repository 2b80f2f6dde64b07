//! A NATS server of a test's own, with JetStream.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::daemon::{Daemon, Recipe};

/// How long an orderly end, and an answer, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server; killed when dropped. Its streams are in files.
pub struct Nats {
    daemon: Daemon,
}

impl Nats {
    /// Starts a server without streams.
    ///
    /// # Errors
    ///
    /// When NATS is not installed, or the server does not get ready within 30 s.
    pub fn start() -> io::Result<Self> {
        let recipe = Recipe {
            name: "nats",
            ready: "Server is ready",
            end: Signal::KILL,
            farewell: "",
            command: Box::new(|port, directory| {
                let mut command = Command::new("nats-server");
                command.args(["--addr", "127.0.0.1", "--port", &port.to_string(), "-js"]);
                command.arg("--store_dir").arg(directory.join("data"));
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
        format!("nats://{address}")
    }

    /// Sends one request on a connection of its own and gives the answer, which JetStream's API and its streams send.
    ///
    /// # Errors
    ///
    /// When no answer arrives within 10 s.
    pub fn request(&self, subject: &str, body: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let length = body.len();
        write!(stream, "CONNECT {{\"verbose\":false}}\r\nSUB answer 1\r\nPUB {subject} answer {length}\r\n{body}\r\n")?;
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if line.starts_with("MSG ") {
                let length = line.split_whitespace().last().and_then(|length| length.parse().ok()).unwrap_or(0);
                let mut answer = vec![0; length];
                lines.read_exact(&mut answer)?;
                return String::from_utf8(answer).map_err(io::Error::other);
            }
            if line.starts_with("-ERR") {
                break;
            }
            line.clear();
        }
        Err(io::Error::other(format!("no answer to {subject}: {line}")))
    }

    /// The server's process, for its state and its log.
    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// Ends it with `SIGKILL`. The streams stay.
    pub fn kill9(&mut self) -> io::Result<()> {
        self.daemon.kill9()
    }

    /// Ends it in good order.
    pub fn stop(&mut self) -> io::Result<()> {
        self.daemon.end(Signal::TERM, PATIENCE)
    }

    /// Starts it again on the same port and the same streams, killing it first if it still runs.
    ///
    /// # Errors
    ///
    /// As [`Nats::start`].
    pub fn restart(&mut self) -> io::Result<()> {
        self.daemon.restart()
    }
}
