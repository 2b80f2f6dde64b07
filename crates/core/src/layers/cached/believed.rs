//! The one idea: a look-up that is believed.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use quick_cache::sync::{Cache, EntryAction};

use crate::clock::Clock;
use crate::error::Result;

/// How long one waits for another's look-up of the same name before asking oneself: many times what a store takes that
/// is there, and little beside the time-out of one that is not.
const PATIENCE: Duration = Duration::from_millis(100);

/// Answers by their names: each believed for a time from the moment at which the store was asked, and no longer.
///
/// That it is the moment of the question is what bounds how stale an answer can be, however slow the store is. An answer
/// from the future is not believed either: a clock that was set back must not prolong what was revoked.
#[derive(Debug)]
pub(super) struct Believed<K, V> {
    known: Cache<K, Known<V>>,
    clock: Arc<dyn Clock>,
    lasts: SignedDuration,
    /// How often everything was doubted. What was asked under an earlier number is not believed.
    doubts: AtomicU64,
}

#[derive(Clone, Debug)]
struct Known<V> {
    value: V,
    asked_at: Timestamp,
    doubts: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> Believed<K, V> {
    /// Believes answers for `lasts`, at most so many at a time.
    pub(super) fn new(clock: &Arc<dyn Clock>, lasts: Duration, most: usize) -> Self {
        let lasts = SignedDuration::try_from(lasts).unwrap_or(SignedDuration::MAX);
        Self { known: Cache::new(most), clock: clock.clone(), lasts, doubts: AtomicU64::new(0) }
    }

    /// What is believed of `key`, else what `look` finds; kept if `is_kept` says so.
    ///
    /// Of those who ask for one key at the same time one looks, and the others wait a little for that. One that was
    /// forgotten during the look-up is not kept.
    ///
    /// # Errors
    /// Those of the look-up; they are not kept.
    pub(super) async fn look_up(
        &self,
        key: &K,
        is_kept: impl Fn(&V) -> bool + Send,
        look: impl Future<Output = Result<V>> + Send,
    ) -> Result<V> {
        if let Some(known) = self.known.get(key) {
            if self.is_believed(&known) {
                return Ok(known.value);
            }
            let same = |there: &Known<V>| (there.asked_at, there.doubts) == (known.asked_at, known.doubts);
            self.known.remove_if(key, same);
        }
        let joined = tokio::select! {
            biased;
            joined = self.known.get_value_or_guard_async(key) => Some(joined),
            () = self.clock.sleep_until(self.clock.now() + PATIENCE) => None,
        };
        match joined {
            Some(Ok(known)) if self.is_believed(&known) => Ok(known.value),
            Some(Err(guard)) => {
                let (asked_at, doubts) = (self.clock.now(), self.doubts.load(Ordering::Acquire));
                let value = look.await?;
                if is_kept(&value) {
                    // Where it was forgotten meanwhile, its place has been taken away.
                    let _ = guard.insert(Known { value: value.clone(), asked_at, doubts });
                }
                Ok(value)
            }
            // The other one takes too long, or what it found is over: to wait on would be to wait for its time-out too.
            _ => look.await,
        }
    }

    /// Forgets an answer, since it may have changed; a look-up that is under way is not kept either.
    pub(super) fn forget(&self, key: &K) {
        self.known.remove(key);
    }

    /// Believes nothing any more that was asked before, since any of it may have changed.
    pub(super) fn doubt_all(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
    }

    /// Changes what is believed of `key`, if it is there.
    pub(super) fn amend(&self, key: &K, mut change: impl FnMut(&mut V)) {
        // A guard that comes back means that the place is empty; dropped, it leaves it so.
        let _ = self.known.entry(key, Some(Duration::ZERO), |_, known| {
            change(&mut known.value);
            EntryAction::Retain(())
        });
    }

    fn is_believed(&self, known: &Known<V>) -> bool {
        let age = self.clock.now().duration_since(known.asked_at);
        known.doubts == self.doubts.load(Ordering::Acquire) && !age.is_negative() && age < self.lasts
    }
}
