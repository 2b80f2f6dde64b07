//! Whether the server that runs with these settings says that it is ready.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Finding, pinned};
use crate::data_dir;
use crate::settings::Settings;

/// A server asks each of its dependencies for two seconds at most.
const PATIENCE: Duration = Duration::from_secs(4);
/// More than it has to say.
const MOST: u64 = 64 * 1_024;

/// Asks it.
pub(super) async fn look(settings: &Settings) -> Finding {
    let Some(address) = settings.listen.filter(|address| address.port() != 0) else {
        return Finding::fail("ready", "the port is not known beforehand; name one by listen");
    };
    let address = from_here(address);
    match tokio::time::timeout(PATIENCE, ask(settings, address)).await {
        Ok(Ok(answer)) => told(address, &answer),
        Ok(Err(fault)) => Finding::fail("ready", format!("nobody answers on {address} ({fault}); start the server")),
        Err(_) => Finding::fail("ready", format!("no answer on {address} within {} s", PATIENCE.as_secs())),
    }
}

/// Asks it, if there is one: a server that runs holds the directory.
pub(super) async fn look_if_running(settings: &Settings) -> Option<Finding> {
    if settings.listen.is_some_and(|address| address.port() != 0) && data_dir::is_held(&settings.data_dir) {
        return Some(look(settings).await);
    }
    None
}

/// Where this machine reaches what listens there.
fn from_here(listen: SocketAddr) -> SocketAddr {
    let host = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(host, listen.port())
}

async fn ask(settings: &Settings, address: SocketAddr) -> io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    match &settings.tls_certificate {
        Some(certificate) => exchange(pinned::connect(stream, address.ip(), certificate).await?, address).await,
        None => exchange(stream, address).await,
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, address: SocketAddr) -> io::Result<String> {
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn told(address: SocketAddr, answer: &str) -> Finding {
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let Ok(Value::Object(body)) = serde_json::from_str(body) else {
        return Finding::fail("ready", format!("what answers on {address} is no waypost; choose another port"));
    };
    let ill = body.get("checks").and_then(Value::as_object).into_iter().flatten().filter(|(_, said)| *said != "ok");
    let ill: Vec<_> = ill.map(|(name, said)| format!("{name}: {}", said.as_str().unwrap_or_default())).collect();
    match body.get("status").and_then(Value::as_str) {
        Some("ready") => Finding::ok("ready", format!("the server on {address} is")),
        status => Finding::fail(
            "ready",
            format!("the server on {address} is {}: {}", status.unwrap_or("silent"), ill.join("; ")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;

    #[test]
    fn what_is_away_is_named() {
        let address = from_here("0.0.0.0:8080".parse().unwrap());
        assert_eq!(address.to_string(), "127.0.0.1:8080");
        let told = |answer| told(address, answer);
        let ready = "HTTP/1.1 200 OK\r\n\r\n{\"status\": \"ready\", \"checks\": {\"postgres\": \"ok\"}}";
        assert_eq!(told(ready).grade, Grade::Ok);
        let away = "HTTP/1.1 503 x\r\n\r\n{\"status\": \"unavailable\", \"checks\": {\"a\": \"ok\", \"b\": \"away\"}}";
        assert!(told(away).to_string().ends_with(" is unavailable: b: away"), "{}", told(away));
        assert_eq!(told("HTTP/1.1 200 OK\r\n\r\n<html>").grade, Grade::Fail);
    }
}
