//! How many requests may be in flight; above that, 503 at once.
//!
//! Refusing early and cheaply keeps the ones that were admitted fast; a queue would make all of them late. The permit is
//! held until the response's *body* has ended or was given up, since a slow reader costs as much as a slow handler.
//! (tower's `ConcurrencyLimit` queues, and frees its permit at the response's head.)
//!
//! A stream that waits for events is no work in flight. Its handler finds its [`Place`] in the request's extensions, and
//! gives it back once it has handed its caller over to what bounds live sessions by itself.
//!
//! One address may hold a quarter of the places, so that no single caller takes all of them: IPv4 addresses one by one,
//! IPv6 by /64. Where nothing is known of the peer only the common cap holds. Behind a proxy that is not
//! [trusted](super::client_address::TrustedProxies) all callers have one address, and share its quarter.
//!
//! Within the layers that only look at the head, so that a preflight or a refusal takes no permit.
//!
//! Alone, on a foreign axum router:
//!
//! ```
//! use axum::{Router, middleware};
//! use waypost_server_axum::gateway::admission::{self, Admission};
//!
//! let admission = Admission::new(512);
//! let router: Router = Router::new().layer(middleware::from_fn_with_state(admission, admission::admit));
//! ```

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use waypost_core::wire::v1::ErrorCode;

use super::client_address::ClientAddress;
use super::context::RequestContext;
use super::metrics::names;
use super::routes;
use super::watched::{Watch, Watched};
use crate::error::ApiError;

/// Counts what is in flight; clones share the count.
#[derive(Clone, Debug)]
pub struct Admission {
    cap: usize,
    per_address: usize,
    places: Arc<Places>,
}

/// The places that are taken. Only addresses with a request in flight have an entry, so there are at most as many as
/// places.
#[derive(Debug)]
struct Places {
    taken: AtomicUsize,
    by_address: [Mutex<HashMap<IpAddr, usize>>; SHARDS],
    hasher: RandomState,
}

/// So many locks that two requests seldom meet at one.
const SHARDS: usize = 16;

impl Places {
    fn shard(&self, address: IpAddr) -> &Mutex<HashMap<IpAddr, usize>> {
        &self.by_address[self.hasher.hash_one(address) as usize % SHARDS]
    }
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All places are taken.
    Server,
    /// The address has its share.
    Address,
}

impl Default for Admission {
    /// 1,024: with bodies of at most 1 MiB, what a small machine can still hold in memory.
    fn default() -> Self {
        Self::new(1_024)
    }
}

impl Admission {
    /// Admits up to `cap` at once, a quarter of them from one address.
    pub fn new(cap: usize) -> Self {
        let by_address = std::array::from_fn(|_| Mutex::default());
        let places = Places { taken: AtomicUsize::new(0), by_address, hasher: RandomState::new() };
        Self { cap, per_address: cap.div_ceil(4), places: Arc::new(places) }
    }

    /// Admits so many from one address.
    #[must_use]
    pub fn with_per_address(self, per_address: usize) -> Self {
        Self { per_address, ..self }
    }

    /// A permit for a request from `client`, or why there is none, at once: a few atomic operations, one small allocation,
    /// and one look-up under a lock that is held for nothing else.
    ///
    /// # Errors
    /// [`Full`].
    pub fn try_enter(&self, client: ClientAddress) -> Result<Permit, Full> {
        let before = self.places.taken.fetch_add(1, Ordering::Relaxed);
        if before >= self.cap {
            self.places.taken.fetch_sub(1, Ordering::Relaxed);
            return Err(Full::Server);
        }
        let address = (client != ClientAddress::UNKNOWN).then(|| client.network());
        if let Some(address) = address {
            let mut shard = self.places.shard(address).lock().unwrap_or_else(PoisonError::into_inner);
            let held = shard.entry(address).or_default();
            if *held >= self.per_address {
                drop(shard);
                self.places.taken.fetch_sub(1, Ordering::Relaxed);
                return Err(Full::Address);
            }
            *held += 1;
        }
        Ok(Permit(Place(Arc::new(Held { places: self.places.clone(), address, is_held: AtomicBool::new(true) }))))
    }

    /// How many are in flight.
    pub fn in_flight(&self) -> usize {
        self.places.taken.load(Ordering::Relaxed)
    }

    /// The answer when there is no place.
    pub fn refusal(full: Full) -> ApiError {
        let (message, reason, by) = match full {
            Full::Server => {
                ("The server is at its limit of requests in flight", "too many requests in flight", "server")
            }
            Full::Address => (
                "Too many requests from this address are in flight",
                "too many requests in flight from this address",
                "address",
            ),
        };
        metrics::counter!(names::SHED, "by" => by).increment(1);
        ApiError::new(ErrorCode::Unavailable, message).with_retry_after(Duration::from_secs(1)).with_reason(reason)
    }
}

/// A place among those in flight, given back when it is dropped, unless it was before.
#[derive(Debug)]
pub struct Permit(Place);

impl Permit {
    /// The place, to be given back earlier.
    pub fn place(&self) -> Place {
        self.0.clone()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// The place of a request among those in flight: a request extension, for handlers whose answers wait. Clones are the same
/// place; to drop one changes nothing.
#[derive(Clone, Debug)]
pub struct Place(Arc<Held>);

#[derive(Debug)]
struct Held {
    places: Arc<Places>,
    address: Option<IpAddr>,
    is_held: AtomicBool,
}

impl Place {
    /// Gives the place back, once: what is called later, and the end of the answer's body, do nothing more. From then on
    /// the request counts against no cap here, so something else must bound it.
    pub fn give_back(&self) {
        if !self.0.is_held.swap(false, Ordering::Relaxed) {
            return;
        }
        let places = &self.0.places;
        places.taken.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = self.0.address else { return };
        let mut shard = places.shard(address).lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut held) = shard.entry(address) {
            match held.get().checked_sub(1) {
                None | Some(0) => {
                    held.remove();
                }
                Some(left) => *held.get_mut() = left,
            }
        }
    }
}

impl Watch for Permit {}

/// Lets a request in, with its [`Place`], or refuses it.
pub async fn admit(State(admission): State<Admission>, mut request: Request, next: Next) -> Response {
    if routes::of(&request).is_some_and(|route| route.is_probe()) {
        return next.run(request).await;
    }
    let client = request.extensions().get::<RequestContext>().map_or(ClientAddress::UNKNOWN, RequestContext::client);
    match admission.try_enter(client) {
        Ok(permit) => {
            request.extensions_mut().insert(permit.place());
            Watched::wrap(next.run(request).await, permit)
        }
        Err(full) => Admission::refusal(full).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use axum::routing::get;
    use axum::{Router, middleware};
    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn the_permit_is_held_until_the_body_ends_or_is_dropped() {
        let admission = Admission::new(1);
        let chunks = || stream::iter([b"a", b"b"]).map(|part| Ok::<_, std::io::Error>(Bytes::from_static(part)));
        let app = Router::new()
            .route("/", get(move || async move { Body::from_stream(chunks()) }))
            .layer(middleware::from_fn_with_state(admission.clone(), admit));
        let ask = || app.clone().oneshot(Request::get("/").body(Body::empty()).unwrap());

        let mut first = ask().await.unwrap();
        assert!(first.body_mut().frame().await.is_some());
        assert_eq!(admission.in_flight(), 1, "the head is out, the body is not");
        let refused = ask().await.unwrap();
        assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
        assert_eq!(admission.in_flight(), 1, "a refusal takes no place");

        assert!(first.body_mut().frame().await.is_some());
        assert!(first.body_mut().frame().await.is_none());
        assert_eq!(admission.in_flight(), 0, "ended, though the response is still there");

        drop(ask().await.unwrap());
        assert_eq!(admission.in_flight(), 0, "given up");
    }

    #[test]
    fn one_address_cannot_take_all_places_and_leaves_nothing_behind() {
        let address = |text: &str| ClientAddress::new(text.parse().unwrap());
        let admission = Admission::new(8);
        let (greedy, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let held: Vec<_> = (0..2).map(|_| admission.try_enter(greedy).unwrap()).collect();
        for _ in 0..100 {
            assert_eq!(admission.try_enter(greedy).unwrap_err(), Full::Address);
        }
        assert_eq!(admission.in_flight(), 2, "a refusal takes no place");
        let also = admission.try_enter(other).unwrap();
        // Of a /64, every address is one caller.
        let six: Vec<_> =
            ["2001:db8::1", "2001:db8::ffff:2"].map(|text| admission.try_enter(address(text)).unwrap()).into();
        assert_eq!(admission.try_enter(address("2001:db8:0:0:7::")).unwrap_err(), Full::Address);
        let far = admission.try_enter(address("2001:db8:0:1::1")).unwrap();
        let unknown: Vec<_> = (0..2).map(|_| admission.try_enter(ClientAddress::UNKNOWN).unwrap()).collect();
        assert_eq!(admission.try_enter(ClientAddress::UNKNOWN).unwrap_err(), Full::Server);
        drop(held);
        assert!(admission.try_enter(greedy).is_ok());
        drop((also, six, far, unknown));
        assert_eq!(admission.in_flight(), 0);
        let kept: usize = admission.places.by_address.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert_eq!(kept, 0, "an address that is gone takes no memory");
    }

    #[test]
    fn a_place_is_given_back_once_however_often_and_by_whom() {
        let address = ClientAddress::new("192.0.2.1".parse().unwrap());
        let admission = Admission::new(8);
        let (one, other) = (admission.try_enter(address).unwrap(), admission.try_enter(address).unwrap());
        let (place, again) = (one.place(), one.place());
        assert_eq!(admission.try_enter(address).unwrap_err(), Full::Address);
        place.give_back();
        again.give_back();
        assert_eq!(admission.in_flight(), 1);
        let third = admission.try_enter(address).unwrap();
        drop(one);
        assert_eq!(admission.in_flight(), 2, "the end of the answer takes nobody else's place back");
        assert_eq!(admission.try_enter(address).unwrap_err(), Full::Address);
        drop(other);
        let place = third.place();
        drop(third);
        assert_eq!(admission.in_flight(), 0, "who still has the handle holds nothing");
        place.give_back();
        assert_eq!(admission.in_flight(), 0);
    }

    #[tokio::test]
    async fn a_caller_that_leaves_frees_its_place() {
        let admission = Admission::new(1);
        let app = Router::new()
            .route("/", get(std::future::pending::<()>))
            .layer(middleware::from_fn_with_state(admission.clone(), admit));
        let mut held = Box::pin(app.oneshot(Request::get("/").body(Body::empty()).unwrap()));
        assert!(futures_util::poll!(&mut held).is_pending());
        assert_eq!(admission.in_flight(), 1);
        drop(held);
        assert_eq!(admission.in_flight(), 0);
    }
}
