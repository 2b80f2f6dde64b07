//! A store in a PostgreSQL database, which any number of nodes share.

use std::sync::Arc;

use waypost_adapters::postgres::{
    self, Postgres, PostgresClickStore, PostgresClientStore, PostgresCredentialStore, PostgresEventBus,
    PostgresGrantStore, PostgresIdempotencyStore, PostgresInvalidations, PostgresLinkStore, PostgresMemberStore,
    PostgresOptions, PostgresOutbox, PostgresPresenceStore, PostgresProbe, PostgresRateLimiter, PostgresServer,
    PostgresWebhookStore,
};
use waypost_core::Result;

use super::parts::Base;
use super::schema::{Run, Step};
use crate::doctor::Finding;
use crate::failure::in_full;
use crate::settings::{ServerUrl, Settings};

/// The oldest version that is tested and still mended by its makers.
const OLDEST: u32 = 14;

/// Connects, and brings the tables up to date. What other nodes have claimed stays claimed: they are alive, and the
/// claims of one that died end with their leases.
pub(super) async fn open(settings: &Settings, url: &ServerUrl) -> Result<Base> {
    let db = Postgres::open(options(settings, url)).await?;
    let webhooks = Arc::new(PostgresWebhookStore::new(&db));
    Ok(Base {
        links: Arc::new(PostgresLinkStore::new(&db)),
        clicks: Arc::new(PostgresClickStore::new(&db)),
        idempotency: Arc::new(PostgresIdempotencyStore::new(&db)),
        outbox: Arc::new(PostgresOutbox::new(&db)),
        credentials: Arc::new(PostgresCredentialStore::new(&db)),
        clients: Arc::new(PostgresClientStore::new(&db)),
        members: Arc::new(PostgresMemberStore::new(&db)),
        grants: Arc::new(PostgresGrantStore::new(&db)),
        webhooks: webhooks.clone(),
        deliveries: webhooks.clone(),
        delivery_log: webhooks,
        bus: Arc::new(PostgresEventBus::new(&db)),
        limiter: Arc::new(PostgresRateLimiter::new(&db)),
        invalidations: Arc::new(PostgresInvalidations::new(&db)),
        presence: Arc::new(PostgresPresenceStore::new(&db)),
        probe: Arc::new(PostgresProbe::new(&db)),
        closing: Box::pin(async move {
            db.close().await;
            Ok(())
        }),
    })
}

/// The migrations, and which of them the database has.
pub(super) async fn migrations(settings: &Settings, url: &ServerUrl) -> Result<Vec<Step>> {
    Ok(postgres::migrations(options(settings, url)).await?.into_iter().map(step).collect())
}

/// Runs the migrations that are missing.
pub(super) async fn migrate(settings: &Settings, url: &ServerUrl, run: Run) -> Result<Vec<Step>> {
    let run = match run {
        Run::Apply => postgres::Run::Apply,
        Run::Try => postgres::Run::Try,
    };
    Ok(postgres::migrate(options(settings, url), run).await?.into_iter().map(step).collect())
}

/// Looks at the server and the tables; changes none.
pub(super) async fn examine(settings: &Settings, url: &ServerUrl) -> Vec<Finding> {
    let looked = async {
        let server = PostgresServer::ask(options(settings, url)).await?;
        Ok((server, migrations(settings, url).await?))
    };
    match looked.await {
        Ok((server, steps)) => {
            let missing = steps.iter().filter(|step| !step.applied).count();
            let mut findings = vec![tables(url, missing)];
            findings.extend(self::server(settings, &server));
            findings
        }
        Err(error) => {
            let cure = "start it, or correct database_url";
            vec![Finding::fail("postgres", format!("{url}: {}; {cure}", in_full(&error)))]
        }
    }
}

fn tables(url: &ServerUrl, missing: usize) -> Finding {
    match missing {
        0 => Finding::ok("postgres", format!("{url} answers, and its tables are up to date")),
        missing => Finding::warn(
            "postgres",
            format!("{url} lacks {missing} migrations; `waypost serve` or `waypost migrate` runs them"),
        ),
    }
}

fn server(settings: &Settings, server: &PostgresServer) -> Vec<Finding> {
    let mut findings = vec![if server.version < OLDEST {
        Finding::fail("postgres version", format!("{} is too old; take {OLDEST} or a later one", server.version))
    } else {
        Finding::ok("postgres version", server.version.to_string())
    }];
    if !server.durable {
        let cure = "set fsync and synchronous_commit to on";
        findings.push(Finding::warn(
            "postgres durability",
            format!("a crash of the server may lose the last writes that it has confirmed; {cure}"),
        ));
    }
    // One more listens.
    let own = settings.database_connections + 1;
    findings.push(if server.connections < own {
        let cure = "lower database_connections, or raise max_connections";
        Finding::fail(
            "postgres connections",
            format!("this node may take {own}, and the server has {}; {cure}", server.connections),
        )
    } else {
        let nodes = server.connections / own;
        Finding::ok(
            "postgres connections",
            format!("of {} a node may take {own}: room for {nodes} such nodes", server.connections),
        )
    });
    findings
}

fn options(settings: &Settings, url: &ServerUrl) -> PostgresOptions {
    PostgresOptions {
        schema: settings.database_schema.clone(),
        connections: settings.database_connections,
        ..PostgresOptions::new(url.expose())
    }
}

fn step(migration: postgres::Migration) -> Step {
    Step { version: migration.version, name: migration.name, applied: migration.applied }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Grade;

    fn grades(told: &PostgresServer) -> Vec<Grade> {
        let settings = Settings { database_connections: 10, ..Settings::default() };
        server(&settings, told).into_iter().map(|finding| finding.grade).collect()
    }

    #[test]
    fn a_server_that_is_old_or_small_or_forgets_is_told() {
        let good = PostgresServer { version: 15, connections: 100, durable: true };
        assert_eq!(grades(&good), [Grade::Ok, Grade::Ok]);
        assert_eq!(grades(&PostgresServer { version: 13, ..good }), [Grade::Fail, Grade::Ok]);
        assert_eq!(grades(&PostgresServer { connections: 10, ..good }), [Grade::Ok, Grade::Fail]);
        assert_eq!(grades(&PostgresServer { durable: false, ..good }), [Grade::Ok, Grade::Warn, Grade::Ok]);
    }
}
