//! The paths of all routes of a configuration, as far as one of them must know the others.

use std::fmt;

/// Which route a path belongs to.
///
/// A catch-all takes `/shop/admin/`, since the route `/shop/admin` has no slash at its end. Most servers behind read both
/// as one path, which then would be served under the catch-all's rule.
#[derive(Default)]
pub struct Neighbours(matchit::Router<Box<str>>);

impl Neighbours {
    /// Of these paths, in the form of routes. One that stands twice, or in the way of another, counts once.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut router = matchit::Router::new();
        for path in paths {
            let _ = router.insert(path, path.into());
        }
        Self(router)
    }

    /// Whether `path` ends in a slash that parts it from a route other than `own`.
    pub fn is_of_another(&self, path: &str, own: &str) -> bool {
        let Some(bare) = path.strip_suffix('/').filter(|bare| !bare.is_empty()) else { return false };
        self.0.at(bare).is_ok_and(|found| **found.value != *own)
    }
}

impl fmt::Debug for Neighbours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Neighbours").finish_non_exhaustive()
    }
}
