//! Several addresses of one name: the first that answers.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Dial, EgressError};

/// How long an address has the field for itself before the next one is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);
/// How many addresses are tried. Names have a handful; one with hundreds is not to be walked through at our cost.
const MOST: usize = 8;

/// Connects to the first address that takes it: one after the other, the next as soon as one fails or lets wait. Addresses
/// of both families take turns, beginning with the resolver's choice (RFC 8305 §4).
pub(super) async fn first(dial: &dyn Dial, addresses: &[SocketAddr]) -> Result<TcpStream, EgressError> {
    let mut rest = in_turns(addresses).into_iter().take(MOST);
    let mut under_way = FuturesUnordered::new();
    let mut last = EgressError::dns();
    loop {
        match rest.next() {
            Some(address) => under_way.push(dial.dial(address)),
            None if under_way.is_empty() => return Err(last),
            None => {}
        }
        let ended = match rest.len() {
            0 => under_way.next().await,
            _ => match timeout(HEAD_START, under_way.next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            },
        };
        match ended {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(fault)) => last = fault,
            None => {}
        }
    }
}

fn in_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(chosen) = addresses.first() else { return Vec::new() };
    let (same, other): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv4() == chosen.is_ipv4());
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut turns = Vec::with_capacity(addresses.len());
    while same.len() + other.len() > 0 {
        turns.extend(same.next());
        turns.extend(other.next());
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_the_resolver_chooses_the_first() {
        let addresses =
            ["[2a00::1]:80", "[2a00::2]:80", "[2a00::3]:80", "1.1.1.1:80"].map(|text| text.parse().unwrap());
        let turns: Vec<_> = in_turns(&addresses).iter().map(ToString::to_string).collect();
        assert_eq!(turns, ["[2a00::1]:80", "1.1.1.1:80", "[2a00::2]:80", "[2a00::3]:80"]);
        assert!(in_turns(&[]).is_empty());
    }
}
