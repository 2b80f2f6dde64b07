//! `waypost COMMAND` on a data directory, run to its end.

use std::env;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::server::binary;
use super::wait::until;

/// What a command did.
#[derive(Debug)]
pub struct Done {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: String,
    /// From its start to its end.
    pub took: Duration,
}

impl Done {
    /// This, if it ended with 0, else an error that shows what it said.
    pub fn success(self) -> io::Result<Self> {
        if self.status.success() {
            return Ok(self);
        }
        let (status, stderr) = (self.status, self.stderr.trim());
        Err(io::Error::other(format!("{status}: {stderr}")))
    }
}

/// Runs `waypost` with these arguments on that data directory, and waits for its end up to the limit.
///
/// # Errors
///
/// When there is no binary, or at the limit; it is killed then.
pub fn waypost(data_dir: &Path, arguments: &[&str], limit: Duration) -> io::Result<Done> {
    let mut command = Command::new(binary()?);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("WAYPOST_")) {
        command.env_remove(name);
    }
    // Into files: nobody reads a pipe while this waits.
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let begun = Instant::now();
    let mut child = command
        .args(arguments)
        .env("WAYPOST_DATA_DIR", data_dir)
        .stdin(Stdio::null())
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?)
        .spawn()?;
    let ended = until(limit, &format!("`waypost {}`", arguments.join(" ")), || {
        Ok(child.try_wait()?.map(|status| (status, begun.elapsed())))
    });
    let (status, took) = match ended {
        Ok(ended) => ended,
        Err(error) => {
            child.kill()?;
            child.wait()?;
            return Err(error);
        }
    };
    let text = |file: &mut File| {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        io::Result::Ok(bytes)
    };
    Ok(Done {
        status,
        stdout: text(&mut stdout)?,
        stderr: String::from_utf8_lossy(&text(&mut stderr)?).into_owned(),
        took,
    })
}
