//! Word of changed links, by `NOTIFY`.

use async_trait::async_trait;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use waypost_core::Result;
use waypost_core::links::{Heard, Invalidations, LinkName, Listener};

use super::database::Postgres;
use super::error::Fault;
use super::signals::{Word, channel};

const TELL: &str = concat!("SELECT pg_notify(", channel!(), ", word) FROM UNNEST($1::text[]) AS word");

/// The most bytes of a message; PostgreSQL takes 7,999.
const LARGEST: usize = 7_500;

/// Carries word of changed links between all nodes on one schema.
#[derive(Clone, Debug)]
pub struct PostgresInvalidations {
    db: Postgres,
}

impl PostgresInvalidations {
    /// Between those who have `db` open.
    pub fn new(db: &Postgres) -> Self {
        Self { db: db.clone() }
    }

    async fn tell(&self, names: &[LinkName]) -> Result<(), Fault> {
        let words: Vec<_> = words(names).iter().map(Word::to_string).collect();
        let mut conn = self.db.connection().await?;
        sqlx::query(TELL).bind(words).execute(&mut *conn).await?;
        conn.done(());
        Ok(())
    }
}

/// Names in messages that are small enough.
fn words(names: &[LinkName]) -> Vec<Word> {
    let mut words = Vec::new();
    let (mut some, mut bytes) = (Vec::new(), 0);
    for name in names {
        let size = name.domain.as_str().len() + name.slug.as_str().len() + 2;
        if bytes + size > LARGEST && !some.is_empty() {
            words.push(Word::Changed(std::mem::take(&mut some)));
            bytes = 0;
        }
        bytes += size;
        some.push(name.clone());
    }
    words.push(if some.is_empty() { Word::ChangedAll } else { Word::Changed(some) });
    words
}

#[async_trait]
impl Invalidations for PostgresInvalidations {
    async fn announce(&self, names: &[LinkName]) -> Result<()> {
        Ok(self.tell(names).await?)
    }

    async fn listen(&self) -> Result<Box<dyn Listener>> {
        Ok(Box::new(PostgresListener { words: self.db.signals().links() }))
    }
}

#[derive(Debug)]
struct PostgresListener {
    words: Receiver<Heard>,
}

#[async_trait]
impl Listener for PostgresListener {
    async fn next(&mut self) -> Heard {
        match self.words.recv().await {
            Ok(heard) => heard,
            Err(RecvError::Lagged(_)) => {
                // What is still kept is part of everything.
                self.words = self.words.resubscribe();
                Heard::Everything
            }
            // The handle is gone, and with it everybody here who would follow a link.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
