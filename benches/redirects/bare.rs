//! The other side: an axum handler that answers a fixed 302 and does nothing else.

use std::env;
use std::io::{self, Read};
use std::process::Command;
use std::thread;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::options::BARE;
use crate::support::process::Process;

/// Starts it as a process of its own, since the CPU and the allocator of this one belong to the load.
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
        let redirect = || async { (StatusCode::FOUND, [(header::LOCATION, "https://example.com/landing")]) };
        let router = Router::new().route("/{slug}", get(redirect));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(listener, router).await
    })
}
