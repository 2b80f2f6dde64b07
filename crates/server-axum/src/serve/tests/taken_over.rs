//! Connections that another protocol takes over.

use http::header::{CONNECTION, UPGRADE};
use tokio::sync::mpsc;

use super::*;

/// What became of a connection that was taken over: how its two sides ended.
type Ends = mpsc::UnboundedReceiver<io::ErrorKind>;

/// A server that hands every connection over to who reads what comes, and writes without end what nobody reads.
async fn start(options: Options) -> (Server, Ends) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let (told, ends) = mpsc::unbounded_channel();
    let answer = move |mut request: axum::extract::Request| async move {
        if request.headers().get(UPGRADE).is_none() {
            return Response::new(Body::from("here"));
        }
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let (mut reads, mut writes) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
            let reading = async move {
                let mut buffer = [0; 1_024];
                loop {
                    match reads.read(&mut buffer).await {
                        Ok(0) => return io::ErrorKind::UnexpectedEof,
                        Ok(_) => {}
                        Err(error) => return error.kind(),
                    }
                }
            };
            let writing = async move {
                loop {
                    if let Err(error) = writes.write_all(&[0; 64 * 1_024]).await {
                        return error.kind();
                    }
                }
            };
            let (one, other) = (tokio::spawn(reading), tokio::spawn(writing));
            for end in [one.await.unwrap(), other.await.unwrap()] {
                let _ = told.send(end);
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        response.headers_mut().insert(UPGRADE, HeaderValue::from_static("bytes"));
        response
    };
    let app = Router::new().fallback(answer);
    let make = move |_| TowerToHyperService::new(app.clone());
    let served = tokio::spawn(serve(listener, make, options, stop.clone()));
    let (release, entered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    (Server { address, stop, served, release, entered }, ends)
}

/// A connection that was taken over.
async fn taken_over(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: bytes\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(stream.read_u8()).await.unwrap());
    }
    assert_eq!(status(&String::from_utf8(head).unwrap()), 101);
    stream
}

#[tokio::test]
async fn the_end_waits_for_a_connection_that_was_taken_over() {
    let (server, mut ends) = start(Options::default()).await;
    let stream = taken_over(&server).await;
    server.stop.cancel();
    // Once newcomers are refused, the server waits for nothing but the one that is left.
    within(async { while TcpStream::connect(server.address).await.is_ok() {} }).await;
    let early = tokio::time::timeout(Duration::from_millis(50), ends.recv()).await;
    assert!(early.is_err() && !server.served.is_finished(), "it is left alone within the grace");
    drop(stream);
    assert_eq!(within(server.served).await.unwrap(), Served { cut: 0 });
}

#[tokio::test]
async fn one_that_outlasts_the_grace_is_cut_on_both_its_sides_and_counted() {
    let (server, mut ends) = start(Options { grace: Duration::from_millis(20), ..Options::default() }).await;
    let mut stream = taken_over(&server).await;
    assert_eq!(server.stop().await, Served { cut: 1 });
    for _ in 0..2 {
        assert_eq!(within(ends.recv()).await, Some(io::ErrorKind::ConnectionAborted));
    }
    // What was on its way may still be read; then it is over.
    read_all(&mut stream).await;
}

#[tokio::test]
async fn one_that_was_taken_over_keeps_its_place_until_it_is_closed() {
    let (server, _ends) = start(Options { max_connections: 1, ..Options::default() }).await;
    let first = taken_over(&server).await;
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(GET.as_bytes()).await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(50), second.read(&mut byte)).await;
    assert!(early.is_err(), "not served while the first is there");
    drop(first);
    assert!(read_one(&mut second).await.ends_with("here"));
    drop(second);
    server.stop().await;
}
