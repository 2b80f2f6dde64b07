//! The small server behind both proxies: it answers a kilobyte of JSON and does nothing else.

use std::env;
use std::io::{self, Read};
use std::process::Command;
use std::thread;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::options::BACKEND;
use crate::support::process::Process;

/// Starts it as a process of its own.
pub(super) fn spawn() -> io::Result<Process> {
    Process::spawn(Command::new(env::current_exe()?).arg(BACKEND))
}

/// Serves on a runtime with all of tokio's defaults until standard input closes.
pub(super) fn serve() -> io::Result<()> {
    // The parent holds the other end: when it is gone, however it went, this process must not stay.
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let body: &'static str = Box::leak(format!("{{\"items\":\"{}\"}}", "x".repeat(1_000)).into_boxed_str());
    tokio::runtime::Runtime::new()?.block_on(async {
        let answer = move || async move { ([(header::CONTENT_TYPE, "application/json")], body) };
        let router = Router::new().route("/bench/{part}", get(answer));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(listener, router).await
    })
}
