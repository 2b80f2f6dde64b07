//! The binary `waypost` from outside: what people type, what they see, and with which status it ends.

mod browser;
mod clients;
mod deploy;
mod export;
mod gateway;
mod import;
mod issuers;
mod keys;
mod members;
mod nodes;
mod postgres;
mod process;
#[path = "../http/harness/provider.rs"]
#[allow(clippy::unwrap_used, dead_code, reason = "shared with the tests in process, which use all of it")]
mod provider;
mod proxy;
mod serve;
mod servers;
mod settings;
mod tls;
mod webhooks;
