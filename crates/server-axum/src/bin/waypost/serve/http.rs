//! The way to the HTTP server.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use waypost_core::Platform;
use waypost_core::limits::{Algorithm, Policy};
use waypost_server_axum::gateway::client_address::TrustedProxies;
use waypost_server_axum::gateway::metrics::MetricsExporter;
use waypost_server_axum::{App, Gateway, HttpOptions, Own, ServeOptions};

use super::elsewhere::Elsewhere;
use super::fronts::Fronts;
use crate::failure::Failure;
use crate::settings::Settings;

/// What the settings say of HTTP.
///
/// # Errors
/// A setting that does not fit.
pub(crate) fn options(settings: &Settings) -> Result<HttpOptions, Failure> {
    let mut options = HttpOptions { cors_origins: settings.cors_origins.clone(), ..HttpOptions::default() };
    let proxies = TrustedProxies::parse(&settings.trusted_proxies);
    options.trusted_proxies = proxies.map_err(|fault| settings.fault("trusted_proxies", fault.to_string()))?;
    if let Some(rate) = settings.rate_limit {
        let policy = |name, quota| Policy::new(name, Algorithm::TokenBucket, quota, rate.window);
        let fault = |fault: waypost_core::limits::InvalidPolicy| settings.fault("rate_limit", fault.to_string());
        options.per_principal = policy("api", rate.quota).map_err(fault)?;
        // Several principals may share an address.
        options.per_address = policy("address", rate.quota.saturating_mul(2).min(1_000_000_000)).map_err(fault)?;
    }
    Ok(options)
}

/// Makes what answers requests.
///
/// # Errors
/// Options that do not fit.
pub(super) fn gateway(
    platform: Arc<Platform>,
    options: HttpOptions,
    metrics: MetricsExporter,
    own: Own,
    elsewhere: &Elsewhere,
) -> Result<(Arc<App>, Gateway), Failure> {
    let app = App::new(platform, options, Some(metrics));
    let gateway = Gateway::with(app.clone(), own, elsewhere.table.clone())?;
    Ok((app, gateway))
}

/// Serves on `fronts` until `drain`; then no longer ready, and those under way have `patience` to end.
pub(super) async fn serve(
    fronts: Fronts,
    app: Arc<App>,
    gateway: Gateway,
    drain: CancellationToken,
    patience: Duration,
) {
    let stop = CancellationToken::new();
    let options = ServeOptions { grace: patience, ..ServeOptions::default() };
    let serving = fronts.serve(gateway.with_api_on(Handle::current()), options, stop.clone());
    let draining = async {
        drain.cancelled().await;
        app.start_draining();
        stop.cancel();
    };
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = draining => serving.await,
    };
    match served {
        Ok(0) => {}
        Ok(connections) => tracing::warn!(connections, "requests were cut off at the end of the grace"),
        Err(fault) => tracing::error!(error = &fault as &dyn std::error::Error, "the server broke"),
    }
}
