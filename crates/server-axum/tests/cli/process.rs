//! The binary as a child process, with settings and a directory of its own.
#![allow(
    clippy::disallowed_methods,
    reason = "the environment is the child's, and what is waited for happens in the child"
)]

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A working directory in which nothing of the caller's settings holds.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts a file there.
    pub(crate) fn file(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a file can be written");
    }

    /// Reads a file from there.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("a file can be read")
    }

    /// The command, with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.clean(Command::new(env!("CARGO_BIN_EXE_waypost")), arguments)
    }

    /// The command under a limit of the system, as `ulimit` takes it: `-Sn 256`.
    pub(crate) fn limited(&self, limit: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_waypost")]);
        self.clean(command, arguments)
    }

    fn clean(&self, mut command: Command, arguments: &[&str]) -> Command {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("WAYPOST_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().expect("the binary runs"))
    }

    /// The same, under a limit of the system.
    pub(crate) fn run_limited(&self, limit: &str, arguments: &[&str]) -> Ended {
        Ended::of(self.limited(limit, arguments).output().expect("the binary runs"))
    }

    /// Starts a server on a free port and waits until it is ready.
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// The same, with further settings.
    pub(crate) fn serve_with(&self, settings: &[&str]) -> Server {
        Server::start(self.command(&[&["serve", "--listen", "127.0.0.1:0"], settings].concat()))
    }

    /// The same, under a limit of the system.
    pub(crate) fn serve_limited(&self, limit: &str, settings: &[&str]) -> Server {
        Server::start(self.limited(limit, &[&["serve", "--listen", "127.0.0.1:0"], settings].concat()))
    }
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Panics unless it ended with `status`.
    pub(crate) fn with_status(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// What it said at its start.
    pub(crate) greeting: String,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut err = child.stderr.take().expect("a pipe");
        let (said, lines) = mpsc::channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        std::thread::spawn(move || std::io::copy(&mut err, &mut std::io::sink()));
        let mut greeting = String::new();
        while !greeting.contains("curl -i ") {
            let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no greeting: {greeting}"));
            greeting.push_str(&line);
            greeting.push('\n');
        }
        let port = greeting.split("://127.0.0.1:").nth(1).expect("an address");
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        let address = format!("127.0.0.1:{port}").parse().expect("an address");
        let server = Self { child, address, greeting };
        if !server.greeting.contains("https://127.0.0.1:") {
            wait_for("ready", || server.get("/readyz", "").0 == 200);
        }
        server
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The key that was shown at the start.
    pub(crate) fn key(&self) -> Option<String> {
        let key = self.greeting.split_whitespace().find(|word| word.starts_with("wp_live_"))?;
        Some(key.to_owned())
    }

    /// Asks for a path, with a key; status and body.
    pub(crate) fn get(&self, path: &str, key: &str) -> (u16, String) {
        self.request("GET", path, key, "")
    }

    /// Sends a request; status, and head and body as one text.
    pub(crate) fn request(&self, method: &str, path: &str, key: &str, body: &str) -> (u16, String) {
        let exchange = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let length = body.len();
            write!(
                stream,
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\
                 Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
                self.address
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().unwrap_or_default();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer)
    }

    /// Tells it that its settings have changed.
    pub(crate) fn hang_up(&self) {
        signal(self.child.id(), "HUP");
    }

    /// Ends it at once.
    pub(crate) fn kill9(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is gone");
    }

    /// Asks it to end, and gives its status.
    pub(crate) fn terminate(mut self) -> i32 {
        signal(self.child.id(), "TERM");
        let mut status = None;
        wait_for("the end after SIGTERM", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        status.and_then(|status| status.code()).unwrap_or(-1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// Does something, and says how long it took.
pub(crate) fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = act();
    (done, begun.elapsed())
}

/// Waits until something holds.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
