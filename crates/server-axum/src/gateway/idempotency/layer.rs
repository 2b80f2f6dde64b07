//! The layer, and what can be set about it.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;
use tokio_util::task::TaskTracker;
use tower::Layer;
use waypost_core::idempotency::Idempotency;
use waypost_core::ids::WorkspaceId;

use super::IdempotencyService;

/// Carries keyed requests out once; the [module](super) says what that means, and where it belongs.
#[derive(Clone, Debug)]
pub struct IdempotencyLayer {
    settings: Settings,
}

/// Says whose request it is.
type NamesScope = dyn Fn(&Parts) -> Option<WorkspaceId> + Send + Sync;

/// What the services of one layer have in common.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) idempotency: Idempotency,
    pub(super) scope: Arc<NamesScope>,
    pub(super) request_bound: usize,
    pub(super) answer_bound: usize,
    pub(super) also_kept: Vec<HeaderName>,
    pub(super) works: TaskTracker,
}

impl IdempotencyLayer {
    /// Over `idempotency`. `scope` says, from the head of a request, whose keys are meant: the same key in two scopes
    /// is two keys, and an answer is replayed to nobody outside its scope.
    ///
    /// The scope is a workspace id; a tenant or user id of a program's own becomes one by
    /// [`WorkspaceId::from_bytes`]. It must come from credentials that were checked, never from what a client may
    /// choose. Where it is `None`, a request with a key is refused with 401, rather than carried out as if it had none:
    /// so a layer that stands outside of authentication by mistake is noticed.
    pub fn new<F>(idempotency: Idempotency, scope: F) -> Self
    where
        F: Fn(&Parts) -> Option<WorkspaceId> + Send + Sync + 'static,
    {
        const MIB: usize = 1_024 * 1_024;
        Self {
            settings: Settings {
                idempotency,
                scope: Arc::new(scope),
                request_bound: MIB,
                answer_bound: MIB,
                also_kept: Vec::new(),
                works: TaskTracker::new(),
            },
        }
    }

    /// The most bytes that the body of a keyed request may have; 1 MiB (§12) unless set. It is held in memory,
    /// since its fingerprint must be known before the work begins.
    #[must_use]
    pub fn request_bound(mut self, bytes: usize) -> Self {
        self.settings.request_bound = bytes;
        self
    }

    /// The most bytes of an answer that is kept; 1 MiB unless set. A larger one reaches its client as it is, but its key
    /// is free again, so *a retry is carried out again*: set this above what the routes within can answer.
    #[must_use]
    pub fn answer_bound(mut self, bytes: usize) -> Self {
        self.settings.answer_bound = bytes;
        self
    }

    /// Keeps one more header of answers. Without this: `Location`, `ETag`, `Last-Modified`, `Link`, `Cache-Control`,
    /// `Vary`, and `Content-Type`, `-Encoding`, `-Language`, `-Location` and `-Disposition`.
    #[must_use]
    pub fn also_keep(mut self, header: HeaderName) -> Self {
        self.settings.also_kept.push(header);
        self
    }

    /// Counts the work in `tracker`, so that a program which stops can wait for what goes on after its clients hung up.
    #[must_use]
    pub fn tracked_by(mut self, tracker: TaskTracker) -> Self {
        self.settings.works = tracker;
        self
    }
}

impl<S> Layer<S> for IdempotencyLayer {
    type Service = IdempotencyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        IdempotencyService::new(inner, Arc::new(self.settings.clone()))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("idempotency", &self.idempotency)
            .field("request_bound", &self.request_bound)
            .field("answer_bound", &self.answer_bound)
            .field("also_kept", &self.also_kept)
            .finish_non_exhaustive()
    }
}
