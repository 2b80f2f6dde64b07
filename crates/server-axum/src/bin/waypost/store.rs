//! The store, opened: the adapters of this build put together. This is the one file that chooses among them.

use std::sync::Arc;

use waypost_adapters::memory::{MemoryClickSpool, MemoryEventBus, MemoryRateLimiter, MemoryStore};
use waypost_adapters::sqlite::{self, Sqlite};
use waypost_core::clicks::{ClickSpool, Describe, Hit, Visitor};
use waypost_core::clock::{Clock as _, SystemClock};
use waypost_core::credentials::{Principal, Scopes};
use waypost_core::entropy::OsEntropy;
use waypost_core::ids::{KeyId, WorkspaceId};
use waypost_core::links::{DestinationRules, Site};
use waypost_core::{Platform, PlatformOptions, Ports, Result};

use crate::data_dir;
use crate::failure::Failure;
use crate::settings::Settings;

/// The workspace that everybody has.
pub(crate) const WORKSPACE: &str = "default";

/// The platform on its store.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) platform: Arc<Platform>,
    sqlite: Option<Sqlite>,
}

impl Store {
    /// Opens the store for a command that works on it and ends: no spool, no description of visitors.
    ///
    /// # Errors
    /// A store in memory, which such a command would find empty and leave empty; else those of the store.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Failure> {
        if settings.database_file().is_none() {
            let fault = "a store in memory ends with its server; name a sqlite:// one, or a server by --url";
            return Err(settings.fault("database_url", fault).into());
        }
        // No visitor comes this way.
        let spool = Arc::new(MemoryClickSpool::new(0, SystemClock.now(), &OsEntropy));
        let site = site(settings, public_url(settings, settings.listen))?;
        Self::assemble(settings, site, spool, Arc::new(Nobody), PlatformOptions::default()).await
    }

    /// Opens a store that is there already, for a command that only reads: a new one would be empty, and its answer
    /// mistaken for the right one.
    ///
    /// # Errors
    /// As [`open`](Self::open), and where there is no store.
    pub(crate) async fn open_existing(settings: &Settings) -> Result<Self, Failure> {
        if let Some(file) = settings.database_file()
            && !file.exists()
        {
            let fault = format!("there is no store at {}; name the directory of the server", file.display());
            return Err(settings.fault("data_dir", fault).into());
        }
        Self::open(settings).await
    }

    /// Puts the platform together on the store that the settings name.
    pub(crate) async fn assemble(
        settings: &Settings,
        site: Site,
        spool: Arc<dyn ClickSpool>,
        describe: Arc<dyn Describe>,
        options: PlatformOptions,
    ) -> Result<Self, Failure> {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
        // Requests are counted in memory: this process is the only one that serves, and a count that a restart forgets
        // costs nobody anything.
        let limiter = Arc::new(MemoryRateLimiter::default());
        let (ports, sqlite) = match settings.database_file() {
            Some(path) => {
                data_dir::make(settings)?;
                let db = Sqlite::open(&path).await.map_err(|error| unopened(settings, &path, &error))?;
                let ports = Ports {
                    links: Arc::new(sqlite::SqliteLinkStore::new(&db)),
                    clicks: Arc::new(sqlite::SqliteClickStore::new(&db)),
                    idempotency: Arc::new(sqlite::SqliteIdempotencyStore::new(&db)),
                    outbox: Arc::new(sqlite::SqliteOutbox::new(&db)),
                    bus: Arc::new(sqlite::SqliteEventBus::new(&db)),
                    limiter: limiter.clone(),
                    local_limiter: limiter,
                    credentials: Arc::new(sqlite::SqliteCredentialStore::new(&db)),
                    spool,
                    describe,
                    clock,
                    entropy,
                    probes: vec![Arc::new(sqlite::SqliteProbe::new(&db))],
                };
                (ports, Some(db))
            }
            None => {
                let store = Arc::new(MemoryStore::default());
                let ports = Ports {
                    links: store.clone(),
                    clicks: store.clone(),
                    idempotency: store.clone(),
                    outbox: store.clone(),
                    bus: Arc::new(MemoryEventBus::new(&OsEntropy)),
                    limiter: limiter.clone(),
                    local_limiter: limiter,
                    credentials: store.clone(),
                    spool,
                    describe,
                    clock,
                    entropy,
                    probes: vec![store.clone()],
                };
                (ports, None)
            }
        };
        let platform = Platform::assemble(ports, site, options).await?;
        Ok(Self { platform, sqlite })
    }

    /// Gives back the idempotency keys that an earlier process died with. To be called by the one that serves.
    pub(crate) async fn release_abandoned(&self) -> Result<()> {
        if let Some(db) = &self.sqlite {
            let released = sqlite::SqliteIdempotencyStore::new(db).release_abandoned().await?;
            if released > 0 {
                tracing::info!(released, "idempotency keys of an earlier process were given back");
            }
        }
        Ok(())
    }

    /// Who works on the store itself: everything is allowed, as to whoever can open the file.
    pub(crate) fn operator(&self, workspace: WorkspaceId) -> Principal {
        let key = KeyId::fresh(self.platform.clock.now(), &*self.platform.entropy);
        Principal { workspace, key, scopes: Scopes::ALL, traceparent: None }
    }

    /// Closes the store; what was written is in its file then.
    pub(crate) async fn close(self) -> Result<()> {
        match self.sqlite {
            Some(db) => db.close().await,
            None => Ok(()),
        }
    }
}

fn unopened(settings: &Settings, path: &std::path::Path, error: &waypost_core::Error) -> Failure {
    let fault = crate::failure::in_full(error);
    let cure = "check the path and its permissions, or run `waypost doctor`";
    let key = if settings.is_given("database_url") { "database_url" } else { "data_dir" };
    settings.fault(key, format!("{} cannot be opened ({fault}); {cure}", path.display())).into()
}

/// The public address: the one that is set, else that of the listener as one reaches it from this machine.
pub(crate) fn public_url(settings: &Settings, listen: Option<std::net::SocketAddr>) -> String {
    if let Some(url) = &settings.public_url {
        return url.clone();
    }
    match listen {
        Some(address) if address.ip().is_unspecified() => {
            format!("http://localhost:{}", address.port())
        }
        Some(address) => format!("http://{address}"),
        None => "http://127.0.0.1:8080".to_owned(),
    }
}

/// The public face that the settings describe.
///
/// # Errors
/// A setting that does not fit.
pub(crate) fn site(settings: &Settings, public_url: String) -> Result<Site, Failure> {
    let rules = DestinationRules {
        schemes: settings.destination_schemes.clone(),
        allow_private: settings.allow_private_destinations,
        own: Vec::new(),
    };
    let site = Site::new(&public_url, &settings.domains, rules);
    site.map_err(|fault| settings.fault("public_url", format!("{fault}; correct it or domains")).into())
}

/// Describes nobody, for commands that see no visitor.
#[derive(Debug)]
struct Nobody;

impl Describe for Nobody {
    fn describe(&self, _: &Hit) -> Visitor {
        Visitor::default()
    }
}
