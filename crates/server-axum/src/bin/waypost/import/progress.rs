//! How far it is: one line that is written over on a terminal, a line every few seconds elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use jiff::Timestamp;

use super::report::grouped;

/// Often enough to look alive, seldom enough to cost nothing.
const ON_TERMINAL: Duration = Duration::from_millis(200);
/// A log wants no more than a sign of life.
const ELSEWHERE: Duration = Duration::from_secs(5);

/// Shows how far it is, on standard error.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Timestamp,
    shown: Timestamp,
    total: Option<u64>,
    is_terminal: bool,
    is_open: bool,
}

impl Progress {
    /// Begins at `now`, with `total` bytes ahead if that is known.
    pub(crate) fn new(now: Timestamp, total: Option<u64>) -> Self {
        Self { begun: now, shown: now, total, is_terminal: io::stderr().is_terminal(), is_open: false }
    }

    /// How long it has taken by `now`.
    pub(crate) fn took(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.begun)).unwrap_or_default()
    }

    /// Shows that `rows` rows and `bytes` bytes are done, unless it has just shown something.
    pub(crate) fn show(&mut self, now: Timestamp, rows: u64, bytes: u64) {
        let pause = if self.is_terminal { ON_TERMINAL } else { ELSEWHERE };
        if self.shown + pause > now {
            return;
        }
        self.shown = now;
        let line = line(rows, bytes, self.total, self.took(now));
        // A screen that cannot be written is no reason to stop.
        let _ = if self.is_terminal {
            self.is_open = true;
            // Back to the start of the line, and clear what is longer than what comes.
            write!(io::stderr(), "\r{line}\x1b[K").and_then(|()| io::stderr().flush())
        } else {
            writeln!(io::stderr(), "{line}")
        };
    }

    /// Leaves the line, so that others can write.
    pub(crate) fn end(&mut self) {
        if std::mem::take(&mut self.is_open) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(rows: u64, bytes: u64, total: Option<u64>, took: Duration) -> String {
    let seconds = took.as_secs_f64().max(0.001);
    let mut line = format!("{} rows, {} a second", grouped(rows), grouped((rows as f64 / seconds) as u64));
    if let Some(total) = total.filter(|total| *total > 0 && bytes > 0) {
        let share = (bytes as f64 / total as f64).min(1.0);
        let left = Duration::from_secs_f64(seconds * (1.0 - share) / share);
        line.push_str(&format!(", {:.0} %, {} left", share * 100.0, clock(left)));
    }
    line
}

fn clock(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        seconds => format!("{}:{:02} h", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_rate_and_time_left_are_told_where_the_length_is_known() {
        let took = Duration::from_secs(10);
        assert_eq!(line(100_000, 25, Some(100), took), "100,000 rows, 10,000 a second, 25 %, 30 s left");
        assert_eq!(line(100_000, 25, None, took), "100,000 rows, 10,000 a second");
        assert_eq!(clock(Duration::from_secs(3_725)), "1:02 h");
    }
}
