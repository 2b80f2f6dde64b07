//! The other side: server-sent events of axum over a broadcast channel of tokio, and nothing else.

use std::convert::Infallible;
use std::env;
use std::io::{self, Read};
use std::process::Command;
use std::thread;

use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::{get, post};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::net::TcpListener;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::options::BARE;
use crate::support::live::stream;
use crate::support::process::Process;

/// Bytes of data beside the id: what the event of a link has.
pub(super) const SIZE: usize = 560;

/// Starts it as a process of its own, since the CPU of this one belongs to the clients.
pub(super) fn spawn() -> io::Result<Process> {
    Process::spawn(Command::new(env::current_exe()?).arg(BARE))
}

/// Serves on a runtime with all of tokio's defaults until standard input closes.
pub(super) fn serve() -> io::Result<()> {
    // The parent holds the other end: when it is gone, however it went, this process must not stay.
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    tokio::runtime::Runtime::new()?.block_on(async {
        let (sender, _) = channel::<String>(64);
        let publish = async |State(sender): State<Sender<String>>, body: String| {
            // Nobody may be there.
            let _ = sender.send(body);
        };
        let subscribe = async |State(sender): State<Sender<String>>| Sse::new(events(sender.subscribe()));
        let router = Router::new().route(stream::PATH, get(subscribe)).route("/v1/links", post(publish));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(listener, router.with_state(sender)).await
    })
}

fn events(receiver: Receiver<String>) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(receiver, async |mut receiver| {
        let text = receiver.recv().await.ok()?;
        Some((Ok(Event::default().event("link.created").data(text)), receiver))
    })
}
