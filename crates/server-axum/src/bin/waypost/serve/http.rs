//! The way to the HTTP server.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use waypost_core::Platform;
use waypost_core::limits::{self, Algorithm, Plans, Policy};
use waypost_server_axum::gateway::client_address::TrustedProxies;
use waypost_server_axum::gateway::deprecation::Declared;
use waypost_server_axum::gateway::metrics::MetricsExporter;
use waypost_server_axum::tls::Tls;
use waypost_server_axum::{App, Gateway, HttpOptions, Own, ServeOptions};

use super::elsewhere::Elsewhere;
use super::fronts::Fronts;
use crate::failure::Failure;
use crate::settings::{self, SettingFault, Settings};

/// What the settings say of HTTP.
///
/// # Errors
/// A setting that does not fit.
pub(crate) fn options(settings: &Settings) -> Result<HttpOptions, Failure> {
    let mut options = HttpOptions {
        cors_origins: settings.cors_origins.clone(),
        most_in_flight: settings.most_in_flight,
        ..HttpOptions::default()
    };
    let proxies = TrustedProxies::parse(&settings.trusted_proxies);
    options.trusted_proxies = proxies.map_err(|fault| settings.fault("trusted_proxies", fault.to_string()))?;
    if let Some(rate) = settings.rate_limit {
        // Several principals may share an address.
        let quota = rate.quota.saturating_mul(2).min(1_000_000_000);
        let policy = Policy::new("address", Algorithm::TokenBucket, quota, rate.window);
        options.per_address = policy.map_err(|fault| settings.fault("rate_limit", fault.to_string()))?;
    }
    if let Some((place, section)) = settings.section("farewells") {
        let declared = Declared::read(section.clone());
        options.farewells =
            declared.map_err(|fault| SettingFault::new(format!("{place} ({})", fault.place), fault.fault))?;
    }
    if let Some(name) = &settings.upstream_name {
        options.vouched_as = Some(name.clone());
        options.trust_gateway = true;
    }
    Ok(options)
}

/// The plans: those that come along, changed by what the settings say.
///
/// # Errors
/// A setting that does not fit.
pub(crate) fn plans(settings: &Settings) -> Result<Plans, Failure> {
    let mut plans = Plans::default();
    if let Some(rate) = settings.rate_limit {
        let policy = Policy::new(limits::API, Algorithm::TokenBucket, rate.quota, rate.window);
        plans = plans.with_common([policy.map_err(|fault| settings.fault("rate_limit", fault.to_string()))?]);
    }
    match settings.section("plans") {
        Some((place, section)) => Ok(settings::plans(plans, section, &place)?),
        None => Ok(plans),
    }
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

/// Serves on `fronts` until `drain`; then no longer ready, and those under way have the grace of `options` to end. Live
/// sessions do not end by themselves: `sessions_leave` tells them to, from the moment on at which nobody new comes in.
pub(super) async fn serve(
    fronts: Fronts,
    app: Arc<App>,
    gateway: Gateway,
    tls: Option<Tls>,
    options: ServeOptions,
    drain: CancellationToken,
    sessions_leave: impl Future<Output = ()>,
) {
    let stop = CancellationToken::new();
    let serving = fronts.serve(gateway.with_api_on(Handle::current()), tls, options, stop.clone());
    let draining = async {
        drain.cancelled().await;
        app.start_draining();
        stop.cancel();
        sessions_leave.await;
    };
    match beside(serving, draining).await {
        Ok(0) => {}
        Ok(connections) => tracing::warn!(connections, "requests were cut off at the end of the grace"),
        Err(fault) => tracing::error!(error = &fault as &dyn std::error::Error, "the server broke"),
    }
}

/// Serves to the end. What is to be done meanwhile is done beside it, and holds nothing up.
async fn beside<T>(serving: impl Future<Output = T>, meanwhile: impl Future<Output = ()>) -> T {
    tokio::pin!(serving);
    tokio::select! {
        served = &mut serving => served,
        () = meanwhile => serving.await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn sessions_that_are_told_to_leave_are_what_the_server_waits_for() {
        let (leave, left) = oneshot::channel();
        let meanwhile = async {
            let _ = leave.send(());
        };
        assert!(beside(async { left.await.is_ok() }, meanwhile).await);
    }

    #[tokio::test]
    async fn sessions_that_do_not_leave_hold_the_end_up_no_longer_than_the_server_waits() {
        assert_eq!(beside(std::future::ready(7), std::future::pending()).await, 7);
    }
}
