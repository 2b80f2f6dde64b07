//! A part of the shared server for one test alone.

use std::sync::atomic::{AtomicU32, Ordering};

/// The server that the tests share.
///
/// # Panics
/// Where none was started.
#[allow(clippy::disallowed_methods, reason = "the address of the test server comes in here")]
pub(crate) fn shared_server() -> String {
    std::env::var("WAYPOST_TEST_REDIS_URL")
        .expect("WAYPOST_TEST_REDIS_URL is not set: run scripts/test, which starts the servers")
}

/// A prefix that no other test has; its keys are removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) url: String,
    pub(crate) prefix: String,
}

impl Space {
    /// A fresh prefix on the shared server.
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { url: shared_server(), prefix: format!("test-{}-{n}", std::process::id()) }
    }
}

impl Space {
    fn remove_keys(&self) -> redis::RedisResult<()> {
        let mut connection = redis::Client::open(self.url.as_str())?.get_connection()?;
        let pattern = format!("{{{}}}:*", self.prefix);
        let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query(&mut connection)?;
        if keys.is_empty() { Ok(()) } else { redis::cmd("DEL").arg(keys).exec(&mut connection) }
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let removed = self.remove_keys();
        if !std::thread::panicking() {
            removed.expect("the keys of the case are removed");
        }
    }
}
