//! The one connection that writes, and the group commit that many writers share.
//!
//! A commit costs one flush of the disk, whatever is in it. So one task owns the transactions: it opens one, lends the
//! connection to each write in line, one after another, each in a savepoint of its own, and commits when the line is
//! empty. A write that comes alone is committed alone, at once.
//!
//! That task alone begins, commits and undoes, and nobody cancels it. A write that is dropped halfway gives the
//! connection back by that, and is undone: neither half a write nor an open transaction can stay behind.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, oneshot};

use super::error::Fault;
use super::wake::{Wake, Wakes};

/// The most turns before a commit, those that came to nothing included: a bound on how long the first waits for the last.
const LARGEST_GROUP: usize = 128;
/// How many writes may stand in line; those beyond wait to get in.
const LONGEST_LINE: usize = 1_024;

/// The way to the connection that writes.
#[derive(Clone)]
pub(super) struct Writer {
    line: mpsc::Sender<Request>,
}

enum Request {
    Write(oneshot::Sender<Result<Write, Fault>>),
    Close(oneshot::Sender<Result<(), Fault>>),
}

/// A write of its own: the connection, lent. Dropped without [`commit`](Write::commit), it is undone.
pub(super) struct Write {
    conn: OwnedMutexGuard<SqliteConnection>,
    ending: oneshot::Sender<Ending>,
    wake: Wake,
}

/// The end of a write that shall stand.
struct Ending {
    wake: Wake,
    told: oneshot::Sender<Result<(), Fault>>,
}

impl Writer {
    /// Takes the connection over.
    pub(super) fn new(conn: SqliteConnection, wakes: Wakes) -> Self {
        let (line, requests) = mpsc::channel(LONGEST_LINE);
        let lane = Lane { conn: Arc::new(Mutex::new(conn)), group: Vec::new(), wake: Wake::default(), wakes };
        tokio::spawn(lane.run(requests));
        Self { line }
    }

    /// Begins a write, when its turn has come.
    pub(super) async fn begin(&self) -> Result<Write, Fault> {
        let (lend, lent) = oneshot::channel();
        self.line.send(Request::Write(lend)).await.map_err(|_| Fault::Closed)?;
        lent.await.map_err(|_| Fault::Closed)?
    }

    /// Empties the write-ahead log and closes the connection. Writes that come later fail.
    pub(super) async fn close(&self) -> Result<(), Fault> {
        let (tell, told) = oneshot::channel();
        if self.line.send(Request::Close(tell)).await.is_err() {
            return Ok(());
        }
        told.await.unwrap_or(Ok(()))
    }
}

impl Write {
    /// Tells, once it is committed, those who wait for `what`.
    pub(super) fn wakes(&mut self, what: Wake) {
        self.wake |= what;
    }

    /// Commits; returns when it is on the disk.
    pub(super) async fn commit(self) -> Result<(), Fault> {
        let (tell, told) = oneshot::channel();
        drop(self.conn);
        self.ending.send(Ending { wake: self.wake, told: tell }).map_err(|_| Fault::Closed)?;
        told.await.map_err(|_| Fault::Closed)?
    }
}

impl Deref for Write {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.conn
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer(..)")
    }
}

/// The task that owns the transactions.
struct Lane {
    conn: Arc<Mutex<SqliteConnection>>,
    /// Those whose writes are in the open transaction, and wait to be told of its commit.
    group: Vec<oneshot::Sender<Result<(), Fault>>>,
    wake: Wake,
    wakes: Wakes,
}

/// What became of the last write of the open transaction; its savepoint is still there.
#[derive(Clone, Copy)]
enum Last {
    /// It stands.
    Kept,
    /// It was dropped.
    Dropped,
}

/// Opens the savepoint of the next write. The end of the last one travels along: a trip to the connection's thread
/// costs more than the statement.
fn begin_after(last: Option<Last>) -> &'static str {
    match last {
        None => "BEGIN IMMEDIATE; SAVEPOINT waypost_write",
        Some(Last::Kept) => "RELEASE waypost_write; SAVEPOINT waypost_write",
        Some(Last::Dropped) => "ROLLBACK TO waypost_write; RELEASE waypost_write; SAVEPOINT waypost_write",
    }
}

impl Lane {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(request) = requests.recv().await {
            let close = match request {
                Request::Write(first) => self.transaction(first, &mut requests).await,
                Request::Close(tell) => Some(tell),
            };
            if let Some(tell) = close {
                // Whoever stands in line behind is refused, and nobody may be left to hear how it went.
                drop(requests);
                let _ = tell.send(self.close().await);
                return;
            }
        }
    }

    /// Runs the write that is first in line, and those behind it, in one transaction. Gives the request to close, if
    /// that was next.
    async fn transaction(
        &mut self,
        first: oneshot::Sender<Result<Write, Fault>>,
        requests: &mut mpsc::Receiver<Request>,
    ) -> Option<oneshot::Sender<Result<(), Fault>>> {
        let mut last = None;
        let mut lend = first;
        let mut turns = 0;
        let close = loop {
            last = self.turn(lend, last).await;
            turns += 1;
            if turns >= LARGEST_GROUP {
                break None;
            }
            match requests.try_recv() {
                Ok(Request::Write(next)) => lend = next,
                Ok(Request::Close(tell)) => break Some(tell),
                Err(_) => break None,
            }
        };
        if let Some(last) = last {
            self.commit(last).await;
        }
        close
    }

    /// Gives one write its turn after the `last`, and says what became of it.
    async fn turn(&mut self, lend: oneshot::Sender<Result<Write, Fault>>, last: Option<Last>) -> Option<Last> {
        if lend.is_closed() {
            // It was cancelled while it stood in line.
            return last;
        }
        if let Err(fault) = self.execute(begin_after(last)).await {
            self.fail(fault, lend).await;
            return None;
        }
        Some(self.lend(lend).await)
    }

    /// Lends the connection to one write until it ends or is dropped.
    async fn lend(&mut self, lend: oneshot::Sender<Result<Write, Fault>>) -> Last {
        let (ending, ended) = oneshot::channel();
        let conn = Arc::clone(&self.conn).lock_owned().await;
        if lend.send(Ok(Write { conn, ending, wake: Wake::default() })).is_err() {
            return Last::Dropped;
        }
        match ended.await {
            Ok(Ending { wake, told }) => {
                self.wake |= wake;
                self.group.push(told);
                Last::Kept
            }
            Err(_) => Last::Dropped,
        }
    }

    async fn commit(&mut self, last: Last) {
        let committed = self
            .execute(match last {
                Last::Kept => "COMMIT",
                Last::Dropped => "ROLLBACK TO waypost_write; COMMIT",
            })
            .await;
        let wake = std::mem::take(&mut self.wake);
        match committed {
            Ok(()) => {
                for told in self.group.drain(..) {
                    // A write whose caller has gone is committed all the same.
                    let _ = told.send(Ok(()));
                }
                self.wakes.wake(wake);
            }
            Err(fault) => {
                let _ = self.execute("ROLLBACK").await;
                self.tell_failed(Arc::new(fault));
            }
        }
    }

    /// The transaction could not go on: everything in it is undone, and everyone told.
    async fn fail(&mut self, fault: Fault, lend: oneshot::Sender<Result<Write, Fault>>) {
        // Where SQLite has ended the transaction by itself already, there is nothing to roll back.
        let _ = self.execute("ROLLBACK").await;
        self.wake = Wake::default();
        if self.group.is_empty() {
            let _ = lend.send(Err(fault));
        } else {
            let fault = Arc::new(fault);
            let _ = lend.send(Err(Fault::Group(Arc::clone(&fault))));
            self.tell_failed(fault);
        }
    }

    fn tell_failed(&mut self, fault: Arc<Fault>) {
        for told in self.group.drain(..) {
            let _ = told.send(Err(Fault::Group(Arc::clone(&fault))));
        }
    }

    async fn execute(&self, sql: &'static str) -> Result<(), Fault> {
        let mut conn = self.conn.lock().await;
        sqlx::query(sql).execute(&mut *conn).await?;
        Ok(())
    }

    async fn close(self) -> Result<(), Fault> {
        let emptied = self.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
        // Nobody else has it: it is lent for one turn at a time.
        if let Some(conn) = Arc::into_inner(self.conn) {
            conn.into_inner().close().await?;
        }
        emptied
    }
}
