//! The typed client of Waypost.
//!
//! A [`Client`] has one handle a capability; a handle's methods begin a request, which takes what it needs and ends in
//! `send()`. What travels is typed by [`waypost_core::wire::v1`], the same types that the server uses.
//!
//! ```no_run
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
//! A request that may be sent again is sent again: see [`retry`].

mod client;
mod error;
mod links;
pub mod retry;

pub use client::Client;
pub use error::{Error, ErrorKind};
pub use links::{CreateMany, CreatedMany, Links, ListLinks};
