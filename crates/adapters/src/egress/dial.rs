//! From a checked address to a connection.

use std::fmt::Debug;
use std::net::SocketAddr;

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::EgressError;

/// Connects to an address that was checked.
#[async_trait]
pub trait Dial: Debug + Send + Sync {
    /// A connection to exactly this address. Dropping the future gives it up; whoever calls sets the time.
    ///
    /// # Errors
    /// Why there is none.
    async fn dial(&self, address: SocketAddr) -> Result<TcpStream, EgressError>;
}

/// Straight over TCP, without Nagle's delay: what is sent is sent whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

#[async_trait]
impl Dial for Direct {
    async fn dial(&self, address: SocketAddr) -> Result<TcpStream, EgressError> {
        let stream = TcpStream::connect(address).await.map_err(EgressError::connect)?;
        stream.set_nodelay(true).map_err(EgressError::connect)?;
        Ok(stream)
    }
}
