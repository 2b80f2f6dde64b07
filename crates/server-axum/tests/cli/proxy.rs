//! A proxy in front of a server, which can be late, and can stop without a word.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Passes everything on, until it hangs: then connections stay open, and nothing goes through.
pub(crate) struct Proxy {
    port: u16,
    hangs: Arc<AtomicBool>,
}

impl Proxy {
    /// In front of `server`.
    pub(crate) fn new(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let hangs = Arc::new(AtomicBool::new(false));
        let shared = hangs.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(&server).expect("the server is there");
                pass(client.try_clone().expect("a socket"), server.try_clone().expect("a socket"), shared.clone());
                pass(server, client, shared.clone());
            }
        });
        Self { port, hangs }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Lets nothing through from now on.
    pub(crate) fn hang(&self) {
        self.hangs.store(true, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, hangs: Arc<AtomicBool>) {
    from.set_read_timeout(Some(Duration::from_millis(50))).expect("a bound");
    thread::spawn(move || {
        let mut bytes = [0; 16 * 1_024];
        loop {
            match from.read(&mut bytes) {
                Ok(0) => return,
                // What comes while it hangs is lost.
                Ok(_) if hangs.load(Ordering::SeqCst) => {}
                Ok(read) if to.write_all(&bytes[..read]).is_ok() => {}
                Err(fault) if matches!(fault.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Ok(_) | Err(_) => return,
            }
        }
    });
}
