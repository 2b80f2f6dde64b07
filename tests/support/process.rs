//! A child process that serves HTTP on a port of its own choosing.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a child may take to say where it listens: a debug build that migrates a large store needs some seconds.
const START: Duration = Duration::from_secs(30);

/// Lines of output kept for a failure's message.
const KEPT: usize = 100;

/// Memory is given in kB and CPU time in hundredths of a second: fixed units of Linux's `/proc` on every architecture
/// that the project builds for.
const TICKS_PER_SECOND: u64 = 100;

/// A running child; killed when dropped.
pub struct Process {
    child: Child,
    address: SocketAddr,
    output: Output,
}

/// The last lines that a child printed.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<VecDeque<String>>>);

impl Output {
    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

impl Process {
    /// Starts a command and waits until it prints `http://127.0.0.1:PORT` on either output, for at most 30 s.
    ///
    /// Its standard input is a pipe that closes when this process ends.
    ///
    /// # Errors
    ///
    /// When it cannot be started, ends early or stays silent; the message holds what it printed.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let output = Output::default();
        let (found, address) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            follow(stdout, output.clone(), found.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            follow(stderr, output.clone(), found);
        }
        // Owned from here on, so that a failure below kills the child too.
        let mut process = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), output };
        match address.recv_timeout(START) {
            Ok(address) => process.address = address,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                return Err(process.failed("printed no address within 30 s"));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(process.failed("ended before it listened"));
            }
        }
        Ok(process)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The last lines that it printed, for messages about a failure.
    pub fn output(&self) -> String {
        self.output.text()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it with `SIGKILL`: nothing is flushed, nothing is answered any more. Returns when it is gone.
    pub fn kill9(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Asks it to end with `SIGTERM` and waits for that.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] when it still runs after `limit`; it is killed then.
    pub fn terminate(&mut self, limit: Duration) -> io::Result<ExitStatus> {
        self.ask_to_end()?;
        self.await_end(limit)
    }

    /// Sends `SIGTERM` and returns at once.
    pub fn ask_to_end(&self) -> io::Result<()> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM)?;
        Ok(())
    }

    /// Waits for its end after [`Process::ask_to_end`].
    ///
    /// # Errors
    ///
    /// As [`Process::terminate`].
    pub fn await_end(&mut self, limit: Duration) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.kill9()?;
        Err(io::Error::new(io::ErrorKind::TimedOut, self.failed("did not end in time after SIGTERM").to_string()))
    }

    /// Its resident memory in bytes. Linux only.
    pub fn rss_bytes(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes =
            line.and_then(|rest| rest.split_whitespace().next()).and_then(|digits| digits.parse::<u64>().ok());
        kilobytes.map(|kilobytes| kilobytes * 1024).ok_or_else(|| io::Error::other("no VmRSS in /proc/PID/status"))
    }

    /// The CPU time that it has used in all threads, in user and kernel, to 10 ms. Linux only.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
        // The second field is the name in brackets, which may hold spaces and brackets itself: what counts starts after
        // the last one. From there, user and system time are the 12th and 13th field (proc_pid_stat(5): 14 and 15).
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace());
        let ticks = fields
            .and_then(|fields| fields.skip(11).take(2).map(|field| field.parse::<u64>().ok()).sum::<Option<u64>>());
        let ticks = ticks.ok_or_else(|| io::Error::other("/proc/PID/stat is not as expected"))?;
        Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    }

    /// Waits until it has used no measurable CPU time (10 ms) in 300 ms, twice running; says whether that came about.
    ///
    /// What runs next is then not slowed by work left over from before.
    pub fn settle(&self, limit: Duration) -> io::Result<bool> {
        let deadline = Instant::now() + limit;
        // Two quiet spells running: work that comes in bursts must not be missed between two of them.
        let mut quiet = 0;
        while quiet < 2 {
            if Instant::now() > deadline {
                return Ok(false);
            }
            let before = self.cpu_time()?;
            thread::sleep(Duration::from_millis(300));
            quiet = if self.cpu_time()? <= before { quiet + 1 } else { 0 };
        }
        Ok(true)
    }

    /// An error that tells what the child printed.
    pub fn failed(&self, what: &str) -> io::Error {
        io::Error::other(format!("the child process {what}; it printed:\n{}", self.output()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _ = self.kill9();
    }
}

/// Reads an output to its end, so that the child never blocks on a full pipe, and reports the first address in it.
fn follow(output: impl Read + Send + 'static, kept: Output, found: Sender<SocketAddr>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line) {
                let _ = found.send(address);
            }
            kept.push(line);
        }
    });
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://127.0.0.1:")?;
    let digits = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    let port = digits.parse().ok().filter(|port| *port != 0)?;
    Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}
