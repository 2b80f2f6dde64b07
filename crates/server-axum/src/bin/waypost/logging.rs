//! The log: on standard error, as JSON for machines or in lines for people.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::settings::{LogFormat, Settings};

/// Starts the log; `level` holds where the settings name none.
pub(crate) fn start(settings: &Settings, level: &str) {
    let filter: Targets = settings.log.as_deref().unwrap_or(level).parse().unwrap_or_default();
    let is_terminal = io::stderr().is_terminal();
    let format = settings.log_format.unwrap_or(if is_terminal { LogFormat::Pretty } else { LogFormat::Json });
    let layer = match format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(io::stderr).boxed(),
        LogFormat::Pretty => fmt::layer().with_ansi(is_terminal).with_writer(io::stderr).boxed(),
    };
    // A second log in one process is one too many; the first goes on.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}
