//! `waypost serve`: the whole platform in one process.
//!
//! It starts from the inside out (data directory, store, spool, platform, key, listener, engines, HTTP), so that what
//! answers can answer; and stops from the outside in, so that nothing loses what stands behind it.

mod certificate;
mod elsewhere;
mod engines;
mod first_key;
mod fronts;
mod greeting;
mod http;
mod identity;
mod signals;
mod spool_sync;
mod webhooks;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;
use waypost_adapters::file::{FileClickSpool, FileSpoolOptions};
use waypost_adapters::memory::MemoryClickSpool;
use waypost_adapters::visitor::VisitorDescriber;
use waypost_core::PlatformOptions;
use waypost_core::clicks::ClickSpool;
use waypost_core::clock::{Clock as _, SystemClock};
use waypost_core::engine::Engine;
use waypost_core::entropy::OsEntropy;
use waypost_core::tokens::TokenOptions;
use waypost_server_axum::ServeOptions;
use waypost_server_axum::gateway::hygiene::Hygiene;
use waypost_server_axum::gateway::metrics::MetricsExporter;
use waypost_server_axum::proxy::forward::{Edge, VouchByToken};

use crate::data_dir;
use crate::failure::Failure;
use crate::open_files;
use crate::settings::{AllFlags, Settings};
use crate::store::{self, Store};
use engines::Engines;
use fronts::Fronts;
pub(crate) use http::plans;
pub(crate) use signals::Signals;
use spool_sync::SpoolSync;

/// What of the grace is kept for flushing once the last request is answered; a quarter where the grace is short.
const FLUSH: Duration = Duration::from_secs(5);

/// Start the platform: links, clicks, events and API in one process.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  waypost serve
  waypost serve --listen 0.0.0.0:80 --public-url https://go.example.com --data-dir data
  WAYPOST_ADMIN_KEY_FILE=/run/secrets/key WAYPOST_LOG_FORMAT=json waypost serve
  waypost serve --database-url postgres://waypost@db/waypost --redis-url redis://cache --nats-url nats://bus
  waypost serve --database-url memory:

With no setting at all it listens on 127.0.0.1:8080, keeps everything in ./waypost-data, and prints the first API key
once. Each setting can also stand in waypost.toml (listen = \"0.0.0.0:80\") or in the environment.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    flags: AllFlags,
}

/// Serves until a signal comes.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let settings = Settings::load(&arguments.flags.0)?;
    crate::logging::start(&settings, "info");
    let mut signals = Signals::listen().map_err(|fault| Failure::broken(fault.to_string()))?;
    let http = http::options(&settings)?;
    let certificate = certificate::Certificate::read(&settings)?;
    let planned = elsewhere::Planned::of(&settings)?;

    // A store in memory needs no directory; everything else does, for itself alone.
    let hold = settings.keeps_files().then(|| data_dir::hold(&settings)).transpose()?;
    // Before the platform, which takes its counters from the recorder that it finds.
    let metrics = MetricsExporter::install().map_err(|fault| Failure::broken(fault.to_string()))?;
    let fronts = listen(&settings)?;
    let address = fronts.address();
    let (store, spool) = tokio::select! {
        opened = open(&settings, address) => opened?,
        // A server that waits for its store has nothing to bring to an end.
        signal = signals.next() => return Ok(ExitCode::from(signal.status())),
    };
    let key = first_key::first_key(&store, &settings).await?;
    // After all that may end the start: a setting that is wrong is told in one line.
    open_files::make_room(settings.most_connections);

    let sync = spool.map(|spool| Box::new(SpoolSync(spool)) as Box<dyn Engine>);
    let drain = CancellationToken::new();
    let (reserve, patience) = split(settings.shutdown_grace);
    let tls = certificate.as_ref().map(|certificate| certificate.tls.clone());
    if let Some(certificate) = certificate {
        // Ends with the process: it holds nothing.
        tokio::spawn(certificate.follow_changes());
    }
    let vouch = Arc::new(VouchByToken(store.platform.tokens.clone()));
    let hygiene = Hygiene::default().and_identity(&http.identity_headers);
    let edge = Edge { proxies: http.trusted_proxies.clone(), vouch, hygiene, ..Edge::default() };
    let tunnels = edge.tunnels.clone();
    let elsewhere = planned.build(edge)?;
    let (app, gateway) = http::gateway(store.platform.clone(), http, metrics, settings.roles.own(), &elsewhere)?;
    let own = elsewhere.engines(&settings, &gateway).map_err(|fault| Failure::broken(fault.to_string()))?;
    let engines = Engines::start(&store.platform, own.into_iter().chain(sync), &settings.roles);
    let options =
        ServeOptions { grace: patience, max_connections: settings.most_connections, ..ServeOptions::default() };
    // The last eighth of their time is for those who take their leave late.
    let (live, by) = (store.platform.live.clone(), patience - patience / 8);
    let sessions_leave = async move { live.drain(by).await };
    let mut server = tokio::spawn(http::serve(fronts, app, gateway, tls, options, drain.clone(), sessions_leave));
    let greeting = greeting::Greeting::new(&settings, &store.platform.site, address, &key);
    // Whoever closed the output does not want to read it; the server is wanted all the same.
    let _ = write!(std::io::stdout(), "{greeting}");
    drop(key);

    let ended = tokio::select! {
        signal = signals.next() => Ok(signal),
        ended = &mut server => Err(ended),
    };
    match ended {
        Ok(signal) => {
            tracing::info!(signal = signal.name(), grace = ?settings.shutdown_grace, "stopping")
        }
        // The listener is gone: what can be saved is saved, and the status tells.
        Err(ended) => {
            let why = ended.err().map(|fault| format!(": {fault}")).unwrap_or_default();
            stop(None, engines, store, reserve).await?;
            return Err(Failure::broken(format!("the server ended by itself{why}")));
        }
    }
    drain.cancel();
    // They do not end with their requests, and nobody else would end them.
    tunnels.close();
    let stopping = stop(Some(server), engines, store, reserve);
    tokio::select! {
        stopped = stopping => stopped?,
        again = signals.next() => std::process::exit(i32::from(again.status())),
    }
    drop(hold);
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Lets requests end, then the engines, then closes the store.
async fn stop(
    server: Option<tokio::task::JoinHandle<()>>,
    engines: Engines,
    store: Store,
    reserve: Duration,
) -> Result<(), Failure> {
    if let Some(server) = server
        && let Err(fault) = server.await
    {
        tracing::error!(error = ?fault, "the server did not end well");
    }
    let left = engines.stop(reserve).await;
    if !left.is_empty() {
        // Nothing is lost by it: spool and outbox are on the disk, and the next start takes them up.
        tracing::warn!(engines = ?left, "not done within the grace; the next start goes on with it");
    }
    store.close().await.map_err(Failure::from)
}

/// Splits the grace into what is kept for flushing and what requests may take to end.
fn split(grace: Duration) -> (Duration, Duration) {
    let reserve = FLUSH.min(grace / 4);
    (reserve, grace - reserve)
}

fn listen(settings: &Settings) -> Result<Fronts, Failure> {
    let address = settings.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
    Fronts::listen(address).map_err(|fault| {
        let cure = match fault.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there; stop it, or choose another port, as in --listen 127.0.0.1:8081"
            }
            std::io::ErrorKind::PermissionDenied => {
                "this user may not; choose a port from 1024 on, as in --listen 127.0.0.1:8080"
            }
            std::io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address; take 0.0.0.0 for all that it has"
            }
            _ => "choose another address",
        };
        settings.fault("listen", format!("{address} cannot be listened on ({fault}): {cure}")).into()
    })
}

/// The store on the settings' database, and the spool where it is in files.
async fn open(settings: &Settings, address: SocketAddr) -> Result<(Store, Option<Arc<FileClickSpool>>), Failure> {
    let site = store::site(settings, store::public_url(settings, Some(address)))?;
    let describe = VisitorDescriber::new(settings.geoip_file.as_deref())
        .map_err(|error| settings.fault("geoip_file", crate::failure::in_full(&error)))?;
    let options = PlatformOptions {
        link_cache_bytes: settings.link_cache_bytes,
        keep_events: settings.keep_events,
        keep_clicks: settings.keep_clicks,
        plans: http::plans(settings)?,
        webhooks: webhooks::options(settings),
        live: settings.live,
        tokens: TokenOptions { generation: settings.token_generation, ..TokenOptions::default() },
        identity: identity::options(settings)?,
        ..PlatformOptions::default()
    };
    let files = settings.keeps_files().then(|| open_spool(settings)).transpose()?;
    let spool: Arc<dyn ClickSpool> = match &files {
        Some(files) => files.clone(),
        None => Arc::new(MemoryClickSpool::new(settings.spool_bytes, SystemClock.now(), &OsEntropy)),
    };
    let store = Store::serve(settings, site, spool, Arc::new(describe), options).await?;
    Ok((store, files))
}

fn open_spool(settings: &Settings) -> Result<Arc<FileClickSpool>, Failure> {
    let options = FileSpoolOptions { max_bytes: settings.spool_bytes, ..FileSpoolOptions::default() };
    let dir = settings.data_dir.join("spool");
    let spool = FileClickSpool::open(&dir, options, Arc::new(SystemClock), Arc::new(OsEntropy));
    spool.map(Arc::new).map_err(|error| {
        let fault = crate::failure::in_full(&error);
        let fault = format!("{} cannot be used ({fault}); check its permissions", dir.display());
        settings.fault("data_dir", fault).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_grace_is_kept_for_flushing() {
        let seconds = Duration::from_secs;
        assert_eq!(split(seconds(30)), (seconds(5), seconds(25)));
        assert_eq!(split(seconds(4)), (seconds(1), seconds(3)));
        assert_eq!(split(seconds(0)), (seconds(0), seconds(0)));
    }
}
