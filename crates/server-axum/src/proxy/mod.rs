//! The gateway's proxy: routes that lead to servers elsewhere.
//!
//! | part | what it is | alone |
//! |---|---|---|
//! | [`config`] | the section `[gateway]`: its form, its checks, its schema | reads any format that serde reads |
//! | [`upstream`] | targets: balance, breaker, ejection, health, connections | [`upstream::Upstream::pick`] for a client of one's own |
//! | [`forward`] | a tower service that forwards one request | on any axum or tower stack |
//! | [`table`] | routes and upstreams of one configuration, put together | with [`table::Table::build`] |
//! | [`reload`] | an engine that takes up a new configuration | with a source and a taker of one's own |
//!
//! In the binary the routes of the configuration stand in the same table as the server's own, behind the same guard, so
//! that scope, limit, `Allow`, log and metrics are theirs as well.

pub mod config;
pub mod forward;
pub mod reload;
pub mod table;
pub mod upstream;
