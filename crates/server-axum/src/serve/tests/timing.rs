//! What depends on time, with the clock paused.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

use super::*;

/// Connections in memory, so that time can be paused.
struct Script {
    steps: VecDeque<io::Error>,
    connections: mpsc::UnboundedReceiver<DuplexStream>,
    accepts: Arc<AtomicUsize>,
}

impl Listener for Script {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        self.accepts.fetch_add(1, Ordering::Relaxed);
        if let Some(error) = self.steps.pop_front() {
            return Err(error);
        }
        match self.connections.recv().await {
            Some(io) => Ok((io, SocketAddr::from(([127, 0, 0, 1], 1)))),
            None => std::future::pending().await,
        }
    }
}

struct Memory {
    connect: mpsc::UnboundedSender<DuplexStream>,
    accepts: Arc<AtomicUsize>,
    stop: CancellationToken,
    served: JoinHandle<Served>,
}

fn in_memory(errors: Vec<io::Error>) -> Memory {
    let (connect, connections) = mpsc::unbounded_channel();
    let (accepts, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let script = Script { steps: errors.into(), connections, accepts: accepts.clone() };
    let app = app(Arc::default(), Arc::default());
    let make = move |_| TowerToHyperService::new(app.clone());
    let served = tokio::spawn(serve(script, make, Options::default(), stop.clone()));
    Memory { connect, accepts, stop, served }
}

impl Memory {
    fn connect(&self) -> DuplexStream {
        let (ours, theirs) = duplex(64 * 1024);
        self.connect.send(theirs).unwrap();
        ours
    }
}

/// Whether the server closes within so many seconds of paused time.
async fn closes_within(stream: &mut DuplexStream, seconds: u64) -> bool {
    tokio::time::timeout(Duration::from_secs(seconds), stream.read(&mut [0])).await.is_ok_and(|read| read.unwrap() == 0)
}

#[tokio::test(start_paused = true)]
async fn a_head_has_ten_seconds_however_it_drips() {
    let server = in_memory(Vec::new());
    let mut silent = server.connect();
    assert!(!closes_within(&mut silent, 9).await && closes_within(&mut silent, 2).await);

    let mut dripping = server.connect();
    for _ in 0..9 {
        dripping.write_all(b"G").await.unwrap();
        assert!(!closes_within(&mut dripping, 1).await);
    }
    assert!(closes_within(&mut dripping, 2).await);

    // The second head on a connection has its ten seconds too, from its first byte.
    let mut kept = server.connect();
    kept.write_all(GET.as_bytes()).await.unwrap();
    assert!(read_one(&mut kept).await.ends_with("here"));
    assert!(!closes_within(&mut kept, 60).await, "idle is not slow");
    kept.write_all(b"GET / HT").await.unwrap();
    assert!(!closes_within(&mut kept, 9).await && closes_within(&mut kept, 2).await);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_after_one_to_two_idle_times_and_a_long_answer_does_not() {
    let server = in_memory(Vec::new());
    let mut idle = server.connect();
    idle.write_all(GET.as_bytes()).await.unwrap();
    assert!(read_one(&mut idle).await.ends_with("here"));
    assert!(!closes_within(&mut idle, 74).await && closes_within(&mut idle, 77).await);

    let mut held = server.connect();
    held.write_all(b"GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(!closes_within(&mut held, 600).await, "it works on a request");
}

#[tokio::test(start_paused = true)]
async fn errors_of_accept_are_waited_out_without_spinning() {
    const EMFILE: i32 = 24;
    let errors = (0..8).map(|_| io::Error::from_raw_os_error(EMFILE)).collect();
    let server = in_memory(errors);
    let mut stream = server.connect();
    stream.write_all(GET.as_bytes()).await.unwrap();
    let pause = tokio::time::timeout(Duration::from_millis(15), stream.read(&mut [0])).await;
    assert!(pause.is_err() && server.accepts.load(Ordering::Relaxed) <= 3);
    assert!(read_one(&mut stream).await.ends_with("here"), "and served once there are files again");
    assert_eq!(server.accepts.load(Ordering::Relaxed), 10);
    server.stop.cancel();
    assert_eq!(within(server.served).await.unwrap(), Served { cut: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_left_early_costs_no_pause() {
    let errors = vec![io::Error::from(io::ErrorKind::ConnectionAborted), io::ErrorKind::ConnectionReset.into()];
    let server = in_memory(errors);
    let mut stream = server.connect();
    stream.write_all(GET.as_bytes()).await.unwrap();
    let answer = tokio::time::timeout(Duration::from_millis(1), read_one(&mut stream)).await;
    assert!(answer.unwrap().ends_with("here"));
}

#[tokio::test(start_paused = true)]
async fn frames_are_no_heads_and_pings_keep_an_http2_connection() {
    let server = in_memory(Vec::new());
    let io = TokioIo::new(server.connect());
    let (mut h2, driver) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(driver);
    for pause in [0, 60, 5] {
        let _ = tokio::time::timeout(Duration::from_secs(pause), std::future::pending::<()>()).await;
        let request = Request::get("http://x/").body(Body::empty()).unwrap();
        assert_eq!(within(h2.send_request(request)).await.unwrap().status(), 200);
    }
}
