//! A receiver of webhooks on a port of its own, that does as a test says and notes all that comes.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// One call as it came.
#[derive(Clone, Debug)]
pub struct Call {
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// When it had come completely.
    pub at: Instant,
    /// What it was answered.
    pub status: u16,
}

impl Call {
    /// The header `webhook-id`, or nothing.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// Decides the status of an answer, by the call and how many came before it.
type Decide = dyn Fn(&Call, usize) -> u16 + Send + Sync;

/// A running receiver; deaf when dropped.
pub struct Receiver {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    is_over: Arc<AtomicBool>,
}

impl Receiver {
    /// Starts one that answers as `decide` says.
    pub fn start(decide: impl Fn(&Call, usize) -> u16 + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (calls, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (noted, over, decide) =
            (calls.clone(), is_over.clone(), Arc::<Decide>::from(Box::new(decide) as Box<Decide>));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (noted, decide) = (noted.clone(), decide.clone());
                thread::spawn(move || drop(serve(stream, &noted, &*decide)));
            }
        });
        Ok(Self { address, calls, is_over })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// All calls so far, in the order in which they came.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// How many came so far.
    pub fn count(&self) -> usize {
        lock(&self.calls).len()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Its thread waits for one more connection.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn lock(calls: &Mutex<Vec<Call>>) -> MutexGuard<'_, Vec<Call>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the requests of one connection, until it ends.
fn serve(stream: TcpStream, calls: &Mutex<Vec<Call>>, decide: &Decide) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut headers = HashMap::new();
        let mut line = String::new();
        // The request line.
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut call = Call { headers, body, at: Instant::now(), status: 0 };
        let status = {
            let mut calls = lock(calls);
            call.status = decide(&call, calls.len());
            calls.push(call.clone());
            call.status
        };
        write!(stream, "HTTP/1.1 {status} Told\r\ncontent-length: 2\r\n\r\nok")?;
    }
}
