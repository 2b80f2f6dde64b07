//! The machine: its clock, and how many files it lets a process open.

use jiff::{Timestamp, ToSpan as _};
use rustix::process::{Resource, getrlimit};
use waypost_core::clock::{Clock as _, SystemClock};

use super::Finding;
use crate::open_files;
use crate::settings::Settings;

/// Before this was written, no machine can be.
const WRITTEN: &str = "2026-01-01T00:00:00Z";
/// Looks at the machine.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let newest = settings
        .database_file()
        .and_then(|file| file.metadata().ok()?.modified().ok())
        .and_then(|time| Timestamp::try_from(time).ok());
    vec![
        clock(SystemClock.now(), newest),
        files(&open_files::Plan::of(getrlimit(Resource::Nofile), settings.most_connections)),
    ]
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

fn files(plan: &open_files::Plan) -> Finding {
    match plan.shortage() {
        Some(shortage) => Finding::warn("open files", shortage),
        None => Finding::ok("open files", format!("a process may open the {} that a busy server needs", plan.needed)),
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
