//! The binary `waypost` from outside: what people type, what they see, and with which status it ends.

mod deploy;
mod export;
mod gateway;
mod import;
mod keys;
mod nodes;
mod postgres;
mod process;
mod proxy;
mod serve;
mod servers;
mod settings;
