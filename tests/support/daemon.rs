//! A server of a test's own, on a port and in a directory that nobody else uses: made to be killed and started again.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::guard::Guard;
use super::port;
use super::wait::until;

/// How long a server may take to get ready: one that was killed first reads back what it had written.
const START: Duration = Duration::from_secs(30);

/// How long the kernel may take to end what was killed.
const KILL: Duration = Duration::from_secs(10);

/// Ports tried before giving up; somebody else can take one between our look and the server's bind.
const PORTS: usize = 5;

/// The command that starts a server on this port and this directory.
pub type Launch = dyn Fn(u16, &Path) -> io::Result<Command> + Send;

/// What sets one kind of server apart from another.
pub struct Recipe {
    /// The program, for messages and for the name of its directory.
    pub name: &'static str,
    /// What its log says once it serves.
    pub ready: &'static str,
    /// What makes it end at once, without waiting for clients.
    pub end: Signal,
    /// A shell command that runs in its directory after its end, for what it may leave elsewhere.
    pub farewell: &'static str,
    /// How to start it.
    pub command: Box<Launch>,
}

/// A running server; it and its directory go when this is dropped, and when the test process ends in any other way.
pub struct Daemon {
    recipe: Recipe,
    child: Child,
    port: u16,
    directory: PathBuf,
    guard: Guard,
}

impl Daemon {
    /// Starts a server in a new directory that `prepare` has filled, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When its program is missing, or it does not get ready within 30 s; the message holds its log.
    pub fn start(recipe: Recipe, prepare: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix(&format!("waypost-{}-", recipe.name))
            // A server that runs as another user has to pass through it.
            .permissions(Permissions::from_mode(0o711))
            .tempdir()?;
        // The guard's to remove, from here on.
        let mut guard = Guard::watch(directory.path(), recipe.end, recipe.farewell)?;
        let directory = directory.keep();
        prepare(&directory)?;
        let mut clashes = 0;
        loop {
            let port = port::free()?;
            match launch(&recipe, port, &directory, &mut guard) {
                Ok(child) => return Ok(Self { recipe, child, port, directory, guard }),
                Err(error) if clashes < PORTS && is_clash(&error) => clashes += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it listens; the same after every restart.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Where it keeps its data, and its log.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has logged since its last start.
    pub fn log(&self) -> String {
        read_log(&self.directory)
    }

    /// Ends it and its children with `SIGKILL`, as a power cut would end them. Returns when they are gone.
    pub fn kill9(&mut self) -> io::Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        // Stopped first, so that it has no more children than are found.
        kill_process(Pid::from_child(&self.child), Signal::STOP)?;
        let children = children_of(self.child.id());
        self.child.kill()?;
        self.child.wait()?;
        self.guard.release()?;
        for child in &children {
            // Gone by itself, at the death of its parent, is as good as killed.
            let _ = Pid::from_raw(*child).map(|child| kill_process(child, Signal::KILL));
        }
        let what = format!("the children of {} to end", self.recipe.name);
        until(KILL, &what, || Ok((!children.iter().any(|child| is_alive(*child))).then_some(())))
    }

    /// Ends it with a signal that it handles itself, and waits for that.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] when it still runs after `limit`; it is killed then.
    pub fn end(&mut self, signal: Signal, limit: Duration) -> io::Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        kill_process(Pid::from_child(&self.child), signal)?;
        let what = format!("{} to end", self.recipe.name);
        let ended = until(limit, &what, || self.child.try_wait());
        match ended {
            Ok(_) => self.guard.release(),
            Err(error) => {
                self.kill9()?;
                Err(error)
            }
        }
    }

    /// Starts it again on the same port and the same data, killing it first if it still runs.
    ///
    /// # Errors
    ///
    /// As [`Daemon::start`].
    pub fn restart(&mut self) -> io::Result<()> {
        self.kill9()?;
        self.child = launch(&self.recipe, self.port, &self.directory, &mut self.guard)?;
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Where this fails, it has been killed. The guard removes the directory.
        let _ = self.end(self.recipe.end, KILL);
    }
}

/// Starts the process and waits until its log says that it serves.
fn launch(recipe: &Recipe, port: u16, directory: &Path, guard: &mut Guard) -> io::Result<Child> {
    let log = File::create(log_file(directory))?;
    let mut command = (recipe.command)(port, directory)?;
    command.current_dir(directory).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let mut child = spawn(&mut command)?;
    let ready = guard.guard(child.id()).and_then(|()| {
        until(START, &format!("{} to get ready", recipe.name), || {
            if read_log(directory).contains(recipe.ready) {
                return Ok(Some(()));
            }
            match child.try_wait()? {
                Some(status) => Err(io::Error::other(format!("{} ended with {status}", recipe.name))),
                None => Ok(None),
            }
        })
    });
    match ready {
        Ok(()) => Ok(child),
        Err(error) => {
            // It may have ended by itself.
            let _ = child.kill();
            child.wait()?;
            guard.release()?;
            Err(io::Error::new(error.kind(), format!("{error}; it logged:\n{}", read_log(directory))))
        }
    }
}

/// Spawns a command; a program that is missing is named in the error, with the cure.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    command.spawn().map_err(|error| {
        let program = Path::new(command.get_program()).display();
        io::Error::new(
            error.kind(),
            format!("`{program}`: {error}; run scripts/test, which installs and finds the servers"),
        )
    })
}

/// Runs a command to its end and gives what it printed.
///
/// # Errors
///
/// When it fails; the message holds what it said.
pub fn run(command: &mut Command) -> io::Result<String> {
    let child = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let output = child.wait_with_output()?;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    if output.status.success() {
        return Ok(stdout);
    }
    let program = Path::new(command.get_program()).file_name().map_or_else(|| "".into(), OsStr::to_string_lossy);
    Err(io::Error::other(format!("{program}: {}: {stdout} {stderr}", output.status)))
}

fn log_file(directory: &Path) -> PathBuf {
    directory.join("log")
}

fn read_log(directory: &Path) -> String {
    fs::read(log_file(directory)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn is_clash(error: &io::Error) -> bool {
    error.to_string().to_ascii_lowercase().contains("address already in use")
}

/// The processes whose parent that one is. Linux only; elsewhere none, and children have to notice the death themselves.
fn children_of(parent: u32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| state_of(*id).is_some_and(|(_, found)| found == parent)).collect()
}

/// Whether a process runs; one that has ended, and whose parent has not asked about it yet, does not. Linux only.
pub fn is_alive(id: i32) -> bool {
    state_of(id).is_some_and(|(state, _)| state != 'Z')
}

/// State and parent of a process: the third and fourth field of `/proc/PID/stat` (proc_pid_stat(5)). They follow the
/// name in brackets, which may hold spaces and brackets itself.
fn state_of(id: i32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
