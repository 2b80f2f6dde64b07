//! What surrounds the calls of a port.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use crate::error::{Error, Result};

/// One call of a port, as far as a layer may decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The port, named as its capability is.
    pub port: &'static str,
    /// The method.
    pub name: &'static str,
    /// Whether it may be made again.
    pub repeat: Repeat,
}

/// Whether a call may be made again when nobody knows what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Made twice, it leaves what it leaves when made once, and the second answer is one to go by.
    Safe,
    /// Made twice, it does more, or its second answer misleads. Only one who knows what it was for can make it again.
    Never,
}

/// A call under way.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Surrounds the calls of a port: times them, bounds them, repeats them, fails them.
///
/// Layers are put around each other as a pair: `(outer, inner)` is a layer.
///
/// # Implementing
/// Make the call by `work()`, once, or (if it is [`Repeat::Safe`]) again after the last one ended or was dropped.
pub trait Layer: Debug + Send + Sync {
    /// Makes the call that `work` begins.
    fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        work: impl Fn() -> Work<'a, T> + Copy + Send + Sync + 'a,
    ) -> impl Future<Output = Result<T>> + Send + 'a;
}

/// A port inside a layer: the same port, and proved by the same suite.
///
/// Each port is implemented once, in the file of its capability, for whatever layer. What only waits (`wait` of a port,
/// `next` of a listener) is not surrounded: it has no latency, and no bound but its caller's patience.
#[derive(Debug)]
pub struct Layered<P: ?Sized, L> {
    pub(super) inner: Arc<P>,
    pub(super) layer: L,
}

impl<P: ?Sized, L: Layer> Layered<P, L> {
    /// Puts `inner` into `layer`.
    pub fn new(inner: Arc<P>, layer: L) -> Self {
        Self { inner, layer }
    }
}

/// Two layers are one: the first around the second.
impl<A: Layer, B: Layer> Layer for (A, B) {
    async fn around<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        work: impl Fn() -> Work<'a, T> + Copy + Send + Sync + 'a,
    ) -> Result<T> {
        let (outer, inner) = self;
        outer.around(call, move || Box::pin(inner.around(call, work))).await
    }
}

/// What a call that must not be repeated is made with: there once.
pub(super) struct Once<T>(Mutex<Option<T>>);

impl<T> Once<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Mutex::new(Some(value)))
    }

    /// Takes it.
    ///
    /// # Errors
    /// The second time: a layer repeated what it must not.
    pub(super) fn take(&self) -> Result<T> {
        let value = self.0.lock().expect("no code panics under this lock").take();
        value.ok_or_else(|| Error::internal("a layer repeated a call that is not to be repeated"))
    }
}
