//! Sees to it that a server and its directory go, however the test process ends.
//!
//! A destructor covers a test that passes or panics. It does not run when the test runner kills the process, or when
//! somebody presses Ctrl-C. So a shell waits at the other end of a pipe, which closes with this process at the latest.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::Signal;

/// `$1`: the directory; `$2`: the signal; `$3`: the farewell. Each line read names the process to end; an empty one
/// says that it has ended. A second suffices for children that end with their parent.
const SCRIPT: &str = r#"
while read -r line; do server=$line; done
if [ -n "$server" ]; then kill -"$2" "$server"; sleep 1; kill -9 "$server"; fi
cd "$1" && sh -c "$3"
rm -rf "$1"
"#;

/// The shell that waits; it is done when this is dropped.
pub struct Guard {
    shell: Child,
    // Taken on drop, which closes it.
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Has the directory removed at the end, after the process that it was told last has got the signal. The farewell
    /// is a shell command that runs in the directory before that; it may fail.
    pub fn watch(directory: &Path, signal: Signal, farewell: &str) -> io::Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "guard"])
            .arg(directory)
            .args([&signal.as_raw().to_string(), farewell])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Signals to the group of the test are not meant for it: its work begins then.
            .process_group(0)
            .spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// From now on this process is to be ended.
    pub fn guard(&mut self, process: u32) -> io::Result<()> {
        self.tell(&process.to_string())
    }

    /// The process has ended; its number may be somebody else's soon.
    pub fn release(&mut self) -> io::Result<()> {
        self.tell("")
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        self.pipe.as_mut().map_or(Ok(()), |pipe| pipe.write_all(format!("{line}\n").as_bytes()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // Without the shell there is nothing to wait for.
        let _ = self.shell.wait();
    }
}
