//! A disk that is full: creates are refused clearly, known links are followed, and nothing acknowledged is lost.
//!
//! The disk is a small tmpfs of the test's own, so this needs Linux and the right to mount. Without them the test says
//! that it was skipped; with `CI=true` it fails then, since a green run that has shown nothing is worth nothing.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::support::http::Answer;
use crate::support::server::{Server, Settings};
use crate::support::wait::{self, until};

/// The spool takes half of it.
const DISK: &str = "size=16m";
const SPOOL: &str = "8MiB";

/// More creates than the disk has room for.
const MOST: usize = 20_000;

/// How long the server may ask callers to wait, and then some.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn full_disk_refuses_creates_clearly_and_loses_nothing() {
    let disk = match Disk::mount() {
        Ok(disk) => disk,
        Err(error) if env::var_os("CI").is_some_and(|value| value == "true") => {
            panic!("a full disk cannot be tried here: {error}")
        }
        Err(error) => {
            println!("SKIPPED: a full disk cannot be tried here: {error}");
            return;
        }
    };
    let settings = Settings::default().data_dir(disk.path()).env("WAYPOST_SPOOL_BYTES", SPOOL);
    let mut server = settings.start().expect("a server on an empty disk");
    let mut made: Vec<(String, String)> = (0..20).map(|number| acknowledged(create(&server, number))).collect();

    disk.fill().expect("a full disk");
    // What the store has set aside may take some more of them.
    let refused = (20..MOST).find_map(|number| {
        let answer = create(&server, number);
        if answer.status != 201 {
            return Some((number, answer));
        }
        made.push(acknowledged(answer));
        None
    });
    let (number, refused) = refused.expect("a create that the full disk refuses");
    println!("refused after {} links: {}", made.len(), refused.json());
    assert_eq!(refused.status, 503, "{}", refused.json());
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "UNAVAILABLE");
    assert!(error["message"].is_string() && error["details"].is_array() && error["request_id"].is_string());
    let wait = refused.header("retry-after").and_then(|value| value.parse::<u64>().ok());
    assert!(wait.is_some_and(|wait| (1..=60).contains(&wait)), "{:?}", refused.headers);
    follow_all(&server, &made);

    disk.clear().expect("room again");
    let recovered = until(PATIENCE, "creates to be taken again", || {
        let answer = create(&server, number);
        Ok((answer.status == 201).then_some(answer))
    });
    // Under the key that was refused: a refusal for want of room is not kept.
    made.push(acknowledged(recovered.expect("a server that recovers")));
    follow_all(&server, &made[made.len() - 1..]);
    let ids: Vec<String> = made.iter().map(|(id, _)| id.clone()).collect();
    let counts = until(PATIENCE, "every click to be counted", || {
        let counts = wait::clicks(&server, &ids)?;
        Ok(counts.iter().all(|count| *count >= 1).then_some(counts))
    });
    assert!(counts.expect("clicks").iter().all(|count| *count == 1), "each link was followed once");

    server.restart().expect("a server that starts again");
    assert_eq!(wait::clicks(&server, &ids).expect("all links"), vec![1; ids.len()]);
    drop(server);
}

fn create(server: &Server, number: usize) -> Answer {
    let padding = "x".repeat(2_000);
    let link = json!({
        "destination": format!("https://example.com/{number}?{padding}"), "slug": format!("full-{number}"),
    });
    let answer = server.api().post("/v1/links", &link, Some(&format!("full-{number}")));
    answer.expect("an answer, whatever it says")
}

/// The id and slug of a link that was made.
fn acknowledged(answer: Answer) -> (String, String) {
    let link = answer.expect(201).expect("a link").json();
    let text = |field: &str| link[field].as_str().expect("a text").to_owned();
    (text("id"), text("slug"))
}

/// Follows each link once.
fn follow_all(server: &Server, links: &[(String, String)]) {
    for (_, slug) in links {
        let answer = server.api().get(&format!("/{slug}")).expect("an answer");
        assert_eq!(answer.status, 302, "{slug}: {}", answer.json());
    }
}

/// A small disk of its own; gone when dropped.
struct Disk(TempDir);

impl Disk {
    fn mount() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("waypost-disk-").tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(folder.path()).stdin(Stdio::null());
        let done = mount.output()?;
        if done.status.success() {
            return Ok(Self(folder));
        }
        let said = String::from_utf8_lossy(&done.stderr);
        Err(io::Error::other(format!("mount: {}", said.trim())))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Takes what room there is, to the last byte.
    fn fill(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(self.ballast())?;
        for size in [64 * 1024, 1] {
            let block = vec![0; size];
            loop {
                match file.write_all(&block) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn clear(&self) -> io::Result<()> {
        fs::remove_file(self.ballast())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server that a failed test leaves behind for a moment does not hold it.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
