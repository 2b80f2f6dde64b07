//! The connection for commands: replaced when it breaks, and when it is open and of no use.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{Client, Cmd, FromRedisValue};

use super::error::Fault;
use super::options::RedisOptions;

/// One connection, on which the commands of all callers travel together.
pub(super) struct Commands {
    client: Client,
    options: RedisOptions,
    current: Mutex<Current>,
}

#[derive(Clone)]
struct Current {
    connection: ConnectionManager,
    /// Which connection this is, so that of many who find it useless one replaces it.
    generation: u64,
}

impl Commands {
    /// Connects.
    pub(super) async fn connect(client: Client, options: RedisOptions) -> Result<Self, Fault> {
        let connection = ConnectionManager::new_with_config(client.clone(), options.commanding()).await?;
        Ok(Self { client, options, current: Mutex::new(Current { connection, generation: 0 }) })
    }

    /// Runs a command that may run twice: once more where the connection broke, since the first command after an outage
    /// is what finds it out.
    pub(super) async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Fault> {
        match self.query_once(cmd).await {
            Err(fault) if fault.is_cut_off() => self.query_once(cmd).await,
            answer => answer,
        }
    }

    async fn query_once<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Fault> {
        let mut current = self.current().clone();
        // The driver bounds the answer in time, but not the wait for a place in its queue.
        let answer = tokio::time::timeout(self.patience(), cmd.query_async(&mut current.connection)).await;
        let answer = answer.map_err(|_| Fault::Late).and_then(|answer| Ok(answer?));
        if let Err(fault) = &answer
            && fault.wants_another_connection()
        {
            self.replace(current.generation);
        }
        answer
    }

    fn patience(&self) -> Duration {
        self.options.connect_timeout * 2 + self.options.response_timeout
    }

    /// Gives up the connection of this generation, if nobody else has yet.
    fn replace(&self, generation: u64) {
        let mut current = self.current();
        if current.generation == generation
            && let Ok(connection) =
                ConnectionManager::new_lazy_with_config(self.client.clone(), self.options.commanding())
        {
            *current = Current { connection, generation: generation.wrapping_add(1) };
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().expect("no code panics under this lock")
    }
}
