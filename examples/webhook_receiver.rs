//! A receiver of webhooks: verifies what comes, drops what it has seen, answers at once and works later.
//!
//! `cargo run --example webhook_receiver --features client -- 127.0.0.1:9000 whsec_…`
//!
//! Name it to a server as an endpoint (`POST /v1/webhooks` with its `url`), and give it the secret that the answer shows.
//! Without arguments it takes a secret of its own, calls itself with a delivery, its repetition and a forgery, and ends.

use std::collections::{HashSet, VecDeque};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use waypost::client::WebhookVerifier;
use waypost::clock::{Clock, SystemClock};
use waypost::entropy::OsEntropy;
use waypost::webhooks::{WebhookSecret, sign, signed_content};
use waypost::wire::v1::Event;

/// How many ids are remembered. A delivery comes again within days, and this memory ends with the process: a receiver whose
/// work must not be done twice writes the id into its database, in the transaction of the work.
const REMEMBERED: usize = 10_000;

/// The ids that came last.
#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    /// Remembers an id; says whether it is new.
    fn is_new(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > REMEMBERED {
            self.order.pop_front().map(|oldest| self.ids.remove(&oldest));
        }
        true
    }
}

#[derive(Clone)]
struct Receiver {
    verifier: Arc<WebhookVerifier>,
    seen: Arc<Mutex<Seen>>,
    work: mpsc::Sender<Event>,
}

/// Takes the bytes as they came: a body that was parsed and written anew has another signature.
async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let received = match receiver.verifier.verify(&headers, &body) {
        Ok(received) => received,
        Err(refusal) => {
            println!("refused:   {refusal}");
            return StatusCode::UNAUTHORIZED;
        }
    };
    let Ok(event) = received.event() else { return StatusCode::UNPROCESSABLE_ENTITY };
    // A place first: what there is no room for comes again, so it must not be remembered as seen.
    let Ok(place) = receiver.work.try_reserve() else { return StatusCode::SERVICE_UNAVAILABLE };
    if !receiver.seen.lock().unwrap_or_else(PoisonError::into_inner).is_new(received.id()) {
        println!("duplicate: {}", received.id());
        return StatusCode::NO_CONTENT;
    }
    place.send(event);
    StatusCode::NO_CONTENT
}

/// The work, which no sender waits for.
async fn work(mut events: mpsc::Receiver<Event>) {
    while let Some(event) = events.recv().await {
        println!("received:  {} {} {}", event.event, event.id, event.data);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next();
    let own = WebhookSecret::generate(&OsEntropy);
    let secret = match (&address, arguments.next()) {
        (Some(_), None) => return Err("give the secret of the endpoint after the address: whsec_…".into()),
        (_, secret) => secret.unwrap_or_else(|| own.expose()),
    };
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let local = listener.local_addr()?;
    println!("listening: http://{local}/hooks");

    let (sender, events) = mpsc::channel(1_000);
    let worker = tokio::spawn(work(events));
    let verifier = Arc::new(WebhookVerifier::new([secret])?);
    let router = Router::new().route("/hooks", post(receive));
    let router = router.with_state(Receiver { verifier, seen: Arc::default(), work: sender });
    if address.is_some() {
        return Ok(axum::serve(listener, router).await?);
    }
    let server = tokio::spawn(async { axum::serve(listener, router).await });
    assert_eq!(call(local, &own, "").await?, 204);
    assert_eq!(call(local, &own, "").await?, 204, "a repetition is a success, and does nothing");
    assert_eq!(call(local, &own, " ").await?, 401, "one byte more, and nobody is believed");
    server.abort();
    let _ = server.await;
    // The last sender of work went with the server: the worker ends once all of it is done.
    Ok(worker.await?)
}

/// Calls the receiver as a platform does, with `added` to the body after it was signed; gives the status.
async fn call(address: SocketAddr, secret: &WebhookSecret, added: &str) -> Result<u16, Box<dyn Error>> {
    let id = "evt_01JD3X8M2V7Q5T9B4C6E8G0HJK";
    let now = SystemClock.now();
    let body = format!(
        r#"{{"id":"{id}","event":"link.created","version":1,"created_at":"2026-11-21T12:00:00Z","workspace_id":"wsp_1","subject":null,"cursor":"AQ","traceparent":null,"data":{{"link":{{"slug":"rust"}}}}}}"#
    );
    let signature = sign(secret, &signed_content(id, now, body.as_bytes()));
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "POST /hooks HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\n\
         webhook-timestamp: {}\r\nwebhook-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}{added}",
        now.as_second(),
        body.len() + added.len(),
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.split(' ').nth(1).ok_or("no status")?.parse()?)
}
