//! What came of an import, in numbers and words.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Reasons that are shown on the screen; the file has all of them.
const SHOWN: usize = 5;

/// The count of an import.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Links that were made.
    pub(super) made: u64,
    /// Links that were there before.
    pub(super) already: u64,
    /// Rows that were refused.
    pub(super) refused: u64,
    /// The line up to which everything is done.
    pub(super) line: u64,
    /// Whether the source broke off.
    pub(super) broken: bool,
    /// What links lost on the way, and how many.
    pub(super) left_out: BTreeMap<&'static str, u64>,
    reasons: Vec<(u64, String)>,
}

impl Report {
    /// Counts a refusal.
    pub(super) fn refuse(&mut self, line: u64, reason: &str) {
        self.refused += 1;
        if self.reasons.len() < SHOWN {
            self.reasons.push((line, reason.to_owned()));
        }
    }

    /// How many rows have been dealt with.
    pub(super) fn rows(&self) -> u64 {
        self.made + self.already + self.refused
    }
}

/// A report, as it is shown at the end.
pub(super) struct Summary<'a> {
    pub(super) report: &'a Report,
    pub(super) took: Duration,
    pub(super) rejects: Option<&'a Path>,
    pub(super) is_trial: bool,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let (made, seconds) = (if self.is_trial { "would be made" } else { "made" }, self.took.as_secs_f64());
        let (new, already, refused) = (grouped(report.made), grouped(report.already), grouped(report.refused));
        writeln!(f, "{new} {made}, {already} already there, {refused} refused")?;
        let rate = report.rows() as f64 / seconds.max(0.001);
        writeln!(f, "{} rows in {seconds:.1} s, {} a second", grouped(report.rows()), grouped(rate as u64))?;
        for (what, count) in &report.left_out {
            writeln!(f, "not carried over, {} times: {what}", grouped(*count))?;
        }
        for (line, reason) in &report.reasons {
            writeln!(f, "line {line}: {reason}")?;
        }
        let more = report.refused.saturating_sub(report.reasons.len() as u64);
        if more > 0 {
            writeln!(f, "and {} more", grouped(more))?;
        }
        if let Some(path) = self.rejects {
            writeln!(f, "what was refused is in {}: mend it there and import that file", path.display())?;
        }
        Ok(())
    }
}

/// A number in groups of three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn the_first_reasons_are_shown_and_the_rest_counted() {
        let mut report = Report { made: 2, ..Report::default() };
        (0..9).for_each(|line| report.refuse(line, "no"));
        let summary = Summary { report: &report, took: Duration::from_secs(1), rejects: None, is_trial: false };
        let text = summary.to_string();
        assert!(text.starts_with("2 made, 0 already there, 9 refused\n11 rows in 1.0 s, 11 a second\nline 0: no\n"));
        assert!(text.ends_with("line 4: no\nand 4 more\n"), "{text}");
    }
}
