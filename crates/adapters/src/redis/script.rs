//! Scripts: how they are called, and called again.

use redis::{Arg, Cmd, FromRedisValue, ToRedisArgs};

use super::connection::Redis;
use super::error::Fault;

/// A script that the server knows by its hash after the first call.
///
/// Every script of ours may run twice: a second run finds what the first one left, and comes to the same. So a call
/// whose connection broke is made once more, on the next connection.
#[derive(Clone, Debug)]
pub(super) struct Script {
    text: String,
    hash: String,
}

impl Script {
    /// The script of this text.
    pub(super) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { hash: redis::Script::new(&text).get_hash().to_owned(), text }
    }

    /// Begins a call with these keys.
    pub(super) fn call(&self, keys: &[&str]) -> Call<'_> {
        // Most calls have a handful of arguments of some ten bytes each.
        let mut cmd = Cmd::with_capacity(keys.len() + 12, 512);
        cmd.arg("EVALSHA").arg(&self.hash).arg(keys.len()).arg(keys);
        Call { script: self, keys: keys.len(), cmd }
    }
}

/// A call that is being put together.
pub(super) struct Call<'a> {
    script: &'a Script,
    keys: usize,
    cmd: Cmd,
}

impl Call<'_> {
    /// Adds an argument.
    pub(super) fn arg(mut self, value: impl ToRedisArgs) -> Self {
        self.cmd.arg(value);
        self
    }

    /// Runs the script: one round trip, unless the connection broke or the server does not know the script.
    pub(super) async fn run<T: FromRedisValue>(self, redis: &Redis) -> Result<T, Fault> {
        match redis.query(&self.cmd).await {
            Err(fault) if fault.is_unknown_script() => redis.query(&self.in_full(None)).await,
            answer => answer,
        }
    }

    /// Runs the script as [`run`](Self::run) does. A call that brings the script's text says in its first argument to
    /// which run of the server.
    pub(super) async fn run_introduced<T: FromRedisValue>(self, redis: &Redis) -> Result<T, Fault> {
        match redis.query(&self.cmd).await {
            Err(fault) if fault.is_unknown_script() => {
                let run = redis.run_id().await?;
                redis.query(&self.in_full(Some(&run))).await
            }
            answer => answer,
        }
    }

    /// The same call with the script's text in the place of its hash, and perhaps another first argument.
    fn in_full(&self, first: Option<&str>) -> Cmd {
        let mut cmd = Cmd::new();
        cmd.arg("EVAL").arg(&self.script.text);
        let place_of_first = 3 + self.keys;
        for (place, arg) in self.cmd.args_iter().enumerate().skip(2) {
            match (first, arg) {
                (Some(first), _) if place == place_of_first => cmd.arg(first),
                (_, Arg::Simple(bytes)) => cmd.arg(bytes),
                // Only `SCAN` and its like have one.
                (_, _) => &mut cmd,
            };
        }
        cmd
    }
}
