//! The data directory and the spool in it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Finding;
use crate::data_dir;
use crate::settings::Settings;

/// Below this a server fills the disk within hours.
const TIGHT: u64 = 1 << 30;
/// Below this the store cannot even empty its log.
const FULL: u64 = 64 << 20;

/// Looks at the directory that everything is kept in.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    if !settings.keeps_files() {
        return vec![Finding::warn("data_dir", "not needed: the store is in memory, and ends with its server")];
    }
    let dir = &settings.data_dir;
    let shown = dir.display();
    let Ok(data) = dir.metadata() else {
        return vec![Finding::warn("data_dir", format!("{shown} is not there yet; `waypost serve` makes it"))];
    };
    if !data.is_dir() {
        return vec![Finding::fail(
            "data_dir",
            format!("{shown} is no directory; move the file away, or name another directory"),
        )];
    }
    let mut findings = Vec::new();
    let mode = data.permissions().mode() & 0o777;
    findings.push(if mode & 0o077 == 0 {
        Finding::ok("data_dir", format!("{shown} is for its owner alone"))
    } else {
        Finding::warn("data_dir", format!("{shown} can be entered by others (mode {mode:03o}); chmod 700 {shown}"))
    });
    if let Err(fault) = tempfile::tempfile_in(dir) {
        findings.push(Finding::fail(
            "data_dir",
            format!("{shown} cannot be written ({fault}); make it writable for this user"),
        ));
    }
    findings.extend(space(dir));
    findings.push(spool(settings, &dir.join("spool")));
    findings
}

fn space(dir: &Path) -> Option<Finding> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let mib = free >> 20;
    Some(match free {
        ..FULL => Finding::fail("disk", format!("{mib} MiB are free; make room, or nothing can be written")),
        FULL..TIGHT => Finding::warn("disk", format!("{mib} MiB are free; make room soon")),
        _ => Finding::ok("disk", format!("{} GiB are free", free >> 30)),
    })
}

fn spool(settings: &Settings, dir: &Path) -> Finding {
    let is_held = data_dir::is_held(&settings.data_dir);
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Finding::ok("spool", "empty: no click was ever taken");
    };
    let bytes: u64 = entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).sum();
    let mib = bytes >> 20;
    if bytes > settings.spool_bytes / 2 {
        let cure = "see in the log why clicks are not counted, or raise spool_bytes";
        return Finding::warn("spool", format!("its files take {mib} MiB, more than half of what they may; {cure}"));
    }
    let state = if is_held { "a server is counting from it" } else { "the next start counts what is left" };
    Finding::ok("spool", format!("its files take {mib} MiB; {state}"))
}
