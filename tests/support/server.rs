//! The real binary as a child process: `waypost serve` on a port and on data of its own.

use std::env;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::http::Api;
use super::process::Process;

/// The key that tests give as `WAYPOST_ADMIN_KEY`.
pub const ADMIN_KEY: &str = "wp_live_test0000_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

/// How long a server may take from its start-up line to ready.
const READY: Duration = Duration::from_secs(30);

/// A little more than the default `shutdown_grace` of 30 s.
const TERMINATE: Duration = Duration::from_secs(40);

/// How a server is to be started; an empty store in a directory of its own unless told.
///
/// Several nodes are started from clones of the same settings.
#[derive(Clone, Default)]
pub struct Settings {
    data_dir: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
    file: Option<String>,
}

impl Settings {
    /// Keeps the data there; the directory outlives the server.
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// Sets one more environment variable, or another value for one that is set anyway.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Sets several environment variables, as [`Settings::env`] sets one.
    pub fn envs<N: Into<OsString>, V: Into<OsString>>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self {
        self.environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Has this text as its `waypost.toml`.
    pub fn file(mut self, text: impl Into<String>) -> Self {
        self.file = Some(text.into());
        self
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When there is no binary, or when it does not get ready within 30 s; the message says what it printed.
    pub fn start(self) -> io::Result<Server> {
        let (data_dir, temporary) = match self.data_dir {
            Some(path) => (path, None),
            None => {
                let directory = tempfile::Builder::new().prefix("waypost-test-").tempdir()?;
                (directory.path().to_owned(), Some(directory))
            }
        };
        if let Some(text) = &self.file {
            // Read from the working directory, which is this one.
            std::fs::write(data_dir.join("waypost.toml"), text)?;
        }
        let (process, start_up) = launch(&data_dir, &self.environment)?;
        let api = Api::new(process.address(), Some(ADMIN_KEY));
        let environment = self.environment;
        Ok(Server { process, api, start_up, data_dir, environment, _temporary: temporary })
    }
}

/// A running `waypost serve`; killed when dropped.
///
/// It listens on a free port of 127.0.0.1, logs warnings only and knows [`ADMIN_KEY`].
pub struct Server {
    process: Process,
    api: Api,
    start_up: Duration,
    data_dir: PathBuf,
    environment: Vec<(OsString, OsString)>,
    // Last, so that the directory goes after the process that writes to it.
    _temporary: Option<TempDir>,
}

impl Server {
    /// Starts a server on an empty store.
    ///
    /// # Errors
    ///
    /// As [`Settings::start`].
    pub fn start() -> io::Result<Self> {
        Settings::default().start()
    }

    /// The address that it listens on; another one after a restart.
    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// A caller with the admin key; it follows the server through restarts.
    pub fn api(&self) -> Api {
        self.api.clone()
    }

    /// Where its data is.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The time from the start of the process to its first ready answer, at the last start.
    pub fn start_up(&self) -> Duration {
        self.start_up
    }

    /// The child, for its memory, its CPU time and its output.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The child, to be signalled and waited for.
    pub fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Ends it with `SIGKILL`, as a power cut would end the process. The data stay.
    pub fn kill9(&mut self) -> io::Result<()> {
        self.process.kill9().map(drop)
    }

    /// Ends it with `SIGTERM` and waits up to 40 s.
    pub fn terminate(&mut self) -> io::Result<ExitStatus> {
        self.process.terminate(TERMINATE)
    }

    /// Starts it again on the same data, killing it first if it still runs.
    ///
    /// It gets another port: clients that go on knocking at the old one could otherwise have taken that port themselves.
    ///
    /// # Errors
    ///
    /// As [`Settings::start`].
    pub fn restart(&mut self) -> io::Result<()> {
        self.process.kill9()?;
        (self.process, self.start_up) = launch(&self.data_dir, &self.environment)?;
        self.api.move_to(self.process.address());
        Ok(())
    }
}

fn launch(data_dir: &Path, environment: &[(OsString, OsString)]) -> io::Result<(Process, Duration)> {
    let mut command = Command::new(binary()?);
    // Settings of whoever runs the tests must not reach the child.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("WAYPOST_")) {
        command.env_remove(name);
    }
    command
        .arg("serve")
        // A stray waypost.toml in the working directory must not reach it either.
        .current_dir(data_dir)
        .env("WAYPOST_LISTEN", "127.0.0.1:0")
        .env("WAYPOST_DATA_DIR", data_dir)
        .env("WAYPOST_ADMIN_KEY", ADMIN_KEY)
        .env("WAYPOST_LOG", "warn")
        .envs(environment.iter().map(|(name, value)| (name, value)));
    let begun = Instant::now();
    let mut process = Process::spawn(&mut command)?;
    let api = Api::new(process.address(), None);
    loop {
        if api.get("/readyz").is_ok_and(|answer| answer.status == 200) {
            return Ok((process, begun.elapsed()));
        }
        if !process.is_running() {
            return Err(process.failed("ended before it was ready"));
        }
        if begun.elapsed() > READY {
            return Err(process.failed("was not ready within 30 s"));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Finds the binary: `WAYPOST_BIN`, else `waypost` beside the directory of this test (`target/debug`, `target/release`).
///
/// Cargo hands a test the binaries of its own package only, and `waypost` belongs to another one.
///
/// # Errors
///
/// When there is none; the message says how to build it.
pub fn binary() -> io::Result<PathBuf> {
    if let Some(path) = env::var_os("WAYPOST_BIN") {
        return Ok(path.into());
    }
    let own = env::current_exe()?;
    let profile = own
        .parent()
        .and_then(Path::parent)
        .ok_or_else(|| io::Error::other("this test lies outside a target directory"))?;
    let path = profile.join(format!("waypost{}", env::consts::EXE_SUFFIX));
    if path.is_file() {
        return Ok(path);
    }
    let flag = if profile.ends_with("release") { " --release" } else { "" };
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        format!("{} is missing: `cargo build -p waypost-server-axum{flag}` makes it", path.display()),
    ))
}
