//! The typed client of Waypost, and the receiving side of its webhooks.
//!
//! | feature | brings | for |
//! |---|---|---|
//! | `api` (default) | `Client` | calling a server |
//! | `webhooks` (default) | `WebhookVerifier` | verifying deliveries, without an HTTP client |
//!
//! A `Client` has one handle a capability; a handle's methods begin a request, which takes what it needs and ends in
//! `send()`. What travels is typed by [`waypost_core::wire::v1`], the same types that the server uses.
//!
#![cfg_attr(feature = "api", doc = "```no_run")]
#![cfg_attr(not(feature = "api"), doc = "```ignore")]
//! # async fn make() -> Result<(), waypost_client::Error> {
//! use waypost_client::Client;
//! use waypost_core::wire::v1::CreateLink;
//!
//! let client = Client::new("https://go.example.com", "wp_live_…")?;
//! let link = CreateLink { destination: "https://www.rust-lang.org/".to_owned(), ..CreateLink::default() };
//! let created = client.links().create_many(vec![link]).idempotency_key("spring-1").send().await?;
//! assert_eq!(created.results[0].status, 201);
//! # Ok(())
//! # }
//! ```
//!
//! A request that may be sent again is sent again: see `retry`. Deliveries of webhooks are verified by a
//! `WebhookVerifier`: see `webhooks`.

#[cfg(feature = "api")]
mod client;
#[cfg(feature = "api")]
mod error;
#[cfg(feature = "api")]
mod links;
#[cfg(feature = "api")]
pub mod retry;
#[cfg(feature = "webhooks")]
pub mod webhooks;

#[cfg(feature = "api")]
pub use client::Client;
#[cfg(feature = "api")]
pub use error::{Error, ErrorKind};
#[cfg(feature = "api")]
pub use links::{CreateMany, CreatedMany, Links, ListLinks};
#[cfg(feature = "webhooks")]
pub use webhooks::WebhookVerifier;
