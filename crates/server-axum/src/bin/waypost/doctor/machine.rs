//! The machine: its clock, and how many files it lets a process open.

use jiff::{Timestamp, ToSpan as _};
use rustix::process::{Resource, getrlimit};
use waypost_core::clock::{Clock as _, SystemClock};

use super::Finding;
use crate::settings::Settings;

/// Before this was written, no machine can be.
const WRITTEN: &str = "2026-01-01T00:00:00Z";
/// A connection takes a file, and the server takes up to 8,192 of them; the store and the spool take some as well.
const FILES: u64 = 8_192 + 256;

/// Looks at the machine.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let newest = settings
        .database_file()
        .and_then(|file| file.metadata().ok()?.modified().ok())
        .and_then(|time| Timestamp::try_from(time).ok());
    vec![clock(SystemClock.now(), newest), files(getrlimit(Resource::Nofile).current)]
}

fn clock(now: Timestamp, newest: Option<Timestamp>) -> Finding {
    let cure = "set the clock (timedatectl), or links end and keys expire at the wrong time";
    let written: Option<Timestamp> = WRITTEN.parse().ok();
    if written.is_some_and(|written| now < written) {
        return Finding::fail("clock", format!("it says {now:.0}; {cure}"));
    }
    let ahead = now.checked_add(5.minutes()).unwrap_or(now);
    match newest {
        Some(newest) if newest > ahead => {
            Finding::warn("clock", format!("it says {now:.0}, and the store was written at {newest:.0}; {cure}"))
        }
        _ => Finding::ok("clock", format!("{now:.0}")),
    }
}

fn files(limit: Option<u64>) -> Finding {
    match limit {
        Some(limit) if limit < FILES => Finding::warn(
            "open files",
            format!("a process may open {limit}, and a busy server {FILES}; ulimit -n {}", FILES.next_power_of_two()),
        ),
        Some(limit) => Finding::ok("open files", format!("a process may open {limit}")),
        None => Finding::ok("open files", "no limit"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;

    #[test]
    fn a_clock_that_is_behind_the_data_is_told() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        assert_eq!(clock(now, None).grade, Grade::Ok);
        assert_eq!(clock(now, Some(now)).grade, Grade::Ok);
        assert_eq!(clock(now, now.checked_add(1.hour()).ok()).grade, Grade::Warn);
        assert_eq!(clock(Timestamp::UNIX_EPOCH, None).grade, Grade::Fail);
    }
}
