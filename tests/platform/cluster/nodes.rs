//! Two nodes, and the servers that they share.

use std::io;
use std::net::SocketAddr;
use std::thread;

use crate::support::http::Api;
use crate::support::nats::Nats;
use crate::support::postgres::Postgres;
use crate::support::proxy::Proxy;
use crate::support::redis::Redis;
use crate::support::server::{Server, Settings};

/// What carries the log of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bus {
    /// PostgreSQL.
    Store,
    /// Redis.
    Redis,
    /// NATS.
    Nats,
}

/// What a cluster stands on, beside PostgreSQL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Whether Redis carries limits and word of changed links.
    pub(crate) redis: bool,
    /// What carries events.
    pub(crate) bus: Bus,
    /// Whether the nodes reach PostgreSQL and Redis through a network that can be broken.
    pub(crate) proxies: bool,
    /// A limit of requests other than the default.
    pub(crate) rate_limit: Option<&'static str>,
    /// What stands in the nodes' `waypost.toml`.
    pub(crate) file: Option<&'static str>,
}

impl Plan {
    /// PostgreSQL alone.
    pub(crate) const POSTGRES: Self =
        Self { redis: false, bus: Bus::Store, proxies: false, rate_limit: None, file: None };
    /// PostgreSQL, with Redis for everything that it can do.
    pub(crate) const REDIS: Self = Self { redis: true, bus: Bus::Redis, ..Self::POSTGRES };
    /// PostgreSQL, with Redis for all but events.
    pub(crate) const REDIS_WITHOUT_EVENTS: Self = Self { redis: true, ..Self::POSTGRES };
    /// PostgreSQL, with NATS for events.
    pub(crate) const NATS: Self = Self { bus: Bus::Nats, ..Self::POSTGRES };
}

/// Two nodes and their servers; all of it is private, and goes when this is dropped.
///
/// The servers keep what they acknowledge. The nodes share nothing but them.
pub(crate) struct Cluster {
    // First, so that they go first.
    pub(crate) nodes: [Server; 2],
    pub(crate) to_postgres: Option<Proxy>,
    pub(crate) to_redis: Option<Proxy>,
    pub(crate) postgres: Postgres,
    redis: Option<Redis>,
    nats: Option<Nats>,
}

impl Cluster {
    /// Starts the servers, and both nodes at once on an empty store.
    ///
    /// # Errors
    ///
    /// When one of them cannot be started.
    pub(crate) fn start(plan: Plan) -> io::Result<Self> {
        let postgres = Postgres::start()?;
        let redis = plan.redis.then(Redis::start).transpose()?;
        let nats = (plan.bus == Bus::Nats).then(Nats::start).transpose()?;
        let proxy = |address: SocketAddr| plan.proxies.then(|| Proxy::start(address)).transpose();
        let to_postgres = proxy(postgres.address())?;
        let to_redis = redis.as_ref().map(|redis| proxy(redis.address())).transpose()?.flatten();

        let way = |proxy: &Option<Proxy>, address| proxy.as_ref().map_or(address, Proxy::address);
        let mut settings = Settings::default()
            .env("WAYPOST_PUBLIC_URL", "http://links.test")
            .env("WAYPOST_DATABASE_URL", postgres.url_through(way(&to_postgres, postgres.address())));
        if let Some(redis) = &redis {
            settings = settings.env("WAYPOST_REDIS_URL", redis.url_through(way(&to_redis, redis.address())));
        }
        if let Some(nats) = &nats {
            settings = settings.env("WAYPOST_NATS_URL", nats.url());
        }
        if let Some(limit) = plan.rate_limit {
            settings = settings.env("WAYPOST_RATE_LIMIT", limit);
        }
        if let Some(text) = plan.file {
            settings = settings.file(text);
        }
        let bus = match plan.bus {
            Bus::Store => "store",
            Bus::Redis => "redis",
            Bus::Nats => "nats",
        };
        let settings = settings.env("WAYPOST_BUS", bus);
        // At once: both find an empty store, and one of them makes the tables.
        let (left, right) = thread::scope(|scope| {
            let [left, right] = [settings.clone(), settings].map(|settings| scope.spawn(|| settings.start()));
            (left.join().expect("no panic"), right.join().expect("no panic"))
        });
        Ok(Self { nodes: [left?, right?], to_postgres, to_redis, postgres, redis, nats })
    }

    /// A caller of each node.
    pub(crate) fn apis(&self) -> [Api; 2] {
        self.nodes.each_ref().map(Server::api)
    }

    /// Its Redis, which the plan has.
    pub(crate) fn redis(&mut self) -> &mut Redis {
        self.redis.as_mut().expect("a plan with Redis")
    }

    /// Its NATS, which the plan has.
    pub(crate) fn nats(&mut self) -> &mut Nats {
        self.nats.as_mut().expect("a plan with NATS")
    }

    /// The network before PostgreSQL, which the plan has.
    pub(crate) fn to_postgres(&self) -> &Proxy {
        self.to_postgres.as_ref().expect("a plan with proxies")
    }

    /// The network before Redis, which the plan has.
    pub(crate) fn to_redis(&self) -> &Proxy {
        self.to_redis.as_ref().expect("a plan with proxies and Redis")
    }
}

impl Drop for Cluster {
    /// Where a test fails, what the nodes said is half of the evidence.
    fn drop(&mut self) {
        if thread::panicking() {
            for (number, node) in self.nodes.iter().enumerate() {
                println!("node {number} said:\n{}", node.process().output());
            }
        }
    }
}
