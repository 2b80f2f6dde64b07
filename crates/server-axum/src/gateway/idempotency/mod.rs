//! A request that is sent twice under one `Idempotency-Key` is carried out once, on any tower stack (§4;
//! draft-ietf-httpapi-idempotency-key-header).
//!
//! What becomes of a `POST` or `PATCH` with a key, in this order; every other request passes untouched:
//!
//! 1. a key that is empty, too long, not visible ASCII or on two lines: 400 `INVALID_IDEMPOTENCY_KEY`;
//! 2. nobody whose key it is: 401 `UNAUTHENTICATED`;
//! 3. the body is read whole: 413 beyond [the bound](IdempotencyLayer::request_bound), 400 where it breaks off;
//! 4. the key is claimed: another request under it is 422 `IDEMPOTENCY_KEY_REUSED`, the same one in flight 409
//!    `IDEMPOTENCY_IN_FLIGHT` with `Retry-After`, and one that was answered is answered again, with the same status,
//!    body, `Location`, `ETag` and `Content-*`, and with `Idempotent-Replayed: true`;
//! 5. the service within runs in a task of its own, which a client that hangs up does not stop;
//! 6. its answer of 2xx to 4xx is kept. Not kept, so that the key is free again: 400, 401, 403, 408, 415, 422, 425, 429
//!    and 5xx, a refusal with `Retry-After`, an error of the service, a panic (which is passed on), and an answer
//!    that is larger than [the bound](IdempotencyLayer::answer_bound) or has trailers.
//!
//! Differs from Waypost's own routes, whose answers commit in the transaction of their effects
//! ([`Keyed`](waypost_core::links::Keyed)): here effect and answer are two commits. If the process dies between them,
//! the lease ends ([`IdempotencyOptions::lease`](waypost_core::idempotency::IdempotencyOptions::lease), 30 s) and a
//! retry is carried out again. Likewise for work that takes longer than its lease, so let no handler run longer.
//!
//! Where it belongs:
//! - *within* authentication and rate limits, which are asked again on a replay;
//! - *around* the [envelope](super::envelope), or whatever else shapes errors, since an answer is kept as it comes out;
//!   its own refusals are bare statuses with an [`ApiError`](crate::error::ApiError) among their extensions, so a second
//!   envelope around it gives them their body;
//! - not around streams: an answer is held back until it has ended or is larger than the bound.
//!
//! Claims and answers that are over are removed by [`Idempotency::sweeper`](waypost_core::idempotency::Idempotency::sweeper).
//!
//! On a foreign axum router, alone:
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use std::sync::Arc;
//!
//! use axum::{Router, body::Body, http::Request, routing::post};
//! use tower::ServiceExt;
//! use waypost_adapters::memory::MemoryStore;
//! use waypost_core::{clock::SystemClock, entropy::OsEntropy, ids::WorkspaceId};
//! use waypost_core::idempotency::{Idempotency, IdempotencyOptions};
//! use waypost_server_axum::gateway::idempotency::IdempotencyLayer;
//!
//! /// What the program's own authentication leaves on each request.
//! #[derive(Clone)]
//! struct Tenant(u64);
//!
//! let store = Arc::new(MemoryStore::default());
//! let options = IdempotencyOptions::default();
//! let idempotency = Idempotency::new(store, Arc::new(SystemClock), Arc::new(OsEntropy), options);
//! let layer = IdempotencyLayer::new(idempotency, |head| {
//!     let Tenant(id) = head.extensions.get()?;
//!     Some(WorkspaceId::from_bytes(u128::from(*id).to_be_bytes()))
//! });
//! let router: Router = Router::new().route("/orders", post(async || "ordered")).layer(layer);
//!
//! let order = || Request::post("/orders").header("Idempotency-Key", "a1").extension(Tenant(7)).body(Body::empty());
//! let first = router.clone().oneshot(order()?).await?;
//! let again = router.oneshot(order()?).await?;
//! assert_eq!((first.status(), again.status()), (first.status(), first.status()));
//! assert_eq!(again.headers()["idempotent-replayed"], "true");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod body;
mod future;
mod key;
mod layer;
mod service;
mod work;

#[cfg(test)]
mod tests;

pub(crate) use answer::{is_kept, mark_replayed};
pub(crate) use key::{in_flight, key_of, reused};

pub use future::ResponseFuture;
pub use layer::IdempotencyLayer;
pub use service::IdempotencyService;
