//! The recorder of this process, and its text for Prometheus.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::histogram::Histograms;
use super::names;

/// Another recorder got there first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this process already has a recorder of metrics; leave the exporter out, the metrics go there")]
pub struct AlreadyRecorded;

type Probe = Box<dyn Fn() + Send + Sync>;

/// Collects what is told to the `metrics` facade, in memory that depends on the number of metrics alone: there is nothing
/// to sweep.
#[derive(Clone)]
pub struct MetricsExporter(Arc<Inner>);

struct Inner {
    scalars: PrometheusHandle,
    histograms: Arc<Histograms>,
    probes: Mutex<Vec<Probe>>,
}

impl MetricsExporter {
    /// Installs the recorder of this process. Calling it again gives the same one.
    ///
    /// # Errors
    /// [`AlreadyRecorded`] if the process has a recorder that is not this one.
    pub fn install() -> Result<Self, AlreadyRecorded> {
        static INSTALLED: OnceLock<Result<MetricsExporter, AlreadyRecorded>> = OnceLock::new();
        let install = || {
            let (exporter, recorder) = Self::build();
            metrics::set_global_recorder(recorder).map_err(|_| AlreadyRecorded)?;
            describe();
            Ok(exporter)
        };
        INSTALLED.get_or_init(install).clone()
    }

    fn build() -> (Self, Split) {
        let scalars = PrometheusBuilder::new().build_recorder();
        let histograms = Arc::new(Histograms::default());
        let inner = Inner { scalars: scalars.handle(), histograms: histograms.clone(), probes: Mutex::default() };
        (Self(Arc::new(inner)), Split { scalars, histograms })
    }

    /// Calls `probe` before each rendering: for gauges that are read, not kept (a depth, a lag, what is in flight).
    pub fn on_scrape(&self, probe: impl Fn() + Send + Sync + 'static) {
        self.0.probes.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(probe));
    }

    /// Everything in Prometheus' text form 0.0.4.
    pub fn render(&self) -> String {
        for probe in self.0.probes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            probe();
        }
        let mut text = self.0.scalars.render();
        self.0.histograms.render(&mut text);
        text
    }

    /// The type of [`render`](Self::render)'s text.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";
}

impl fmt::Debug for MetricsExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsExporter").finish_non_exhaustive()
    }
}

fn describe() {
    metrics::describe_counter!(names::REQUESTS, "Requests that were answered");
    metrics::describe_histogram!(names::DURATION, Unit::Seconds, "From a request's head to the head of its answer");
    metrics::describe_gauge!(names::IN_FLIGHT, "Requests that wait for the head of their answer");
    metrics::describe_counter!(names::DEPRECATED, "Calls of routes that are on their way out");
    metrics::describe_counter!(names::HEADERS_REMOVED, "Headers that no client may send, and that were taken off");
    metrics::describe_counter!(names::SHED, "Requests that were refused since too many are in flight");
    metrics::describe_counter!(names::ANSWERS_CUT, "Answers that were not read in time");
    metrics::describe_counter!(names::CONNECTIONS_CUT, "Connections that the server gave up");
    metrics::describe_counter!(names::HANDSHAKES_FAILED, "Connections that never came to speak HTTP over TLS");
}

/// Counters and gauges go to the Prometheus recorder, histograms to those of fixed buckets.
struct Split {
    scalars: PrometheusRecorder,
    histograms: Arc<Histograms>,
}

impl Recorder for Split {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.scalars.describe_counter(key, unit, description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.scalars.describe_gauge(key, unit, description);
    }

    fn describe_histogram(&self, key: KeyName, _unit: Option<Unit>, description: SharedString) {
        self.histograms.describe(key.as_str(), &description);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.scalars.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.scalars.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, _metadata: &Metadata<'_>) -> Histogram {
        self.histograms.register(key)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Method, StatusCode};

    use super::super::RouteMeter;
    use super::*;

    #[test]
    fn a_hot_route_and_a_probe_reach_the_text() {
        let (exporter, recorder) = MetricsExporter::build();
        exporter.on_scrape(|| metrics::gauge!("depth").set(3));
        let text = metrics::with_local_recorder(&recorder, || {
            describe();
            let meter = RouteMeter::new("/{slug}");
            for status in [302, 302, 404, 418] {
                meter.record(&Method::GET, StatusCode::from_u16(status).unwrap(), Duration::from_micros(90));
            }
            meter.record(&Method::from_bytes(b"BREW").unwrap(), StatusCode::OK, Duration::ZERO);
            exporter.render()
        });
        for line in [
            "waypost_http_requests_total{route=\"/{slug}\",method=\"GET\",status=\"302\"} 2",
            "waypost_http_requests_total{route=\"/{slug}\",method=\"GET\",status=\"418\"} 1",
            "waypost_http_requests_total{route=\"/{slug}\",method=\"OTHER\",status=\"200\"} 1",
            "waypost_http_request_duration_seconds_bucket{route=\"/{slug}\",le=\"0.0001\"} 5",
            "# HELP waypost_http_requests_total Requests that were answered",
            "depth 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
