//! How many files a process may have open: a connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Outcome;

/// What is open beside connections.
const BESIDE: usize = 200;

/// Raises this process's limit, and that of its children, to what so many connections need.
///
/// # Errors
///
/// When the system does not let it.
pub(super) fn raise(connections: usize) -> Outcome<()> {
    let needed = u64::try_from(connections + BESIDE)?;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = maximum.map_or(needed, |maximum| maximum.min(needed));
    if raised < needed {
        return Err(format!("{needed} open files are needed, and the system allows {raised}: see `ulimit -Hn`").into());
    }
    // As far as it goes: a server needs some more than its clients.
    setrlimit(Resource::Nofile, Rlimit { current: maximum.or(Some(needed * 2)), maximum })?;
    Ok(())
}
