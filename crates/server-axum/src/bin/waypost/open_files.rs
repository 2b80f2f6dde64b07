//! How many files the process may open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a node opens beside its connections: listeners, the store's connections, those to upstreams, the spool.
const BESIDE: u64 = 1_024;

/// What is needed, and what can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// How many files a node with all its connections opens.
    pub(crate) needed: u64,
    /// How many it may open once its limit was raised; `None` for no limit.
    within_reach: Option<u64>,
    /// The limit to set, where the one that holds is too low.
    raised: Option<Rlimit>,
}

impl Plan {
    /// For so many connections, under this limit: the soft one may be raised as far as the hard one allows.
    pub(crate) fn of(limit: Rlimit, connections: usize) -> Self {
        let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(BESIDE);
        let Some(current) = limit.current.filter(|current| *current < needed) else {
            return Self { needed, within_reach: limit.current, raised: None };
        };
        let within_reach = limit.maximum.map_or(needed, |maximum| maximum.min(needed)).max(current);
        let raised = (within_reach > current).then_some(Rlimit { current: Some(within_reach), ..limit });
        Self { needed, within_reach: Some(within_reach), raised }
    }

    /// What is missing, and the cure.
    pub(crate) fn shortage(&self) -> Option<String> {
        let within_reach = self.within_reach.filter(|within_reach| *within_reach < self.needed)?;
        Some(format!(
            "a process may open {within_reach}, and a node with all its connections opens {}; raise the hard limit (ulimit -Hn, \
             LimitNOFILE= of systemd, --ulimit nofile= of a container), or lower most_connections",
            self.needed
        ))
    }
}

/// Raises the limit of open files to what so many connections need, as far as the system allows, and says where that does
/// not suffice.
pub(crate) fn make_room(connections: usize) {
    let plan = Plan::of(getrlimit(Resource::Nofile), connections);
    if let Some(raised) = plan.raised
        && let Err(fault) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%fault, needed = plan.needed, "the limit of open files could not be raised; ulimit -n raises it");
        return;
    }
    if let Some(shortage) = plan.shortage() {
        tracing::warn!("too few open files are allowed: {shortage}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(current: Option<u64>, maximum: Option<u64>) -> (Option<u64>, bool) {
        let plan = Plan::of(Rlimit { current, maximum }, 32_768);
        assert_eq!(plan.needed, 33_792);
        if let Some(raised) = plan.raised {
            assert_eq!(raised.maximum, maximum, "the hard limit stays");
        }
        (plan.raised.and_then(|raised| raised.current), plan.shortage().is_some())
    }

    #[test]
    fn the_limit_is_raised_as_far_as_needed_and_allowed_and_never_lowered() {
        assert_eq!(plan(Some(1_024), Some(524_288)), (Some(33_792), false));
        assert_eq!(plan(Some(1_024), None), (Some(33_792), false));
        assert_eq!(plan(Some(1_024), Some(20_000)), (Some(20_000), true));
        assert_eq!(plan(Some(20_000), Some(20_000)), (None, true));
        assert_eq!(plan(Some(1_000_000), Some(1_000_000)), (None, false));
        assert_eq!(plan(None, None), (None, false));
    }

    #[test]
    fn a_shortage_names_both_numbers_and_the_cure() {
        let plan = Plan::of(Rlimit { current: Some(256), maximum: Some(512) }, 1_000);
        let shortage = plan.shortage().unwrap();
        for part in ["512", "2024", "LimitNOFILE", "most_connections"] {
            assert!(shortage.contains(part), "{shortage}");
        }
    }
}
