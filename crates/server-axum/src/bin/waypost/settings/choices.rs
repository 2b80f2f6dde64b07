//! Which technology carries what: as it was chosen, or as it follows from what is there.

use super::values::Database;
use super::{SettingFault, Settings};

/// What carries the log of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Bus {
    /// NATS if it is there, else the store. Never Redis: a flush or a fail-over there loses events that were acknowledged,
    /// and who takes that for its speed says so.
    #[default]
    Auto,
    /// The store.
    Store,
    /// Redis.
    Redis,
    /// NATS.
    Nats,
}

impl Bus {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "store" => Ok(Self::Store),
            "redis" => Ok(Self::Redis),
            "nats" => Ok(Self::Nats),
            _ => Err(format!("`{text}` is not what carries events; write auto, store, redis or nats")),
        }
    }
}

/// What counts requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Limiter {
    /// Redis if it is there, else a PostgreSQL store, else memory.
    #[default]
    Auto,
    /// This node's memory: each node allows as much.
    Memory,
    /// The store.
    Store,
    /// Redis.
    Redis,
}

impl Limiter {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "memory" => Ok(Self::Memory),
            "store" => Ok(Self::Store),
            "redis" => Ok(Self::Redis),
            _ => Err(format!("`{text}` is not what counts requests; write auto, memory, store or redis")),
        }
    }
}

impl Settings {
    /// What carries the log of events; never [`Bus::Auto`].
    pub(crate) fn bus(&self) -> Bus {
        match self.bus_choice {
            Bus::Auto if self.nats_url.is_some() => Bus::Nats,
            Bus::Auto => Bus::Store,
            chosen => chosen,
        }
    }

    /// What counts requests; never [`Limiter::Auto`].
    pub(crate) fn limiter(&self) -> Limiter {
        match (self.limiter_choice, &self.database) {
            (Limiter::Auto, _) if self.redis_url.is_some() => Limiter::Redis,
            // Other nodes count there as well.
            (Limiter::Auto, Database::Postgres(_)) => Limiter::Store,
            // This process is the only one that serves, and a count that a restart forgets costs nobody anything.
            (Limiter::Auto, Database::Sqlite(_) | Database::Memory) => Limiter::Memory,
            (chosen, _) => chosen,
        }
    }

    /// Refuses choices without what they need, and settings that nothing would heed.
    pub(super) fn check_choices(&self) -> Result<(), SettingFault> {
        let fault = |key, fault: &str| Err(self.fault(key, fault));
        for (given, is_given, other, is_there) in [
            ("tls_certificate", self.tls_certificate.is_some(), "tls_key", self.tls_key.is_some()),
            ("tls_key", self.tls_key.is_some(), "tls_certificate", self.tls_certificate.is_some()),
        ] {
            if is_given && !is_there {
                return Err(self.fault(given, format!("needs {other} beside it; give both, or neither for plain HTTP")));
            }
        }
        if self.bus_choice == Bus::Redis && self.redis_url.is_none() {
            return fault("bus", "redis has no address; give redis_url, or choose store");
        }
        if self.bus_choice == Bus::Nats && self.nats_url.is_none() {
            return fault("bus", "nats has no address; give nats_url, or choose store");
        }
        if self.limiter_choice == Limiter::Redis && self.redis_url.is_none() {
            return fault("limiter", "redis has no address; give redis_url, or choose store");
        }
        if self.nats_url.is_some() && self.bus() != Bus::Nats {
            return fault(
                "nats_url",
                "is used by nothing, since bus is another one; choose nats for bus, or remove it",
            );
        }
        if !matches!(self.database, Database::Postgres(_)) {
            for key in ["database_connections", "database_schema"] {
                if self.is_given(key) {
                    return fault(key, "is for PostgreSQL alone; remove it, or name a postgres:// database_url");
                }
            }
        }
        for (key, server, is_there) in [
            ("redis_prefix", "redis_url", self.redis_url.is_some()),
            ("nats_prefix", "nats_url", self.nats_url.is_some()),
            ("nats_replicas", "nats_url", self.nats_url.is_some()),
        ] {
            if self.is_given(key) && !is_there {
                return Err(self.fault(key, format!("is used by nothing; give {server}, or remove it")));
            }
        }
        Ok(())
    }
}
