//! The kept connections.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::HttpWebhookOptions;
use super::connection::Open;
use super::connector::Connector;

/// The largest head of an answer that is read, and the most fields in it. Receivers have a dozen fields; a head of a
/// mebibyte is meant to keep us busy.
const LARGEST_HEAD: usize = 64 * 1_024;
const MOST_FIELDS: usize = 100;
/// Above that, the connections that each keeps for itself would outweigh what a hand-over costs.
const MOST_SHARES: usize = 16;

pub(super) type HttpClient = Client<Connector, Full<Bytes>>;

/// One pool for each thread that calls, as far as there are processors: a connection is then used by the thread that drives
/// it, and a call wakes no other.
pub(super) struct Clients {
    connector: Connector,
    builder: Builder,
    most_kept: usize,
    shares: Box<[Mutex<Pool>]>,
}

/// A client with the connections that it made.
struct Pool {
    client: HttpClient,
    open: Open,
}

impl Clients {
    pub(super) fn new(connector: Connector, options: &HttpWebhookOptions) -> Self {
        let shares = available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_SHARES);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(options.idle)
            .pool_max_idle_per_host(options.most_idle.div_ceil(shares))
            .http1_max_buf_size(LARGEST_HEAD)
            .http1_max_headers(MOST_FIELDS);
        // A connection that ended before anything of a call was written is replaced by another; a call that was begun is
        // never made anew, so one call stays one call.
        builder.retry_canceled_requests(true);
        let pools = (0..shares).map(|_| Mutex::new(Pool::new(&builder, &connector))).collect();
        Self { connector, builder, most_kept: options.most_kept.div_ceil(shares).max(1), shares: pools }
    }

    /// The client of this thread. Once it has made too many connections that are still open, it is left to those that use it,
    /// and its unused connections end with it.
    pub(super) fn of_this_thread(&self) -> HttpClient {
        let mut pool = self.shares[share() % self.shares.len()].lock().unwrap_or_else(PoisonError::into_inner);
        if pool.open.count() >= self.most_kept {
            tracing::debug!(connections = self.most_kept, "closing the connections that no call uses");
            *pool = Pool::new(&self.builder, &self.connector);
        }
        pool.client.clone()
    }
}

impl Pool {
    fn new(builder: &Builder, connector: &Connector) -> Self {
        let open = Open::default();
        Self { client: builder.build(connector.counted(open.clone())), open }
    }
}

/// The number of this thread among those that have asked.
fn share() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static SHARE: usize = THREADS.fetch_add(1, Ordering::Relaxed));
    SHARE.with(|share| *share)
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("shares", &self.shares.len()).finish_non_exhaustive()
    }
}
