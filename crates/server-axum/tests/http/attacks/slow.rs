//! Clients that take their time, to hold places that others need.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use waypost_server_axum::{HttpOptions, ServeOptions};

use super::wire::{Wire, read_all, statuses, within};

const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn a_head_that_drips_is_cut_however_far_it_came() {
    let wire =
        Wire::with(HttpOptions::default(), ServeOptions { head_timeout: SHORT, ..ServeOptions::default() }).await;
    let mut slow = Vec::new();
    for head in ["", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nhost: go.example\r\nx: y", "PRI * HTTP/2.0\r\n"] {
        let mut stream = wire.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    wire.is_well().await;
    for stream in &mut slow {
        assert_eq!(read_all(stream).await, "", "no answer: there is no request");
    }
    wire.has_logged("slow_head").await;
}

#[tokio::test]
async fn a_body_that_drips_is_408_whatever_it_promised() {
    let http = HttpOptions { deadline: SHORT, ..HttpOptions::default() };
    let wire = Wire::with(http, ServeOptions::default()).await;
    let head = format!(
        "POST /v1/links HTTP/1.1\r\nhost: go.example\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\n",
        wire.key
    );
    for body in
        ["content-length: 1000\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n", "content-length: 1\r\n\r\n"]
    {
        let mut stream = wire.connect().await;
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut bytes = vec![0; 4096];
        let read = within(tokio::io::AsyncReadExt::read(&mut stream, &mut bytes)).await.unwrap();
        let answer = String::from_utf8_lossy(&bytes[..read]).into_owned();
        assert_eq!(statuses(&answer), [408], "{body:?}: {answer}");
        assert!(answer.contains("REQUEST_TIMEOUT"), "{answer}");
        // What comes too late is no request of its own.
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nhost: go.example\r\nconnection: close\r\n\r\n").await;
        let rest = read_all(&mut stream).await;
        assert!(!rest.contains("HTTP/1.1 200"), "{body:?}: {rest}");
    }
    for line in wire.lines(3).await {
        assert_eq!((&line["status"], &line["reason"]), (&408.into(), &"the body came too slowly".into()));
    }
}

#[tokio::test]
async fn slow_bodies_of_one_address_leave_places_for_others() {
    use tokio::net::TcpSocket;

    let http = HttpOptions { most_in_flight: 8, ..HttpOptions::default() };
    let wire = Wire::with(http, ServeOptions::default()).await;
    let head = format!(
        "POST /v1/links HTTP/1.1\r\nhost: go.example\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\n\
         content-length: 1000\r\n\r\n",
        wire.key
    );
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = wire.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    let get = format!(
        "GET /v1/links HTTP/1.1\r\nhost: go.example\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        wire.key
    );
    // Until both have come in.
    let refused = within(async {
        loop {
            let answer = wire.say(&get).await;
            if statuses(&answer) == [503] {
                return answer;
            }
        }
    })
    .await;
    assert!(refused.contains("retry-after: 1") && refused.contains("UNAVAILABLE"), "{refused}");
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = socket.connect(wire.address).await.unwrap();
    other.write_all(get.as_bytes()).await.unwrap();
    assert_eq!(statuses(&read_all(&mut other).await), [200], "another address is served");
    wire.has_logged("too many requests in flight from this address").await;
    drop(held);
    within(async { while statuses(&wire.say(&get).await) != [200] {} }).await;
}
