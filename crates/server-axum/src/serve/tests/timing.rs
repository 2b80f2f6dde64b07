//! What depends on time, with the clock paused.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

use super::*;
use crate::gateway::deadline::{self, Deadline};

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

pub(super) struct Memory {
    pub(super) connect: mpsc::UnboundedSender<DuplexStream>,
    accepts: Arc<AtomicUsize>,
    pub(super) stop: CancellationToken,
    pub(super) served: JoinHandle<Served>,
}

fn in_memory(errors: Vec<io::Error>) -> Memory {
    serving(app(Arc::default(), Arc::default()), errors)
}

pub(super) fn serving(app: Router, errors: Vec<io::Error>) -> Memory {
    let (connect, connections) = mpsc::unbounded_channel();
    let (accepts, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let script = Script { steps: errors.into(), connections, accepts: accepts.clone() };
    let make = move |_| TowerToHyperService::new(app.clone());
    let served = tokio::spawn(serve(script, make, Options::default(), stop.clone()));
    Memory { connect, accepts, stop, served }
}

impl Memory {
    pub(super) fn connect(&self) -> DuplexStream {
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

/// Lets so much paused time go by.
async fn pass(seconds: u64) {
    let _ = tokio::time::timeout(Duration::from_secs(seconds), std::future::pending::<()>()).await;
}

/// Serves an answer that never ends, cut after a minute, and says whether it is still being made.
fn endless() -> (Memory, Arc<()>) {
    let alive = Arc::new(());
    let held = alive.clone();
    let chunks = move || {
        let held = held.clone();
        futures_util::stream::repeat_with(move || {
            let _ = &held;
            Ok::<_, io::Error>(Bytes::from_static(&[b'x'; 16 * 1024]))
        })
    };
    // The closure itself holds one as long as the server runs.
    let app = Router::new()
        .route("/", get(move || async move { Body::from_stream(chunks()) }))
        .layer(from_fn_with_state(Deadline::default(), deadline::enforce));
    (serving(app, Vec::new()), alive)
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_takes_nothing_is_cut_with_the_time_of_the_answer() {
    let (server, alive) = endless();
    let idle = Arc::strong_count(&alive);
    let mut stuck = server.connect();
    stuck.write_all(GET.as_bytes()).await.unwrap();
    pass(59).await;
    assert!(Arc::strong_count(&alive) > idle, "its time is not over");
    pass(2).await;
    assert_eq!(Arc::strong_count(&alive), idle, "cut, though nobody asked for more of the body");

    // One who takes a little each second gains nothing by it.
    let mut drip = server.connect();
    drip.write_all(GET.as_bytes()).await.unwrap();
    for _ in 0..62 {
        let mut byte = [0; 64];
        let _ = tokio::time::timeout(Duration::from_millis(1), drip.read(&mut byte)).await;
        pass(1).await;
    }
    assert_eq!(Arc::strong_count(&alive), idle);
}

#[tokio::test(start_paused = true)]
async fn on_http2_too() {
    let (server, alive) = endless();
    let idle = Arc::strong_count(&alive);
    let io = TokioIo::new(server.connect());
    let (mut h2, driver) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(driver);
    let answer = within(h2.send_request(Request::get("http://x/").body(Body::empty()).unwrap())).await.unwrap();
    pass(59).await;
    assert!(Arc::strong_count(&alive) > idle);
    pass(2).await;
    assert_eq!(Arc::strong_count(&alive), idle);
    drop(answer);
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_over_whole_is_given_up_after_a_while() {
    const WHOLE: usize = 1 << 20;
    let app = Router::new().route("/", get(|| async { vec![b'x'; WHOLE] }));
    let server = serving(app, Vec::new());
    let (mut late, mut stuck) = (server.connect(), server.connect());
    for stream in [&mut late, &mut stuck] {
        stream.write_all(GET.as_bytes()).await.unwrap();
    }
    pass(60).await;
    let read = tokio::time::timeout(Duration::from_secs(1), late.read_exact(&mut vec![0; WHOLE])).await;
    assert!(read.is_ok(), "a minute late, and all of it is there");
    pass(240).await;
    let mut rest = Vec::new();
    let _ = within(stuck.read_to_end(&mut rest)).await;
    assert!(rest.len() < WHOLE, "four minutes later it is not");
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_takes_nothing_of_a_stream_is_cut_and_one_who_waits_for_it_is_not() {
    use tokio::sync::oneshot;

    use crate::gateway::routes::{self, Kind, RouteTable};

    let (held, mut left) = oneshot::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(Some(held)));
    let endless = move || async move {
        let held = held.lock().unwrap().take();
        let parts = futures_util::stream::repeat_with(move || {
            let _held = &held;
            Ok::<_, Infallible>(axum::body::Bytes::from_static(&[0; 16 * 1024]))
        });
        Body::from_stream(parts)
    };
    let silent = || async { Body::from_stream(futures_util::stream::pending::<Result<&'static str, Infallible>>()) };
    let table = ["/endless", "/silent"];
    let table: RouteTable =
        table.into_iter().map(|path| routes::Route::new(path, [http::Method::GET]).with_kind(Kind::Stream)).collect();
    let app = Router::new()
        .route("/endless", axum::routing::get(endless))
        .route("/silent", axum::routing::get(silent))
        .layer(axum::middleware::from_fn_with_state(Deadline::default(), deadline::enforce))
        .layer(axum::middleware::from_fn_with_state(table, routes::resolve));
    let server = serving(app, Vec::new());
    let mut waiting = server.connect();
    waiting.write_all(b"GET /silent HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut head = [0; 15];
    waiting.read_exact(&mut head).await.unwrap();

    let mut deaf = server.connect();
    deaf.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(59), &mut left).await.is_err());
    let cut = tokio::time::timeout(Duration::from_secs(35), &mut left).await;
    assert!(cut.is_ok(), "after the limit and at most two looks the body is given up");
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(500), waiting.read_to_end(&mut rest)).await.unwrap_err();
}
