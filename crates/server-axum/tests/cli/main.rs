//! The binary `waypost` from outside: what people type, what they see, and with which status it ends.

mod export;
mod import;
mod keys;
mod process;
mod serve;
mod settings;
