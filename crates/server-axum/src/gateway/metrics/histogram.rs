//! Histograms of fixed buckets: memory that does not grow with what is recorded.
//!
//! The Prometheus exporter's own keep every sample until somebody scrapes or sweeps; at tens of thousands of redirects a
//! second that is megabytes between two sweeps. Here a sample is two or three atomic operations and is forgotten.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{HistogramFn, Key};

/// For names that end in `_seconds`: from a redirect out of the cache (0.1 ms) to the deadline of a request (30 s).
const SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// For names that end in `_bytes`: from a small answer to the largest body.
const BYTES: &[f64] = &[256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0];
/// For all others: counts such as the size of a batch.
const COUNTS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0];

fn buckets(name: &str) -> &'static [f64] {
    if name.ends_with("_seconds") {
        SECONDS
    } else if name.ends_with("_bytes") {
        BYTES
    } else {
        COUNTS
    }
}

/// One histogram.
#[derive(Debug)]
struct Fixed {
    bounds: &'static [f64],
    /// One for each bound, and one for what is above all of them.
    counts: Box<[AtomicU64]>,
    /// The bits of an `f64`.
    sum: AtomicU64,
}

impl Fixed {
    fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0f64.to_bits()) }
    }
}

impl HistogramFn for Fixed {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(count as u64, Ordering::Relaxed);
        let add = |sum: u64| Some((f64::from_bits(sum) + value * count as f64).to_bits());
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

/// All histograms: by name, then by their labels as they are written.
#[derive(Debug, Default)]
pub(super) struct Histograms(Mutex<BTreeMap<String, Family>>);

#[derive(Debug, Default)]
struct Family {
    help: String,
    members: BTreeMap<String, Arc<Fixed>>,
}

impl Histograms {
    pub(super) fn describe(&self, name: &str, help: &str) {
        let mut families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        families.entry(name.to_owned()).or_default().help = help.replace('\\', "\\\\").replace('\n', "\\n");
    }

    pub(super) fn register(&self, key: &Key) -> metrics::Histogram {
        let mut families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(key.name().to_owned()).or_default();
        let member = family.members.entry(labels(key));
        metrics::Histogram::from_arc(member.or_insert_with(|| Arc::new(Fixed::new(buckets(key.name())))).clone())
    }

    /// Appends them in Prometheus' text form.
    pub(super) fn render(&self, out: &mut String) {
        let families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, family) in families.iter().filter(|(_, family)| !family.members.is_empty()) {
            if !family.help.is_empty() {
                let _ = writeln!(out, "# HELP {name} {}", family.help);
            }
            let _ = writeln!(out, "# TYPE {name} histogram");
            for (labels, member) in &family.members {
                let comma = if labels.is_empty() { "" } else { "," };
                let mut total = 0;
                for (at, count) in member.counts.iter().enumerate() {
                    total += count.load(Ordering::Relaxed);
                    let bound = member.bounds.get(at).map_or_else(|| "+Inf".to_owned(), ToString::to_string);
                    let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {total}");
                }
                let braces = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
                let sum = f64::from_bits(member.sum.load(Ordering::Relaxed));
                let _ = writeln!(out, "{name}_sum{braces} {sum}\n{name}_count{braces} {total}");
            }
            out.push('\n');
        }
    }
}

/// `a="b",c="d"`, escaped.
fn labels(key: &Key) -> String {
    let mut text = String::new();
    for label in key.labels() {
        let comma = if text.is_empty() { "" } else { "," };
        let value = label.value().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(text, "{comma}{}=\"{value}\"", label.key());
    }
    text
}

#[cfg(test)]
mod tests {
    use metrics::Label;

    use super::*;

    #[test]
    fn samples_fall_into_their_buckets_and_the_text_is_cumulative() {
        let histograms = Histograms::default();
        histograms.describe("x_seconds", "How\nlong");
        let key = Key::from_parts("x_seconds", vec![Label::new("route", "/\"a\"")]);
        let histogram = histograms.register(&key);
        for value in [0.000_1, 0.000_2, 0.03, 99.0] {
            histogram.record(value);
        }
        let mut text = String::new();
        histograms.render(&mut text);
        let has = |line: &str| assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        has("# HELP x_seconds How\\nlong");
        has("# TYPE x_seconds histogram");
        has("x_seconds_bucket{route=\"/\\\"a\\\"\",le=\"0.0001\"} 1");
        has("x_seconds_bucket{route=\"/\\\"a\\\"\",le=\"0.00025\"} 2");
        has("x_seconds_bucket{route=\"/\\\"a\\\"\",le=\"30\"} 3");
        has("x_seconds_bucket{route=\"/\\\"a\\\"\",le=\"+Inf\"} 4");
        has("x_seconds_count{route=\"/\\\"a\\\"\"} 4");
        assert!(text.contains("x_seconds_sum{route=\"/\\\"a\\\"\"} 99.0303"));
    }

    #[test]
    fn one_key_is_one_histogram_however_often_it_is_registered() {
        let histograms = Histograms::default();
        for _ in 0..3 {
            histograms.register(&Key::from_name("batch")).record(7.0);
        }
        let mut text = String::new();
        histograms.render(&mut text);
        assert!(text.contains("batch_bucket{le=\"10\"} 3") && text.contains("\nbatch_count 3\n"), "{text}");
    }
}
