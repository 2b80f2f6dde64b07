//! Streams that leave hyper: what they cost, what is on the wire, and how they end.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::any;
use hyper_util::rt::TokioIo;
use tokio::io::duplex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::timing::{Memory, serving};
use super::*;

type Part = io::Result<Bytes>;

/// Sends the parts of one stream; closed once its body is dropped.
type Parts = UnboundedSender<Part>;

fn body(mut parts: UnboundedReceiver<Part>) -> Body {
    Body::from_stream(futures_util::stream::poll_fn(move |cx| parts.poll_recv(cx)))
}

type Taken = Arc<Mutex<Option<UnboundedReceiver<Part>>>>;

fn live(parts: &Taken) -> Response<Body> {
    let mut response = body(parts.lock().unwrap().take().unwrap()).into_response();
    response.extensions_mut().insert(LongLived);
    response
}

/// A server with one stream: `/live` leaves hyper, `/plain` does not.
fn one_stream() -> (Memory, Parts) {
    let (send, receive) = unbounded_channel();
    let parts: Taken = Arc::new(Mutex::new(Some(receive)));
    let sized = || async {
        let mut response = Response::new(Body::from("sized"));
        response.extensions_mut().insert(LongLived);
        response
    };
    let app = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/live", any(|State(parts): State<Taken>| async move { live(&parts) }))
        .route(
            "/plain",
            get(|State(parts): State<Taken>| async move {
                let mut response = live(&parts);
                response.extensions_mut().remove::<LongLived>();
                response
            }),
        )
        .route("/sized", get(sized))
        .with_state(parts);
    (serving(app, Vec::new()), send)
}

fn ask(path: &str, version: &str) -> String {
    format!("GET {path} HTTP/{version}\r\nhost: x\r\n\r\n")
}

fn part(text: &'static str) -> Part {
    Ok(Bytes::from_static(text.as_bytes()))
}

/// Reads until this has come, and nothing behind it.
async fn read_to(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut byte = [0];
        assert_eq!(within(stream.read(&mut byte)).await.unwrap(), 1, "closed after {text:?}");
        text.push(char::from(byte[0]));
    }
    text
}

/// Waits until the body was dropped.
async fn dropped(parts: &Parts) {
    within(parts.closed()).await;
}

#[tokio::test(start_paused = true)]
async fn on_the_wire_it_is_what_hyper_would_write_but_for_the_end_of_the_connection() {
    let mut seen = Vec::new();
    for path in ["/plain", "/live"] {
        let (server, parts) = one_stream();
        let mut stream = server.connect();
        stream.write_all(ask(path, "1.1").as_bytes()).await.unwrap();
        let head = read_to(&mut stream, "\r\n\r\n").await;
        parts.send(part("a")).unwrap();
        let mut answer = read_to(&mut stream, "1\r\na\r\n").await;
        parts.send(part("twelve bytes")).unwrap();
        answer += &read_to(&mut stream, "C\r\ntwelve bytes\r\n").await;
        drop(parts);
        answer += &read_to(&mut stream, "0\r\n\r\n").await;
        let mut head: Vec<_> = head.lines().filter(|line| !line.starts_with("date: ")).map(str::to_owned).collect();
        head.sort_unstable();
        seen.push((head, answer));
    }
    let (plain, live) = (seen.remove(0), seen.remove(0));
    assert!(plain.0.contains(&"transfer-encoding: chunked".to_owned()), "{plain:?}");
    assert_eq!(live.1, plain.1);
    let (close, rest): (Vec<_>, _) = live.0.into_iter().partition(|line| line.starts_with("connection"));
    assert_eq!((close, rest), (vec!["connection: close".to_owned()], plain.0));
}

#[tokio::test(start_paused = true)]
async fn http_1_0_gets_a_body_that_ends_with_the_connection() {
    let (server, parts) = one_stream();
    let mut stream = server.connect();
    stream.write_all(ask("/live", "1.0").as_bytes()).await.unwrap();
    let head = read_to(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.0 200") && !head.contains("transfer-encoding"), "{head}");
    parts.send(part("a part")).unwrap();
    read_to(&mut stream, "a part").await;
    drop(parts);
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test(start_paused = true)]
async fn hyper_and_the_service_go_once_the_head_is_out() {
    for (path, left) in [("/plain", false), ("/live", true)] {
        let (connect, connections) = tokio::sync::mpsc::unbounded_channel();
        let (alive, held) = (Arc::new(()), Arc::new(Mutex::new(Some(unbounded_channel().1))));
        let kept = alive.clone();
        let make = move |_| {
            let (kept, held) = (kept.clone(), held.clone());
            hyper::service::service_fn(move |request: Request<Incoming>| {
                let _ = &kept;
                let mut response = live(&held);
                if request.uri().path() == "/plain" {
                    response.extensions_mut().remove::<LongLived>();
                }
                async { Ok(response) }
            })
        };
        let listener = Connections(connections);
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, make, Options::default(), stop));
        let (mut ours, theirs) = duplex(64 * 1024);
        connect.send(theirs).unwrap();
        let before = Arc::strong_count(&alive);
        ours.write_all(ask(path, "1.1").as_bytes()).await.unwrap();
        read_to(&mut ours, "\r\n\r\n").await;
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&alive) == before, left, "{path}");
        served.abort();
    }
}

/// Connections that a test makes.
struct Connections(UnboundedReceiver<tokio::io::DuplexStream>);

impl Listener for Connections {
    type Io = tokio::io::DuplexStream;

    async fn accept(&mut self) -> io::Result<(Self::Io, SocketAddr)> {
        match self.0.recv().await {
            Some(io) => Ok((io, SocketAddr::from(([127, 0, 0, 1], 1)))),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_there_together_go_out_as_one_chunk_and_an_empty_one_is_no_end() {
    let (server, parts) = one_stream();
    let mut stream = server.connect();
    for text in ["one ", "", "two ", "three"] {
        parts.send(part(text)).unwrap();
    }
    stream.write_all(ask("/live", "1.1").as_bytes()).await.unwrap();
    read_to(&mut stream, "\r\n\r\n").await;
    read_to(&mut stream, "D\r\none two three\r\n").await;
    parts.send(part("")).unwrap();
    parts.send(part("four")).unwrap();
    assert_eq!(read_to(&mut stream, "four\r\n").await, "4\r\nfour\r\n");
    drop(parts);
    assert_eq!(read_all(&mut stream).await, "0\r\n\r\n");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_where_the_way_is_narrow() {
    let (server, parts) = one_stream();
    let (mut ours, theirs) = duplex(7);
    server.connect.send(theirs).unwrap();
    let all: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    for piece in all.chunks(1_999) {
        parts.send(Ok(Bytes::copy_from_slice(piece))).unwrap();
    }
    drop(parts);
    // The head does not fit either.
    let (mut read, mut write) = tokio::io::split(&mut ours);
    write.write_all(ask("/live", "1.1").as_bytes()).await.unwrap();
    read_to(&mut read, "\r\n\r\n").await;
    let mut seen = Vec::new();
    loop {
        let line = read_to(&mut read, "\r\n").await;
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        within(read.read_exact(&mut chunk)).await.unwrap();
        assert!(chunk.ends_with(b"\r\n"));
        if length == 0 {
            break;
        }
        seen.extend_from_slice(&chunk[..length]);
    }
    assert!(seen == all);
    assert_eq!(within(read.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_who_goes_ends_the_body_even_while_it_waits() {
    let (server, parts) = one_stream();
    let mut stream = server.connect();
    stream.write_all(ask("/live", "1.1").as_bytes()).await.unwrap();
    read_to(&mut stream, "\r\n\r\n").await;
    assert!(!parts.is_closed());
    drop(stream);
    dropped(&parts).await;
    server.stop.cancel();
    assert_eq!(within(server.served).await.unwrap(), Served { cut: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_has_no_last_chunk() {
    let (server, parts) = one_stream();
    let mut stream = server.connect();
    stream.write_all(ask("/live", "1.1").as_bytes()).await.unwrap();
    read_to(&mut stream, "\r\n\r\n").await;
    parts.send(part("half")).unwrap();
    read_to(&mut stream, "half\r\n").await;
    parts.send(Err(io::ErrorKind::Other.into())).unwrap();
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test(start_paused = true)]
async fn it_may_follow_other_requests_and_what_is_sent_behind_it_is_not_answered() {
    let (server, parts) = one_stream();
    let mut stream = server.connect();
    stream.write_all(GET.as_bytes()).await.unwrap();
    assert!(read_one(&mut stream).await.ends_with("here"));
    stream.write_all(format!("{}{GET}", ask("/live", "1.1")).as_bytes()).await.unwrap();
    read_to(&mut stream, "\r\n\r\n").await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    parts.send(part("a part")).unwrap();
    read_to(&mut stream, "a part\r\n").await;
    drop(parts);
    assert_eq!(read_all(&mut stream).await, "0\r\n\r\n");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_leave_hyper_is_answered_by_it() {
    let (server, _parts) = one_stream();
    let mut stream = server.connect();
    stream.write_all(ask("/sized", "1.1").as_bytes()).await.unwrap();
    assert!(read_one(&mut stream).await.ends_with("sized"));
    // The connection goes on: hyper has it still.
    stream.write_all(b"HEAD /live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let head = read_to(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200") && !head.contains("connection: close"), "{head}");
    stream.write_all(GET.as_bytes()).await.unwrap();
    assert!(read_one(&mut stream).await.ends_with("here"));

    for request in [
        "POST /live HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        "GET /live HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi",
    ] {
        let (server, parts) = one_stream();
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).await.unwrap();
        let head = read_to(&mut stream, "\r\n\r\n").await;
        assert!(!head.contains("connection: close"), "{head}");
        parts.send(part("a part")).unwrap();
        drop(parts);
        read_to(&mut stream, "0\r\n\r\n").await;
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert!(read_one(&mut stream).await.ends_with("here"), "kept alive");
    }
}

#[tokio::test(start_paused = true)]
async fn over_http2_it_is_a_stream_like_any_other() {
    use http_body_util::BodyExt;

    let (server, parts) = one_stream();
    let io = TokioIo::new(server.connect());
    let (mut h2, driver) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(driver);
    let mut ask = async |path: &str| {
        let request = Request::get(format!("http://x{path}")).body(Body::empty()).unwrap();
        within(h2.send_request(request)).await.unwrap()
    };
    let mut answer = ask("/live").await;
    parts.send(part("a part")).unwrap();
    assert_eq!(within(answer.frame()).await.unwrap().unwrap().into_data().unwrap(), "a part");
    assert_eq!(ask("/").await.status(), StatusCode::OK, "beside it");
    drop(parts);
    assert_eq!(within(answer.into_body().collect()).await.unwrap().to_bytes(), "", "and its end");
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_takes_a_batch_in_time_goes_on_and_one_who_takes_a_byte_now_and_then_is_cut() {
    const LIMIT: u64 = 75;
    // Two parts of 32 KiB as one chunk: its length and two line ends are around them.
    const BATCH: usize = 64 * 1024 + "10000\r\n\r\n".len();
    let seconds = |count| tokio::time::timeout(Duration::from_secs(count), std::future::pending::<()>());
    let (server, parts) = one_stream();
    let mut stream = server.connect();
    stream.write_all(ask("/live", "1.1").as_bytes()).await.unwrap();
    read_to(&mut stream, "\r\n\r\n").await;
    let _ = seconds(20 * LIMIT).await;
    assert!(!parts.is_closed(), "nothing was there to be taken");

    // More than the 64 KiB that are on their way in between.
    for _ in 0..8 {
        parts.send(Ok(Bytes::from(vec![b'x'; 32 * 1024]))).unwrap();
    }
    for _ in 0..3 {
        let _ = seconds(LIMIT - 1).await;
        assert!(!parts.is_closed(), "the reader takes the whole batch in time");
        within(stream.read_exact(&mut vec![0; BATCH])).await.unwrap();
    }
    for _ in 0..3 {
        let _ = seconds(LIMIT / 3 - 1).await;
        assert!(!parts.is_closed());
        within(stream.read_exact(&mut [0])).await.unwrap();
    }
    assert!(!parts.is_closed());
    let _ = seconds(4).await;
    assert!(parts.is_closed(), "the reader took a byte from time to time");
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_the_answer_comes_before_that_of_the_server() {
    let (send, receive) = unbounded_channel();
    let parts: Taken = Arc::new(Mutex::new(Some(receive)));
    let still = |State(parts): State<Taken>| async move {
        let mut response = live(&parts);
        response.extensions_mut().insert(crate::gateway::deadline::Still(Duration::from_secs(5)));
        response
    };
    let server = serving(Router::new().route("/", get(still)).with_state(parts), Vec::new());
    // Not even its head is taken.
    let (mut ours, theirs) = duplex(64);
    server.connect.send(theirs).unwrap();
    ours.write_all(GET.as_bytes()).await.unwrap();
    let mut cut = std::pin::pin!(send.closed());
    assert!(tokio::time::timeout(Duration::from_secs(4), &mut cut).await.is_err());
    assert!(tokio::time::timeout(Duration::from_secs(2), &mut cut).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_drain_lets_it_end_and_the_grace_cuts_it() {
    for ends in [true, false] {
        let (server, parts) = one_stream();
        let mut stream = server.connect();
        stream.write_all(ask("/live", "1.1").as_bytes()).await.unwrap();
        read_to(&mut stream, "\r\n\r\n").await;
        server.stop.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(20), std::future::pending::<()>()).await;
        parts.send(part("bye")).unwrap();
        read_to(&mut stream, "bye\r\n").await;
        if ends {
            drop(parts);
            assert_eq!(read_all(&mut stream).await, "0\r\n\r\n");
        }
        assert_eq!(within(server.served).await.unwrap(), Served { cut: usize::from(!ends) });
    }
}

#[tokio::test(start_paused = true)]
async fn a_protocol_is_known_byte_by_byte() {
    let (server, _parts) = one_stream();
    let mut stream = server.connect();
    // Begins as the preface of HTTP/2 does.
    for byte in "PRI / HTTP/1.1\r\nhost: x\r\n\r\n".bytes() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&read_one(&mut stream).await), 405);

    let (ours, theirs) = duplex(3);
    server.connect.send(theirs).unwrap();
    let (mut h2, driver) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(ours)).await.unwrap();
    tokio::spawn(driver);
    let request = Request::get("http://x/").body(Body::empty()).unwrap();
    assert_eq!(within(h2.send_request(request)).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn what_waits_is_small() {
    let options = Options::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let io = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (peer, builders) = (io.peer_addr().unwrap(), Arc::new(protocol::Builders::new(&options)));
    let service = TowerToHyperService::new(Router::<()>::new());
    let hold = Arc::new(Sockets::default()).hold(Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap());
    let task = connection::serve(builders, (io, hold), peer, service, options, CancellationToken::new());
    // Of 10 KiB that a stream may cost, next to what the runtime and the body need.
    assert!(size_of_val(&task) <= 512, "{} bytes", size_of_val(&task));
}
