//! Where the database is, and how it is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use waypost_core::entropy::{Entropy, OsEntropy};

/// Where the database is, and how it is opened.
///
/// ```
/// use waypost_adapters::sqlite::SqliteOptions;
///
/// let options = SqliteOptions { readers: 4, ..SqliteOptions::new("waypost.db") };
/// assert_eq!(options.path.to_str(), Some("waypost.db"));
/// ```
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The file. `-wal` and `-shm` beside it belong to it while it is open.
    pub path: PathBuf,
    /// The most connections that read at once, by default 4. They are opened when they are needed, and closed after
    /// [`idle`](Self::idle); reads that find none free wait for one.
    pub readers: u32,
    /// After how long without use a reading connection is closed, by default 30 s.
    pub idle: Duration,
    /// How long a write waits for another process that writes, by default 5 s: longer than any write of ours, and
    /// shorter than a client's patience.
    pub busy_timeout: Duration,
    /// How much the writing connection may keep in memory, in KiB, by default 4,096: the upper levels of every index
    /// of a million links. Each reading connection has a quarter of it; the system's own cache holds the rest.
    pub cache_kib: u32,
    /// The most pages of 4 KiB that the file may have; none by default. Writes beyond are
    /// [`Unavailable`](waypost_core::Kind::Unavailable), as on a full disk.
    pub most_pages: Option<u32>,
    /// Draws the epoch of a new event log.
    pub entropy: Arc<dyn Entropy>,
}

impl SqliteOptions {
    /// The defaults, for the file at `path`. It is made if it is not there; its folder must be.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            readers: 4,
            idle: Duration::from_secs(30),
            busy_timeout: Duration::from_secs(5),
            cache_kib: 4_096,
            most_pages: None,
            entropy: Arc::new(OsEntropy),
        }
    }

    /// The connection that writes. Every commit is on the disk before it is told (`synchronous=FULL`).
    pub(super) fn writing(&self) -> SqliteConnectOptions {
        let options = self.connecting(self.cache_kib).create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
        match self.most_pages {
            Some(pages) => options.pragma("max_page_count", pages.to_string()),
            None => options,
        }
    }

    /// The connections that read. They hold no page of the file in memory that SQLite could not drop.
    pub(super) fn reading(&self) -> SqliteConnectOptions {
        self.connecting(self.cache_kib / 4).read_only(true)
    }

    fn connecting(&self, cache_kib: u32) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(self.busy_timeout)
            .synchronous(SqliteSynchronous::Full)
            // There are none, and an embedder's own tables are the embedder's business.
            .foreign_keys(false)
            .pragma("cache_size", format!("-{cache_kib}"))
            // A mapped file counts as this process's memory, page by page.
            .pragma("mmap_size", "0")
            .pragma("temp_store", "MEMORY")
            .thread_name(|id| format!("sqlite-{id}"))
            .disable_statement_logging()
    }
}

impl<P: AsRef<Path>> From<P> for SqliteOptions {
    fn from(path: P) -> Self {
        Self::new(path)
    }
}
