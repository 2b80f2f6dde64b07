//! What a connection holds until its socket is closed, whoever has it by then.
//!
//! A connection that another protocol takes over (a WebSocket, a tunnel) leaves hyper and the task that drove it, and lives
//! on in a task of its new owner. Its place among the connections, and its share in the end of the server, go along with
//! the socket.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The open sockets of a server.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    tracker: TaskTracker,
    cut: CancellationToken,
}

impl Sockets {
    /// Counts one in, which has this place.
    pub(super) fn hold(self: &Arc<Self>, place: OwnedSemaphorePermit) -> Hold {
        let token = self.tracker.token();
        Hold { sockets: self.clone(), reading: None, writing: None, _token: token, _place: place }
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.tracker.len()
    }

    /// Returns once all are closed. No more may be counted in.
    pub(super) async fn closed(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Breaks those that another protocol took over: who waits for one is told that it is gone.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }
}

type Cut = Pin<Box<WaitForCancellationFutureOwned>>;

/// What one connection holds. Its two sides may be polled by two tasks, so each has a waker of its own.
#[derive(Debug)]
pub(super) struct Hold {
    sockets: Arc<Sockets>,
    /// Made when a side first waits after the connection was taken over: most connections never are.
    reading: Option<Cut>,
    writing: Option<Cut>,
    _token: TaskTrackerToken,
    _place: OwnedSemaphorePermit,
}

impl Hold {
    /// Whether the reading side is cut off; wakes it when it is.
    pub(super) fn poll_cut_reading(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        poll(&mut self.reading, &self.sockets, cx)
    }

    /// The same for the writing side.
    pub(super) fn poll_cut_writing(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        poll(&mut self.writing, &self.sockets, cx)
    }
}

fn poll(cut: &mut Option<Cut>, sockets: &Sockets, cx: &mut Context<'_>) -> Poll<io::Error> {
    // A token of its own: polling a shared one takes a lock that all sockets would fight for.
    let cut = cut.get_or_insert_with(|| Box::pin(sockets.cut.child_token().cancelled_owned()));
    let gone = || io::Error::new(io::ErrorKind::ConnectionAborted, "the server has stopped");
    cut.as_mut().poll(cx).map(|()| gone())
}
