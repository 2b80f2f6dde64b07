//! A PostgreSQL server of a test's own.

use std::env;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Signal, geteuid};

use super::daemon::{Daemon, Recipe, run};

/// How long an orderly end may take: it writes a checkpoint.
const STOP: Duration = Duration::from_secs(30);

/// After SIGKILL a segment of System V shared memory is left, which only the next start on the same data would remove.
/// The seventh line of the lock file holds its key and its id.
const FORGET_SHARED_MEMORY: &str = "ipcrm -m $(sed -n '7s/.* //p' data/postmaster.pid)";

/// A running server; killed when dropped.
///
/// It keeps what it acknowledged, whatever happens to it: `fsync`, `synchronous_commit` and `full_page_writes` are on,
/// as PostgreSQL sets them. Whoever knows the port is its superuser `waypost`.
pub struct Postgres {
    daemon: Daemon,
}

impl Postgres {
    /// Starts a server on an empty database.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed, or the server does not get ready within 30 s.
    pub fn start() -> io::Result<Self> {
        Self::with(&[])
    }

    /// Starts a server with some settings of its own, such as `("max_connections", "20")`.
    ///
    /// # Errors
    ///
    /// As [`Postgres::start`].
    pub fn with(settings: &[(&str, &str)]) -> io::Result<Self> {
        let fixed = [
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            // In files of the data directory, so that SIGKILL leaves none of it in the system.
            ("dynamic_shared_memory_type", "mmap"),
        ];
        let arguments: Vec<String> =
            fixed.iter().chain(settings).map(|(name, value)| format!("-c{name}={value}")).collect();
        let recipe = Recipe {
            name: "postgres",
            ready: "ready to accept connections",
            // Immediate: no farewell to clients, no checkpoint, and yet its shared memory is given back.
            end: Signal::QUIT,
            farewell: FORGET_SHARED_MEMORY,
            command: Box::new(move |port, directory| {
                let mut command = as_owner(&program("postgres")?);
                command.args(["-p", &port.to_string(), "-D"]).arg(data(directory)).args(&arguments);
                Ok(command)
            }),
        };
        Ok(Self { daemon: Daemon::start(recipe, init)? })
    }

    /// Where it listens; the same after every restart.
    pub fn address(&self) -> SocketAddr {
        self.daemon.address()
    }

    /// The URL for its superuser.
    pub fn url(&self) -> String {
        self.url_through(self.address())
    }

    /// The same by way of another address, such as that of a [`Proxy`](super::proxy::Proxy).
    pub fn url_through(&self, address: SocketAddr) -> String {
        format!("postgres://waypost@{address}/postgres")
    }

    /// Runs SQL through `psql`, which stops at the first error; gives rows as lines, columns divided by `|`.
    ///
    /// # Errors
    ///
    /// What psql said.
    pub fn psql(&self, sql: &str) -> io::Result<String> {
        run(Command::new(program("psql")?)
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command", sql])
            .arg(self.url()))
    }

    /// The server's process, for its state and its log.
    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// Ends the server and every process of it with `SIGKILL`. The data stay.
    pub fn kill9(&mut self) -> io::Result<()> {
        self.daemon.kill9()
    }

    /// Ends it without a checkpoint and without waiting for clients, as `pg_ctl stop --mode=immediate` does.
    pub fn stop_immediately(&mut self) -> io::Result<()> {
        self.daemon.end(Signal::QUIT, STOP)
    }

    /// Ends it in good order, disconnecting clients, as `pg_ctl stop --mode=fast` does.
    pub fn stop(&mut self) -> io::Result<()> {
        self.daemon.end(Signal::INT, STOP)
    }

    /// Starts it again on the same port and the same data, killing it first if it still runs.
    ///
    /// # Errors
    ///
    /// As [`Postgres::start`].
    pub fn restart(&mut self) -> io::Result<()> {
        self.daemon.restart()
    }
}

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// Makes an empty database below the directory.
fn init(directory: &Path) -> io::Result<()> {
    if geteuid().is_root() {
        run(Command::new("chown").arg("postgres").arg(directory))?;
    }
    let mut command = as_owner(&program("initdb")?);
    command.args(["--username=waypost", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
    // The files are complete before the server starts; that they survive a power cut now is nobody's concern.
    run(command.arg("--no-sync").arg("-D").arg(data(directory)).current_dir(directory)).map(drop)
}

/// A command of the data's owner: PostgreSQL refuses to run as root, and its package brings a user for it.
fn as_owner(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    command
}

/// A program of PostgreSQL, `pgbench` for one.
///
/// # Errors
///
/// When nobody has said where they are.
pub fn program(name: &str) -> io::Result<PathBuf> {
    let directory = env::var_os("WAYPOST_TEST_PG_BIN").ok_or_else(|| {
        let text = "WAYPOST_TEST_PG_BIN is not set: run scripts/test, which finds PostgreSQL's programs";
        io::Error::new(io::ErrorKind::NotFound, text)
    })?;
    Ok(Path::new(&directory).join(name))
}
