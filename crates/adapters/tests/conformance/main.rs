//! Every adapter under the suites of its ports; and the engines of core on ports in memory.

#[cfg(feature = "memory")]
mod engines;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "memory", feature = "sqlite"))]
mod row_by_row;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "memory")]
mod wrapped;
