//! Stand-ins for the network: a resolver that says what it is told to, and a dialer that notes where it was sent.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::super::{Dial, EgressClass, EgressError, Resolve};

/// Gives one answer after the other, the last again and again; notes the names.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    answers: Arc<Mutex<Vec<Vec<IpAddr>>>>,
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    /// Answers parted by `|`, addresses by spaces.
    pub(super) fn new(text: &str) -> Self {
        let answer = |text: &str| text.split_whitespace().map(|address| address.parse().unwrap()).collect();
        let mut answers: Vec<_> = text.split('|').map(answer).collect();
        answers.reverse();
        Self { answers: Arc::new(Mutex::new(answers)), ..Self::default() }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolve for Script {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        match answers.len() {
            0 => Err(io::Error::other("no such name")),
            1 => Ok(answers[0].clone()),
            _ => Ok(answers.pop().unwrap()),
        }
    }
}

/// Notes where it was sent. Connects to one address whatever it is sent to, or refuses.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder {
    pub(super) leads_to: Option<SocketAddr>,
    dialed: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Recorder {
    pub(super) fn dialed(&self) -> Vec<String> {
        self.dialed.lock().unwrap().iter().map(ToString::to_string).collect()
    }
}

#[async_trait]
impl Dial for Recorder {
    async fn dial(&self, address: SocketAddr) -> Result<TcpStream, EgressError> {
        self.dialed.lock().unwrap().push(address);
        match self.leads_to {
            Some(address) => TcpStream::connect(address).await.map_err(EgressError::connect),
            None => Err(EgressError::new(EgressClass::Refused, "nobody took the connection")),
        }
    }
}
