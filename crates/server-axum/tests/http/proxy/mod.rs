//! The gateway's proxy over real sockets: callers and targets are in this process, and each test has its own.

mod balance;
mod bodies;
mod faults;
mod ground;
mod headers;
mod health;
mod retries;
mod routes;
mod upgrades;
