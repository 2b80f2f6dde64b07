//! The contract over HTTP: the whole router, driven in process over the adapters in memory, under a clock that stands
//! still and randomness that repeats itself.
//!
//! One file a topic. Whatever a test asks, the harness holds each answer against what §3, §5, §6 and §7 promise of
//! *every* answer (`harness::guarantees`), and against the OpenAPI document.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod harness;

mod api_keys;
mod attacks;
mod auth;
mod bad_input;
mod bulk;
mod conditional;
mod cors;
mod deprecations;
mod docs;
mod errors;
mod events;
mod idempotency;
mod identity;
mod limits;
mod links;
mod live;
mod matrix;
mod oauth;
mod page;
mod pages;
mod parsers;
mod proxy;
mod qr;
mod races;
mod redirects;
mod requests;
mod stats;
mod webhooks;
